import numpy as np
import pytest
from tests.imaging.samples import noise, smooth
from tests.server.client import area, decoded, png, refused, unpacked

import retouch
from retouch.server.selecting import Marks, find_object, like_colours

NOWHERE = np.empty((0, 2), np.intp)


@pytest.fixture
def scene():
    """A rough ellipse before rough ground, with a twin elsewhere: picture, 240×320×3, and the ellipse."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:240, :320]
    picture = np.stack([90 + rows / 4, 110 + columns / 8, 70 + rows / 8], -1)
    thing = ((rows - 120) / 50) ** 2 + ((columns - 110) / 70) ** 2 < 1
    twin = (rows - 60) ** 2 + (columns - 270) ** 2 < 30**2
    picture[thing | twin] = (200, 60, 50)
    picture += random.normal(0, 8, picture.shape)
    return picture.clip(0, 255).astype(np.uint8), thing


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


@pytest.mark.parametrize("kind", ["click", "scribble", "box"])
def test_an_object_is_found(client, scene, kind):
    picture, thing = scene
    state = client.open(png(picture))
    asked = {
        "click": {"points": [[110, 120, 1]]},
        "scribble": {"points": [[80 + each, 120, 1] for each in range(60)] + [[20, 20, 0]]},
        "box": {"box": [30, 60, 160, 120]},
    }[kind]
    found = unpacked(client.post(state, "select", kind=kind, **asked).json(), thing.shape)
    assert overlap(found, thing) > 0.9


def test_an_object_is_found_in_a_view_of_a_large_photo(client, scene):
    picture, thing = scene
    large = np.pad(np.kron(picture, np.ones((4, 4, 1), np.uint8)), ((200, 0), (300, 0), (0, 0)), mode="edge")
    expected = np.pad(np.kron(thing, np.ones((4, 4), np.bool_)), ((200, 0), (300, 0)))
    state = client.open(png(large))
    asked = {"points": [[300 + 440, 200 + 480, 1]], "view": [320, 220, 900, 900]}
    found = unpacked(client.post(state, "select", kind="click", **asked).json(), expected.shape)
    assert overlap(found, expected) > 0.85


def test_a_point_outside_takes_something_away(scene):
    picture, _ = scene
    both = picture.copy()
    both[100:140, 170:262] = (200, 60, 50)  # a bridge to the twin
    point, other = np.array([[110, 120]]), np.array([[270, 60]])
    with_twin = find_object(both, Marks(point, NOWHERE))
    without = find_object(both, Marks(point, other))
    assert not without[60, 270]
    assert without[120, 110]
    assert with_twin.sum() >= without.sum()


def test_objects_at_the_rim_are_found_too():
    picture = smooth(90, 120)
    picture[:30, :40] = (250, 240, 20)
    found = find_object(picture, Marks(np.array([[10, 10]]), NOWHERE))
    assert overlap(found, (picture == (250, 240, 20)).all(2)) > 0.9


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (3, 4)])
def test_tiny_photos_do_not_break_selection(client, shape):
    state = client.open(png(noise(*shape, 3)))
    for asked in (
        {"kind": "click", "points": [[0, 0, 1]]},
        {"kind": "box", "box": [0, 0, shape[1], shape[0]]},
    ):
        assert client.post(state, "select", **asked).status_code == 200


def test_the_wand_finds_like_colours_that_are_joined(client):
    picture = np.full((50, 60, 3), 100, np.uint8)
    picture[10:20, 10:30] = picture[30:40, 10:30] = (120, 100, 100)
    state = client.open(png(picture))
    asked = {"kind": "wand", "points": [[12, 12, 1]]}
    found = unpacked(client.post(state, "select", tolerance=19, **asked).json(), (50, 60))
    expected = np.zeros((50, 60), np.bool_)
    expected[10:20, 10:30] = True
    assert np.array_equal(found, expected)
    assert unpacked(client.post(state, "select", tolerance=20, **asked).json(), (50, 60)).all()
    assert np.array_equal(like_colours(picture, 12, 12, 19), expected)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"kind": "lasso"}, "bad_kind"),
        ({"kind": "click"}, "no_points"),
        ({"kind": "click", "points": [[3, 3, 0]]}, "no_points"),
        ({"kind": "click", "points": [[128, 3, 1]]}, "bad_points"),
        ({"kind": "click", "points": [[1, 3]]}, "bad_points"),
        ({"kind": "click", "points": 5}, "bad_points"),
        ({"kind": "box"}, "bad_box"),
        ({"kind": "wand", "points": [[3, 3, 1]], "tolerance": 256}, "bad_request"),
        ({"kind": "wand", "points": [[3, 3, 1]], "view": [0, 0, 999, 9]}, "bad_box"),
    ],
)
def test_a_wrong_selection_is_refused(client, photo, asked, code):
    refused(client.post(client.open(png(photo)), "select", **asked), 400, code)


def test_a_mask_file_is_read_by_the_library_s_rules(client, photo, hole):
    state = client.open(png(photo))
    layer = np.zeros((*hole.shape, 4), np.uint8)
    layer[hole] = (255, 0, 0, 255)
    for mask in (hole, np.where(hole, 255, 0).astype(np.uint8), layer):
        answer = client.http.post(f"/v1/photos/{state['id']}/mask", content=png(mask))
        assert np.array_equal(unpacked(answer.json(), hole.shape), hole)
    assert answer.json()["notes"] == []
    answer = client.http.post(f"/v1/photos/{state['id']}/mask", content=png(np.zeros_like(hole)))
    assert answer.json()["box"] is None
    for data in (png(photo), png(hole[:50]), b"none"):
        refused(client.http.post(f"/v1/photos/{state['id']}/mask", content=data), 422, "refused")


def test_a_mask_is_saved_as_a_picture_of_the_photo_s_size(client, photo, hole):
    state = client.open(png(photo), "beach.jpg")
    answer = client.post(state, "mask-file", **area(hole))
    assert np.array_equal(decoded(answer.content), np.where(hole, 255, 0))
    assert "beach-mask.png" in answer.headers["content-disposition"]


def test_sources_are_told_and_drawn(client, photo, hole):
    state = client.open(png(photo))
    client.fill(state, **area(hole))
    expected = retouch.fill(photo, hole).correspondence
    drawn = decoded(client.get(state, "overlays/sources/0/0/0").content)
    assert np.array_equal(drawn[..., 3] == 255, hole)
    assert set(np.unique(drawn[..., 3])) == {0, 255}
    for row, column in [*np.argwhere(hole)[::37].tolist(), [0, 0]]:
        told = client.get(state, "source", x=column, y=row).json()
        place = expected[row, column].tolist()
        assert told["confidence"] is None
        assert [told["y"], told["x"]] == (place if place[0] >= 0 else [None, None])
    copied = hole & (expected[..., 0] >= 0)
    rows = [expected[..., 0][copied], drawn[copied].astype(int).sum(1)]
    assert np.corrcoef(rows)[0, 1] < 0  # deeper towards the bottom
    client.post(state, "undo")
    assert not decoded(client.get(state, "overlays/sources/0/0/0").content).any()
    assert client.get(state, "source", x=45, y=55).json() == dict.fromkeys(
        ("x", "y", "reference", "confidence")
    )
    refused(client.get(state, "source", x=128, y=0), 400, "bad_request")
    refused(client.get(state, "source"), 400, "bad_request")


def test_confidence_is_told_and_drawn(client, photo, hole):
    state = client.open(png(photo))
    client.fill(state, model="telea", confidence=True, **area(hole))
    expected = retouch.fill(photo, hole, model="telea", confidence=True).confidence
    told = client.get(state, "source", x=45, y=55).json()
    assert told["confidence"] == pytest.approx(expected[55, 45], abs=1e-3)
    drawn = decoded(client.get(state, "overlays/confidence/0/0/0").content).astype(int)
    sure = hole & (expected > expected[hole].mean())
    assert drawn[sure][:, 0].mean() < drawn[hole & ~sure][:, 0].mean()  # less red
    client.fill(state, model="telea", **area(hole))  # the later fill counts
    assert client.get(state, "source", x=45, y=55).json()["confidence"] is None


def test_overlays_are_reduced_like_the_photo(client, photo):
    large = np.tile(photo, (6, 7, 1))
    mask = np.zeros(large.shape[:2], np.bool_)
    mask[237:299, 250:271] = True
    state = client.open(png(large))
    client.fill(state, model="telea", **area(mask))

    def whole(level):
        height, width = -(-large.shape[0] >> level), -(-large.shape[1] >> level)
        rows = []
        for row in range(-(-height // 256)):
            names = [f"overlays/sources/{level}/{each}/{row}" for each in range(-(-width // 256))]
            rows.append(np.hstack([decoded(client.get(state, name).content) for name in names]))
        return np.vstack(rows)

    full = whole(0)
    assert np.array_equal(full[..., 3] > 0, mask)
    for level in (1, 2):
        assert np.array_equal(whole(level), full[:: 1 << level, :: 1 << level])
    refused(client.get(state, "overlays/heat/0/0/0"), 404, "no_overlay")
    refused(client.get(state, "overlays/sources/9/0/0"), 404, "no_tile")
