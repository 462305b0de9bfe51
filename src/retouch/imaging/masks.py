"""Masks: which pixels to fill."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retouch.errors import RetouchError
from retouch.imaging.photo import Array, Photo, split_alpha
from retouch.imaging.reading import read_array
from retouch.imaging.recognition import black_and_white, photo_trait

Mask = NDArray[np.bool_]

_NOISE = 0.1  # of white; what a JPEG leaves of black
_ROWS = 1024  # luminance is computed for this many rows at a time, to keep memory low
_LUMA = (299, 587, 114)  # thousandths of red, green and blue: ITU-R BT.601, as in Pillow and OpenCV


def read_mask(
    source: str | Path | bytes,
    shape: tuple[int, ...],
    *,
    invert: bool = False,
    resize: bool = False,
    allow_huge: bool = False,
    name: str = "mask",
    photo: Photo | None = None,
) -> Mask:
    """Read a mask from an image file: white = fill.

    A pixel is white if its luminance is at least half of the full range. If the image is transparent
    anywhere, its alpha is the mask (opaque = fill), so a transparent layer with painted strokes also works.

    Args:
        source: a path, or the bytes of an image file (from a pipe).
        shape: height and width of the photo.
        invert: black = fill instead.
        resize: resize a mask of another size to the photo's size, by nearest neighbour.
        allow_huge: read masks of more than :data:`~retouch.imaging.PIXEL_LIMIT` pixels.
        name: what error messages call the mask.
        photo: the photo that the mask is for; then a mask that looks like a photo is refused. None = accept
            any picture.

    Returns:
        ``H×W`` bool, True = fill.

    Raises:
        RetouchError: see :func:`~retouch.imaging.read_photo`; or the mask has another size, or looks like a
            photo.
    """
    array = read_array(source, allow_huge=allow_huge)
    hole = _checked(array, photo, invert=invert, name=name)
    return _finish(hole, shape, invert=invert, resize=resize, name=name)


def mask_from_array(
    array: Array,
    shape: tuple[int, ...],
    *,
    invert: bool = False,
    resize: bool = False,
    name: str = "mask",
    photo: Photo | None = None,
) -> Mask:
    """Make a mask from a numpy array, by the rules of :func:`read_mask`.

    Args:
        array: ``H×W`` or ``H×W×C`` with 1 to 4 channels (2 and 4 have alpha), of bool, uint8, uint16, or
            floats in [0, 1]. Integers of any type that are all 0 or 1 count as False and True.
        shape: height and width of the photo.
        invert: black = fill instead.
        resize: resize a mask of another size to the photo's size, by nearest neighbour.
        name: what error messages call the mask.
        photo: as in :func:`read_mask`.

    Returns:
        ``H×W`` bool, True = fill; never a view of ``array``.

    Raises:
        RetouchError: the dtype, shape, range or size is wrong, or the mask looks like a photo.
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
            # Most masks are like this. One copy; a bool array may hold bytes other than 0 and 1.
            return _finish(array.view(np.uint8) != 0, shape, invert=invert, resize=resize, name=name)
        array = array.astype(np.uint8) * np.uint8(255)
    elif array.dtype not in (np.uint8, np.uint16):
        raise RetouchError(f"A mask of {array.dtype} is ambiguous; use bool, uint8 or uint16.")
    hole = _checked(array, photo, invert=invert, name=name)
    return _finish(hole, shape, invert=invert, resize=resize, name=name)


def mask_from_alpha(photo: Photo) -> Mask:
    """Return the transparent area of a photo, ``H×W`` bool, True = fill.

    Cut-outs usually have soft edges, so every pixel counts that is less opaque than the most opaque one.

    Raises:
        RetouchError: the photo has no alpha channel, or all of it is at least half opaque.
    """
    if photo.alpha is None:
        raise RetouchError("The photo has no transparent area to fill; give a mask.")
    if photo.alpha.min() >= _full(photo.alpha) / 2:
        raise RetouchError("Nothing in the photo is transparent; give a mask.")
    return np.asarray(photo.alpha < photo.alpha.max())


def _checked(array: Array, photo: Photo | None, *, invert: bool, name: str) -> Mask:
    """Find the hole in a mask; refuse what is no mask, if there is a photo that it is for."""
    _refuse_photo(array, photo, name)
    hole = _threshold(array)
    if photo is not None and not invert:
        _refuse_faint(array, hole, name)
    return hole


def _refuse_photo(array: Array, photo: Photo | None, name: str) -> None:
    """Raise :class:`RetouchError` if a mask looks like a photo, and there is a photo that it is for."""
    trait = None if photo is None else photo_trait(array)
    if photo is None or trait is None:
        return
    trust = "--trust-mask (trust_mask=True in Python)"
    if name == "mask" and black_and_white(photo.pixels):
        raise RetouchError(
            f"The photo and the mask seem to be swapped: the mask {trait} like a photo, and the photo is "
            f"black and white like a mask; give the photo first, or use {trust} to go on as it is."
        )
    raise RetouchError(
        f"The {name} {trait} like a photo; give a picture in black and white or strokes on a transparent "
        f"layer, or use {trust} to go by its brightness."
    )


def _refuse_faint(array: Array, hole: Mask, name: str) -> None:
    """Raise :class:`RetouchError` if a mask has strokes, but none of them reaches half of white or opaque."""
    if hole.any():
        return
    strongest = float(_painted(array).max()) / _full(array)
    if strongest > _NOISE:
        raise RetouchError(
            f"The strokes of the {name} are too faint: {100 * strongest:.0f} % at most, and at least half is "
            "needed; paint them white and with full opacity."
        )


def _threshold(array: Array) -> Mask:
    pixels, full = _painted(array), _full(array)
    # Integers are compared with a whole number, so that they need not become floats.
    half = full / 2 if array.dtype.kind == "f" else full // 2 + 1
    if pixels.shape[2] == 1:
        return np.asarray(pixels[..., 0] >= half)
    hole = np.empty(pixels.shape[:2], dtype=bool)
    for top in range(0, len(hole), _ROWS):
        rows = slice(top, top + _ROWS)
        hole[rows] = pixels[rows] @ np.array(_LUMA, dtype=np.float64) >= full * sum(_LUMA) / 2
    return hole


def _painted(array: Array) -> Array:
    """Return what counts of a mask, ``H×W×C``: its alpha if it is transparent anywhere, else its colours."""
    pixels, alpha = split_alpha(array)
    return pixels if alpha is None or alpha.min() == _full(array) else alpha[..., None]


def _full(array: Array) -> int:
    """Return the value of white, which is also the value of opaque."""
    return 1 if array.dtype.kind == "f" else int(np.iinfo(array.dtype).max)


def _finish(hole: Mask, shape: tuple[int, ...], *, invert: bool, resize: bool, name: str) -> Mask:
    height, width = shape[:2]
    if hole.shape != (height, width):
        if not resize:
            raise RetouchError(
                f"The {name} is {hole.shape[1]} × {hole.shape[0]} pixels and the photo {width} × {height}; "
                "use --resize-mask (resize_mask=True in Python) to resize the mask to the photo's size."
            )
        rows, columns = (
            ((np.arange(new) + 0.5) * old / new).astype(np.intp)
            for new, old in zip((height, width), hole.shape, strict=True)
        )
        hole = hole[rows][:, columns]
    return ~hole if invert else hole
