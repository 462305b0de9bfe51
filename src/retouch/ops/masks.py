"""Operations on masks: numpy bool arrays ``H×W``, True = hole.

Masks stay in numpy, and the work stays in the hole's bounding box. A small hole in a photo of a hundred
megapixels therefore costs little.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

_TRACEABLE = 20_000  # OpenCV takes the square of the time for more outlines, as in a dithered mask
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
    islands = _islands(mask) if radius else None
    if islands is None:
        return closed
    too_deep = depth(islands.labels > 0) > radius + _ROUNDING
    joining = islands.areas > 0
    joining[islands.labels[too_deep]] = False
    closed[islands.box] |= joining[islands.labels]
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
    islands = _islands(mask, pixels)
    if islands is None:
        return 0, 0
    small = (islands.areas > 0) & (islands.areas < pixels)
    if not small.any():
        return 0, 0
    deepest = float(depth(small[islands.labels]).max())
    return int(small.sum()), math.ceil(deepest - _ROUNDING)


class _Islands(NamedTuple):
    """The islands of a mask.

    Attributes:
        box: the rows and columns that were searched.
        labels: an integer for each pixel in the box: the number of its island, 0 outside islands.
        areas: the number of pixels of each island, by its number; 0 for numbers of no island.
    """

    box: tuple[slice, slice]
    labels: NDArray[np.int32]
    areas: NDArray[np.int32]


def _islands(mask: Mask, pixels: int | None = None) -> _Islands | None:
    """Find the islands of a mask; None if there are none.

    Args:
        mask: ``H×W`` bool.
        pixels: islands with this many pixels or more may be missing; None = find all.
    """
    box = bounding_box(mask)
    if box is None:
        return None
    hole = np.ascontiguousarray(mask[box]).view(np.uint8)
    narrowed = _narrowed(hole, pixels)
    if narrowed is None:
        return None
    rows, columns = narrowed
    known = np.ascontiguousarray(hole[rows, columns] == 0).view(np.uint8)
    _, found, statistics, _ = cv2.connectedComponentsWithStats(known, connectivity=4, ltype=cv2.CV_32S)
    labels, areas = found.astype(np.int32, copy=False), statistics[:, cv2.CC_STAT_AREA].astype(np.int32)
    areas[0] = 0  # the hole
    # What reaches the edge of this box belongs to the surroundings of the hole, or to a large island.
    areas[np.concatenate((labels[0], labels[-1], labels[:, 0], labels[:, -1]))] = 0
    labels[areas[labels] == 0] = 0
    first_row, first_column = box[0].start, box[1].start
    place = (
        slice(first_row + rows.start, first_row + rows.stop),
        slice(first_column + columns.start, first_column + columns.stop),
    )
    return _Islands(place, labels, areas)


def _narrowed(hole: NDArray[np.uint8], pixels: int | None) -> tuple[slice, slice] | None:
    """Return rows and columns that hold all islands of fewer pixels; None if there are none.

    Tracing outlines is far cheaper than labelling, and most holes turn out to have no islands.
    """
    corners = np.count_nonzero((hole[1:, 1:] == 0) & (hole[:-1, 1:] & hole[1:, :-1]).view(np.bool_))
    if corners == 0:  # every island has a pixel with hole above it and to its left
        return None
    if corners > _TRACEABLE:
        return slice(0, hole.shape[0]), slice(0, hole.shape[1])
    outlines, hierarchy = cv2.findContours(hole, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    parents = hierarchy[0, :, 3]
    inner = [cv2.boundingRect(each) for each, parent in zip(outlines, parents, strict=True) if parent >= 0]
    if pixels is not None:
        # An outline runs through the hole, one pixel outside the island. An island that is this wide and
        # this high has at least `pixels` pixels.
        inner = [each for each in inner if (each[2] - 2) + (each[3] - 2) - 1 < pixels]
    if not inner:
        return None
    left, top, width, height = np.array(inner).T
    rows = slice(int(top.min()), int((top + height).max()))
    columns = slice(int(left.min()), int((left + width).max()))
    return rows, columns


def hysteresis(weak: Mask, strong: Mask) -> Mask:
    """The connected parts of a mask in which something is strong (Canny, PAMI 1986, does so with edges).

    Args:
        weak: ``H×W`` bool.
        strong: ``H×W`` bool; what lies outside of ``weak`` does not count.

    Returns:
        ``H×W`` bool, of ``weak``.
    """
    count, labels = cv2.connectedComponents(weak.view(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    kept = np.zeros(count, bool)
    kept[labels[strong]] = True
    kept[0] = False
    return np.asarray(kept[labels])
