"""Putting into another program's folders what lets it use retouch, and taking it out again.

A file is ours if it says :data:`MARK`. Another's file is never replaced or removed. In files that we share
with others, only our lines are added and removed.
"""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path

from retouch.errors import RetouchError
from retouch.files import write_text
from retouch.integrations.places import is_flatpak

MARK = "retouch install-plugin"
_HERE = Path(__file__).parent
_ON_HOST = ["flatpak-spawn", "--host"]


@dataclass(frozen=True)
class Plugin:
    """What one program gets.

    Attributes:
        files: the text of each file; all say :data:`MARK`.
        programs: those of them that can be executed.
        lines: files that are not ours, and the lines that each gets.
        advice: what the person has to do then.
    """

    files: dict[Path, str]
    programs: tuple[Path, ...] = ()
    lines: dict[Path, tuple[str, ...]] = field(default_factory=dict)
    advice: tuple[str, ...] = ()


def gimp(folder: Path, models: list[str], server: str | None = None) -> Plugin:
    """The plug-in for GIMP 3.

    Args:
        folder: GIMP's folder of plug-ins.
        models: the names to choose from; the first is the default.
        server: the address of a running ``retouch serve``; None = start ``retouch fill``.
    """
    own, flatpak = folder / "retouch", is_flatpak(folder) and server is None
    command = (_ON_HOST if flatpak else []) + [sys.executable, "-m", "retouch"]
    settings = {"written by": MARK, "command": command, "server": server, "models": models}
    advice = ["Start GIMP again; it is at Filters > Enhance > Fill Selection with retouch."]
    if flatpak:
        allow = "flatpak override --user --talk-name=org.freedesktop.Flatpak org.gimp.GIMP"
        advice.append(
            f"{own} is of a flatpak; let it start retouch ({allow}), or use --server and retouch serve."
        )
    script = own / "retouch.py"
    files = {
        script: _shipped("gimp", "retouch.py"),
        own / "plug-in.json": json.dumps(settings, indent=2) + "\n",
    }
    return Plugin(files, (script,), advice=tuple(advice))


def darktable(folder: Path) -> Plugin:
    """The export storage for darktable, and an entry for its script of external editors.

    Args:
        folder: darktable's configuration folder.

    Raises:
        RetouchError: darktable is running, and would write its configuration again when it ends.
    """
    if list(folder.glob("*.db.lock")):
        raise RetouchError(f"darktable is running with {folder} (or has crashed: start it); close it first.")
    command = (_ON_HOST if is_flatpak(folder) else []) + [sys.executable, "-m", "retouch"]
    script, lua = _shipped("darktable", "retouch.lua"), folder / "lua"
    words = ", ".join(json.dumps(word) for word in command)
    storage = script.replace('local COMMAND = {"retouch"}', f"local COMMAND = {{{words}}}")
    if sys.platform == "win32":
        editor = lua / "retouch-edit.cmd"
        words = " ".join(f'"{word}"' for word in command)
        text = f"@rem {MARK} darktable\n@{words} edit --wait --overwrite -o %1 %1\n"
    else:
        editor = lua / "retouch-edit"
        edit = f'{shlex.join(command)} edit --wait --overwrite -o "$1" "$1"'
        text = f"#!/bin/sh\n# {MARK} darktable\nexec {edit}\n"
    advice = (
        "Start darktable; in the lighttable, export > target storage has: fill holes with retouch.",
        "Its script external editors, if you use it, has retouch, too.",
    )
    files = {lua / "retouch.lua": storage, editor: text}
    settings = folder / "darktablerc"
    lines = {folder / "luarc": ('require "retouch"',), settings: _external_editor(settings, editor)}
    return Plugin(files, (editor,), lines, advice)


def _external_editor(settings: Path, editor: Path) -> tuple[str, ...]:
    """The lines of the first entry for external editors that is free, or ours already."""
    known = dict(line.rstrip("\n").partition("=")[::2] for line in _lines_of(settings))
    for number in range(1, 10):
        entry = {f"lua/ext_editor/program_name_{number}": "retouch"}
        entry[f"lua/ext_editor/program_path_{number}"] = str(editor)
        if not known.get(next(iter(entry))) or entry.items() <= known.items():
            return tuple(f"{name}={value}" for name, value in entry.items())
    return ()


def comfyui(folder: Path) -> Plugin:
    """The node for ComfyUI.

    Args:
        folder: ComfyUI's ``custom_nodes``.
    """
    own = folder / "retouch"
    files = {own / name: _shipped("comfyui", name) for name in ("__init__.py", "pyproject.toml")}
    advice = (
        "Install retouch in ComfyUI's own Python, too, and start ComfyUI again; the node is image > retouch."
    )
    return Plugin(files, advice=(advice,))


def install(plugin: Plugin) -> list[str]:
    """Write a plug-in; returns a sentence for each change.

    Raises:
        RetouchError: a file of another is in the way (nothing was written then), or a folder cannot be
            written.
    """
    for path in plugin.files:
        if path.exists() and not _is_ours(path):
            raise RetouchError(f"{path} is there already, and not from retouch; move it away first.")
    said = []
    for path, text in plugin.files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RetouchError(f"{path.parent} cannot be made ({error.strerror}); check its name.") from error
        write_text(text, path, overwrite=True)
        if path in plugin.programs:
            path.chmod(path.stat().st_mode | 0o111)
        said.append(f"wrote {path}")
    for path, lines in plugin.lines.items():
        others = _without(lines, path)
        if others and not others[-1].endswith("\n"):
            others[-1] += "\n"
        write_text("".join([*others, *(f"{line}\n" for line in lines)]), path, overwrite=True)
        said += [f"added to {path}: {line}" for line in lines]
    return [*said, *plugin.advice]


def uninstall(plugin: Plugin) -> list[str]:
    """Remove a plug-in; returns a sentence for each change."""
    said = []
    for path, lines in plugin.lines.items():
        others = _without(lines, path)
        if len(others) < len(_lines_of(path)):
            write_text("".join(others), path, overwrite=True)
            said += [f"removed from {path}: {line}" for line in lines]
    for path in plugin.files:
        if not path.exists():
            continue
        if not _is_ours(path):
            said.append(f"left {path}, which is not from retouch")
            continue
        path.unlink()
        said.append(f"removed {path}")
        if path.parent.name == "retouch" and not any(path.parent.iterdir()):
            path.parent.rmdir()
    return said or ["there is nothing to remove"]


def _shipped(*parts: str) -> str:
    return _HERE.joinpath(*parts).read_text(encoding="utf-8")


def _is_ours(path: Path) -> bool:
    return path.is_file() and MARK in path.read_text(encoding="utf-8", errors="replace")


def _lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []


def _without(lines: tuple[str, ...], path: Path) -> list[str]:
    return [line for line in _lines_of(path) if line.rstrip("\r\n") not in lines]
