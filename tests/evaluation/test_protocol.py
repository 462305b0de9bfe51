"""The protocols that come along, the strictness of their loader, and what they make of a folder."""

import hashlib

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from retouch.errors import RetouchError
from retouch.evaluation.metrics import COLUMNS
from retouch.evaluation.protocol import (
    MaskRule,
    _square,
    describe,
    load_protocol,
    protocol_names,
    protocol_pairs,
    published_figures,
    read_protocol_pair,
)

SMALL = {
    "title": "A small one",
    "source": "This test",
    "data": "Photos in images/.",
    "size": 16,
    "mask": {"kind": "center-square", "size": 6},
    "metrics": ["l1_hole", "psnr_hole"],
    "published": [{"label": "Theirs", "metrics": {"l1_hole": 8, "psnr_hole": 18.5}}],
    "notes": "None.",
}


@pytest.fixture
def make(tmp_path):
    """Writes ``small.yaml``, SMALL with other values, and loads it; None leaves a key out."""

    def write(**changes):
        content = {key: value for key, value in (SMALL | changes).items() if value is not None}
        path = tmp_path / "small.yaml"
        path.write_text(yaml.safe_dump(content))
        return load_protocol(path)

    return write


@pytest.fixture
def data(tmp_path):
    """Photos of three sizes, no masks."""
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    random = np.random.default_rng(0)
    for name, (height, width) in {"exact": (16, 16), "tall": (50, 32), "wide": (21, 40)}.items():
        pixels = random.integers(0, 256, (height, width, 3), np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{name}.png")
    return folder


def pixels_of(path):
    return np.asarray(Image.open(path))


@pytest.mark.parametrize("name", protocol_names())
def test_every_protocol_loads_and_tells_all_it_says(name):
    protocol = load_protocol(name)
    assert protocol.name == name
    told = " ".join(describe(protocol).split())
    for text in (protocol.title, protocol.source, protocol.data, protocol.notes, f"{protocol.size} ×"):
        assert text in told
    for key in protocol.metrics:
        assert COLUMNS[key].label in told
    for each in protocol.published:
        assert each.label in told
        for key, figure in each.metrics.items():
            assert f"{COLUMNS[key].label} = {figure:g}" in told
    assert ("no figures" in told) == (not protocol.published)
    if protocol.mask.size is not None:
        assert f"{protocol.mask.size} × {protocol.mask.size}" in told


def test_all_five_papers_are_there():
    papers = {load_protocol(name).source.split("arXiv ")[1][:10] for name in protocol_names()}
    assert papers == {"1611.09969", "1711.08590", "1801.07892", "1904.07475", "2005.11742"}


def test_a_table_is_copied_rightly():
    protocol = load_protocol("neural-patch-paris-streetview")
    assert published_figures(protocol, "center-square")[-1] == {
        "label": "Neural Patch Synthesis",
        "masks": "center-square",
        "metrics": {"l1_hole": 10.01, "l2_hole": 2.21, "psnr_hole": 18.0},
    }
    assert (protocol.size, protocol.mask) == (512, MaskRule("center-square", 256))


def test_a_file_of_ones_own(make):
    protocol = make()
    assert (protocol.name, protocol.size, protocol.metrics) == ("small", 16, ("l1_hole", "psnr_hole"))
    assert published_figures(protocol, "center-square") == [
        {"label": "Theirs", "masks": "center-square", "metrics": {"l1_hole": 8.0, "psnr_hole": 18.5}}
    ]


@pytest.mark.parametrize("name", ["pen-net", "nowhere/own.yaml", "../protocols/pen-net-dtd", ""])
def test_an_unknown_name_lists_those_there_are(name):
    with pytest.raises(RetouchError, match=r"no protocol .*contextual-attention-places2, .*pen-net-places2"):
        load_protocol(name)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, "the file has an unknown key 'colour'; its keys are title, source"),
        ({"notes": None}, "the file lacks 'notes'"),
        ({"title": ""}, "title must be a text"),
        ({"source": 7}, "source must be a text"),
        ({"size": 0}, "size must be a number of pixels"),
        ({"size": True}, "size must be a number of pixels"),
        ({"size": "16"}, "size must be a number of pixels"),
        ({"size": 6}, "a hole of 6 pixels leaves nothing of 6"),
        ({"mask": "folder"}, "the kind of mask must be one of"),
        ({"mask": {"kind": "circle"}}, "the kind of mask must be one of"),
        ({"mask": {"kind": "random-square"}}, "mask lacks 'size'"),
        ({"mask": {"kind": "center-square", "size": -2}}, "the size of the mask must be"),
        ({"mask": {"kind": "folder", "size": 6}}, "mask has an unknown key 'size'"),
        ({"metrics": "l1_hole"}, "must be lists"),
        ({"metrics": ["l1_hole", "beauty"]}, "no metric 'beauty'; choose from l1_hole"),
        ({"metrics": [["l1_hole"]]}, "no metric"),
        ({"metrics": ["l1_hole"]}, "'psnr_hole', which is not among the metrics"),
        ({"published": [3]}, "an entry of published must have the keys"),
        ({"published": [{"label": "x"}]}, "an entry of published lacks 'metrics'"),
        ({"published": [{"label": "x", "metrics": {}}]}, "figures by metric"),
        ({"published": [{"label": "x", "metrics": {"l1_hole": "8 %"}}]}, "must be a number"),
        ({"published": [{"label": "x", "metrics": {"l1_hole": float("nan")}}]}, "must be a number"),
    ],
)
def test_the_loader_is_strict(make, changes, message):
    with pytest.raises(RetouchError, match=message):
        make(**changes)


