import base64
import io
import os
import signal
import time

import numpy as np
import pytest
from PIL import Image
from tests.imaging.samples import noise
from tests.server.client import area, decoded, png, refused

import retouch
from retouch.native import library
from retouch.server.errors import Limits

SLOW = {"model": "contextual-attention", "refine": True}


@pytest.mark.parametrize("given", [{}, {"model": "telea"}, {"seed": 7}, {"dilate": 3}])
def test_a_fill_is_the_library_s(client, photo, hole, given):
    state = client.open(png(photo))
    job = client.fill(state, **area(hole), **given)
    assert job["state"] == "done"
    assert job["fraction"] == 1
    assert job["revision"] == 1
    assert job["seconds"] > 0
    expected = retouch.inpaint(photo, hole, **given)
    assert np.array_equal(client.picture(state), expected)
    (edit,) = client.state(state)["edits"]
    assert [edit["id"]] == job["edits"]
    rows, columns = np.nonzero((expected != photo).any(2))
    left, top, width, height = edit["box"]
    assert top <= rows.min()
    assert rows.max() < top + height
    assert left <= columns.min()
    assert columns.max() < left + width
    assert edit["model"] == given.get("model", "auto")
    assert edit["seed"] == given.get("seed", 0)
    assert sum(edit["filled_by"].values()) >= hole.sum()


def test_events_tell_how_far_a_fill_has_come(client, photo, hole):
    large = np.tile(photo, (8, 8, 1))
    mask = np.zeros(large.shape[:2], np.bool_)
    mask[200:500, 300:600] = True
    events = client.events(client.start(client.open(png(large)), **area(mask)))
    assert [name for name, _ in events[:-1]] == ["progress"] * (len(events) - 1)
    fractions = [job["fraction"] for _, job in events]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert events[-1][0] == "done"
    assert events[-1][1]["state"] == "done"


def test_previews_show_the_fill_as_it_grows(serve, photo):
    large = np.tile(photo, (12, 12, 1))
    mask = np.zeros(large.shape[:2], np.bool_)
    mask[100:1000, 300:1200] = True
    with serve() as client:
        state = client.open(png(large))
        job = client.start(state, **area(mask))
        shown = None
        while shown is None and (told := client.http.get(f"/v1/jobs/{job}").json())["state"] in (
            "waiting",
            "running",
        ):
            answer = client.http.get(f"/v1/jobs/{job}/preview")
            if answer.status_code == 200:
                shown = answer
            time.sleep(0.05)
        assert shown is not None, told
        assert decoded(shown.content).shape[2] == 3
        assert shown.headers["content-type"] == "image/jpeg"
        client.http.delete(f"/v1/jobs/{job}")


def test_variants_wait_until_one_is_taken(client, photo, hole):
    state = client.open(png(photo))
    job = client.fill(state, **area(hole), seed=3, variants=3)
    assert [each["seed"] for each in job["variants"]] == [3, 4, 5]
    assert client.state(state)["revision"] == 0
    assert not client.state(state)["unsaved"]
    expected = [retouch.inpaint(photo, hole, seed=seed) for seed in (3, 4, 5)]
    for variant, filled in zip(job["variants"], expected, strict=True):
        answer = client.get(state, f"variants/{variant['id']}")
        left, top, width, height = variant["box"]
        assert answer.headers["x-box"] == f"{left},{top},{width},{height}"
        assert np.array_equal(decoded(answer.content), filled[top : top + height, left : left + width])
    first, second, _ = (each["id"] for each in job["variants"])
    told = client.post(state, f"variants/{second}").json()
    assert told["revision"] == 1
    assert told["edits"][0]["seed"] == 4
    assert np.array_equal(client.picture(state), expected[1])
    refused(client.post(state, f"variants/{first}"), 404, "no_variant")
    refused(client.get(state, f"variants/{second}"), 404, "no_variant")


def test_new_variants_replace_old_ones(client, photo, hole):
    state = client.open(png(photo))
    old = client.fill(state, model="telea", **area(hole), variants=2)["variants"]
    new = client.fill(state, model="telea", **area(hole), variants=2)["variants"]
    refused(client.get(state, f"variants/{old[0]['id']}"), 404, "no_variant")
    assert client.get(state, f"variants/{new[0]['id']}").status_code == 200
    folder = client.http.app.state.service.photos[state["id"]].folder
    assert {each.stem for each in (folder / "edits").iterdir()} == {each["id"] for each in new}


def test_a_soft_mask_mixes_the_fill_with_the_photo(client, photo, hole):
    state = client.open(png(photo))
    soft = np.where(hole, 255, 0).astype(np.uint8)
    soft[50:62, 30:40] = 64
    client.fill(state, **area(soft))
    filled, shown = retouch.inpaint(photo, soft > 0), client.picture(state)
    assert np.array_equal(shown[soft == 0], photo[soft == 0])
    assert np.array_equal(shown[soft == 255], filled[soft == 255])
    mixed = np.rint(filled * (64 / 255) + photo * (1 - 64 / 255))
    assert np.array_equal(shown[soft == 64], mixed[soft == 64])


