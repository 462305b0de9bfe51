"""Finding photos, masks and fills in folders of every layout, and reading them."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from retouch.errors import RetouchError
from retouch.evaluation.pairs import (
    Pair,
    _spread,
    find_pairs,
    find_photos,
    read_pair,
)
from retouch.evaluation.predictions import find_predictions


def save(path, array=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((4, 5), np.uint8) if array is None else array).save(path)
    return path


def brief(pairs, data):
    return [
        (each.photo, each.masks, str(each.image.relative_to(data)), str(each.mask.relative_to(data)))
        for each in pairs
    ]


@pytest.fixture
def indexed(tmp_path):
    """A folder with an index of three photos in an order of its own, and two kinds of masks."""
    items = [
        {"id": name, "image": f"i/{name}.jpg", "masks": {k: f"m/{k}-{name}.png" for k in ("box", "line")}}
        for name in ("b", "a", "c d")
    ]
    (tmp_path / "index.json").write_text(json.dumps({"note": "…", "items": items}))
    return tmp_path


def test_an_index_says_where_all_lies_and_in_which_order(indexed):
    assert brief(find_pairs(indexed, None, None), indexed) == [
        (name, kind, f"i/{name}.jpg", f"m/{kind}-{name}.png")
        for name in ("b", "a", "c d")
        for kind in ("box", "line")
    ]


def test_kinds_come_as_they_are_asked_for_and_once(indexed):
    assert [each.masks for each in find_pairs(indexed, ["line", "box", "line"], 1)] == ["line", "box"]
    assert [each.photo for each in find_pairs(indexed, ["line"], None)] == ["b", "a", "c d"]


def test_an_unknown_kind_is_named_with_those_there_are(indexed):
    with pytest.raises(RetouchError, match="no masks of the kind 'circle'; choose from box, line"):
        find_pairs(indexed, ["circle"], None)


def test_a_mask_for_each_photo(tmp_path):
    for name in ("10", "9", "a.b"):
        save(tmp_path / "images" / f"{name}.jpg")
        save(tmp_path / "masks" / f"{name}.PNG")
    save(tmp_path / "masks" / "of-no-photo.png")
    (tmp_path / "images" / "notes.txt").touch()
    (tmp_path / "images" / "._9.jpg").touch()
    assert brief(find_pairs(tmp_path), tmp_path) == [
        (name, "masks", f"images/{name}.jpg", f"masks/{name}.PNG") for name in ("10", "9", "a.b")
    ]


def test_a_kind_for_each_subfolder_where_one_mask_may_serve_all(tmp_path):
    for name in ("x", "y"):
        save(tmp_path / "images" / f"{name}.png")
        save(tmp_path / "masks" / "strokes" / f"{name}.png")
    save(tmp_path / "masks" / "centre" / "square.png")
    (tmp_path / "masks" / "empty").mkdir()
    assert brief(find_pairs(tmp_path), tmp_path) == [
        ("x", "centre", "images/x.png", "masks/centre/square.png"),
        ("x", "strokes", "images/x.png", "masks/strokes/x.png"),
        ("y", "centre", "images/y.png", "masks/centre/square.png"),
        ("y", "strokes", "images/y.png", "masks/strokes/y.png"),
    ]


@pytest.mark.parametrize("where", ["mask.png", "masks/any-name.png"])
def test_one_mask_for_all(tmp_path, where):
    for name in ("x", "y"):
        save(tmp_path / "images" / f"{name}.png")
    save(tmp_path / where)
    found = brief(find_pairs(tmp_path), tmp_path)
    assert found == [(name, "masks", f"images/{name}.png", where) for name in ("x", "y")]


def test_photos_in_subfolders_and_behind_a_link(tmp_path):
    save(tmp_path / "owned" / "banded" / "banded_02.jpg")
    save(tmp_path / "owned" / "art.jpg")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "images").symlink_to(tmp_path / "owned")
    photos = find_photos(tmp_path / "data")
    assert [photo for photo, _ in photos] == ["art", "banded_02"]
    assert photos[1][1] == tmp_path / "data" / "images" / "banded" / "banded_02.jpg"


@given(st.integers(1, 300), st.integers(1, 400))
def test_a_limit_spreads_evenly(count, limit):
    picked = _spread(list(range(count)), limit)
    assert len(picked) == min(count, limit)
    assert picked[0] == 0
    steps = np.diff([*picked, count])
    assert steps.min() >= 1
    assert steps.max() - steps.min() <= 1


def test_a_limit_counts_photos_not_pairs(indexed):
    assert [each.photo for each in find_pairs(indexed, None, 2)] == ["b", "b", "a", "a"]
    with pytest.raises(RetouchError, match="at least 1"):
        find_pairs(indexed, None, 0)


@pytest.mark.parametrize("made", [[], ["images"], ["images", "masks"], ["masks"]])
def test_a_folder_without_photos_says_how_it_must_be(tmp_path, made):
    for name in made:
        (tmp_path / name).mkdir()
    with pytest.raises(
        RetouchError, match=r"No photos found in .*; it needs index.json, or photos in images/"
    ):
        find_pairs(tmp_path)


def test_a_folder_without_masks_says_how_it_must_be(tmp_path):
    save(tmp_path / "images" / "x.png")
    with pytest.raises(RetouchError, match=r"No masks found in .*; it needs"):
        find_pairs(tmp_path)
    assert len(find_photos(tmp_path)) == 1


@pytest.mark.parametrize("name", ["nowhere", "file.png"])
def test_no_folder(tmp_path, name):
    save(tmp_path / "file.png")
    with pytest.raises(RetouchError, match="is not a folder"):
        find_pairs(tmp_path / name)


def test_a_photo_without_mask_is_named(tmp_path):
    for name in ("w", "x", "y", "z"):
        save(tmp_path / "images" / f"{name}.png")
    save(tmp_path / "masks" / "w.png")
    save(tmp_path / "masks" / "y.png")
    message = "The photo x has no mask of the kind 'masks', and 1 more have none; add masks"
    with pytest.raises(RetouchError, match=message):
        find_pairs(tmp_path)
    assert [each.photo for each in find_pairs(tmp_path, None, 2)] == ["w", "y"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["images/x.png", "images/x.jpg", "mask.png"], "Two photos are called 'x'"),
        (["images/a/x.png", "images/b/x.png", "mask.png"], "Two photos are called 'x'"),
        (["images/x.png", "masks/x.png", "masks/x.jpg"], "are masks of the same photo"),
        (["images/x.png", "masks/x.png", "masks/kind/x.png"], "put them all into subfolders"),
        (["images/x.png", "masks/x.png", "mask.png"], "both masks/ and mask.png"),
        (["images/x.png", "masks/all/x.png"], '"all"'),
    ],
)
def test_what_could_be_meant_in_two_ways_is_an_error(tmp_path, files, message):
    for name in files:
        save(tmp_path / name)
    with pytest.raises(RetouchError, match=message):
        find_pairs(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is not valid JSON"),
        (b"\xff\xfe", "is not valid JSON"),
        (b"[]", "no list of items"),
        (b'{"items": {}}', "no list of items"),
        (b'{"items": []}', "No photos found"),
        (b'{"items": [3]}', "Item 1"),
        (b'{"items": [{"id": "a", "image": "a.png", "masks": {"k": "k.png"}}, {"id": "b"}]}', "Item 2"),
        (b'{"items": [{"id": 7, "image": "a.png", "masks": {}}]}', "Item 1"),
        (b'{"items": [{"id": "a", "image": "a.png", "masks": {"k": null}}]}', "Item 1"),
        (b'{"items": [{"id": "a", "image": "a.png", "masks": {}}]}', "No masks found"),
        (b'{"items": [{"id":"a","image":"a","masks":{}},{"id":"a","image":"b","masks":{}}]}', "Two photos"),
    ],
)
def test_a_broken_index(tmp_path, content, message):
    (tmp_path / "index.json").write_bytes(content)
    with pytest.raises(RetouchError, match=message):
        find_pairs(tmp_path)


def test_reading_gives_the_values_of_the_files(photo, hole, photo_file, mask_file):
    truth, found = read_pair(Pair("p", "masks", photo_file, mask_file))
    assert truth.dtype == np.uint8
    assert found.dtype == bool
    np.testing.assert_array_equal(truth, photo)
    np.testing.assert_array_equal(found, hole)


def test_grey_and_16_bit_photos_become_8_bit_colour(tmp_path):
    grey = np.arange(12, dtype=np.uint16).reshape(3, 4) * 257 * 20 + 100
    mask = save(tmp_path / "mask.png", np.eye(3, 4) > 0)
    truth, _ = read_pair(Pair("p", "masks", save(tmp_path / "grey.png", grey), mask))
    assert truth.shape == (3, 4, 3)
    np.testing.assert_array_equal(truth, np.repeat(np.rint(grey[..., None] / 257), 3, axis=2))


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros((96, 128), bool), "has no hole"),
        (np.ones((96, 128), bool), "covers the whole photo"),
        (np.eye(128, 96) > 0, r"mask.png is 96 × 128 pixels and the photo .*photo.png 128 × 96; bring them"),
    ],
)
def test_what_cannot_be_measured(tmp_path, photo_file, mask, message):
    path = save(tmp_path / "mask.png", mask)
    with pytest.raises(RetouchError, match=message):
        read_pair(Pair("p", "masks", photo_file, path))


def test_a_file_that_cannot_be_read_is_named(tmp_path, photo_file, mask_file):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    with pytest.raises(RetouchError, match=r"broken\.jpg is not an image"):
        read_pair(Pair("p", "masks", broken, mask_file))
    with pytest.raises(RetouchError, match=r"gone\.png does not exist"):
        read_pair(Pair("p", "masks", photo_file, tmp_path / "gone.png"))


def pairs_of(tmp_path, names, kinds=("box",)):
    """Pairs whose id and photo may be called differently, as "id:stem"."""
    split = [(name.split(":")[0], name.split(":")[-1]) for name in names]
    mask = tmp_path / "m.png"
    return [Pair(photo, kind, tmp_path / f"{stem}.jpg", mask) for photo, stem in split for kind in kinds]


def test_fills_are_found_by_id_or_by_the_name_of_the_photo(tmp_path):
    pairs = pairs_of(tmp_path, ["one:0001", "two:0002", "three.x:0003", "four:0004"])
    for name in ("one.PNG", "0002.jpg", "three.x.webp", "other.png", "four.txt"):
        (tmp_path / name).touch()
    found, missing = find_predictions(tmp_path, pairs)
    assert {pair.photo: path.name for pair, path in found.items()} == {
        "one": "one.PNG",
        "two": "0002.jpg",
        "three.x": "three.x.webp",
    }
    assert missing == pairs[3:]


def test_fills_may_lie_in_a_subfolder_of_their_kind_and_must_where_there_are_two(tmp_path):
    for kind in ("box", "line"):
        save(tmp_path / "fills" / kind / "a.png")
    save(tmp_path / "fills" / "b.png")
    both = pairs_of(tmp_path, ["a", "b"], ("box", "line"))
    found, missing = find_predictions(tmp_path / "fills", both)
    assert {pair: path.parent.name for pair, path in found.items()} == {both[0]: "box", both[1]: "line"}
    assert missing == both[2:]
    found, missing = find_predictions(tmp_path / "fills", both[::2])
    assert [path.name for path in found.values()] == ["a.png", "b.png"]
    assert not missing


@pytest.mark.parametrize(
    ("names", "files", "message"),
    [
        (["a"], ["a.png", "a.jpg"], "could both be the fill of a"),
        (["a:b"], ["a.png", "b.png"], "could both be the fill of a"),
        (["a"], ["a.png", "box/a.png"], "could both be the fill of a"),
        (["a:x", "x:y"], ["x.png"], "could be the fill of a or of x"),
        (["a"], ["b.png"], "named like a photo, such as a.png"),
        (["a"], [], "named like a photo"),
    ],
)
def test_fills_that_cannot_be_told_apart_or_found(tmp_path, names, files, message):
    folder = tmp_path / "fills"
    folder.mkdir()
    for name in files:
        save(folder / name)
    with pytest.raises(RetouchError, match=message):
        find_predictions(folder, pairs_of(tmp_path, names))


def test_no_folder_of_fills(tmp_path):
    with pytest.raises(RetouchError, match="is not a folder"):
        find_predictions(tmp_path / "nowhere", pairs_of(tmp_path, ["a"]))


def test_a_mask_named_like_one_photo_is_not_for_all(tmp_path):
    for name in ("a.png", "b.png"):
        save(tmp_path / "images" / name, np.zeros((4, 4, 3), np.uint8))
    save(tmp_path / "masks" / "a.png", np.eye(4) > 0)
    with pytest.raises(RetouchError, match=r"named like one of 2 photos; .*mask\.png"):
        find_pairs(tmp_path)


def test_linked_subfolders_are_followed(tmp_path):
    save(tmp_path / "elsewhere" / "a.png", np.zeros((4, 4, 3), np.uint8))
    (tmp_path / "data" / "images").mkdir(parents=True)
    (tmp_path / "data" / "images" / "more").symlink_to(tmp_path / "elsewhere")
    save(tmp_path / "data" / "mask.png", np.eye(4) > 0)
    assert [pair.photo for pair in find_pairs(tmp_path / "data")] == ["a"]


def test_fills_without_the_subfolders_they_need(tmp_path):
    pairs = pairs_of(tmp_path, ["a"], ("box", "line"))
    (tmp_path / "a.png").touch()
    with pytest.raises(RetouchError, match=r"no subfolders for the kinds of masks \(box, line\)"):
        find_predictions(tmp_path, pairs)


def test_photos_and_masks_are_shrunk_alike(tmp_path):
    halves = np.zeros((64, 96, 3), np.uint8)
    halves[:, ::2] = 200  # columns in pairs of 200 and 0
    hole = np.zeros((64, 96), np.uint8)
    hole[10:20, 31:40] = 255  # from column 31 on: half of the new column 15
    pair = Pair("p", "masks", save(tmp_path / "p.png", halves), save(tmp_path / "m.png", hole))
    truth, found = read_pair(pair, 32)
    assert truth.shape == (32, 48, 3)
    assert np.unique(truth).tolist() == [100]
    expected = np.zeros((32, 48), bool)
    expected[5:10, 15:20] = True
    assert np.array_equal(found, expected)
    same, whole = read_pair(pair, 64)
    assert np.array_equal(same, halves)
    assert np.array_equal(whole, hole > 0)
    with pytest.raises(RetouchError, match="too small for --size 65"):
        read_pair(pair, 65)


def test_a_hole_that_vanishes_when_shrunk_is_told(tmp_path):
    hole = np.zeros((64, 64), np.uint8)
    hole[20, 20] = 255
    photo = save(tmp_path / "p.png", np.zeros((64, 64, 3), np.uint8))
    with pytest.raises(RetouchError, match="has no hole"):
        read_pair(Pair("p", "masks", photo, save(tmp_path / "m.png", hole)), 32)
