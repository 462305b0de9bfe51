"""Read the file of a mask: its pixels, or the numbers of its palette."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyvips

from retouch.errors import RetouchError
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
    array = read_array(source, allow_huge=allow_huge)
    numbers = _class_numbers(source, array, allow_huge)
    return array if numbers is None else numbers, lambda: _orientation(source)


def _class_numbers(source: str | Path | bytes, array: Array, allow_huge: bool) -> Array | None:
    _, alpha = split_alpha(array)
    if array.dtype != np.uint8 or array.shape[2] < 3 or (alpha is not None and alpha.min() < 255):
        return None
    grey = as_grey(_bytes(source))
    if grey is None:
        return None
    data, one, colours = grey
    try:
        numbers = read_array(data, allow_huge=allow_huge)
    except RetouchError:
        return None  # an odd file; its colours could be read
    if numbers.shape[:2] != array.shape[:2] or numbers.shape[2] != 1:
        return None
    return class_numbers(numbers[..., 0] // np.uint8(one), colours)


def _bytes(source: str | Path | bytes) -> bytes:
    return source if isinstance(source, bytes) else Path(source).read_bytes()


def _orientation(source: str | Path | bytes) -> int:
    try:
        image = pyvips.Image.new_from_buffer(_bytes(source), "")
        return int(image.get("orientation")) if image.get_typeof("orientation") else 1
    except pyvips.Error:
        return 1
