from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.fakes import Constant, Nearest
from tests.imaging.samples import P3

from retouch.engine.boxes import Box
from retouch.engine.encoding import encoding_of
from retouch.engine.pipeline import fill_photo
from retouch.imaging import photo_from_array, to_srgb
from retouch.models.exemplar import open_exemplar
from retouch.models.opencv import Telea

HOLE = np.zeros((90, 100), bool)
HOLE[30:60, 35:65] = True
SATURATED = np.array([19, 230, 30])  # far outside of sRGB if it is Display P3
ALL = slice(None)


def saturated(dtype):
    noise = np.random.default_rng(0).normal(0, 3, (*HOLE.shape, 3))
    return (np.rint(SATURATED + noise) * (np.iinfo(dtype).max // 255)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("model", [Nearest(), open_exemplar(), Telea()], ids=["nearest", "exemplar", "telea"])
def test_colours_outside_srgb_come_back_within_a_level(model, dtype):
    array = saturated(dtype)
    photo = replace(photo_from_array(array), profile=P3)
    assert (to_srgb(photo, ALL, ALL)[..., 0] == 0).all(), "in sRGB they would be clipped"
    filled = fill_photo(photo, HOLE, model).photo.pixels
    step = np.iinfo(dtype).max // 255
    assert np.abs(filled[HOLE].mean(0) / step - SATURATED).max() < 2
    assert filled[HOLE].min() >= array.min() - step
    assert filled[HOLE].max() <= array.max() + step


@pytest.mark.parametrize("profile", [None, P3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_profile_does_not_change_the_fill(profile, dtype, channels):
    array = np.random.default_rng(0).random((*HOLE.shape, channels))
    array = array.astype(dtype) if dtype == np.float32 else (array * np.iinfo(dtype).max).astype(dtype)
    plain, marked = (
        fill_photo(replace(photo_from_array(array), profile=each), HOLE, Nearest()).photo.pixels
        for each in (None, profile)
    )
    assert np.array_equal(plain, marked)


def test_previews_are_srgb():
    photo = replace(photo_from_array(saturated(np.uint8)), profile=P3)
    shown = []

    def listen(progress):
        if progress.preview is not None:
            shown.append((progress.place, progress.preview()))

    fill_photo(photo, HOLE, Constant(0.5), on_progress=listen)
    place, picture = shown[-1]
    known = ~HOLE[place]
    assert np.abs(picture - to_srgb(photo, *place))[known].max() < 1e-4


@given(
    st.sampled_from([np.uint8, np.uint16, np.float32, np.float64]),
    st.floats(-1e6, 1e6),
    st.floats(1e-3, 1e6),
    st.integers(0, 2**31),
)
def test_what_is_shown_and_written_is_what_was_there(dtype, low, span, seed):
    array = np.random.default_rng(seed).random((5, 7, 3))
    if np.dtype(dtype).kind == "f":
        array = (low + span * array).astype(dtype)
    else:
        array = np.rint(array * np.iinfo(dtype).max * min(1, span)).astype(dtype)
    box = Box(0, 0, 5, 7)
    encoding = encoding_of(photo_from_array(array), box, np.ones((5, 7), bool))
    image = encoding.look(box)
    assert image.dtype == np.float32
    assert image.min() >= 0
    assert image.max() <= 1
    back = encoding.write(image)
    assert back.dtype == dtype
    if np.dtype(dtype).kind == "f":
        exact = np.ptp(array) * 1e-6 + np.abs(array).max() * np.finfo(dtype).eps * 4
        assert np.abs(back - array).max() <= max(exact, 1e-7)
    else:
        assert np.array_equal(back, array)


def test_a_small_part_of_the_range_is_stretched_and_bytes_are_not():
    box, allowed = Box(0, 0, 4, 4), np.ones((4, 4), bool)
    for array, low, span in [
        (np.full((4, 4), 30, np.uint8), 0, 255),
        (np.linspace(1200, 2600, 16).reshape(4, 4).astype(np.uint16), 1200, 1400),
        (np.linspace(0, 65535, 16).reshape(4, 4).astype(np.uint16), 0, 65535),
        (np.linspace(0, 1, 16).reshape(4, 4), 0, 1),
        (np.linspace(-2, 5, 16).reshape(4, 4), -2, 7),
        (np.full((4, 4), 7.5), 7.5, 1),
    ]:
        encoding = encoding_of(photo_from_array(array), box, allowed)
        assert (encoding.low, encoding.span) == (low, span)
