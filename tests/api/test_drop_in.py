"""What takes the place of cv2.inpaint and skimage.restoration.inpaint_biharmonic, beside the originals."""

import inspect
import re

import cv2
import numpy as np
import pytest
from skimage.restoration import inpaint_biharmonic

import retouch.cv2
import retouch.skimage
from retouch import RetouchError

SIDE = 40


@pytest.fixture
def grey():
    row, column = np.mgrid[:SIDE, :SIDE]
    return (90 + 60 * np.sin(column / 3) + row / 2).astype(np.uint8)


@pytest.fixture
def mask():
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[15:22, 12:20] = 1  # any value but 0 means fill
    mask[30, 30] = 255
    return mask


def test_opencvs_signature_is_kept():
    required, optional = re.match(r"inpaint\((.*?)\[, (.*?)\]\) -> dst", cv2.inpaint.__doc__).groups()
    assert list(inspect.signature(retouch.cv2.inpaint).parameters) == [*required.split(", "), optional]


@pytest.mark.parametrize("kind", ["grey", "grey with an axis", "colour", "uint16", "float32"])
def test_what_opencv_fills_is_filled(grey, mask, kind):
    image = {
        "grey": grey,
        "grey with an axis": grey[..., None],
        "colour": np.dstack([grey, 255 - grey, grey // 2]),
        "uint16": grey.astype(np.uint16) * 200,
        "float32": grey.astype(np.float32) * 3 - 100,
    }[kind]
    before = image.copy()
    theirs = cv2.inpaint(image, mask, 3, cv2.INPAINT_TELEA).reshape(image.shape)
    ours = retouch.cv2.inpaint(image, mask, 3, cv2.INPAINT_TELEA)
    assert (ours.dtype, ours.shape) == (theirs.dtype, image.shape)
    assert np.array_equal(image, before)
    known = mask == 0
    assert np.array_equal(ours[known], theirs[known])
    # A hole in a smooth pattern: both come near to what was there.
    span = float(np.ptp(image))
    assert np.abs(ours[~known].astype(float) - image[~known]).mean() < 0.15 * span


def test_dst_is_written_and_returned(grey, mask):
    dst = np.zeros_like(grey)
    assert retouch.cv2.inpaint(grey, mask, 3, cv2.INPAINT_NS, dst) is dst
    assert np.array_equal(dst, retouch.cv2.inpaint(grey, mask, 3, cv2.INPAINT_NS))
    with pytest.raises(RetouchError, match="leave it out"):
        retouch.cv2.inpaint(grey, mask, 3, cv2.INPAINT_NS, dst.astype(np.float32))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda image, mask: (image.astype(np.int32), mask), "not 1 of int32"),
        (lambda image, mask: (np.dstack([image] * 4), mask), "not 4 of uint8"),
        (lambda image, mask: (np.dstack([image] * 3).astype(np.uint16), mask), "not 3 of uint16"),
        (lambda image, mask: (image, mask[:-1]), "height and width"),
        (lambda image, mask: (image, mask.astype(bool)), "uint8"),
    ],
)
def test_what_opencv_refuses_is_refused(grey, mask, change, sentence):
    image, mask = change(grey, mask)
    with pytest.raises((cv2.error, TypeError)):
        cv2.inpaint(image, mask, 3, cv2.INPAINT_TELEA)
    with pytest.raises(RetouchError, match=sentence):
        retouch.cv2.inpaint(image, mask, 3, cv2.INPAINT_TELEA)


def test_flags_are_opencvs(grey, mask):
    with pytest.raises(cv2.error):
        cv2.inpaint(grey, mask, 3, 9)
    with pytest.raises(RetouchError, match="not 9"):
        retouch.cv2.inpaint(grey, mask, 3, 9)


def test_scikit_images_signature_is_kept():
    theirs = inspect.signature(inpaint_biharmonic).parameters.values()
    ours = inspect.signature(retouch.skimage.inpaint_biharmonic).parameters.values()
    assert [(each.name, each.kind, each.default) for each in ours] == [
        (each.name, each.kind, each.default) for each in theirs
    ]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_what_scikit_image_fills_is_filled(grey, mask, dtype, axis):
    image = (grey if axis is None else np.stack([grey, 255 - grey, grey // 2], axis)).astype(dtype)
    theirs = inpaint_biharmonic(image, mask, channel_axis=axis)
    ours = retouch.skimage.inpaint_biharmonic(image, mask, channel_axis=axis)
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    known = np.broadcast_to((mask == 0) if axis != -1 else (mask == 0)[..., None], image.shape)
    assert np.array_equal(ours[known], theirs[known])
    assert theirs[known].min() <= ours.min() <= ours.max() <= theirs[known].max()


def test_values_in_the_hole_do_not_count(grey, mask):
    image = grey.astype(np.float64)
    expected = retouch.skimage.inpaint_biharmonic(image, mask)
    image[mask > 0] = np.nan
    assert np.array_equal(retouch.skimage.inpaint_biharmonic(image, mask), expected)


def test_a_plain_image_stays_plain(mask):
    plain = np.full((SIDE, SIDE), -7.5)
    plain[mask > 0] = np.inf
    assert (retouch.skimage.inpaint_biharmonic(plain, mask) == -7.5).all()


@pytest.mark.parametrize(
    ("image", "axis", "sentence"),
    [
        (np.zeros((4, SIDE, SIDE)), None, "cannot be filled"),
        (np.zeros((SIDE, SIDE, 4)), -1, "1 or 3 channels"),
        (np.zeros((SIDE, SIDE), np.int32), None, "int32"),
        (np.zeros((SIDE, SIDE + 1)), None, "height and width"),
        (np.full((SIDE, SIDE), np.nan), None, "finite"),
    ],
)
def test_what_cannot_be_filled_is_said(mask, image, axis, sentence):
    with pytest.raises(RetouchError, match=sentence):
        retouch.skimage.inpaint_biharmonic(image, mask, channel_axis=axis)


def test_a_mask_that_covers_everything():
    with pytest.raises(RetouchError, match="whole"):
        retouch.skimage.inpaint_biharmonic(np.zeros((8, 8)), np.ones((8, 8)))


def test_a_mask_of_nearly_everything_is_no_mistake(grey):
    """The originals do not doubt it, and take no argument that could say so."""
    mask = np.ones_like(grey)
    mask[::6, ::6] = 0
    assert mask.mean() > 0.95
    known = mask == 0
    filled = retouch.cv2.inpaint(grey, mask, 3, cv2.INPAINT_TELEA)
    assert np.array_equal(filled[known], grey[known])
    floats = retouch.skimage.inpaint_biharmonic(grey, mask)
    np.testing.assert_allclose(floats[known], grey[known] / 255, rtol=1e-12)
