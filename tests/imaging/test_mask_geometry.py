"""Masks that lie another way than the photo, or have another size."""

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from tests.imaging.samples import encode, exif, noise

from retouch import RetouchError, pictures
from retouch.imaging import mask_from_array, photo_from_array, read_mask, read_photo
from retouch.imaging.mask_geometry import same_shape

STORED = np.zeros((6, 10), np.uint8)
STORED[1:3, 5:9], STORED[4, 0] = 255, 255


def _photo(height, width, orientation):
    """A photo whose file holds ``height`` × ``width`` pixels, to be turned."""
    return read_photo(encode(noise(height, width, 3), "PNG", exif=exif(orientation)))


def _read(mask, photo, **options):
    notes = []
    return pictures.to_mask(mask, photo, notes=notes, **options), notes


def _upright(array, orientation):
    """As Pillow, which shares no code with the door, has it."""
    image = Image.open(io.BytesIO(encode(array, "PNG", exif=exif(orientation))))
    return np.asarray(ImageOps.exif_transpose(image)) > 0


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_mask_of_the_stored_pixels_is_turned_with_the_photo(orientation):
    photo = _photo(6, 10, orientation)
    wanted = _upright(STORED, orientation)
    assert photo.pixels.shape[:2] == wanted.shape == (10, 6)
    for door in (
        STORED,
        STORED > 0,
        Image.fromarray(STORED),
        encode(STORED, "PNG"),
        photo_from_array(STORED),
    ):
        got, (note,) = _read(door, photo)
        np.testing.assert_array_equal(got, wanted)
        assert note.endswith(f"it was turned as the photo is (EXIF orientation {orientation}).")
    # With --resize-mask a smaller mask is turned too, and never stretched.
    large = _photo(18, 30, orientation)
    got, (note,) = _read(STORED, large, resize=True)
    np.testing.assert_array_equal(got, wanted.repeat(3, 0).repeat(3, 1))
    assert "turned" in note
    with pytest.raises(RetouchError, match=r"6 × 10 pixels and the photo 18 × 30; use --resize-mask"):
        _read(STORED, large)


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
def test_a_mask_on_its_side_that_no_orientation_explains_is_refused(orientation):
    for options in ({}, {"resize": True}):
        for factor in (1, 3):
            with pytest.raises(RetouchError, match=r"lies on its side.*turn it by a quarter") as said:
                _read(STORED, _photo(10 * factor, 6 * factor, orientation), **options)
            assert "--resize-mask" not in str(said.value)


def test_the_orientation_of_the_mask_itself():
    # Followed where it fits, as every viewer does ...
    turned = encode(STORED, "PNG", exif=exif(6))
    for photo in (_photo(10, 6, 1), _photo(6, 10, 6), _photo(6, 10, 8)):
        got, notes = _read(turned, photo)
        np.testing.assert_array_equal(got, _upright(STORED, 6))
        assert notes == []
    # ... and not where a program turned the pixels and left the note behind.
    for photo in (_photo(6, 10, 1), _photo(10, 6, 8)):
        got, (note,) = _read(turned, photo)
        np.testing.assert_array_equal(got, STORED > 0)
        assert "its own EXIF orientation (6) is not followed" in note


def test_where_sizes_do_not_tell_the_mask_is_taken_as_seen():
    for orientation in (2, 3, 4):
        got, (note,) = _read(STORED, _photo(6, 10, orientation))
        np.testing.assert_array_equal(got, STORED > 0)
        assert f"(EXIF orientation {orientation})" in note
        assert "drawn on the stored pixels, turn it too" in note
    square = np.zeros((8, 8), np.uint8)
    square[1, 2:5] = 255
    assert len(_read(square, _photo(8, 8, 6))[1]) == 1
    assert _read(square, _photo(8, 8, 1))[1] == []
    # Whatever wrote the mask knows of orientations.
    assert _read(encode(square, "PNG", exif=exif(6)), _photo(8, 8, 6))[1] == []


