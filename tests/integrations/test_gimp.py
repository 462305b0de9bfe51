"""The parts of the GIMP plug-in that need no GIMP; scripts/hosts/gimp.sh tries the rest in GIMP itself."""

import importlib.util
import json
import sys
import threading
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import tifffile
import uvicorn

import retouch
import retouch.integrations
from retouch.server.app import create_app
from retouch.server.service import Settings

SOURCE = Path(retouch.integrations.__file__).parent / "gimp" / "retouch.py"


@pytest.fixture
def plugin(monkeypatch):
    """The plug-in, loaded where nothing of GIMP is."""
    gi, repository = ModuleType("gi"), ModuleType("gi.repository")
    gi.require_version = lambda *_: None
    for name in ("Babl", "Gegl", "GLib", "GObject"):
        setattr(repository, name, SimpleNamespace())
    repository.Gimp = SimpleNamespace(PlugIn=object)
    monkeypatch.setitem(sys.modules, "gi", gi)
    monkeypatch.setitem(sys.modules, "gi.repository", repository)
    specification = importlib.util.spec_from_file_location("gimp_plugin", SOURCE)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("hole", "borrow", "expected"),
    [
        ((2000, 1500, 100, 80), None, (1744, 1244, 612, 592)),  # 256 pixels around
        ((1000, 1000, 500, 300), None, (500, 500, 1500, 1300)),  # as much as it is long
        ((0, 0, 10, 10), None, (0, 0, 266, 266)),
        ((3990, 2990, 10, 10), None, (3734, 2734, 266, 266)),
        ((2000, 1500, 100, 80), (100, 2000, 50, 50), (100, 1244, 2256, 806)),
        ((2000, 1500, 100, 80), (-500, -500, 9000, 9000), (0, 0, 4000, 3000)),
    ],
)
def test_window(plugin, hole, borrow, expected):
    assert plugin.window(hole, (0, 0, 4000, 3000), borrow) == expected


def test_boxes_that_share_nothing(plugin):
    assert plugin.common((0, 0, 10, 10), (10, 0, 5, 5)) is None
    assert plugin.common((0, 0, 10, 10), (-5, 8, 100, 100)) == (0, 8, 10, 2)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_tiff_is_what_another_program_reads(plugin, tmp_path, dtype, channels):
    shape = (7, 5, channels)
    samples = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    data = plugin.tiff(5, 7, channels, dtype().itemsize * 8, samples.tobytes(), b"a profile")
    (tmp_path / "a.tif").write_bytes(data)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        page = file.pages[0]
        assert np.array_equal(page.asarray().reshape(shape), samples)
        assert page.iccprofile == b"a profile"
        assert [int(each) for each in page.extrasamples] == ([2] if channels % 2 == 0 else [])
    assert plugin.samples_of(data) == samples.tobytes()


def test_samples_in_many_strips(plugin, tmp_path):
    samples = np.random.default_rng(0).integers(0, 65536, (50, 40, 3), np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", samples, rowsperstrip=7, photometric="rgb")
    assert plugin.samples_of((tmp_path / "a.tif").read_bytes()) == samples.tobytes()


def test_command(plugin, tmp_path):
    options = {"model": "telea", "seed": 3, "refine": True}
    words = plugin.command(["python", "-m", "retouch"], str(tmp_path), options, True)
    assert words[:4] == ["python", "-m", "retouch", "fill"]
    assert words[4:8] == [str(tmp_path / name) for name in ("photo.tif", "mask.tif")] + [
        "-o",
        str(tmp_path / "filled.tif"),
    ]
    assert {"--refine", "--include", "telea", "3"} <= set(words)
    words = plugin.command(["retouch"], str(tmp_path), options | {"refine": False}, False)
    assert not {"--refine", "--include"} & set(words)


@pytest.fixture
def files(plugin):
    """A 16-bit window with alpha, its hole, and where to borrow from; and the arrays."""
    photo = np.random.default_rng(0).integers(0, 65536, (60, 80, 4), np.uint16)
    hole, include = np.zeros((60, 80), np.uint8), np.zeros((60, 80), np.uint8)
    hole[20:30, 30:50], include[:15] = 255, 255
    data = {"photo": plugin.tiff(80, 60, 4, 16, photo.tobytes())}
    data |= {"mask": plugin.tiff(80, 60, 1, 8, hole.tobytes())}
    data |= {"include": plugin.tiff(80, 60, 1, 8, include.tobytes())}
    return data, photo, hole > 0


# As `python -m retouch`, but of this clone, whatever else is installed: the plug-in passes on no PYTHONPATH.
CLONE = Path(retouch.__file__).parent.parent
PROGRAM = [
    sys.executable,
    "-c",
    f"import sys; sys.path[:0] = [{str(CLONE)!r}]; import retouch.cli; retouch.cli.main()",
]
OPTIONS = {"model": "telea", "seed": 0, "refine": False}


def check_fill(plugin, filled, photo, hole):
    pixels = np.frombuffer(plugin.samples_of(filled), np.uint16).reshape(photo.shape)
    assert np.array_equal(pixels[~hole], photo[~hole])
    assert not np.array_equal(pixels[hole], photo[hole])


def test_fill_by_program(plugin, files, tmp_path):
    data, photo, hole = files
    told = []
    filled = plugin.fill_by_program(PROGRAM, str(tmp_path), data, OPTIONS, lambda *each: told.append(each))
    check_fill(plugin, filled, photo, hole)
    assert told[-1][1] == 1
    assert all(isinstance(stage, str) and 0 <= fraction <= 1 for stage, fraction in told)


def test_what_the_program_refuses_is_said(plugin, files, tmp_path):
    data, photo, _ = files
    everything = plugin.tiff(80, 60, 1, 8, b"\xff" * photo[..., 0].size)
    with pytest.raises(plugin.Failure, match=r"^The mask covers the whole photo"):
        plugin.fill_by_program(PROGRAM, str(tmp_path), data | {"mask": everything}, OPTIONS, print)
    with pytest.raises(plugin.Failure, match="install-plugin gimp"):
        plugin.fill_by_program([str(tmp_path / "gone")], str(tmp_path), data, OPTIONS, print)


@pytest.fixture
def server(tmp_path):
    """The address of a running server."""
    sessions = tmp_path / "sessions"
    sessions.mkdir()
    app = create_app(Settings(sessions))
    running = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running.started:
        assert thread.is_alive()
    (listener,) = running.servers[0].sockets
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    running.should_exit = True
    thread.join()


def test_fill_by_server(plugin, files, server):
    data, photo, hole = files
    told = []
    filled = plugin.fill_by_server(f"{server}/", data, OPTIONS, lambda *each: told.append(each))
    check_fill(plugin, filled, photo, hole)
    assert told[-1] == ("done", 1)


def test_what_the_server_refuses_is_said(plugin, files, server):
    data, _, _ = files
    with pytest.raises(plugin.Failure, match="There is no model 'none'"):
        plugin.fill_by_server(server, data, OPTIONS | {"model": "none"}, print)
    with pytest.raises(plugin.Failure, match="retouch serve"):
        plugin.fill_by_server("http://127.0.0.1:9", data, OPTIONS, print)


def test_settings(plugin, tmp_path, monkeypatch):
    monkeypatch.setattr(plugin, "__file__", str(tmp_path / "retouch.py"))
    assert plugin.settings() == plugin.SETTINGS
    (tmp_path / "plug-in.json").write_text(json.dumps({"server": "http://a:1"}))
    assert plugin.settings() == plugin.SETTINGS | {"server": "http://a:1"}