def test_feathering_fades_out_beyond_the_mask(client, photo, hole):
    state = client.open(png(photo))
    client.fill(state, model="telea", **area(hole), feather=4)
    shown, plain = client.picture(state), photo.copy()
    changed = (shown != plain).any(2)
    near = np.zeros_like(hole)
    near[6:16, 4:44], near[46:66, 36:60] = True, True
    assert not changed[~near].any()
    assert changed[near & ~hole].any()


def test_strokes_on_nothing_are_a_mask_too(client, photo, hole):
    strokes = np.zeros((*hole.shape, 4), np.uint8)
    strokes[hole] = 255
    file = io.BytesIO()
    Image.fromarray(strokes).save(file, "PNG")
    text = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    state = client.open(png(photo))
    client.fill(state, box=[0, 0, 128, 96], mask=text)
    assert np.array_equal(client.picture(state), retouch.inpaint(photo, hole))


def test_what_is_transparent_is_filled(client, photo, hole):
    cut_out = np.dstack([photo, np.where(hole, 0, 255).astype(np.uint8)])
    state = client.open(png(cut_out))
    assert state["transparent"] is True
    client.fill(state, transparent=True)
    assert np.array_equal(client.picture(state), retouch.inpaint(cut_out))
    refused(client.post(client.open(png(photo)), "fills", transparent=True), 400, "not_transparent")


def test_areas_say_where_to_borrow(client, photo, hole):
    avoided = np.zeros_like(hole)
    avoided[40:80, :40] = True
    for name in ("include", "avoid"):
        state = client.open(png(photo))
        client.fill(state, **area(hole), **{name: area(avoided)})
        expected = retouch.inpaint(photo, hole, **{name: avoided})
        assert np.array_equal(client.picture(state), expected)
    assert not np.array_equal(expected, retouch.inpaint(photo, hole))


@pytest.mark.skipif(library() is None, reason="only the compiled exemplar follows lines")
def test_a_line_goes_on_through_the_hole(client):
    picture = np.random.default_rng(2).integers(120, 160, (96, 128, 3), np.uint8)
    picture[46:49] = 0
    hole, lines = np.zeros(picture.shape[:2], bool), np.zeros(picture.shape[:2], bool)
    hole[28:68, 40:88], lines[43:52] = True, True
    state = client.open(png(picture))
    job = client.fill(state, **area(hole), lines=area(lines))
    assert job["state"] == "done", job
    filled = client.picture(state)
    assert np.array_equal(filled, retouch.inpaint(picture, hole, lines=lines))
    assert (filled[43:52, 40:88].min((0, 2)) < 40).all()
    job = client.fill(state, model="telea", **area(hole), lines=area(lines))
    assert (job["state"], "follows lines" in job["message"]) == ("failed", True)


def test_fills_wait_for_each_other(client, photo):
    state = client.open(png(photo))
    masks = []
    for left in (10, 40, 70):
        mask = np.zeros(photo.shape[:2], np.bool_)
        mask[30:42, left : left + 12] = True
        masks.append(mask)
    jobs = [client.start(state, **area(mask)) for mask in masks]
    assert [client.events(job)[-1][1]["revision"] for job in jobs] == [1, 2, 3]
    expected = photo
    for mask in masks:
        expected = retouch.inpaint(expected, mask)
    assert np.array_equal(client.picture(state), expected)


def test_a_client_that_is_behind_is_told_so(client, photo, hole):
    state = client.open(png(photo))
    client.fill(state, model="telea", revision=0, **area(hole))
    refused(client.post(state, "fills", revision=0, **area(hole)), 409, "stale")
    refused(client.post(state, "undo", revision=0), 409, "stale")
    assert client.post(state, "undo", revision=1).json()["revision"] == 2


@pytest.mark.slow
def test_a_fill_that_fails_says_why_and_changes_nothing(client, photo):
    state = client.open(png(photo))
    everything = np.ones(photo.shape[:2], np.bool_)
    job = client.fill(state, **area(everything))
    assert job["state"] == "failed"
    assert job["message"].startswith("The mask covers the whole photo")
    told = client.state(state)
    assert told["revision"] == 0
    assert told["edits"] == []
    assert told["job"] is None


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"mask": "?"}, "bad_mask"),
        ({"mask": base64.b64encode(b"GIF89a" * 9).decode()}, "bad_mask"),
        ({"mask": None}, "bad_mask"),
        ({"box": [0, 0, 5, 5]}, "bad_mask"),
        ({"box": [100, 90, 29, 12]}, "bad_box"),
        ({"box": [-1, 0, 5, 5]}, "bad_box"),
        ({"box": [0, 0, 5.5, 5]}, "bad_box"),
        ({"box": "all"}, "bad_box"),
        ({"model": "nobody"}, "no_model"),
        ({"model": "/etc/passwd.safetensors"}, "no_model"),
        ({"seed": "x"}, "bad_request"),
        ({"seed": 2**63}, "bad_request"),
        ({"dilate": -1}, "bad_request"),
        ({"variants": 9}, "bad_request"),
        ({"refine": "maybe"}, "bad_request"),
        ({"brush": 1}, "bad_request"),
        ({"avoid": {"box": [0, 0, 1, 1]}}, "bad_mask"),
        ({"avoid": {"box": [0, 0, 1, 1], "mask": "", "more": [[]]}}, "bad_mask"),
    ],
)
def test_a_wrong_request_is_refused(client, photo, hole, given, code):
    refused(client.post(client.open(png(photo)), "fills", **area(hole) | given), 400, code)


