import io

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.imaging.samples import P3, decode, encode, exif, exif_of, noise, tiff
from tests.server.client import area, decoded, png, refused

import retouch
from retouch import imaging
from retouch.server.pyramid import halved


def test_a_photo_is_opened_and_described(client, photo):
    state = client.open(png(photo), "beach.png")
    assert state == client.state(state)
    assert (state["width"], state["height"], state["tile"], state["levels"]) == (128, 96, 256, 1)
    assert (state["name"], state["depth"], state["format"]) == ("beach.png", 8, "png")
    assert (state["edits"], state["undo"], state["redo"], state["unsaved"]) == ([], False, False, False)
    assert state["transparent"] is False
    assert state["job"] is None
    assert state["revision"] == 0


def test_the_name_of_an_upload_loses_its_folders(client, photo):
    assert client.open(png(photo), "../../etc/passwd")["name"] == "passwd"
    assert client.open(png(photo), "C:\\photos\\me.png")["name"] == "me.png"


def test_what_is_no_photo_is_refused_and_leaves_nothing(client):
    before = len(client.http.app.state.service.photos)
    refused(client.http.post("/v1/photos", content=b"no photo"), 422, "refused")
    refused(client.http.post("/v1/photos", content=b""), 400, "empty")
    service = client.http.app.state.service
    assert len(service.photos) == before
    assert {each.name for each in service.settings.sessions.iterdir()} == set(service.photos)


def test_a_closed_photo_is_gone(client, photo):
    state = client.open(png(photo))
    folder = client.http.app.state.service.photos[state["id"]].folder
    assert client.http.delete(f"/v1/photos/{state['id']}").status_code == 204
    refused(client.get(state, "tiles/0/0/0"), 404, "no_photo")
    assert not folder.exists()


def test_tiles_show_the_photo_at_every_level(client):
    picture = noise(301, 515, 3)
    state = client.open(png(picture))
    assert state["levels"] == 3
    assert np.array_equal(client.picture(state), picture)
    expected = picture
    for level in (1, 2):
        even = np.pad(expected, [(0, side % 2) for side in expected.shape[:2]] + [(0, 0)], mode="edge")
        blocks = even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2, 3).astype(np.float64)
        expected = np.floor(blocks.mean((1, 3)) + 0.5).astype(np.uint8)
        shown = client.picture(state, level)
        assert np.abs(shown.astype(int) - expected).max() <= 1
        expected = shown
    for place in ("3/0/0", "0/3/0", "0/0/2"):
        refused(client.get(state, f"tiles/{place}"), 404, "no_tile")


def test_halving_weighs_colours_by_alpha():
    pixels = np.array([[[10], [200]], [[30], [90]]], np.uint8)
    alpha = np.array([[255, 0], [255, 0]], np.uint8)
    mean, opacity = halved(pixels, alpha)
    assert mean.tolist() == [[[20]]]
    assert opacity.tolist() == [[128]]
    hidden, opacity = halved(pixels, np.zeros((2, 2), np.uint8))
    assert abs(int(hidden[0, 0, 0]) - 82) <= 1
    assert opacity.tolist() == [[0]]


@pytest.mark.parametrize("kind", ["grey", "alpha", "deep", "profile"])
def test_tiles_are_in_srgb(client, kind):
    values = noise(40, 50, 3)
    if kind == "grey":
        shown = client.picture(client.open(png(values[..., 0])))
        assert np.array_equal(shown, np.repeat(values[..., :1], 3, axis=2))
    elif kind == "alpha":
        cut_out = np.dstack([values, noise(40, 50, seed=1)])
        assert np.array_equal(client.picture(client.open(png(cut_out))), cut_out)
    elif kind == "deep":
        deep = noise(40, 50, 3, dtype=np.uint16)
        state = client.open(tiff(deep, photometric="rgb"), "deep.tif")
        assert state["depth"] == 16
        assert np.array_equal(client.picture(state), np.rint(deep / 257).astype(np.uint8))
    else:
        data = encode(values, "PNG", icc_profile=P3)
        whole = slice(None)
        expected = np.rint(imaging.to_srgb(imaging.read_photo(data), whole, whole) * 255)
        assert np.array_equal(client.picture(client.open(data)), expected)


