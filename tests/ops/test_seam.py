import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.ops.seam import close_seam


def square(size=40, margin=10):
    hole = np.zeros((size, size), dtype=bool)
    hole[margin:-margin, margin:-margin] = True
    return hole


def grey(value, size=40):
    return np.full((size, size, 3), value, dtype=np.float32)


def pair(seed, height=9, width=13):
    random = np.random.default_rng(seed)
    image, fill = random.random((2, height, width, 3), dtype=np.float32)
    return image, fill, random.random((height, width)) < 0.5


@given(st.integers(0, 2**31), st.integers(1, 20))
def test_it_changes_no_known_pixel(seed, reach):
    image, fill, hole = pair(seed)
    closed = close_seam(image, fill, hole, (reach, 1))
    assert np.array_equal(closed[~hole], image[~hole])
    assert closed.dtype == np.float32
    assert closed.min() >= 0
    assert closed.max() <= 1
    # Neither the hole of the photo nor what the fill shows elsewhere is looked at.
    inside = hole[..., None]
    hidden, only_hole = np.where(inside, np.float32(0.3), image), np.where(inside, fill, np.float32(0.7))
    assert np.array_equal(close_seam(hidden, only_hole, hole, (reach, 1)), closed)


@pytest.mark.parametrize("reach", [3, 8, 9])
def test_a_step_of_tone_is_closed_and_fades_to_nothing(reach):
    line = close_seam(grey(0.55, 60), grey(0.5, 60), square(60, 15), (reach,))[30, 15:30, 0]
    assert line[0] == pytest.approx(0.55, abs=0.002)
    assert (np.diff(line) <= 1e-6).all()
    assert (line[:reach] > 0.5).all()
    assert (line[reach:] == 0.5).all()


def test_what_already_meets_is_not_changed():
    image = grey(0.5)
    assert np.array_equal(close_seam(image, image, square(), (8, 2)), image)
    ramp = np.broadcast_to(np.linspace(0.2, 0.8, 40, dtype=np.float32)[None, :, None], (40, 40, 3))
    # Up on one side is down on the other: a slope has steps of its own, and each side is corrected by one.
    assert np.abs(close_seam(ramp, ramp, square(), (8,)) - ramp).max() < 1.01 * 0.6 / 39


def test_an_edge_that_the_hole_follows_stays_an_edge():
    image = grey(0.9)
    image[:, 30:] = 0.1
    line = close_seam(image, grey(0.9), square(), (6,))[20, :, 0]
    assert line[29] > 0.7
    assert line[30] == np.float32(0.1)


def test_grain_changes_hardly_anything():
    grain = np.random.default_rng(0).standard_normal((120, 120, 3), dtype=np.float32)
    image, hole = (0.5 + 0.05 * grain).clip(0, 1).astype(np.float32), square(120, 30)
    closed = close_seam(image, grey(0.5, 120), hole, (16,))
    assert (closed - 0.5)[hole].std() < 0.01


def test_ignored_pixels_need_not_be_met():
    image, hole = grey(0.5), square()
    image[:, 30:] = 0.6
    ignore = np.zeros_like(hole)
    ignore[:, 30:] = True
    met, ignored = (close_seam(image, grey(0.5), hole, (6,), each)[20, 29, 0] for each in (None, ignore))
    assert met > 0.55
    assert ignored == 0.5
    nothing = close_seam(image, grey(0.5), hole, (6,), np.zeros_like(hole))
    assert np.array_equal(nothing, close_seam(image, grey(0.5), hole, (6,)))


def test_a_hole_that_covers_the_picture_or_none_of_it():
    image, fill, hole = pair(0)
    assert np.array_equal(close_seam(image, fill, np.ones_like(hole), (4,)), fill)
    assert np.array_equal(close_seam(image, fill, np.zeros_like(hole), (4,)), image)
