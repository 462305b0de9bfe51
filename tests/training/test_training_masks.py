import io
import tarfile

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retouch.errors import RetouchError
from retouch.ops.masks import bounding_box, depth
from retouch.training.masks import Mixture, Objects, Rectangles, Strokes, with_silhouettes

SIZES = st.integers(2, 48)
SEEDS = st.integers(0, 2**32 - 1)
PARTS = st.floats(0.01, 0.99)


def disc():
    picture = np.zeros((64, 64), np.uint8)
    return cv2.circle(picture, (32, 32), 28, 255, cv2.FILLED)


def bar():
    picture = np.zeros((20, 120), np.uint8)
    picture[4:16, 4:116] = 255
    return picture


def pack(path, pictures):
    with tarfile.open(path, "w") as shard:
        for name, picture in pictures.items():
            data = picture if isinstance(picture, bytes) else cv2.imencode(".png", picture)[1].tobytes()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            shard.addfile(member, io.BytesIO(data))
    return str(path)


@pytest.fixture(scope="module")
def objects_tar(tmp_path_factory):
    return pack(tmp_path_factory.mktemp("masks") / "objects.tar", {"a/disc.png": disc(), "b/bar.png": bar()})


def samplers(tar, most):
    return [
        Rectangles(most=most),
        Rectangles(side=1.0, jitter=0.0, most=most),
        Strokes(most=most),
        Strokes(count=(9, 9), width=(0.3, 0.6), most=most),
        Objects(tar, most=most),
        Mixture((Rectangles(), Strokes(), Objects(tar)), union=1.0, most=most),
    ]


@settings(max_examples=15, deadline=None)
@given(SEEDS, SIZES, SIZES, PARTS)
def test_a_hole_is_never_empty_and_hides_at_most_the_stated_part(objects_tar, seed, height, width, most):
    for sampler in samplers(objects_tar, most):
        hole = sampler(np.random.default_rng(seed), height, width)
        assert hole.shape == (height, width)
        assert hole.dtype == np.bool_
        assert 1 <= hole.sum() <= max(1, int(most * hole.size)) < hole.size
        again = sampler(np.random.default_rng(seed), height, width)
        assert np.array_equal(hole, again)
        again[:] = True  # each draw is an array of its own


def test_rectangles_are_those_of_contextual_attention():
    """In 256 pixels: boxes of 128, less up to 16 at both ends, anywhere."""
    generator = np.random.default_rng(0)
    heights, tops = set(), set()
    for _ in range(400):
        hole = Rectangles()(generator, 256, 256)
        rows, columns = bounding_box(hole)
        assert hole[rows, columns].all()
        heights.add(rows.stop - rows.start)
        tops.add(rows.start)
        assert 96 <= columns.stop - columns.start <= 128
    assert heights == set(range(96, 129, 2))
    assert min(tops) < 10
    assert max(tops) > 125


def test_rectangles_keep_the_margin():
    generator = np.random.default_rng(0)
    for _ in range(50):
        hole = Rectangles(margin=0.1, jitter=0.0)(generator, 40, 60)
        rows, columns = bounding_box(hole)
        assert (rows.stop - rows.start, columns.stop - columns.start) == (20, 30)
        assert rows.start >= 4
        assert rows.stop <= 36
        assert columns.start >= 6
        assert columns.stop <= 54


def test_a_stroke_has_its_width():
    """Half a width is how deep it is, in a frame of known pixels; less where the border cuts it."""
    generator = np.random.default_rng(0)
    sampler = Strokes(count=(1, 1), vertices=(1, 1), width=(0.1, 0.1))
    depths = [depth(np.pad(sampler(generator, 200, 200), 1)).max() for _ in range(20)]
    assert max(depths) <= 11.5
    assert np.median(depths) >= 10


def test_objects_obey_the_removal_rule(objects_tar):
    generator = np.random.default_rng(0)
    cut = 0
    for _ in range(200):
        hole = Objects(objects_tar, area=(0.05, 0.6), disc=0.3, most=0.9)(generator, 64, 96)
        # An independent look: no disc of that diameter (19.2, plus a pixel) fits, wherever its centre lies.
        row, column = np.mgrid[-10:11, -10:11]
        kernel = (row**2 + column**2 <= 10.5**2).astype(np.uint8)
        assert not cv2.erode(hole.astype(np.uint8), kernel, borderValue=1).any()
        cut += 2 * depth(hole).max() > 0.25 * 64
    assert cut > 20  # the rule is what limits many of them


