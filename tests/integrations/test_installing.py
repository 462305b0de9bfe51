import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import retouch
from retouch.errors import RetouchError
from retouch.integrations import installing, places


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home in which nothing has run yet."""
    for name in ("GIMP3_DIRECTORY", "XDG_CONFIG_HOME", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("platform", "base"),
    [
        ("linux", ".config/GIMP"),
        ("linux", ".var/app/org.gimp.GIMP/config/GIMP"),
        ("darwin", "Library/Application Support/GIMP"),
        ("win32", "AppData/Roaming/GIMP"),
    ],
)
def test_gimp_folders(home, monkeypatch, platform, base):
    monkeypatch.setattr(sys, "platform", platform)
    for version in ("2.10", "3.0", "3.2"):
        (home / base / version).mkdir(parents=True)
    expected = [home / base / version / "plug-ins" for version in ("3.0", "3.2")]
    assert places.gimp_folders() == expected


def test_gimp_folders_that_the_environment_names(home, monkeypatch):
    (home / "config" / "GIMP" / "3.0").mkdir(parents=True)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    assert places.gimp_folders() == [home / "config" / "GIMP" / "3.0" / "plug-ins"]
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("APPDATA", str(home / "config"))
    assert places.gimp_folders() == [home / "config" / "GIMP" / "3.0" / "plug-ins"]
    monkeypatch.setenv("GIMP3_DIRECTORY", str(home / "own"))
    assert places.gimp_folders() == [home / "own" / "plug-ins"]


@pytest.mark.parametrize(
    ("platform", "base"),
    [
        ("linux", ".config/darktable"),
        ("linux", ".var/app/org.darktable.Darktable/config/darktable"),
        ("darwin", ".config/darktable"),
        ("win32", "AppData/Local/darktable"),
    ],
)
def test_darktable_folders(home, monkeypatch, platform, base):
    monkeypatch.setattr(sys, "platform", platform)
    (home / base).mkdir(parents=True)
    assert places.darktable_folders() == [home / base]


def test_nothing_has_run(home):
    with pytest.raises(RetouchError, match="start GIMP once"):
        places.gimp_folders()
    with pytest.raises(RetouchError, match="start it once"):
        places.darktable_folders()


def test_gimp(tmp_path):
    plugin = installing.gimp(tmp_path, ["exemplar", "telea"])
    said = installing.install(plugin)
    own = tmp_path / "retouch"
    assert said[:2] == [f"wrote {own / 'retouch.py'}", f"wrote {own / 'plug-in.json'}"]
    assert "Filters > Enhance" in said[2]
    settings = json.loads((own / "plug-in.json").read_text())
    assert settings["models"] == ["exemplar", "telea"]
    assert settings["server"] is None
    version = subprocess.run([*settings["command"], "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.strip() == f"retouch {retouch.__version__}"
    if sys.platform != "win32":
        assert os.access(own / "retouch.py", os.X_OK)
    assert installing.install(plugin) == said  # again, over our own files
    assert len(installing.uninstall(plugin)) == 2
    assert list(tmp_path.iterdir()) == []
    assert installing.uninstall(plugin) == ["there is nothing to remove"]


def test_gimp_in_a_flatpak(home):
    folder = home / ".var/app/org.gimp.GIMP/config/GIMP/3.0/plug-ins"
    plugin = installing.gimp(folder, ["exemplar"])
    settings = json.loads(plugin.files[folder / "retouch" / "plug-in.json"])
    assert settings["command"][:2] == ["flatpak-spawn", "--host"]
    assert any("flatpak override" in line for line in plugin.advice)
    plugin = installing.gimp(folder, ["exemplar"], "http://127.0.0.1:8080")
    settings = json.loads(plugin.files[folder / "retouch" / "plug-in.json"])
    assert settings["server"] == "http://127.0.0.1:8080"
    assert not any("flatpak" in line for line in plugin.advice)


def test_files_of_others_stay(tmp_path):
    plugin = installing.gimp(tmp_path, ["exemplar"])
    other = tmp_path / "retouch" / "plug-in.json"
    other.parent.mkdir()
    other.write_text("{}")
    with pytest.raises(RetouchError, match="not from retouch"):
        installing.install(plugin)
    assert list(other.parent.iterdir()) == [other]
    assert installing.uninstall(plugin) == [f"left {other}, which is not from retouch"]
    assert other.read_text() == "{}"


@pytest.mark.parametrize("platform", ["linux", "win32"])
def test_darktable(tmp_path, monkeypatch, platform):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(sys, "executable", r"C:\a b\python.exe" if platform == "win32" else "/a b/python")
    (tmp_path / "luarc").write_text('require "other"')  # without a line's end
    (tmp_path / "darktablerc").write_text("a=b\nlua/ext_editor/program_name_1=GIMP\n")
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    plugin = installing.darktable(tmp_path)
    installing.install(plugin)
    installing.install(installing.darktable(tmp_path))  # adds nothing twice
    assert (tmp_path / "luarc").read_text() == 'require "other"\nrequire "retouch"\n'
    editor = tmp_path / "lua" / ("retouch-edit.cmd" if platform == "win32" else "retouch-edit")
    assert (tmp_path / "darktablerc").read_text() == before["darktablerc"] + (
        f"lua/ext_editor/program_name_2=retouch\nlua/ext_editor/program_path_2={editor}\n"
    )
    command = (
        r'{"C:\\a b\\python.exe", "-m", "retouch"}'
        if platform == "win32"
        else '{"/a b/python", "-m", "retouch"}'
    )
    assert f"local COMMAND = {command}\n" in (tmp_path / "lua" / "retouch.lua").read_text()
    quoted = r'"C:\a b\python.exe"' if platform == "win32" else "'/a b/python'"
    assert quoted in editor.read_text()
    installing.uninstall(installing.darktable(tmp_path))
    assert not list((tmp_path / "lua").iterdir())
    assert (tmp_path / "luarc").read_text() == before["luarc"] + "\n"
    assert (tmp_path / "darktablerc").read_text() == before["darktablerc"]


@pytest.mark.skipif(sys.platform == "win32", reason="runs a shell script")
def test_the_editor_gets_the_file(tmp_path, monkeypatch):
    words = tmp_path / "words"
    program = tmp_path / "my python"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {words}\n')
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    installing.install(installing.darktable(tmp_path))
    subprocess.run([tmp_path / "lua" / "retouch-edit", "a photo.tif"], check=True)
    expected = ["-m", "retouch", "edit", "--wait", "--overwrite", "-o", "a photo.tif", "a photo.tif"]
    assert words.read_text().splitlines() == expected


def test_darktable_that_runs(tmp_path):
    (tmp_path / "library.db.lock").write_text("1")
    with pytest.raises(RetouchError, match="close it first"):
        installing.darktable(tmp_path)


def test_comfyui(tmp_path):
    plugin = installing.comfyui(tmp_path)
    installing.install(plugin)
    own = tmp_path / "retouch"
    assert {path.name for path in own.iterdir()} == {"__init__.py", "pyproject.toml"}
    installing.uninstall(plugin)
    assert not own.exists()