@pytest.mark.parametrize("content", ["title: [", "", "- a\n- b", "!!python/object:os.system {}", "\x00"])
def test_what_is_no_protocol(tmp_path, content):
    path = tmp_path / "own.yaml"
    path.write_text(content)
    with pytest.raises(RetouchError, match=r"own\.yaml"):
        load_protocol(path)


def test_a_centre_square_of_a_folder_without_masks(make, data):
    protocol = make()
    pairs = protocol_pairs(protocol, data)
    assert [(each.photo, each.masks, each.mask) for each in pairs] == [
        (name, "center-square", None) for name in ("exact", "tall", "wide")
    ]
    expected = np.zeros((16, 16), bool)
    expected[5:11, 5:11] = True
    for pair in pairs:
        truth, hole = read_protocol_pair(protocol, pair)
        assert (truth.shape, truth.dtype) == ((16, 16, 3), np.uint8)
        np.testing.assert_array_equal(hole, expected)


def test_photos_are_cropped_at_the_centre_and_averaged(make, data):
    protocol = make()
    exact, tall, wide = (read_protocol_pair(protocol, pair)[0] for pair in protocol_pairs(protocol, data))
    np.testing.assert_array_equal(exact, pixels_of(data / "images" / "exact.png"))
    # 50 × 32 to 32 × 32 from row 9 on, then means of 2 × 2 pixels
    cells = pixels_of(data / "images" / "tall.png")[9:41].reshape(16, 2, 16, 2, 3).mean((1, 3))
    assert np.abs(tall - cells).max() <= 0.5
    # 21 × 40 to 21 × 21 from column 9 on; a new pixel covers 21/16 old ones, parts of pixels count in part
    edges = np.arange(17) * 21 / 16
    overlap = np.clip(
        np.minimum(edges[1:, None], np.arange(1, 22)) - np.maximum(edges[:-1, None], np.arange(21)), 0, 1
    )
    crop = pixels_of(data / "images" / "wide.png")[:, 9:30].astype(float)
    areas = np.einsum("ir,rcx,jc->ijx", overlap, crop, overlap) / (21 / 16) ** 2
    assert np.abs(wide - areas).max() <= 0.501


def test_a_photo_that_would_have_to_be_enlarged_is_an_error(make, data):
    protocol = make(size=24)
    exact = protocol_pairs(protocol, data)[0]
    with pytest.raises(
        RetouchError, match=r"exact\.png is 16 × 16 pixels, smaller than the 24 × 24 of small"
    ):
        read_protocol_pair(protocol, exact)


