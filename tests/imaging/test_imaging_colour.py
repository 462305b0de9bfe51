import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageCms
from tests.imaging.samples import CMYK, COMPACT_SRGB, P3, SRGB, noise

from retouch.errors import RetouchError
from retouch.imaging import from_srgb, photo_from_array, to_srgb

ALL = slice(None)


def cube(dtype, low=0.0, high=1.0):
    """All colours of a coarse grid, as a picture."""
    full = np.iinfo(dtype).max
    steps = np.linspace(low * full, high * full, 12).astype(dtype)
    return np.stack(np.meshgrid(steps, steps, steps), -1).reshape(12, 144, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("profile", [None, SRGB, COMPACT_SRGB, b"junk" * 50, P3[:300], CMYK, b""])
def test_plain_scaling_and_exact_return(dtype, profile):
    photo = replace(photo_from_array(noise(30, 40, 3, dtype=dtype)), profile=profile)
    image = to_srgb(photo, ALL, ALL)
    assert image.dtype == np.float32
    np.testing.assert_allclose(image, photo.pixels / np.iinfo(dtype).max, atol=1e-6)
    back = from_srgb(photo, image)
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, photo.pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("profile", [None, P3])
def test_grey_is_used_as_it_is(dtype, profile):
    photo = replace(photo_from_array(noise(30, 40, dtype=dtype)), profile=profile)
    image = to_srgb(photo, ALL, ALL)
    assert image.shape == (30, 40, 3)
    np.testing.assert_array_equal(image, image[..., :1].repeat(3, 2))
    back = from_srgb(photo, image)
    assert back.shape == (30, 40, 1)
    np.testing.assert_array_equal(back, photo.pixels)


def test_every_sixteen_bit_value_returns():
    photo = photo_from_array(np.arange(65536, dtype=np.uint16).reshape(256, 256))
    np.testing.assert_array_equal(from_srgb(photo, to_srgb(photo, ALL, ALL)), photo.pixels)


def test_p3_is_converted_as_pillow_does():
    array = cube(np.uint8)
    photo = replace(photo_from_array(array), profile=P3)
    wanted = ImageCms.profileToProfile(
        Image.fromarray(array), io.BytesIO(P3), io.BytesIO(COMPACT_SRGB), renderingIntent=1
    )
    got = to_srgb(photo, ALL, ALL)
    assert np.abs(got * 255 - np.asarray(wanted)).max() <= 1.5  # Pillow converts 8 bit in 8 bit
    assert np.abs(got * 255 - array).max() > 20


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colours_inside_srgb_return_through_p3(dtype):
    photo = replace(photo_from_array(cube(dtype)), profile=P3)
    image = to_srgb(photo, ALL, ALL)
    inside = ((image > 0.002) & (image < 0.998)).all(axis=2)
    level = np.iinfo(dtype).max / 255
    difference = np.abs(from_srgb(photo, image).astype(float) - photo.pixels) / level
    assert inside.sum() > 400
    assert difference[inside].max() <= 1


def test_srgb_returns_through_p3():
    photo = replace(photo_from_array(np.zeros((12, 144, 3), np.uint16)), profile=P3)
    wanted = cube(np.uint16, 0.01, 0.99) / np.float32(65535)
    encoded = replace(photo, pixels=from_srgb(photo, wanted))
    difference = np.abs(to_srgb(encoded, ALL, ALL) - wanted)
    assert difference.max() < 1.5 / 255  # both profiles keep their curves as coarse tables
    assert difference.mean() < 0.2 / 255


def test_colours_outside_srgb_are_clipped():
    array = np.array([[[0, 255, 0]]], np.uint8)
    image = to_srgb(replace(photo_from_array(array), profile=P3), ALL, ALL)
    np.testing.assert_allclose(image, [[[0, 1, 0]]], atol=1e-3)


@pytest.mark.parametrize("profile", [None, P3])
def test_a_crop_is_the_crop_of_the_whole(profile):
    photo = replace(photo_from_array(noise(30, 40, 3)), profile=profile)
    crop = to_srgb(photo, slice(3, 17), slice(20, 40))
    np.testing.assert_array_equal(crop, to_srgb(photo, ALL, ALL)[3:17, 20:40])
    crop[:] = 0  # a fresh array, so the photo stays
    np.testing.assert_array_equal(photo.pixels, noise(30, 40, 3))


def test_values_outside_the_range_are_clipped():
    photo = photo_from_array(noise(1, 2, 3))
    np.testing.assert_array_equal(
        from_srgb(photo, np.array([[[-1, 0, 0.5], [1, 2, 0.999]]], np.float32)),
        [[[0, 0, 128], [255, 255, 255]]],
    )


def test_a_colour_becomes_its_luminance_in_a_grey_photo():
    photo = photo_from_array(noise(1, 1))
    got = from_srgb(photo, np.array([[[1, 0, 0], [0, 1, 0], [0, 0, 1]]], np.float32))
    np.testing.assert_array_equal(got[..., 0], [[76, 150, 29]])


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((2, 2), np.float16), "float16"),
        (np.zeros((2, 2), bool), "bool"),
        (np.zeros((2, 2, 5), np.uint8), r"\(2, 2, 5\)"),
        (np.zeros(4, np.uint8), r"\(4,\)"),
        (np.zeros((0, 4, 3), np.uint8), "empty"),
    ],
)
def test_arrays_that_are_no_photos(array, words):
    with pytest.raises(RetouchError, match=words):
        photo_from_array(array)


@pytest.mark.parametrize("channels", [None, 1, 2, 3, 4])
def test_photos_of_arrays(channels):
    array = noise(5, 6) if channels is None else noise(5, 6, channels)
    photo = photo_from_array(array)
    assert photo.pixels.shape == (5, 6, 3 if channels in (3, 4) else 1)
    assert (photo.alpha is not None) == (channels in (2, 4))
    assert (photo.format, photo.profile) == ("", None)
    whole = photo.pixels if photo.alpha is None else np.dstack([photo.pixels, photo.alpha])
    np.testing.assert_array_equal(whole, array.reshape(whole.shape))
