import asyncio
import json
import signal
import socket
import sys
import time

import numpy as np
import pytest
from tests.server.client import area, png, refused

import retouch
from retouch.errors import RetouchError
from retouch.server import given
from retouch.server.places import claimed


def test_every_fill_outlives_a_kill(server, photo):
    first = server()
    state = first.client.open(png(photo))
    masks, expected = [], photo
    for left in (10, 40, 70):
        mask = np.zeros(photo.shape[:2], np.bool_)
        mask[30:42, left : left + 12] = True
        masks.append(mask)
        expected = retouch.inpaint(expected, mask, model="telea")
    for mask in masks:
        first.client.fill(state, model="telea", **area(mask))
    undone = first.client.post(state, "undo").json()
    first.client.start(state, **area(mask), model="contextual-attention", refine=True)  # at work when it ends
    first.kill()

    second = server()
    told = second.client.state(state)
    assert told == undone
    one_less = second.client.picture(state)
    assert np.array_equal(second.client.post(state, "redo").json()["edits"][-1]["box"], [70, 30, 12, 12])
    assert np.array_equal(second.client.picture(state), expected)
    second.client.post(state, "undo")
    assert np.array_equal(second.client.picture(state), one_less)
    for _ in range(2):
        second.client.post(state, "undo")
    assert np.array_equal(second.client.picture(state), photo)


@pytest.mark.slow
def test_an_orderly_end_keeps_the_fills_too(server, photo, hole):
    first = server()
    state = first.client.open(png(photo))
    first.client.fill(state, model="telea", **area(hole))
    first.kill(signal.SIGINT)
    second = server()
    assert second.client.state(state)["edits"]
    second.kill(signal.SIGTERM)
    assert second.process.stderr.read() == ""


def test_what_was_never_answered_is_removed(serve, photo, hole, tmp_path):
    with serve() as client:
        state = client.open(png(photo))
        client.fill(state, model="telea", **area(hole))
        client.fill(state, model="telea", **area(hole), variants=2)
        folder = tmp_path / "sessions" / state["id"]
        assert len(list((folder / "edits").iterdir())) == 3
    (tmp_path / "sessions" / "half-sent").mkdir()
    (tmp_path / "sessions" / "half-sent" / "original").write_bytes(png(photo)[:100])
    (tmp_path / "sessions" / "half-sent" / ".retouch-0123.part").write_bytes(b"")
    with serve() as client:
        assert list(client.http.app.state.service.photos) == [state["id"]]
        assert [each.stem for each in (folder / "edits").iterdir()] == [client.state(state)["edits"][0]["id"]]
        assert not (tmp_path / "sessions" / "half-sent").exists()


def test_a_client_that_hangs_up_leaves_nothing(server, photo):
    started = server()
    host, port = started.url.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port))) as line:
        head = f"POST /v1/photos HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 999999\r\n\r\n"
        line.sendall(head.encode() + png(photo)[:500])
        while len(list(started.folder.iterdir())) < 2:
            time.sleep(0.02)
    while len(list(started.folder.iterdir())) > 1:  # only the lock is left
        time.sleep(0.02)
    assert started.http.get("/v1/info").status_code == 200


def test_a_client_that_sends_no_more_is_given_up(serve, photo, monkeypatch, tmp_path):
    monkeypatch.setattr(given, "PATIENCE", 0.05)

    async def send():
        yield {"type": "http.request", "body": png(photo)[:500], "more_body": True}
        await asyncio.sleep(60)

    with serve() as client:
        parts, sent = send(), []
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "path": "/v1/photos",
            "raw_path": b"/v1/photos",
            "query_string": b"",
            "headers": [(b"host", b"127.0.0.1:8080")],
        }

        async def ask():
            async def keep(message):
                sent.append(message)

            await client.http.app(scope, parts.__anext__, keep)

        client.http.portal.call(ask)
        assert sent[0]["status"] == 408
        assert not list((tmp_path / "sessions").iterdir())


def test_a_session_of_another_version_is_left_alone(serve, photo, tmp_path, caplog):
    with serve() as client:
        state = client.open(png(photo))
    journal = tmp_path / "sessions" / state["id"] / "session.json"
    journal.write_text(json.dumps(json.loads(journal.read_text()) | {"version": 99}))
    with serve() as client:
        refused(client.get(state, "file"), 404, "no_photo")
    assert journal.exists()
    assert "another version" in caplog.text


def test_a_damaged_session_is_left_alone(serve, photo, hole, tmp_path, caplog):
    with serve() as client:
        broken, cut, fine = (client.open(png(photo)) for _ in range(3))
        client.fill(cut, model="telea", **area(hole))
    folder = tmp_path / "sessions"
    (folder / broken["id"] / "session.json").write_text('{"version": 1}')
    (edit,) = (folder / cut["id"] / "edits").iterdir()
    edit.write_bytes(edit.read_bytes()[:100])
    with serve() as client:
        assert list(client.http.app.state.service.photos) == [fine["id"]]
    assert caplog.text.count("is damaged") == 2
    assert edit.exists()


def test_revisions_go_on_after_a_restart(serve, photo, hole):
    with serve() as client:
        state = client.open(png(photo))
        client.fill(state, model="telea", **area(hole))
        tag = client.get(state, "tiles/0/0/0").headers["etag"]
        client.post(state, "undo")
    with serve() as client:
        assert client.state(state)["revision"] == 2
        answer = client.http.get(f"/v1/photos/{state['id']}/tiles/0/0/0", headers={"If-None-Match": tag})
        assert answer.status_code == 200


def test_a_photo_that_nobody_asks_for_is_closed(serve, photo, tmp_path):
    from retouch.server.errors import Limits

    with serve(limits=Limits(idle_minutes=0.01)) as client:
        client.open(png(photo))
        while list((tmp_path / "sessions").iterdir()):
            time.sleep(0.05)
        assert not client.http.app.state.service.photos


def test_a_folder_serves_one_server_at_a_time(tmp_path):
    folder = tmp_path / "new" / "folder"
    with claimed(folder), pytest.raises(RetouchError, match="Another retouch"):
        claimed(folder).__enter__()
    with claimed(folder):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_only_the_user_reads_the_sessions(serve, photo, tmp_path):
    with claimed(tmp_path / "sessions"), serve() as client:
        state = client.open(png(photo))
        for folder in (tmp_path / "sessions", tmp_path / "sessions" / state["id"]):
            assert folder.stat().st_mode & 0o077 == 0
