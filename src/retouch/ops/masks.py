"""Operations on masks: numpy bool arrays ``H×W``, True = hole.

Masks stay in numpy, and the work stays in the hole's bounding box. A small hole in a photo of a hundred
megapixels therefore costs little.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

_ROUNDING = 1e-4  # distances are roots of whole numbers; two of them differ by far more at any real size


def bounding_box(mask: Mask) -> tuple[slice, slice] | None:
    """Return the rows and columns of the smallest rectangle that holds every True; None for an empty mask."""
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return None
    across = slice(int(rows[0]), int(rows[-1]) + 1)
    columns = np.flatnonzero(mask[across].any(axis=0))
    return across, slice(int(columns[0]), int(columns[-1]) + 1)


def dilate(mask: Mask, radius: int) -> Mask:
    """Grow the hole by ``radius`` pixels in every direction. Corners become round.

    Args:
        mask: ``H×W`` bool; not changed.
        radius: in pixels. A pixel joins the hole if its centre is at most this far from the centre of a hole
            pixel.

    Returns:
        A new ``H×W`` bool array.

    Raises:
        ValueError: the radius is negative.
    """
    if radius < 0:
        raise ValueError(f"The radius must not be negative: {radius}.")
    grown = mask.copy()
    box = bounding_box(mask)
    if radius == 0 or box is None:
        return grown
    rows, columns = (slice(max(0, each.start - radius), each.stop + radius) for each in box)
    # A distance transform takes the same time at every radius; a round kernel takes the radius squared.
    grown[rows, columns] |= depth(~mask[rows, columns]) <= radius + _ROUNDING
    return grown


def close(mask: Mask, radius: int) -> Mask:
    """Add small islands to the hole: known pixels that the hole encloses, such as gaps between strokes.

    An island joins the hole if all of its pixels are at most ``radius`` pixels away from the hole, so it is
    at most about twice as wide as ``radius``. These are the islands that ``dilate(mask, radius)`` would
    cover. The outline of the hole stays as it is.

    Args:
        mask: ``H×W`` bool; not changed.
        radius: in pixels.

    Returns:
        A new ``H×W`` bool array.

    Raises:
        ValueError: the radius is negative.
    """
    if radius < 0:
        raise ValueError(f"The radius must not be negative: {radius}.")
    closed = mask.copy()
    found = _islands(mask) if radius else None
    if found is None:
        return closed
    box, labels, areas = found
    deep = np.unique(labels[depth(labels > 0) > radius + _ROUNDING])
    joining = areas > 0
    joining[deep] = False
    closed[box] |= joining[labels]
    return closed


def small_islands(mask: Mask, pixels: int) -> tuple[int, int]:
    """Find small islands: known pixels that the hole encloses, such as gaps between strokes.

    Known pixels that touch by a corner only do not belong together. The border of the picture does not
    enclose.

    Args:
        mask: ``H×W`` bool.
        pixels: an island is small if it has fewer pixels than this.

    Returns:
        The number of small islands, and the smallest radius for which :func:`close` adds them all to the
        hole; (0, 0) if there are none.
    """
    found = _islands(mask, pixels)
    if found is None:
        return 0, 0
    _, labels, areas = found
    small = (areas > 0) & (areas < pixels)
    if not small.any():
        return 0, 0
    deepest = float(depth(small[labels]).max())
    return int(small.sum()), math.ceil(deepest - _ROUNDING)


def _islands(
    mask: Mask, pixels: int | None = None
) -> tuple[tuple[slice, slice], NDArray[np.int32], NDArray[np.int32]] | None:
    """Label the islands of a mask.

    Args:
        mask: ``H×W`` bool.
        pixels: islands with this many pixels or more may be missing; None = label all.

    Returns:
        The box that was searched; a label for each pixel in it, 0 outside islands; and the area of the
        island of each label, 0 for label 0. None if there are no islands.
    """
    box = bounding_box(mask)
    if box is None:
        return None
    hole = np.ascontiguousarray(mask[box]).view(np.uint8)
    # Tracing outlines is far cheaper than labelling, and most holes turn out to have no islands.
    contours, hierarchy = cv2.findContours(hole, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    inner = [cv2.boundingRect(contours[each]) for each in np.flatnonzero(hierarchy[0, :, 3] >= 0)]
    if pixels is not None:
        # An outline runs along the hole, one pixel outside the island. An island as wide and as high as
        # this has at least `pixels` pixels.
        inner = [each for each in inner if (each[2] - 2) + (each[3] - 2) - 1 < pixels]
    if not inner:
        return None
    left, top, width, height = np.array(inner).T
    rows = slice(int(top.min()), int((top + height).max()))
    columns = slice(int(left.min()), int((left + width).max()))
    known = np.ascontiguousarray(hole[rows, columns] == 0).view(np.uint8)
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(known, connectivity=4, ltype=cv2.CV_32S)
    areas = statistics[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0  # the hole
    # What reaches the edge of this box is connected to the surroundings of the hole.
    edges = (labels[0], labels[-1], labels[:, 0], labels[:, -1])
    areas[np.unique(np.concatenate(edges))] = 0
    labels[areas[labels] == 0] = 0
    place = slice(box[0].start + rows.start, box[0].start + rows.stop)
    across = slice(box[1].start + columns.start, box[1].start + columns.stop)
    return (place, across), labels, areas


def depth(mask: Mask) -> NDArray[np.float32]:
    """Return how deep each pixel lies in the hole: its distance to the nearest known pixel.

    Args:
        mask: ``H×W`` bool with at least one known pixel. The area beyond the border counts as neither
            hole nor known.

    Returns:
        ``H×W`` float32, in pixels: 0 for known pixels, 1 for a hole pixel beside a known one.
    """
    distance = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance, dtype=np.float32)
