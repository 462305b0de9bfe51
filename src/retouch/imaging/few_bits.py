"""Values of few bits: to all of 8 or 16 on reading, and grey to the few levels of 1, 2 or 4 on writing.

Source: Floyd and Steinberg, "An Adaptive Algorithm for Spatial Grey Scale", 1976.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from retouch.imaging.photo import Array


def full_range(array: Array, bits: int) -> Array:
    """Scale values of a few bits to all of 8 or 16."""
    full = 255 if bits < 8 else 65535
    scaled = np.rint(array * (full / (2**bits - 1)))
    return np.asarray(scaled, dtype=np.uint8 if bits < 8 else np.uint16)


def few_values(values: Array, bits: int, *, dithered: bool) -> Array:
    """Round to the nearest of ``2**bits`` levels.

    Args:
        values: ``H×W×1`` uint8.
        bits: 1, 2 or 4.
        dithered: spread what rounding loses to the neighbours, as in the rest of the photo. What already is
            one of the levels stays.

    Returns:
        ``H×W×1`` uint8.
    """
    step = 255 // (2**bits - 1)
    if not dithered:
        return np.asarray((values.astype(np.uint16) + step // 2) // step * step, dtype=np.uint8)
    # One pixel at a time: only fills of dithered photos come here.
    rows = np.pad(values[..., 0].astype(np.float64), ((0, 1), (1, 1)))
    for above, below in pairwise(rows):
        for x in range(1, len(above) - 1):
            level = min(max(round(above[x] / step), 0), 255 // step) * step
            rest, above[x] = above[x] - level, level
            above[x + 1] += rest * 7 / 16
            below[x - 1] += rest * 3 / 16
            below[x] += rest * 5 / 16
            below[x + 1] += rest / 16
    return np.asarray(rows[:-1, 1:-1, None], dtype=np.uint8)
