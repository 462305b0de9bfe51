"""Where other programs keep what they are extended with, on each system."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from retouch.errors import RetouchError

FLATPAKS = Path(".var", "app")


def gimp_folders() -> list[Path]:
    """The plug-in folders of every GIMP 3 that has run here: ``…/GIMP/3.0/plug-ins``.

    Raises:
        RetouchError: there is none.
    """
    if given := os.environ.get("GIMP3_DIRECTORY"):
        return [Path(given, "plug-ins")]
    home = Path.home()
    if sys.platform == "darwin":
        bases = [home / "Library" / "Application Support" / "GIMP"]
    elif sys.platform == "win32":
        bases = [_from_environment("APPDATA", "AppData", "Roaming") / "GIMP"]
    else:
        own = _from_environment("XDG_CONFIG_HOME", ".config")
        bases = [own / "GIMP", home / FLATPAKS / "org.gimp.GIMP" / "config" / "GIMP"]
    found = sorted(folder for base in bases for folder in base.glob("3.*") if folder.is_dir())
    if not found:
        raise RetouchError(
            f"No GIMP 3 has run here, as there is no {bases[0] / '3.0'}; start GIMP once, or name its folder "
            "of plug-ins with --into."
        )
    return [folder / "plug-ins" for folder in found]


def darktable_folders() -> list[Path]:
    """The configuration folders of every darktable that has run here.

    Raises:
        RetouchError: there is none.
    """
    home = Path.home()
    if sys.platform == "win32":
        bases = [_from_environment("LOCALAPPDATA", "AppData", "Local") / "darktable"]
    else:
        # On macOS, too, it is the folder of XDG.
        own = _from_environment("XDG_CONFIG_HOME", ".config")
        bases = [own / "darktable", home / FLATPAKS / "org.darktable.Darktable" / "config" / "darktable"]
    found = [folder for folder in bases if folder.is_dir()]
    if not found:
        raise RetouchError(
            f"No darktable has run here, as there is no {bases[0]}; start it once, or name its configuration "
            "folder with --into."
        )
    return found


def is_flatpak(folder: Path) -> bool:
    """Whether a folder belongs to a flatpak, which cannot start programs outside of itself."""
    return (Path.home() / FLATPAKS) in folder.parents


def _from_environment(name: str, *usual: str) -> Path:
    given = os.environ.get(name)
    return Path(given) if given else Path.home().joinpath(*usual)
