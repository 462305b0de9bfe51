import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import retouch
from retouch.native import library
from retouch.restoration.mending import LARGE, NARROW, Mend, mending, wider_parts, with_detail

compiled = pytest.mark.skipif(library() is None, reason="nothing was compiled")


def grained(grain=0.03, side=128):
    """A ramp with the grain of film, H×W×3, and the ramp."""
    ramp = np.linspace(0.3, 0.6, side, dtype=np.float32)[None, :, None].repeat(side, 0).repeat(3, 2)
    noise = np.random.default_rng(0).normal(0, 1, ramp.shape).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), 0.6)
    return ramp + np.float32(grain) * noise / noise.std(), ramp


def scratch(width, side=128):
    mask = np.zeros((side, side), np.uint8)
    cv2.line(mask, (20, 10), (100, 110), 1, width)
    return mask > 0


def filled(image, hole):
    hidden = np.where(hole[..., None], np.float32(0.95), image)
    return Mend().fill_array(hidden, hole, ~hole, seed=0, on_progress=lambda _: None).image


def fineness(image, where):
    return np.square(image - cv2.GaussianBlur(image, (0, 0), 1))[where].mean() ** 0.5


@compiled
@pytest.mark.parametrize("width", [2, 3, 5, 7, 11])
def test_a_mended_scratch_has_the_grain_and_the_tones_of_what_is_around(width):
    image, ramp = grained()
    hole = scratch(width)
    made = filled(image, hole)
    assert 0.85 < fineness(made, hole) / fineness(image, ~hole) < 1.15
    assert abs((made - ramp)[hole].mean()) < 0.005
    assert np.array_equal(made[~hole], image[~hole])


@compiled
def test_a_smooth_continuation_alone_would_show():
    image, _ = grained()
    hole = scratch(5)
    smooth = retouch.inpaint(image, hole, model="navier-stokes")
    assert fineness(smooth, hole) < 0.5 * fineness(image, ~hole)


@compiled
def test_a_large_hole_meets_the_tones_at_its_border():
    image, ramp = grained(0.01)
    hole = np.zeros((128, 128), bool)
    hole[40:90, 40:90] = True
    assert wider_parts(hole, LARGE).any()
    assert np.abs((filled(image, hole) - ramp)[hole]).mean() < 0.03


def test_detail_comes_from_the_sources_and_tones_from_the_fill():
    image, _ = grained()
    hole = np.zeros((128, 128), bool)
    hole[60:64, 30:90] = True
    rows, columns = np.indices(hole.shape)
    sources = np.where(hole[..., None], np.stack([rows + 20, columns], 2), -1).astype(np.int32)
    tones = image[sources[..., 0], sources[..., 1]] + np.float32(0.1)
    made = with_detail(image, tones, hole, sources)
    # The tones are those of the copies but for one number, so their detail is left as it is.
    np.testing.assert_allclose(made[hole], tones[hole], atol=1e-5)
    assert np.array_equal(made[~hole], image[~hole])


def test_narrow_and_wide():
    hole = np.zeros((60, 60), bool)
    hole[10 : 10 + NARROW] = True
    hole[30 : 32 + NARROW] = True
    hole[-4:] = True  # at the edge it may go on
    wide = wider_parts(hole, NARROW)
    assert not wide[:25].any()
    assert wide[30 : 32 + NARROW].all()
    assert wide[-4:].all()
    assert not (wide & ~hole).any()
    assert not wider_parts(np.zeros((9, 9), bool), NARROW).any()


def test_without_the_compiled_part_exemplar_mends(monkeypatch):
    monkeypatch.setattr("retouch.restoration.mending.library", lambda: None)
    assert mending().name == "exemplar"


@compiled
@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(2, 40), st.floats(0.05, 0.9))
def test_any_damage_of_any_picture_is_filled_within_what_is_known(seed, height, width, share):
    random = np.random.default_rng(seed)
    image = random.random((height, width, 3)).astype(np.float32)
    hole = random.random((height, width)) < share
    hole |= cv2.dilate(hole.astype(np.uint8), np.ones((random.integers(1, 6),) * 2, np.uint8)) > 0
    hole[random.integers(height), random.integers(width)] = False
    assume(hole.mean() <= 0.9)  # else the mask is taken for an inverted one
    made = retouch.restore(image, hole)
    assert np.array_equal(made.image[~hole], image[~hole])
    assert np.isfinite(made.image).all()
    assert made.image.min() >= 0
    assert made.image.max() <= 1
    assert np.array_equal(retouch.restore(image, hole).image, made.image)


@compiled
@pytest.mark.parametrize("shape", [(60, 70), (60, 70, 1), (60, 70, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float64])
def test_arrays_of_any_kind(shape, dtype):
    random = np.random.default_rng(0)
    scale = 1 if dtype == np.float64 else np.iinfo(dtype).max
    image = (random.random(shape) * scale).astype(dtype)
    hole = np.zeros((60, 70), bool)
    hole[20:24, 10:60] = True
    made = retouch.restore(image, hole).image
    assert made.dtype == dtype
    assert made.shape == shape
    assert np.array_equal(made[~hole], image[~hole])
    assert (made[hole] != image[hole]).any()