def test_tiles_are_kept_by_revision(client, photo, hole):
    state = client.open(png(np.tile(photo, (4, 4, 1))))
    first = client.get(state, "tiles/0/0/0", revision=0)
    assert "immutable" in first.headers["cache-control"]
    client.fill(state, model="telea", **area(np.pad(hole, ((0, 288), (0, 384)))))
    assert client.state(state)["revision"] == 1
    old = client.get(state, "tiles/0/0/0", revision=0)
    assert old.headers["cache-control"] == "no-cache"
    assert old.content != first.content
    again = client.http.get(
        f"/v1/photos/{state['id']}/tiles/0/0/0", headers={"If-None-Match": old.headers["etag"]}
    )
    assert again.status_code == 304
    assert again.content == b""
    # A tile that no fill touched keeps its tag.
    for number in (0, 1):
        assert client.get(state, "tiles/0/1/1", revision=number).headers["etag"].endswith('-0"')


def test_the_pyramid_follows_fills_and_keeps_what_was_before(client, photo, hole):
    large = np.tile(photo, (6, 7, 1))
    mask = np.zeros(large.shape[:2], np.bool_)
    mask[237:299, 250:270] = True
    state = client.open(png(large))
    before = [client.picture(state, level) for level in range(state["levels"])]
    client.fill(state, **area(mask))
    fresh = client.open(png(client.picture(state)))
    for level in range(state["levels"]):
        now = client.picture(state, level)
        assert np.array_equal(now, client.picture(fresh, level))
        assert not np.array_equal(now, before[level])
        assert np.array_equal(client.picture(state, level, before=1), before[level])
    client.post(state, "undo")
    for level in range(state["levels"]):
        assert np.array_equal(client.picture(state, level), before[level])


def test_undo_and_redo_go_through_all_fills(client, photo, hole):
    state = client.open(png(photo))
    pictures = [client.picture(state)]
    for top in (10, 40, 60):
        mask = np.zeros_like(hole)
        mask[top : top + 12, 50:70] = True
        client.fill(state, model="telea", **area(mask))
        pictures.append(client.picture(state))
    for expected in reversed(pictures[:-1]):
        told = client.post(state, "undo").json()
        assert np.array_equal(client.picture(state), expected)
    assert told["undo"] is False
    assert told["unsaved"] is False
    assert told["revision"] == 6
    refused(client.post(state, "undo"), 409, "nothing_to_undo")
    for expected in pictures[1:]:
        told = client.post(state, "redo").json()
        assert np.array_equal(client.picture(state), expected)
    assert told["redo"] is False
    assert told["unsaved"] is True
    refused(client.post(state, "redo"), 409, "nothing_to_redo")
    client.post(state, "undo")
    client.fill(state, model="telea", **area(hole))  # now the third can no longer be redone
    assert client.state(state)["redo"] is False
    assert len(client.state(state)["edits"]) == 3
    folder = client.http.app.state.service.photos[state["id"]].folder
    assert len(list((folder / "edits").iterdir())) == 3


def test_an_unedited_photo_comes_back_byte_for_byte(client, photo):
    data = encode(photo, "JPEG", quality=80)
    assert client.get(client.open(data, "a.jpg"), "file").content == data


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_download_is_what_the_library_writes(client, depth, hole):
    values = noise(96, 128, 3, dtype=depth)
    data = tiff(values, photometric="rgb", iccprofile=P3)
    state = client.open(data, "photo.tif")
    client.fill(state, **area(hole))
    answer = client.get(state, "file")
    assert "photo-filled.tif" in answer.headers["content-disposition"]
    assert answer.content == retouch.inpaint(data, hole)
    written = tifffile.imread(io.BytesIO(answer.content))
    assert written.dtype == depth
    assert np.array_equal(written[~hole], values[~hole])


def test_metadata_and_alpha_are_kept(client, hole):
    values = np.dstack([noise(96, 128, 3), np.full((96, 128), 200, np.uint8)])
    data = encode(values, "PNG", exif=exif(6), icc_profile=P3)
    state = client.open(data)
    assert (state["width"], state["height"]) == (96, 128)  # upright
    client.fill(state, model="telea", **area(hole.T))
    written = client.get(state, "file").content
    assert written == retouch.inpaint(data, hole.T, model="telea")
    assert exif_of(written)
    assert Image.open(io.BytesIO(written)).info["icc_profile"] == P3


def test_a_download_has_the_format_that_is_asked_for(client, photo):
    state = client.open(png(photo), "my photo.png")
    answer = client.get(state, "file", format="tiff")
    assert np.array_equal(decode(answer.content), photo)
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''my%20photo.tif"
    assert decoded(client.get(state, "file", format="webp").content).shape == photo.shape
    refused(client.get(state, "file", format="psd"), 400, "no_format")
    refused(
        client.get(client.open(png(np.dstack([photo, photo[..., 0]]))), "file", format="jpeg"), 422, "refused"
    )
