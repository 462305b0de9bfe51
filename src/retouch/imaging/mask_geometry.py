"""A mask and its photo side by side: turned as the photo was, or brought to its size."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from retouch.errors import RetouchError
from retouch.imaging.photo import Array

Mask = NDArray[np.bool_]

_TURNS: dict[int, Callable[[Array], Array]] = {
    1: lambda array: array,
    2: lambda array: array[:, ::-1],
    3: lambda array: array[::-1, ::-1],
    4: lambda array: array[::-1],
    5: lambda array: array.swapaxes(0, 1),
    6: lambda array: array.swapaxes(0, 1)[:, ::-1],
    7: lambda array: array[::-1, ::-1].swapaxes(0, 1),
    8: lambda array: array.swapaxes(0, 1)[::-1],
}
_BACK = {6: 8, 8: 6}  # all other turns undo themselves


def turned(array: Array, orientation: int) -> Array:
    """Turn stored pixels upright, ``H×W…``, as an EXIF orientation says (EXIF 2.32, 4.6.4 A)."""
    return np.ascontiguousarray(_TURNS[orientation](array))


def beside(
    array: Array, shape: tuple[int, ...], orientation: int, own: Callable[[], int], *, name: str, resize: bool
) -> tuple[Array, tuple[str, ...]]:
    """Turn a mask as its photo lies, where the sizes tell how.

    Args:
        array: ``H×W…``, the mask, turned upright by its own EXIF orientation.
        shape: height and width of the upright photo.
        orientation: the EXIF orientation that the photo's file had.
        own: finds the EXIF orientation that the mask's file had.
        name: what sentences call the mask.
        resize: whether the mask may have another size.

    Returns:
        The mask, of the photo's aspect ratio; and what the user should know, a sentence each.

    Raises:
        RetouchError: no turn brings it to the photo's size, or with ``resize`` to its aspect ratio.
    """
    orientation = orientation if orientation in _TURNS else 1
    said: tuple[str, ...] = ()
    if array.shape[:2] == shape[:2]:
        # Half a turn, a mirror and a square keep the size. People draw on what they see: nothing is turned.
        clear = orientation == 1 or (orientation >= 5 and shape[0] != shape[1]) or own() != 1
        note = (
            f"The photo is stored turned or mirrored (EXIF orientation {orientation}), and the {name} is "
            "taken as drawn on the photo as it is seen; if it was drawn on the stored pixels, turn it too."
        )
        return array, () if clear else (note,)
    if same_shape(array.shape[1::-1], shape) and not same_shape(array.shape, shape):
        array, said = _stood_up(array, shape, orientation, own(), name)
    sizes = _sizes(name, array.shape, shape)
    if not same_shape(array.shape, shape):
        raise RetouchError(
            f"{sizes}, which is another aspect ratio, so it belongs to another picture or to a part of this "
            "one; make it from this photo, in full."
        )
    if array.shape[:2] != shape[:2] and not resize:
        raise RetouchError(
            f"{sizes}; use --resize-mask (resize_mask=True in Python) to resize the mask to the photo's size."
        )
    return array, said


def _stood_up(
    array: Array, shape: tuple[int, ...], orientation: int, own: int, name: str
) -> tuple[Array, tuple[str, ...]]:
    """Turn a mask that lies on its side; see :func:`beside`."""
    if own >= 5:
        return turned(array, _BACK.get(own, own)), (
            f"The {name} fits the photo only as its pixels are stored, so its own EXIF orientation ({own}) "
            "is not followed.",
        )
    if orientation >= 5:
        return turned(array, orientation), (
            f"The {name} lies as the photo's stored pixels do, so it was turned as the photo is (EXIF "
            f"orientation {orientation}).",
        )
    raise RetouchError(
        f"{_sizes(name, array.shape, shape)}: it lies on its side, and no EXIF orientation of the photo says "
        "which way to turn it; turn it by a quarter, to the left or to the right."
    )


def same_shape(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether two sizes have one aspect ratio, but for rounding: by less than a pixel of the smaller one."""
    large, small = (one, other) if one[0] * one[1] > other[0] * other[1] else (other, one)
    return abs(small[1] * large[0] - small[0] * large[1]) < max(large[:2])


def resized(hole: Mask, shape: tuple[int, ...]) -> Mask:
    """Resize a hole by nearest neighbour."""
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(np.intp)
        for new, old in zip(shape[:2], hole.shape, strict=True)
    )
    return np.asarray(hole[rows][:, columns])


def _sizes(name: str, size: tuple[int, ...], shape: tuple[int, ...]) -> str:
    return f"The {name} is {size[1]} × {size[0]} pixels and the photo {shape[1]} × {shape[0]}"
