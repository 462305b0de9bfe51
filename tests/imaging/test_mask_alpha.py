"""A transparent mask: strokes, or a copy of the photo with something erased."""

import numpy as np
import pytest
from PIL import Image
from tests.imaging.samples import encode

from retouch import RetouchError, pictures
from retouch.imaging import photo_from_array


def _hole(mask, photo, **options):
    notes = []
    return pictures.to_mask(mask, photo_from_array(photo), notes=notes, **options), notes


def _layer(colours, alpha):
    return np.dstack(
        [np.broadcast_to(np.asarray(colours, np.uint8), (*alpha.shape, 3)), alpha.astype(np.uint8)]
    )


@pytest.fixture
def soft(hole):
    """The opacity of a picture from which ``hole`` was erased with a soft brush."""
    from PIL import ImageFilter

    kept = Image.fromarray(np.uint8(~hole * 255))
    return np.minimum(np.asarray(kept), np.asarray(kept.filter(ImageFilter.BoxBlur(1))))


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (255, 0, 200)])
@pytest.mark.parametrize("opacity", [255, 200, 100])
def test_strokes_are_filled_whatever_their_colour(photo, hole, colour, opacity):
    got, notes = _hole(_layer(colour, hole * opacity), photo)
    np.testing.assert_array_equal(got, hole)
    assert len(notes) == (opacity != 255)


def large():
    mask = np.zeros((96, 128), bool)
    mask[20:70, 30:90] = True
    return mask


def test_what_covers_little_is_meant_itself(photo, hole):
    np.testing.assert_array_equal(_hole(_layer(photo, hole * 255), photo)[0], hole)


def test_strokes_of_several_colours(photo, hole):
    mask = _layer((0, 0, 0), hole * 255)
    mask[:, :30, :3], mask[:, 44:50, :3] = (255, 255, 255), (200, 30, 30)
    np.testing.assert_array_equal(_hole(mask, photo)[0], hole)


@pytest.mark.parametrize("kept_colours", [True, False])
@pytest.mark.parametrize("door", ["array", "16 bit", "pil", "png", "grey"])
def test_the_erased_part_of_a_copy_is_filled(photo, hole, kept_colours, door):
    copy = _layer(photo, ~hole * 255)
    if not kept_colours:
        copy[hole] = 0
    mask = {
        "array": copy,
        "16 bit": copy.astype(np.uint16) * 257,
        "pil": Image.fromarray(copy),
        "png": encode(copy, "PNG"),
        "grey": np.dstack([copy[..., 1], copy[..., 3]]),
    }[door]
    got, (note,) = _hole(mask, photo)
    np.testing.assert_array_equal(got, hole)
    assert note == "The mask is the photo with a part erased; that part is filled, 2.1 % of it."
    np.testing.assert_array_equal(_hole(mask, photo, invert=True)[0], hole)  # what one had to write before


def test_a_copy_in_other_colours_is_a_copy(photo, hole, soft):
    edited = np.rint(255 * (photo / 255) ** 0.7 * (0.95, 1, 0.9)).astype(np.uint8)
    got, _ = _hole(_layer(edited, soft), photo)
    np.testing.assert_array_equal(got, soft < 255)  # the soft edge too


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (lambda photo, hole: _layer(photo, large() * 255), "shows the photo"),  # an object, cut out
        (lambda photo, hole: _layer(photo[::-1], ~hole * 255), "is most of it"),  # another photo
        (lambda photo, hole: _layer((0, 0, 0), ~hole * 255), "is most of it"),  # black paint with a hole
        (lambda photo, hole: _layer(photo[::-1], large() * 255), "looks like a photo"),
        (lambda photo, hole: _layer(photo, np.pad(np.full((76, 108), 255), 10)), "shows the photo"),
    ],
)
def test_what_could_be_either_is_refused(photo, hole, mask, words):
    mask = mask(photo, hole)
    opaque = mask[..., 3] > 0
    with pytest.raises(
        RetouchError, match=f"{words}.*--mask-from inverted-alpha.*alpha.*luminance.*mask_from="
    ):
        _hole(mask, photo)
    np.testing.assert_array_equal(_hole(mask, photo, mask_from="alpha")[0], opaque)
    np.testing.assert_array_equal(_hole(mask, photo, mask_from="inverted-alpha")[0], ~opaque)
    np.testing.assert_array_equal(_hole(mask, photo, trust=True)[0], opaque)
    with pytest.raises(
        RetouchError, match=f"avoid mask {words}.*black and white, without transparency"
    ) as said:
        _hole(mask, photo, name="avoid mask")
    assert "--mask-from" not in str(said.value)


def test_a_mask_with_transparent_corners_is_black_and_white(photo, hole):
    corners = np.full(hole.shape, 255)
    corners[:2] = corners[-2:] = 0
    mask = _layer((0, 0, 0), corners)
    mask[hole, :3] = 255
    for colours in (0, 255):
        mask[corners == 0, :3] = colours
        got, (note,) = _hole(mask, photo)
        np.testing.assert_array_equal(got, hole)
        assert "black and white where it is opaque" in note


def test_an_erased_copy_is_no_map_of_what_to_borrow_from(photo, hole):
    with pytest.raises(RetouchError, match="opaque in the include mask shows the photo"):
        _hole(_layer(photo, ~hole * 255), photo, name="include mask")


def test_brightness_on_demand(photo, hole):
    mask = _layer((0, 0, 0), np.full(hole.shape, 255))
    mask[hole, :3], mask[..., 3] = 255, np.where(hole, 255, 90)
    mask[:48, :, 3] = 0
    np.testing.assert_array_equal(_hole(mask, photo, mask_from="luminance")[0], hole)


def test_opacity_that_says_nothing(photo, hole):
    plain = (hole * 255).astype(np.uint8)
    for alpha in (np.full(hole.shape, 255), np.full(hole.shape, 128), np.where(hole, 254, 250)):
        np.testing.assert_array_equal(_hole(np.dstack([plain, alpha.astype(np.uint8)]), photo)[0], hole)
    with pytest.raises(RetouchError, match="All of the mask is transparent, but it has colours"):
        _hole(np.dstack([plain, np.zeros_like(plain)]), photo)
    assert not _hole(np.zeros((*hole.shape, 4), np.uint8), photo)[0].any()


def test_an_option_that_does_not_apply(photo, hole):
    with pytest.raises(RetouchError, match="no transparency; leave out --mask-from"):
        _hole(hole, photo, mask_from="alpha")
    with pytest.raises(RetouchError, match="no transparency; leave out --mask-from"):
        _hole((hole * 255).astype(np.uint8), photo, mask_from="inverted-alpha")
    with pytest.raises(RetouchError, match="give a mask"):
        _hole(None, photo, mask_from="luminance")
    with pytest.raises(RetouchError, match="auto, alpha, inverted-alpha, luminance, not 'red'"):
        _hole(hole, photo, mask_from="red")