def test_a_mask_that_claims_to_be_huge_is_not_decoded(client, photo):
    bomb = bytearray(png(np.zeros((4, 4), np.uint8)))
    bomb[16:24] = (60_000).to_bytes(4, "big") * 2
    text = base64.b64encode(bytes(bomb)).decode()
    refused(client.post(client.open(png(photo)), "fills", box=[0, 0, 4, 4], mask=text), 400, "bad_mask")


def test_an_empty_mask_is_refused(client, photo):
    text = base64.b64encode(png(np.zeros((4, 4), np.uint8))).decode()
    refused(client.post(client.open(png(photo)), "fills", box=[0, 0, 4, 4], mask=text), 400, "empty_mask")


def test_a_waiting_and_a_running_fill_can_be_cancelled(serve, photo):
    large = np.tile(photo, (6, 6, 1))
    mask = np.zeros(large.shape[:2], np.bool_)
    mask[100:400, 100:400] = True
    with serve() as client:
        state = client.open(png(large))
        first, second = (client.start(state, **area(mask), **SLOW) for _ in range(2))
        assert client.state(state)["job"] == first
        refused(client.post(state, "undo"), 409, "busy")
        assert client.http.delete(f"/v1/jobs/{second}").json()["state"] == "cancelled"
        while client.http.get(f"/v1/jobs/{first}").json()["state"] != "running":
            time.sleep(0.01)
        client.http.delete(f"/v1/jobs/{first}")
        assert client.events(first)[-1][0] == "cancelled"
        assert client.events(second)[-1][0] == "cancelled"
        assert client.state(state)["revision"] == 0
        assert client.state(state)["job"] is None
        # The next fill is made as if nothing had been.
        assert client.fill(state, model="telea", **area(mask))["state"] == "done"
        folder = client.http.app.state.service.photos[state["id"]].folder
        assert len(list((folder / "edits").iterdir())) == 1


def test_a_crash_of_the_process_that_fills_hurts_nobody(serve, photo, hole):
    with serve() as client:
        state = client.open(png(photo))
        client.fill(state, **area(hole))
        before = client.picture(state)
        process = client.http.app.state.service.jobs.filler.pid
        os.kill(process, signal.SIGSTOP)  # or it might be done before the signal arrives, on a busy machine
        job = client.start(state, **area(hole))
        while client.http.get(f"/v1/jobs/{job}").json()["state"] != "running":
            time.sleep(0.01)
        os.kill(process, signal.SIGKILL)
        name, told = client.events(job)[-1]
        assert name == "failed"
        assert "ended unexpectedly" in told["message"]
        assert np.array_equal(client.picture(state), before)
        assert client.fill(state, model="telea", **area(hole))["state"] == "done"


def test_a_closed_photo_takes_its_fills_along(serve, photo, hole):
    with serve() as client:
        state = client.open(png(photo))
        jobs = [client.start(state, **area(hole), **SLOW) for _ in range(2)]
        client.http.delete(f"/v1/photos/{state['id']}")
        assert all(client.http.get(f"/v1/jobs/{job}").json()["state"] == "cancelled" for job in jobs)


def test_too_many_waiting_fills_are_refused(serve, photo, hole):
    with serve(limits=Limits(waiting=2)) as client:
        state = client.open(png(photo))
        codes = [client.post(state, "fills", **area(hole), **SLOW).status_code for _ in range(6)]
        assert codes[:2] == [202, 202]
        assert codes[-1] == 429


def test_waiting_fills_hold_a_bounded_memory(serve, photo, hole):
    with serve(limits=Limits(waiting_bytes=1000)) as client:
        state = client.open(png(photo))
        asked = area(hole) | SLOW | {"avoid": area(noise(96, 128) > 127)}
        assert len(str(asked)) > 2000
        refused(client.post(state, "fills", **asked), 429, "too_many_jobs")
        assert client.fill(state, model="telea", **area(hole))["state"] == "done"


def test_jobs_that_nobody_started_are_not_found(client):
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/events"), ("GET", "/preview")):
        refused(client.http.request(method, f"/v1/jobs/none{path}"), 404, "no_job")


def test_inks_follow_what_was_copied(client, hole):
    from tests.imaging.samples import CMYK, tiff

    inks = np.tile(noise(8, 8, 4), (12, 16, 1))
    data = tiff(inks, photometric="separated", iccprofile=CMYK)
    state = client.open(data, "print.tif")
    client.fill(state, **area(hole))
    assert client.get(state, "file").content == retouch.inpaint(data, hole)