def test_a_square_of_random_place_depends_on_the_photo_alone(make, data):
    protocol = make(mask={"kind": "random-square", "size": 6})
    pairs = protocol_pairs(protocol, data)
    all_of_them = {pair.photo: read_protocol_pair(protocol, pair)[1] for pair in pairs}
    one = protocol_pairs(protocol, data, None, 1)[0]
    np.testing.assert_array_equal(read_protocol_pair(protocol, one)[1], all_of_them[one.photo])
    digest = hashlib.sha256(b"wide").digest()
    row, column = int(digest[:8].hex(), 16) % 11, int(digest[8:16].hex(), 16) % 11
    rows, columns = np.nonzero(all_of_them["wide"])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (row, row + 5, column, column + 5)
    assert len({hole.tobytes() for hole in all_of_them.values()}) > 1


@given(st.text(), st.integers(1, 15))
def test_a_random_square_is_whole_whatever_the_name(photo, side):
    hole = _square(photo, 16, MaskRule("random-square", side))
    assert hole.sum() == side**2
    assert hole.any(0).sum() == side


def test_random_squares_reach_every_place():
    tops = [int(np.argmax(_square(str(n), 8, MaskRule("random-square", 5)).any(1))) for n in range(400)]
    counts = np.bincount(tops, minlength=4)
    assert len(counts) == 4
    assert counts.min() > 60  # 100 each are expected, with a deviation of 9


def test_masks_of_the_users_own(make, data):
    protocol = make(mask={"kind": "folder"})
    (data / "masks").mkdir()
    square, half = np.zeros((16, 16), bool), np.zeros((50, 32), bool)
    square[2:5, 3:9] = True
    half[9 + 4 : 9 + 12, 8:20] = True
    half[0:4] = half[9 + 20, 5] = True  # cut off, and a quarter of a pixel
    for name, mask in {"exact": square, "tall": half, "wide": square}.items():
        Image.fromarray(mask).save(data / "masks" / f"{name}.png")
    pairs = protocol_pairs(protocol, data)
    assert {each.masks for each in pairs} == {"masks"}
    exact, tall, wide = (read_protocol_pair(protocol, pair)[1] for pair in pairs)
    np.testing.assert_array_equal(exact, square)
    np.testing.assert_array_equal(wide, square)
    expected = np.zeros((16, 16), bool)
    expected[2:6, 4:10] = True
    np.testing.assert_array_equal(tall, expected)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.eye(17, 16) > 0, r"is 16 × 17 pixels; bring it to the 32 × 50 of its photo or to the 16 × 16"),
        (np.zeros((16, 16), bool), "has no hole"),
        (np.arange(50 * 32).reshape(50, 32) < 9 * 32, "has no hole"),  # all of it outside the centre square
        (np.ones((50, 32), bool), "covers the whole photo"),
    ],
)
def test_masks_that_do_not_fit(make, data, mask, message):
    protocol = make(mask={"kind": "folder"})
    Image.fromarray(mask).save(data / "mask.png")
    with pytest.raises(RetouchError, match=message):
        read_protocol_pair(protocol, protocol_pairs(protocol, data)[1])


def test_one_kind_of_masks_is_chosen(make, data):
    protocol = make(mask={"kind": "folder"})
    for kind in ("objects", "strokes"):
        (data / "masks" / kind).mkdir(parents=True)
        Image.fromarray(np.eye(16) > 0).save(data / "masks" / kind / "one.png")
    with pytest.raises(RetouchError, match="small uses one kind of masks; choose from objects, strokes"):
        protocol_pairs(protocol, data)
    assert {each.masks for each in protocol_pairs(protocol, data, ["strokes"])} == {"strokes"}


def test_kinds_of_masks_are_no_choice_where_the_protocol_makes_them(make, data):
    assert len(protocol_pairs(make(), data, ["center-square"], 2)) == 2
    with pytest.raises(RetouchError, match=r"small makes its own holes \(center-square\)"):
        protocol_pairs(make(), data, ["objects"])
