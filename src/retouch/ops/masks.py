"""Operations on masks, as numpy bool arrays ``H×W``, True = hole.

Masks stay in numpy and work is confined to the hole's bounding box, so that a small hole in a photo of a
hundred megapixels costs little.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def bounding_box(mask: Mask) -> tuple[slice, slice] | None:
    """Rows and columns of the smallest rectangle that holds every True; None if there is none."""
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return None
    across = slice(int(rows[0]), int(rows[-1]) + 1)
    columns = np.flatnonzero(mask[across].any(axis=0))
    return across, slice(int(columns[0]), int(columns[-1]) + 1)


def dilate(mask: Mask, radius: int) -> Mask:
    """Grow the hole by ``radius`` pixels in every direction, round at corners.

    Args:
        mask: ``H×W`` bool; left as it is.
        radius: in pixels; a pixel joins the hole if its centre is at most this far from a hole pixel's.

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
    # A distance costs the same at every radius, where a round kernel costs its square.
    distance = cv2.distanceTransform(
        (~mask[rows, columns]).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
    )
    # Distances are roots of whole numbers: the margin is far below the next one after `radius`.
    grown[rows, columns] |= distance <= radius + 1e-4
    return grown


def depth(mask: Mask) -> NDArray[np.float32]:
    """How deep each pixel lies in the hole: the distance to the nearest known pixel, 0 on known ones.

    Args:
        mask: ``H×W`` bool with at least one known pixel. The area beyond the border counts as neither
            hole nor known.

    Returns:
        ``H×W`` float32, in pixels; 1 for a hole pixel beside a known one.
    """
    distance = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance, dtype=np.float32)
