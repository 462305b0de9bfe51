import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.fakes import Constant, Nearest
from tests.engine.test_smooth import Copying

from retouch.engine.filled import source_map
from retouch.engine.pipeline import fill_photo
from retouch.imaging import photo_from_array
from retouch.models.exemplar import open_exemplar
from retouch.models.opencv import Telea

ROWS, COLUMNS = np.mgrid[:96, :120]
HOLE = (ROWS > 30) & (ROWS < 60) & (COLUMNS > 40) & (COLUMNS < 80)
HIDDEN = (255, 0, 255)
MODELS = [Nearest(), Copying(), Telea(), open_exemplar()]
EVERY = pytest.mark.parametrize("model", MODELS, ids=["nearest", "copying", "telea", "exemplar"])


def cut_out(visible, dtype=np.uint8, seed=0):
    """Green where it is visible, with magenta hidden under the transparency."""
    full = np.iinfo(dtype).max
    colours = np.array([40, 160, 60]) + np.random.default_rng(seed).integers(-20, 20, (*visible.shape, 1))
    colours = np.where(visible[..., None], colours, HIDDEN)
    return (np.dstack([colours, np.where(visible, 255, 0)]) * (full // 255)).astype(dtype)


@EVERY
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_an_outline_goes_on_and_nothing_hidden_comes_out(model, dtype):
    array = cut_out(COLUMNS < 60, dtype)
    array[HOLE] = np.iinfo(dtype).max
    result = fill_photo(photo_from_array(array), HOLE, model).photo
    alpha, level = result.alpha / np.iinfo(dtype).max, np.iinfo(dtype).max // 255
    assert alpha[HOLE & (COLUMNS < 56)].mean() > 0.95
    assert alpha[HOLE & (COLUMNS > 64)].mean() < 0.05
    assert np.array_equal(result.pixels[~HOLE], array[..., :3][~HOLE])
    assert np.array_equal(result.alpha[~HOLE], array[..., 3][~HOLE])
    filled = result.pixels[HOLE] // level
    assert (filled[:, 1] > 100).all(), "green, as all that can be seen"
    assert (filled[:, 0] < 100).all()


def test_hidden_colours_are_no_sources_and_change_nothing():
    visible = np.hypot(ROWS - 45, COLUMNS - 40) < 35
    one = cut_out(visible)
    other = one.copy()
    other[~visible, :3] = 7
    model = open_exemplar()
    first, second = (fill_photo(photo_from_array(each), HOLE, model) for each in (one, other))
    assert np.array_equal(first.photo.pixels[HOLE], second.photo.pixels[HOLE])
    assert np.array_equal(first.photo.alpha, second.photo.alpha)
    sources = source_map(first)[HOLE]
    assert visible[tuple(sources[sources[:, 0] >= 0].T)].all()


@given(st.integers(0, 255), st.integers(0, 2**31))
@settings(max_examples=10, deadline=None)
def test_alpha_that_is_the_same_everywhere_stays(alpha, seed):
    array = np.random.default_rng(seed).integers(0, 256, (96, 120, 4), np.uint8)
    array[..., 3] = alpha
    result = fill_photo(photo_from_array(array), HOLE, Constant(0.5)).photo
    assert (result.alpha == alpha).all()


def test_an_opaque_photo_costs_nothing_more():
    array = np.random.default_rng(0).integers(0, 256, (96, 120, 4), np.uint8)
    array[..., 3] = 255
    model = Nearest()
    filled = fill_photo(photo_from_array(array), HOLE, model)
    assert len(model.seen) == 1
    plain = fill_photo(photo_from_array(array[..., :3]), HOLE, model)
    assert np.array_equal(filled.photo.pixels, plain.photo.pixels)
    assert (filled.photo.alpha == 255).all()


def test_where_nothing_can_be_seen_the_hole_disappears():
    array = cut_out(COLUMNS < 0)
    array[HOLE] = 255
    result = fill_photo(photo_from_array(array), HOLE, Nearest()).photo
    assert not result.alpha.any()
    assert not result.pixels[HOLE].any(), "nothing of the object is left under the transparency"


def test_only_transparent_pixels_are_allowed():
    array = cut_out(COLUMNS < 60)
    allowed = COLUMNS > 100
    result = fill_photo(photo_from_array(array), HOLE, Nearest(), allowed=allowed).photo
    assert (result.pixels[HOLE][:, 1] > 100).all()


def test_a_hole_that_is_the_transparency_becomes_opaque():
    array = cut_out(~HOLE)
    array[..., 3] = np.where(HOLE, 0, 200)
    result = fill_photo(photo_from_array(array), HOLE, Nearest(), opaque=True).photo
    assert (result.alpha[HOLE] == 255).all()
    assert (result.alpha[~HOLE] == 200).all()


def test_scattered_pixels_of_a_cut_out():
    visible, hole = COLUMNS < 60, np.random.default_rng(0).random(HOLE.shape) < 0.5
    array = cut_out(visible)
    array[hole] = 255
    result = fill_photo(photo_from_array(array), hole, Copying()).photo
    assert (result.alpha[hole & (COLUMNS < 50)] > 250).all()
    assert (result.alpha[hole & (COLUMNS > 70)] < 5).all()
    assert result.alpha[hole & (COLUMNS < 60)].mean() > 250
    assert result.alpha[hole & (COLUMNS >= 60)].mean() < 5
    assert (result.pixels[hole][:, 0] < 100).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_have_alpha_too(dtype):
    array = (cut_out(COLUMNS < 60) / 255).astype(dtype)
    array[..., :3] *= 40  # metres, say
    array[HOLE] = np.nan
    result = fill_photo(photo_from_array(array), HOLE, Nearest()).photo
    assert result.alpha.dtype == dtype
    assert (result.alpha[HOLE & (COLUMNS < 56)] == 1).all()
    assert (result.alpha[HOLE & (COLUMNS > 66)] == 0).all()
    assert np.isfinite(result.pixels).all()
