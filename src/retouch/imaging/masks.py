"""Masks: which pixels are to be filled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retouch.errors import RetouchError
from retouch.imaging.photo import Array, Photo, split_alpha
from retouch.imaging.reading import read_array

Mask = NDArray[np.bool_]

_ROWS = 1024  # luminance is taken of so many rows at a time, to keep memory low
_LUMA = (299, 587, 114)  # thousandths of red, green and blue: ITU-R BT.601, as Pillow and OpenCV have it


def read_mask(
    source: str | Path | bytes,
    shape: tuple[int, ...],
    *,
    invert: bool = False,
    resize: bool = False,
    allow_huge: bool = False,
    name: str = "mask",
) -> Mask:
    """Read a mask from an image file: white = fill.

    Colours count by their luminance, at least half of the full range is fill. If the image is
    transparent anywhere, its alpha is the mask (opaque = fill): strokes painted on a transparent layer.

    Args:
        source: a path, or the bytes of an image file (from a pipe).
        shape: height and width of the photo.
        invert: fill what would be kept and keep what would be filled.
        resize: bring a mask of another size to the photo's, by nearest neighbour.
        allow_huge: read masks of more than :data:`~retouch.imaging.PIXEL_LIMIT` pixels.
        name: what the user knows it by, for the errors.

    Returns:
        ``H×W`` bool, True = fill.

    Raises:
        RetouchError: as in :func:`~retouch.imaging.read_photo`, or the mask is of another size.
    """
    hole = _threshold(read_array(source, allow_huge=allow_huge))
    return _finish(hole, shape, invert=invert, resize=resize, name=name)


def mask_from_array(
    array: Array,
    shape: tuple[int, ...],
    *,
    invert: bool = False,
    resize: bool = False,
    name: str = "mask",
) -> Mask:
    """Make a mask of a numpy array, by the rules of :func:`read_mask`.

    Args:
        array: ``H×W`` or ``H×W×C`` with 1 to 4 channels (2 and 4 have alpha); bool; uint8 or uint16, where
            zeros and ones alone, in any integer type, count as False and True; or floats in [0, 1].
        shape: height and width of the photo.
        invert: fill what would be kept and keep what would be filled.
        resize: bring a mask of another size to the photo's, by nearest neighbour.
        name: what the user knows it by, for the errors.

    Returns:
        ``H×W`` bool, True = fill; never a view of ``array``.

    Raises:
        RetouchError: another dtype, shape or range, or the mask is of another size.
    """
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 2, 3, 4)):
        raise RetouchError(
            f"An array of shape {array.shape} is not a mask; it must be H×W or H×W×C with 1 to 4 channels."
        )
    if array.size == 0:
        raise RetouchError(
            f"The {name} is empty: its shape is {array.shape}; it must be as large as the photo."
        )
    if array.dtype.kind == "f":
        if not (array.min() >= 0 and array.max() <= 1):  # also false for NaN
            raise RetouchError(
                "A mask of floats must lie in [0, 1], where 1 is fill; "
                f"this one holds values from {array.min():g} to {array.max():g}."
            )
    elif array.dtype == np.bool_ or (array.dtype.kind in "iu" and array.min() >= 0 and array.max() <= 1):
        if array.dtype == np.bool_ and array.ndim == 2:
            # What most masks are: a single copy, of ones and zeros, though others may hold other bytes.
            return _finish(array.view(np.uint8) != 0, shape, invert=invert, resize=resize, name=name)
        array = array.astype(np.uint8) * np.uint8(255)
    elif array.dtype not in (np.uint8, np.uint16):
        raise RetouchError(f"A mask of {array.dtype} is ambiguous; use bool, uint8 or uint16.")
    return _finish(_threshold(array), shape, invert=invert, resize=resize, name=name)


def mask_from_alpha(photo: Photo) -> Mask:
    """The transparent area of a photo (alpha below half), ``H×W`` bool, True = fill.

    Raises:
        RetouchError: the photo has no alpha channel, or nothing in it is transparent.
    """
    if photo.alpha is None:
        raise RetouchError("The photo has no transparent area to fill; give a mask.")
    hole: Mask = photo.alpha < _full(photo.alpha) / 2
    if not hole.any():
        raise RetouchError("Nothing in the photo is transparent; give a mask.")
    return hole


def _threshold(array: Array) -> Mask:
    pixels, alpha = split_alpha(array)
    full = _full(array)
    # Compared with a whole number, integers need not become floats first.
    half = full / 2 if array.dtype.kind == "f" else full // 2 + 1
    if alpha is not None and alpha.min() < full:
        return np.asarray(alpha >= half)
    if pixels.shape[2] == 1:
        return np.asarray(pixels[..., 0] >= half)
    hole = np.empty(pixels.shape[:2], dtype=bool)
    for top in range(0, len(hole), _ROWS):
        rows = slice(top, top + _ROWS)
        hole[rows] = pixels[rows] @ np.array(_LUMA, dtype=np.float64) >= full * sum(_LUMA) / 2
    return hole


def _full(array: Array) -> int:
    """The value of white, and of opaque."""
    return 1 if array.dtype.kind == "f" else int(np.iinfo(array.dtype).max)


def _finish(hole: Mask, shape: tuple[int, ...], *, invert: bool, resize: bool, name: str) -> Mask:
    height, width = shape[:2]
    if hole.shape != (height, width):
        if not resize:
            raise RetouchError(
                f"The {name} is {hole.shape[1]} × {hole.shape[0]} pixels and the photo {width} × {height}; "
                "use --resize-mask (resize_mask=True in Python) to bring the mask to the photo's size."
            )
        rows, columns = (
            ((np.arange(new) + 0.5) * old / new).astype(np.intp)
            for new, old in zip((height, width), hole.shape, strict=True)
        )
        hole = hole[rows][:, columns]
    return ~hole if invert else hole
