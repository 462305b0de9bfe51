"""The editor in a real browser, against the real server."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .driver import Editor

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@pytest.fixture(scope="package")  # no longer: its event loop would run beneath other tests
def browser() -> Iterator[object]:
    """The system's Chromium; nothing is downloaded."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install '.[dev]'")
    pytest.importorskip("starlette", reason="needs the server: pip install '.[serve]'")
    executable = next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        pytest.skip(f"needs a browser: none of {', '.join(NAMES)} is installed")
    with sync_api.sync_playwright() as playwright:
        # Containers seldom allow Chromium's own sandbox; the pages here are ours.
        flags = ["--no-sandbox", "--js-flags=--expose-gc"]
        running = playwright.chromium.launch(executable_path=executable, args=flags)
        yield running
        running.close()


class Server:
    """A ``retouch`` process that serves; it can be killed and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}/"

    def start(self, *arguments: str) -> None:
        environment = os.environ | {"RETOUCH_SESSIONS": str(self.folder / "sessions")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "retouch", *arguments, "--port", str(self.port)],
            env=environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if self.address.rstrip("/") in line:
                return
        raise AssertionError("The server did not start:\n" + "".join(lines))

    def kill(self) -> None:
        """End the server and its workers at once, as a power cut would."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="package")
def server(browser: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """``retouch serve``, for all tests that leave it as it is."""
    running = Server(tmp_path_factory.mktemp("server"))
    running.start("serve")
    yield running
    running.kill()


@pytest.fixture
def start_server(browser: object, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start ``retouch`` with these arguments, for one test."""
    started = []

    def start(*arguments: str) -> Server:
        server = Server(tmp_path)
        server.start(*arguments)
        started.append(server)
        return server

    yield start
    for server in started:
        server.kill()


@pytest.fixture
def new_editor(browser: object) -> Iterator[Callable[..., Editor]]:
    """Open the page of a server; whatever it logs as an error fails the test when it ends."""
    editors = []

    def make(address: str, **context: object) -> Editor:
        editors.append(Editor(browser, address, context))
        return editors[-1]

    yield make
    complaints = [line for editor in editors for line in editor.close()]
    assert complaints == []


@pytest.fixture
def editor(server: Server, new_editor: Callable[..., Editor]) -> Editor:
    """The page of ``retouch serve``, with no photo open."""
    return new_editor(server.address)


@pytest.fixture
def red_spot(tmp_path: Path) -> Path:
    """A lossless photo of 480×360 with texture all over and a red disc of radius 18 at (300, 200)."""
    row, column = np.mgrid[:360, :480]
    chance = np.random.default_rng(1)
    grey = 120 + 30 * np.sin(column / 7) + 20 * np.sin(row / 5) + chance.normal(0, 6, (360, 480))
    photo = np.stack([grey * 0.8, grey, grey * 0.9], axis=2).clip(0, 255).astype(np.uint8)
    photo[(row - 200) ** 2 + (column - 300) ** 2 < 18**2] = (230, 20, 30)
    path = tmp_path / "photo.png"
    Image.fromarray(photo).save(path)
    return path