def test_another_size_is_refused_with_both_sizes():
    mask = np.zeros((6, 8), bool)
    for door in (
        lambda *a, **b: mask_from_array(mask, *a, **b),
        lambda *a, **b: read_mask(encode(mask, "PNG"), *a, **b),
    ):
        with pytest.raises(RetouchError, match=r"8 × 6 .* 16 × 12; use --resize-mask"):
            door((12, 16))
        assert door((12, 16), resize=True).shape == (12, 16)
        for options in ({}, {"resize": True}):
            with pytest.raises(
                RetouchError, match=r"8 × 6 .* 20 × 10, which is another aspect ratio"
            ) as said:
                door((10, 20), **options)
            assert "--resize-mask" not in str(said.value)


def test_a_preview_of_another_shape_is_no_mask_to_resize():
    # A raw file's preview lacks the sensor's border; a thumbnail of 3:2 has bars.
    for preview, photo in (
        ((4000, 6000), (4024, 6048)),
        ((120, 160), (4000, 6000)),
        ((1080, 1616), (4024, 6048)),
    ):
        assert not same_shape(preview, photo)
    for preview, photo in (
        ((667, 1000), (4000, 6000)),
        ((100, 150), (4000, 6000)),
        ((3, 5), (4000, 6000)),
        ((2, 3), (2, 3)),
    ):
        assert same_shape(preview, photo)
        assert same_shape(photo, preview)


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 500),
    st.integers(1, 500),
    st.floats(0.02, 1),
    st.sampled_from([np.floor, np.ceil, np.rint]),
)
def test_a_size_that_was_scaled_and_rounded_has_the_same_shape(height, width, scale, rounding):
    small = int(rounding(height * scale)), int(rounding(width * scale))
    assume(min(small) > 0)
    assert same_shape(small, (height, width))
    assert same_shape((height, width), small)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 9), st.booleans(), st.integers(0, 99))
def test_resizing_takes_the_nearest_pixel(height, width, factor, invert, seed):
    mask = noise(height, width, seed=seed) > 127
    large = (max(1, height * factor // 2), max(1, width * factor // 2))
    assume(same_shape(mask.shape, large))
    got = mask_from_array(mask, large, resize=True, invert=invert)
    assert got.shape == large
    for row, column in [(0, 0), (large[0] - 1, large[1] - 1), (large[0] // 3, large[1] // 2)]:
        # The centre of the pixel, looked up in the small mask; in whole numbers.
        nearest = (2 * row + 1) * height // (2 * large[0]), (2 * column + 1) * width // (2 * large[1])
        assert got[row, column] == (mask[nearest] != invert)


def test_enlarging_by_whole_numbers_repeats():
    wanted = (STORED > 0).repeat(3, 0).repeat(3, 1)
    np.testing.assert_array_equal(mask_from_array(STORED, (18, 30), resize=True), wanted)


def test_a_photo_that_was_turned_and_erased_is_compared_as_seen(photo, hole):
    upright = np.rot90(photo, -1)
    file = read_photo(encode(photo, "PNG", exif=exif(6)))
    np.testing.assert_array_equal(file.pixels, upright)
    erased = np.dstack([photo, ~hole * np.uint8(255)])  # of the stored pixels
    got, notes = _read(erased, replace(file))
    np.testing.assert_array_equal(got, np.rot90(hole, -1))
    assert len(notes) == 2


def test_nothing_but_a_photo_goes_to_standard_output(capfd):
    """libultrahdr, through libvips' own choice of a loader, prints what it thinks of XMP."""
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF <"
    data = encode(np.zeros((20, 30), np.uint8), "JPEG")
    segment = b"\xff\xe1" + (2 + len(xmp)).to_bytes(2, "big") + xmp
    with pytest.raises(RetouchError, match="The mask"):
        read_mask(data[:2] + segment + data[2:], (30, 20))
    with pytest.raises(RetouchError, match="damaged"):
        read_photo(data[:2] + b"\0\0" + segment + data[2:])
    assert capfd.readouterr().out == ""
