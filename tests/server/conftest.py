import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace

import httpx2 as httpx
import pytest
from starlette.testclient import TestClient
from tests.server.client import Client

from retouch.server.app import create_app
from retouch.server.errors import Limits
from retouch.server.service import Settings

HOST = "http://127.0.0.1:8080"


@pytest.fixture(scope="session")
def _shared(tmp_path_factory):
    """A server that many tests share, because its process that fills takes a while to start."""
    settings = Settings(tmp_path_factory.mktemp("sessions"))
    with TestClient(create_app(settings), HOST) as http:
        yield http


@pytest.fixture
def client(_shared):
    """A client of the shared server; what it opens is closed again."""
    client = Client(_shared)
    yield client
    client.close()


@pytest.fixture
def serve(tmp_path):
    """Make a server of its own: ``with serve(root=…, limits=…) as client``."""

    @contextmanager
    def make(limits=None, **given):
        settings = replace(Settings(tmp_path / "sessions", limits=limits or Limits()), **given)
        settings.sessions.mkdir(exist_ok=True)
        with TestClient(create_app(settings), HOST) as http:
            yield Client(http)

    return make


class Server:
    """A server in a process of its own, which can be killed."""

    def __init__(self, folder, *more):
        self.folder = folder
        command = [sys.executable, "-m", "retouch", "serve", "--port", "0", "--sessions", str(folder), *more]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.url = next(word for word in self.process.stderr.readline().split() if word.startswith("http"))
        self.http = httpx.Client(base_url=self.url, timeout=120)
        while self.process.poll() is None:
            try:
                self.http.get("/v1/info")
                break
            except httpx.ConnectError:
                time.sleep(0.05)
        self.client = Client(self.http)

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        self.process.wait()


@pytest.fixture
def server(tmp_path):
    """Start ``retouch serve``, again and again with the same sessions: ``server()``."""
    started = []

    def start(*more):
        started.append(Server(tmp_path / "sessions", *more))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.kill(signal.SIGTERM)
