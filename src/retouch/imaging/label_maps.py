"""Tell maps of classes or of numbered objects from shades of grey."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.imaging.photo import Array

_LARGEST = 4_000_000  # pixels that are looked at
_STRIP = 64  # rows of a strip, where a mask is larger
_BLOCKS = 64  # so many pixels of an enlarged mask must lie between black and white
_FEW = 8  # with so few values, neighbours in value say nothing
# Chosen on label maps with objects from 3 pixels on, on masks with soft edges of all kinds (as JPEG, scaled,
# posterised), and on 400 photos in grey.
_EQUAL = 0.7  # the share of neighbours with the same number
_EQUAL_OF_VALUE, _VALUES = 0.4, 0.9  # the same for one number, and the share of numbers that reach it
_STEPS = 0.6  # the share of borders where the next shade follows


def is_label_map(values: Array, counts: NDArray[np.int64] | None = None, *, least: float = _EQUAL) -> bool:
    """Whether three or more values stand for classes or objects, and not for shades of grey.

    Each class fills areas. A shade of grey is on the way from one value to another: its pixels lie beside
    other shades (soft edges, noise of a JPEG), or its neighbours are the next darker and the next lighter
    shade (slopes).

    Args:
        values: ``H×W`` whole numbers of at least three values.
        counts: how often each occurs, if that is known.
        least: the share of neighbours that must have the same number.
    """
    seen = _looked_at(values)
    # Numbers without gaps, in the same order.
    order = np.cumsum((value_counts(values) if counts is None else counts) > 0, dtype=np.int32) - 1
    ranks, last = order[seen], int(order[-1])
    equal, pairs = np.zeros(last + 1, np.int64), np.zeros(last + 1, np.int64)
    borders = steps = 0
    for one, other in ((ranks[1:], ranks[:-1]), (ranks[:, 1:], ranks[:, :-1])):
        # Black and white have areas in every mask; what lies between them tells.
        between = ((one > 0) & (one < last)) | ((other > 0) & (other < last))
        one, other = one[between], other[between]
        same = one == other
        borders += int(np.count_nonzero(~same))
        steps += int(np.count_nonzero(np.abs(one - other) == 1))
        inside = (one > 0) & (other > 0)
        equal += 2 * np.bincount(one[same & inside], minlength=last + 1)
        pairs += np.bincount(one[inside], minlength=last + 1) + np.bincount(other[inside], minlength=last + 1)
    if last >= _FEW and steps > _STEPS * borders:
        return False
    equal, pairs = equal[1:last], pairs[1:last]
    flat = equal[pairs > 0] >= _EQUAL_OF_VALUE * pairs[pairs > 0]
    return bool(equal.sum() >= least * pairs.sum() and flat.sum() >= _VALUES * flat.size)


def value_counts(values: Array) -> NDArray[np.int64]:
    """How often each value occurs."""
    if values.dtype == np.uint32:
        return np.asarray(np.bincount(values.ravel()), np.int64)
    size = np.iinfo(values.dtype).max + 1
    # numpy's bincount would first make a 64-bit copy of the mask.
    found: NDArray[Any] = cv2.calcHist([np.ascontiguousarray(values)], [0], None, [size], [0, size])
    return np.asarray(np.rint(found.ravel()), np.int64)


def _looked_at(values: Array) -> Array:
    """What has other values than the least and the largest, and what is beside it; strips if it is large.

    A mask that was enlarged by repeating pixels is looked at as it was before.
    """
    step = _repeated(values)
    small = values[::step, ::step]
    between = (small > small.min()) & (small < small.max())
    if step > 1 and np.count_nonzero(between) < _BLOCKS:  # a few rectangles with round numbers
        small = values
        between = (small > small.min()) & (small < small.max())
    rows, columns = np.flatnonzero(between.any(axis=1)), np.flatnonzero(between.any(axis=0))
    seen = small[max(rows[0] - 1, 0) : rows[-1] + 2, max(columns[0] - 1, 0) : columns[-1] + 2]
    fraction = -(-seen.size // _LARGEST)
    if fraction == 1:
        return seen
    return np.concatenate([seen[top : top + _STRIP] for top in range(0, len(seen), _STRIP * fraction)])


def _repeated(values: Array) -> int:
    """How often each pixel is repeated in both directions; 1 in most masks."""
    rows = np.flatnonzero((values[1:] != values[:-1]).any(axis=1)) + 1
    columns = np.flatnonzero((values[:, 1:] != values[:, :-1]).any(axis=0)) + 1
    return int(np.gcd.reduce(np.concatenate([rows, columns, values.shape])))
