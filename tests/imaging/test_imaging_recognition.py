"""Masks are told from photos; all pictures are made here, and small."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter
from tests.imaging.samples import encode

from retouch.errors import RetouchError
from retouch.imaging import mask_from_array, photo_from_array, read_mask
from retouch.imaging.recognition import black_and_white, photo_trait

COLOUR, GREYS = "is in colour", "has many shades of grey"


@pytest.fixture
def grey(photo):
    return np.asarray(Image.fromarray(photo).convert("L"))


@pytest.fixture
def strokes(hole):
    """A mask larger than the photo, with strokes and a block: 288×384 uint8."""
    return (hole.repeat(3, axis=0).repeat(3, axis=1) * 255).astype(np.uint8)


def _jpeg(array: np.ndarray, quality: int = 75) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def _resized(array: np.ndarray, scale: float) -> np.ndarray:
    size = (round(array.shape[1] * scale), round(array.shape[0] * scale))
    return np.asarray(Image.fromarray(array).resize(size, Image.Resampling.LANCZOS))


def _blurred(array: np.ndarray, radius: float) -> np.ndarray:
    return np.asarray(Image.fromarray(array).filter(ImageFilter.GaussianBlur(radius)))


@pytest.mark.parametrize(
    "change",
    [
        lambda mask: mask,
        lambda mask: 255 - mask,
        _jpeg,
        lambda mask: _jpeg(np.repeat(mask[..., None], 3, axis=2)),
        lambda mask: _jpeg(_resized(mask, 0.4), 50),
        lambda mask: _resized(mask, 0.4),
        lambda mask: _resized(mask, 1.7),
        lambda mask: _blurred(mask, 3),
        lambda mask: _blurred(mask, 8),
        lambda mask: _jpeg(_blurred(mask, 8)),
        lambda mask: 60 + mask // 3,  # dark and light grey
        lambda mask: mask.astype(np.uint16) * 257,
        lambda mask: mask / 255,
        lambda mask: np.zeros_like(mask),
        lambda mask: np.full_like(mask, 90),
        lambda mask: mask[:2, :2],
    ],
)
def test_masks_pass(strokes, change):
    assert photo_trait(change(strokes)) is None


def test_photos_are_recognized(photo, grey):
    assert photo_trait(photo) == COLOUR
    assert photo_trait(_jpeg(photo)) == COLOUR
    assert photo_trait(photo.astype(np.uint16) * 257) == COLOUR
    assert photo_trait(photo / 255) == COLOUR
    assert photo_trait(grey) == GREYS
    assert photo_trait(np.repeat(grey[..., None], 3, axis=2)) == GREYS
    assert photo_trait(_jpeg(grey)) == GREYS
    assert photo_trait(grey.astype(np.uint16) * 257) == GREYS
    assert photo_trait(grey / 255) == GREYS
    assert photo_trait(grey.repeat(8, axis=0).repeat(8, axis=1)) == GREYS  # its texture shows when it shrinks


def test_thin_strokes_in_colour_are_noticed(strokes):
    coloured = np.zeros((*strokes.shape, 3), np.uint8)
    coloured[100:102, 50:130] = (255, 0, 0)  # so dark that they would not count as white
    assert photo_trait(coloured) == COLOUR


def test_a_copy_of_the_photo_with_strokes_on_it_is_a_photo(photo, grey, hole):
    photo[hole], grey_copy = 255, np.where(hole, 255, grey).astype(np.uint8)
    assert photo_trait(photo) == COLOUR
    assert photo_trait(grey_copy) == GREYS


def test_only_alpha_counts_on_a_transparent_layer(photo, grey, hole):
    alpha = (hole * 255).astype(np.uint8)
    assert photo_trait(np.dstack([photo, alpha])) is None
    assert photo_trait(np.dstack([grey, alpha])) is None
    assert photo_trait(np.dstack([photo, np.full_like(alpha, 255)])) == COLOUR
    assert photo_trait(np.dstack([photo, grey])) == GREYS


def test_black_and_white_is_more_than_no_photo(photo, strokes):
    assert black_and_white(strokes[..., None])
    assert not black_and_white(photo)
    assert not black_and_white(np.full((9, 9, 3), 255, np.uint8))


def test_a_mask_is_checked_only_where_the_photo_is_given(photo, hole):
    pictured = photo_from_array(photo)
    for made in (
        lambda **options: mask_from_array(photo, (96, 128), **options),
        lambda **options: read_mask(encode(photo, "PNG"), (96, 128), **options),
    ):
        made()
        with pytest.raises(RetouchError, match=r"^The avoid mask is in colour like a photo; .*\.$"):
            made(photo=pictured, name="avoid mask")
        with pytest.raises(RetouchError, match=r"seem to be swapped.*--trust-mask"):
            made(photo=photo_from_array(np.uint8(hole * 255)))
    assert np.array_equal(mask_from_array(np.uint8(hole), (96, 128), photo=pictured), hole)
