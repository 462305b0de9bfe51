from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in ("GIMP3_DIRECTORY", "XDG_CONFIG_HOME", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    return tmp_path


def test_gimp(run, tmp_path):
    done = run("install-plugin", "gimp", "--into", tmp_path)
    assert done.code == 0
    assert f"wrote {tmp_path / 'retouch' / 'retouch.py'}" in done.err
    done = run("install-plugin", "gimp", "--into", tmp_path, "--uninstall")
    assert done.code == 0
    assert f"removed {tmp_path / 'retouch' / 'retouch.py'}" in done.err
    assert list(tmp_path.iterdir()) == []


def test_every_gimp_gets_it(run, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    for base in (".config/GIMP/3.0", ".var/app/org.gimp.GIMP/config/GIMP/3.0"):
        (tmp_path / base).mkdir(parents=True)
    done = run("install-plugin", "gimp")
    assert done.code == 0
    assert len(list(tmp_path.rglob("plug-ins/retouch/retouch.py"))) == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["gimp"], "start GIMP once"),
        (["darktable"], "start it once"),
        (["comfyui"], "custom_nodes with --into"),
        (["gimp", "--into", "nowhere"], "nowhere is no folder"),
        (["gimp", "--server", "localhost"], "--server takes an address"),
        (["darktable", "--server", "http://a"], "--server is for GIMP"),
        (["krita"], "see retouch install-plugin --help"),
    ],
)
def test_refusals(refused, arguments, says):
    refused("install-plugin", *arguments, says=says)


def test_a_slip_of_the_finger(run):
    assert "did you mean install-plugin?" in run("instal-plugin").err
