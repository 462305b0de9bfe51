"""Count what was found by kind, as its shape tells it."""

from __future__ import annotations

from collections import Counter

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.ops.masks import Mask

_LONG = 4.0  # a line is at least this many times as long as wide
_STRAIGHT = 0.05  # a scratch leaves its direction by at most this part of its length
_SPECK = 12.0  # pixels across, in a photo of a megapixel; in larger photos in proportion to the side

SPECK, HAIR, SCRATCH, AREA = "speck", "hair", "scratch", "area"


def count_kinds(found: Mask) -> dict[str, int]:
    """Count the spots of a mask by kind, the most frequent first.

    A spot is a "scratch" if it is long, thin and straight, a "hair" (or a crack) if it is long and bent, a
    "speck" if it is small, and else an "area": a stain, a tear, a missing corner.

    Args:
        found: ``H×W`` bool.
    """
    count, labels = cv2.connectedComponents(found.view(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    if count == 1:
        return {}
    rows, columns = np.nonzero(found)
    spot = labels[rows, columns].astype(np.int64)
    length, across = _extents(spot, rows, columns, count)
    # Twice the greatest distance from the outside is the width, however a line bends.
    depth = cv2.distanceTransform(
        cv2.copyMakeBorder(found.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT), cv2.DIST_L2, 3
    )
    width = np.zeros(count, np.float32)
    np.maximum.at(width, spot, 2 * depth[rows + 1, columns + 1])
    area = np.bincount(spot, minlength=count)
    speck = _SPECK * max(1.0, (found.size / 1e6) ** 0.5)
    along = np.maximum(length, area / np.maximum(width, 1))  # a curled hair is longer than its box
    thin = (along >= _LONG * width) & (along > speck / 2)
    straight = across - width <= _STRAIGHT * length
    kinds = np.select([thin & straight, thin, length <= speck], [SCRATCH, HAIR, SPECK], AREA)
    return dict(Counter(kinds[1:].tolist()).most_common())


def _extents(
    spot: NDArray[np.int64], rows: NDArray[np.int64], columns: NDArray[np.int64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how long and how wide the rectangles are that have the moments of the spots."""
    area = np.bincount(spot, minlength=count).clip(1)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.bincount(spot, values, count) / area)

    x, y = columns.astype(np.float64), rows.astype(np.float64)
    middle_x, middle_y = mean(x), mean(y)
    x, y = x - middle_x[spot], y - middle_y[spot]
    xx, yy, xy = mean(x * x), mean(y * y), mean(x * y)
    half, apart = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    # A row of n pixels has the moment (n² - 1) / 12.
    return np.sqrt(12 * (half + apart) + 1), np.sqrt(12 * (half - apart).clip(0) + 1)
