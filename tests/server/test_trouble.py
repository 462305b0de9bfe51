"""A full disk, foreign folders, and clients that get in each other's way."""

import asyncio
import errno
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.server.client import area, png, refused

from retouch.errors import RetouchError
from retouch.server import session as sessions
from retouch.server.errors import Limits
from retouch.server.mapped import Mapped
from retouch.server.pyramid import Pyramid


def no_room(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def files_of(client, state):
    return list((client.http.app.state.service.photos[state["id"]].folder / "edits").iterdir())


def test_values_are_put_into_a_file(tmp_path):
    whole = np.zeros((5, 6, 3), np.uint16)
    file = Mapped.blank(tmp_path / "a.raw", whole.dtype, whole.shape)
    for top, left, shape in ((1, 2, (3, 2, 3)), (2, 0, (3, 6, 3))):
        values = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
        file.put(top, left, values)
        whole[top : top + shape[0], left : left + shape[1]] = values
    assert np.array_equal(file.open(), whole)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full")
def test_a_full_disk_is_an_error_and_not_the_end():
    with pytest.raises(OSError, match="No space"):
        Mapped(Path("/dev/full"), "|u1", (4, 4)).put(0, 0, np.ones((4, 4), np.uint8))


def test_a_photo_that_finds_no_room_is_refused(serve, photo, tmp_path, monkeypatch):
    with serve() as client:
        monkeypatch.setattr(Mapped, "put", no_room)
        refused(client.http.post("/v1/photos", content=png(np.tile(photo, (3, 3, 1)))), 507, "no_room")
        assert not list((tmp_path / "sessions").iterdir())


def test_a_fill_that_finds_no_room_changes_nothing(serve, photo, hole, monkeypatch):
    with serve() as client:
        state = client.open(png(photo))
        with monkeypatch.context() as full:
            full.setattr(Pyramid, "keep", no_room)
            assert "disk" in client.fill(state, model="telea", **area(hole))["message"]
        assert client.state(state) == state
        assert np.array_equal(client.picture(state), photo)
        assert not files_of(client, state)
        assert client.fill(state, model="telea", **area(hole))["state"] == "done"


def test_what_cannot_be_written_down_is_not_done(serve, photo, hole, monkeypatch):
    def refuse(*_, **__):
        raise RetouchError("It cannot be written.") from OSError(errno.ENOSPC, "full")

    with serve() as client:
        state = client.open(png(photo))
        client.fill(state, model="telea", **area(hole))
        filled, edits = client.picture(state), client.state(state)["edits"]
        made = client.fill(state, model="telea", **area(hole), variants=2)
        with monkeypatch.context() as full:
            full.setattr(sessions, "write_text", refuse)
            refused(client.post(state, "undo"), 507, "no_room")
            refused(client.post(state, f"variants/{made['variants'][0]['id']}"), 507, "no_room")
        assert client.state(state)["edits"] == edits
        assert np.array_equal(client.picture(state), filled)
        assert client.post(state, f"variants/{made['variants'][0]['id']}").status_code == 200
        assert len(client.post(state, "undo").json()["edits"]) == 1
        client.post(state, "undo")
        assert np.array_equal(client.picture(state), photo)


def test_folders_that_are_no_sessions_are_left_alone(serve, photo, tmp_path, caplog):
    folder = tmp_path / "sessions"
    for name in ("empty", "photos/original", "edit-0123456789abcdef"):
        (folder / name).mkdir(parents=True)
    (folder / "photos" / "a.png").write_bytes(png(photo))
    (folder / "list").mkdir()
    (folder / "list" / "session.json").write_text("[]")
    before = sorted(folder.rglob("*"))
    with serve() as client:
        assert not client.http.app.state.service.photos
    assert sorted(folder.rglob("*")) == before
    assert "left alone" in caplog.text


def test_variants_are_gone_when_the_photo_changes(serve, photo, hole):
    later = np.roll(hole, 5, axis=1)
    with serve() as client:
        state = client.open(png(photo))
        client.fill(state, model="telea", **area(hole))
        made = client.fill(state, model="telea", **area(later), variants=2)
        client.post(state, "undo")
        # Undoing this variant would bring back pixels of the fill that was undone.
        refused(client.post(state, f"variants/{made['variants'][0]['id']}"), 404, "no_variant")
        assert np.array_equal(client.picture(state), photo)
        assert len(files_of(client, state)) == 1


def test_jobs_that_are_over_hold_no_requests(serve, photo, hole):
    with serve() as client:
        state = client.open(png(photo))
        job = client.fill(state, model="telea", **area(hole))
        cancelled = client.start(state, **area(hole))
        client.http.delete(f"/v1/jobs/{cancelled}")
        client.events(cancelled)
        jobs = client.http.app.state.service.jobs
        assert jobs.find(job["id"]).make is None
        assert jobs.find(cancelled).make is None


@pytest.mark.slow
def test_a_fill_that_is_cancelled_again_and_again_is_told_once(serve, photo, monkeypatch):
    large = np.tile(photo, (6, 6, 1))
    mask = np.zeros(large.shape[:2], np.bool_)
    mask[100:400, 100:400] = True
    with serve() as client:
        state = client.open(png(large))
        job = client.start(state, model="contextual-attention", refine=True, **area(mask))
        filler, told = client.http.app.state.service.jobs.filler, []
        tell = filler.cancel
        monkeypatch.setattr(filler, "cancel", lambda: (told.append(1), tell()))
        while client.http.get(f"/v1/jobs/{job}").json()["fraction"] == 0:
            pass
        for _ in range(50):
            client.http.delete(f"/v1/jobs/{job}")
        assert client.events(job)[-1][0] == "cancelled"
        assert told == [1]


def test_a_fill_waits_for_an_undo(serve, photo, hole):
    with serve() as client:
        state = client.open(png(photo))
        session = client.http.app.state.service.photos[state["id"]]

        async def hold():
            await session.turn.acquire()

        async def release():
            session.turn.release()

        client.http.portal.call(hold)
        job = client.start(state, model="telea", **area(hole))
        client.http.portal.call(asyncio.sleep, 0.2)
        assert client.http.get(f"/v1/jobs/{job}").json()["fraction"] == 0
        client.http.portal.call(release)
        assert client.events(job)[-1][0] == "done"


def test_a_process_that_ended_between_two_fills_is_started_again(serve, photo, hole, monkeypatch):
    with serve() as client:
        state = client.open(png(photo))
        filler = client.http.app.state.service.jobs.filler
        client.fill(state, model="telea", **area(hole))
        filler.kill()
        filler._process.join()
        monkeypatch.setattr(filler._process, "is_alive", lambda: True)  # it was, a moment ago
        assert client.fill(state, model="telea", **area(hole))["state"] == "done"


def test_what_is_no_photo_of_the_root_is_refused(serve, photo, tmp_path):
    root = tmp_path / "root"
    (root / "more").mkdir(parents=True)
    (root / "large.png").write_bytes(png(photo) + bytes(200_000))
    with serve(root=root, limits=Limits(bytes=200_000)) as client:
        refused(client.http.post("/v1/photos", json={"path": "large.png"}), 413, "too_large")
        refused(client.http.post("/v1/photos", json={"path": "more"}), 404, "no_file")
        if sys.platform != "win32":
            os.mkfifo(root / "pipe.png")
            refused(client.http.post("/v1/photos", json={"path": "pipe.png"}), 404, "no_file")


def test_clients_are_not_told_where_sessions_are(client, photo):
    message = refused(
        client.http.post("/v1/photos", params={"name": "a.svg"}, content=b"<svg/>"), 422, "refused"
    )
    assert message.startswith("a.svg is")
    state = client.open(png(photo))
    answer = client.http.post(f"/v1/photos/{state['id']}/mask", content=b"no mask")
    assert "/" not in refused(answer, 422, "refused")


def test_numbers_that_are_too_long_are_no_tiles(client, photo):
    state = client.open(png(photo))
    refused(client.get(state, f"tiles/{'9' * 5000}/0/0"), 404, "no_place")
    refused(client.get(state, f"overlays/sources/0/{'9' * 5000}/0"), 404, "no_place")


def test_a_photo_that_another_page_closed_is_not_open(serve, photo):
    with serve() as client:
        state = client.open(png(photo))
        service = client.http.app.state.service
        session = service.photos[state["id"]]

        def closed(*_, **__):
            del service.photos[session.id]
            raise FileNotFoundError(errno.ENOENT, "gone")

        session.tile = closed
        refused(client.get(state, "tiles/0/0/0"), 404, "no_photo")
