"""Read the file of a mask: its pixels, or the numbers of its palette."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retouch.errors import RetouchError
from retouch.files import read_once
from retouch.imaging.opening import field_of, open_file
from retouch.imaging.palettes import as_grey, class_numbers
from retouch.imaging.photo import Array, split_alpha
from retouch.imaging.reading import read_array


def read_mask_file(
    source: str | Path | bytes, *, allow_huge: bool = False
) -> tuple[Array, Callable[[], int]]:
    """Read a mask, upright.

    Returns:
        ``H×W`` or ``H×W×C``: the values; or, of a palette picture that is a map of classes, the numbers of
        its colours. And a function that finds the EXIF orientation of the file, which is rarely needed.

    Raises:
        RetouchError: see :func:`~retouch.imaging.read_photo`.
    """
    source = read_once(source)
    array = read_array(source, allow_huge=allow_huge)
    numbers = _class_numbers(source, array, allow_huge)
    return array if numbers is None else numbers, lambda: _orientation(source, allow_huge)


def _class_numbers(source: str | Path | bytes, array: Array, allow_huge: bool) -> Array | None:
    _, alpha = split_alpha(array)
    if array.dtype != np.uint8 or array.shape[2] < 3 or (alpha is not None and alpha.min() < 255):
        return None
    data = _bytes(source)
    found = _by_pillow(data) if data[:2] in (b"BM", b"GI") else _as_grey(data, allow_huge)
    return None if found is None or found[0].shape != array.shape[:2] else class_numbers(*found)


def _as_grey(data: bytes, allow_huge: bool) -> tuple[Array, NDArray[np.uint8]] | None:
    """The numbers and colours of a PNG or TIFF with a palette."""
    grey = as_grey(data)
    if grey is None:
        return None
    file, one, colours = grey
    try:
        numbers = read_array(file, allow_huge=allow_huge)
    except RetouchError:
        return None  # an odd file; its colours could be read
    return (numbers[..., 0] // np.uint8(one), colours) if numbers.shape[2] == 1 else None


def _by_pillow(data: bytes) -> tuple[Array, NDArray[np.uint8]] | None:
    """The numbers and colours of a BMP or GIF with a palette, if Pillow is there; nothing else needs it."""
    try:
        from PIL import Image
    except ImportError:
        return None
    try:
        with Image.open(BytesIO(data), formats=("BMP", "GIF")) as image:
            if image.mode != "P":
                return None
            colours = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
            return np.asarray(image), colours
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _bytes(source: str | Path | bytes) -> bytes:
    return source if isinstance(source, bytes) else Path(source).read_bytes()


def _orientation(source: str | Path | bytes, allow_huge: bool) -> int:
    return int(field_of(open_file(source, allow_huge, mask=True).image, "orientation", 1))