def test_objects_have_their_shape_and_size(tmp_path):
    tar = pack(tmp_path / "bars.tar", {"bar.png": bar()})
    generator = np.random.default_rng(0)
    areas = []
    for _ in range(200):
        hole = Objects(tar, area=(0.05, 0.05), rotation=0.0)(generator, 100, 100)
        rows, columns = bounding_box(hole)
        assert hole[rows, columns].mean() > 0.9  # still a bar
        assert rows.stop - rows.start <= columns.stop - columns.start + 40
        areas.append(hole.mean())
    assert max(areas) == pytest.approx(0.05, rel=0.15)
    assert np.median(areas) > 0.03


def test_objects_turn(tmp_path):
    tar = pack(tmp_path / "bars.tar", {"bar.png": bar()})
    generator = np.random.default_rng(3)
    turned = [Objects(tar, area=(0.02, 0.02), rotation=90.0)(generator, 100, 100) for _ in range(40)]
    taller = [np.ptp(np.argwhere(hole), axis=0) @ [1, -1] > 0 for hole in turned]
    assert 8 < sum(taller) < 32


def test_a_mixture_draws_by_its_shares_and_joins(objects_tar):
    whole, dot = Rectangles(0.5, jitter=0.0), Rectangles(0.01, jitter=0.0)
    generator = np.random.default_rng(0)
    small = [Mixture((whole, dot), (3, 1), union=0.0)(generator, 20, 20).sum() for _ in range(400)]
    assert set(small) == {1, 100}
    assert 60 < small.count(1) < 140
    joined = [Mixture((dot,), (1.0,), union=1.0)(generator, 20, 20).sum() for _ in range(50)]
    assert joined.count(2) > 40
    none = Mixture((Rectangles(), Objects()), (1.0, 0.0))
    assert none(generator, 20, 20).any()  # no silhouettes are needed for a share of 0


def test_missing_silhouettes_are_said_at_the_first_draw(tmp_path, objects_tar):
    for sampler in (Objects(), Mixture(shares=(0.999, 0.0005, 0.0005))):
        with pytest.raises(RetouchError, match="--masks"):
            sampler(np.random.default_rng(0), 8, 8)
        assert with_silhouettes(sampler, objects_tar)(np.random.default_rng(0), 8, 8).any()
    assert with_silhouettes(Strokes(), objects_tar) == Strokes()
    with pytest.raises(RetouchError, match="cannot be read"):
        Objects(str(tmp_path / "none.tar"))(np.random.default_rng(0), 8, 8)


@pytest.mark.parametrize("picture", [b"no picture", np.zeros((9, 9), np.uint8)])
def test_a_silhouette_that_is_none_is_named(tmp_path, picture):
    tar = pack(tmp_path / "bad.tar", {"x/empty.png": picture})
    with pytest.raises(RetouchError, match=r"x/empty\.png"):
        Objects(tar)(np.random.default_rng(0), 8, 8)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Rectangles(most=1.0),
        lambda: Rectangles(side=0.9, margin=0.1),
        lambda: Rectangles(jitter=0.5),
        lambda: Strokes(count=(3, 1)),
        lambda: Strokes(vertices=(0, 1)),
        lambda: Strokes(length=0.0),
        lambda: Strokes(length=20.0),  # pixels, or per cent
        lambda: Strokes(width=(12, 40)),
        lambda: Objects(area=(5, 35)),
        lambda: Strokes(spread=-1.0),
        lambda: Objects(area=(0.2, 0.1)),
        lambda: Objects(area=(0.0, 0.1)),
        lambda: Objects(disc=0.0),
        lambda: Mixture(shares=(1.0, 1.0)),
        lambda: Mixture(shares=(0.0, 0.0, 0.0)),
        lambda: Mixture(union=2.0),
    ],
)
def test_settings_without_sense_are_refused(make):
    with pytest.raises(RetouchError, match="In the settings of the masks"):
        make()


def test_a_bad_silhouette_is_passed_over(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    cv2.imwrite(str(tmp_path / "black.png"), np.zeros((9, 9), np.uint8))
    only_bad = Objects(str(tmp_path))
    with pytest.raises(RetouchError, match="is no silhouette, white on black, nor are most others"):
        only_bad(np.random.default_rng(0), 32, 32)
    folder = tmp_path / "with"
    folder.mkdir()
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "empty.png").touch()
    cv2.imwrite(str(folder / "square.png"), np.full((9, 9), 255, np.uint8))
    for seed in range(8):
        assert Objects(str(folder))(np.random.default_rng(seed), 32, 32).any()
