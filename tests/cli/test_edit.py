import os
import signal
import subprocess
import sys
import threading
from contextlib import nullcontext

import httpx2 as httpx
import numpy as np
import pytest
from tests.server.client import Client, area, decoded, png

import retouch
import retouch.cli.edit
from retouch.errors import RetouchError


class Editor:
    """``retouch edit`` in a process of its own."""

    def __init__(self, sessions, *arguments):
        command = [sys.executable, "-m", "retouch", "edit", "--no-browser", *map(str, arguments)]
        environment = {**os.environ, "RETOUCH_SESSIONS": str(sessions)}
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
        )
        self.said = []
        ready = threading.Event()

        def listen():
            for line in self.process.stderr:
                self.said.append(line.strip())
                if "http://" in line:
                    ready.set()
            ready.set()

        self._listener = threading.Thread(target=listen, daemon=True)
        self._listener.start()
        ready.wait()
        url = [word for line in self.said for word in line.split() if word.startswith("http://")]
        if url:
            self.client = Client(httpx.Client(base_url=url[0], timeout=120))
            self.info = self.client.http.get("/v1/info").json()
            self.photo = self.client.http.get(f"/v1/photos/{self.info['photo']}").json()

    def end(self, number=None):
        """Wait for the end, which a signal may bring about; returns the exit code."""
        if number is not None:
            self.process.send_signal(number)
        code = self.process.wait()
        self._listener.join()
        return code


@pytest.fixture
def edit(tmp_path):
    started = []

    def start(*arguments):
        started.append(Editor(tmp_path / "sessions", *arguments))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()


def test_done_ends_a_command_that_waits(edit, photo_file, photo, hole, tmp_path):
    editor = edit("--wait", photo_file)
    assert editor.info["mode"] == "edit"
    assert editor.info["wait"] is True
    editor.client.fill(editor.photo, **area(hole))
    editor.client.http.post("/v1/done")
    assert editor.end() == 0
    written = decoded((photo_file.parent / "photo-filled.png").read_bytes())
    assert np.array_equal(written, retouch.inpaint(photo, hole))
    assert not list((tmp_path / "sessions").glob("*/*/session.json"))


def test_discard_ends_it_with_another_code(edit, photo_file, hole):
    editor = edit("--wait", photo_file)
    editor.client.fill(editor.photo, model="telea", **area(hole))
    editor.client.http.post("/v1/discard")
    assert editor.end() == 1
    assert not (photo_file.parent / "photo-filled.png").exists()


def test_an_end_without_an_answer_is_no_success(edit, photo_file, hole):
    editor = edit("--wait", photo_file)
    editor.client.fill(editor.photo, model="telea", **area(hole))
    assert editor.end(signal.SIGINT) == 130
    assert not (photo_file.parent / "photo-filled.png").exists()


def test_done_may_replace_the_photo_itself(edit, photo_file, photo, hole):
    editor = edit("--wait", photo_file, "-o", photo_file, "--overwrite")
    editor.client.fill(editor.photo, model="telea", **area(hole))
    editor.client.http.post("/v1/done")
    assert editor.end() == 0
    assert np.array_equal(decoded(photo_file.read_bytes()), retouch.inpaint(photo, hole, model="telea"))


@pytest.mark.slow
def test_what_was_not_saved_is_gone_on_with(edit, photo_file, hole, photo):
    first = edit(photo_file)
    first.client.fill(first.photo, model="telea", **area(hole))
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    second = edit(photo_file)
    assert len(second.photo["edits"]) == 1
    assert second.photo["unsaved"] is True
    assert any("goes on with 1 fill of" in line for line in second.said)
    assert second.end(signal.SIGINT) == 0
    assert any("goes on with them" in line for line in second.said)
    third = edit(photo_file)
    third.client.http.post("/v1/done")  # nobody waits: the page may go on
    assert third.client.state(third.photo)["unsaved"] is False
    assert third.end(signal.SIGINT) == 0
    written = decoded((photo_file.parent / "photo-filled.png").read_bytes())
    assert np.array_equal(written, retouch.inpaint(photo, hole, model="telea"))
    fourth = edit(photo_file, "--overwrite")
    assert fourth.photo["edits"] == []


def test_new_forgets_what_was_left(edit, photo_file, hole):
    first = edit(photo_file)
    first.client.fill(first.photo, model="telea", **area(hole))
    first.end(signal.SIGKILL)
    assert edit("--new", photo_file).photo["edits"] == []


def test_a_photo_that_changed_since_begins_anew(edit, photo_file, hole, photo):
    first = edit(photo_file)
    first.client.fill(first.photo, model="telea", **area(hole))
    first.end(signal.SIGKILL)
    photo_file.write_bytes(png(photo[::-1].copy()))
    second = edit(photo_file)
    assert second.photo["edits"] == []
    assert any("has changed since" in line for line in second.said)


@pytest.mark.parametrize(("answer", "kept"), [(False, True), (True, False)])
def test_fills_of_a_photo_that_changed_are_forgotten_only_if_one_says_so(tmp_path, monkeypatch, answer, kept):
    folder, source = tmp_path / "session" / "one", tmp_path / "photo.png"
    folder.mkdir(parents=True)
    source.write_bytes(b"now")
    (folder / "original").write_bytes(b"before")
    (folder / "session.json").write_text('{"history": {"applied": 2, "written": []}}', encoding="utf-8")
    edit_command = sys.modules["retouch.cli.edit"]  # retouch.cli.edit itself is the command
    monkeypatch.setattr(edit_command.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(edit_command.typer, "confirm", lambda *_, **__: answer)
    with pytest.raises(RetouchError, match="has changed since 2 fills") if kept else nullcontext():
        edit_command._go_on(tmp_path / "session", source, new=False)
    assert folder.exists() == kept


def test_a_photo_is_edited_once_at_a_time(edit, photo_file):
    first = edit(photo_file)
    second = edit(photo_file)
    assert second.end() == 2
    assert "Another retouch" in second.said[-1]
    assert first.client.state(first.photo)["revision"] == 0


def test_mistakes_are_told_before_the_editor_opens(refused, tmp_path, photo_file, monkeypatch):
    monkeypatch.setenv("RETOUCH_SESSIONS", str(tmp_path / "sessions"))
    refused("edit", tmp_path / "none.png", says="no file")
    refused("edit", "-", says="not a pipe")
    (tmp_path / "taken.png").write_bytes(b"x")
    refused("edit", photo_file, "-o", tmp_path / "taken.png", says="exists already")


def test_a_file_that_is_no_photo_ends_the_command(edit, tmp_path):
    (tmp_path / "photo.png").write_bytes(b"no photo")
    editor = edit(tmp_path / "photo.png")
    assert editor.end() == 2
    assert editor.said[-1].startswith("retouch: ")
