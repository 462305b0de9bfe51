"""The places of a photo that were mended: what a report shows one by one."""

from __future__ import annotations

import cv2
import numpy as np

from retouch.engine.boxes import Box
from retouch.engine.grouping import CELL, any_per_cell
from retouch.ops.masks import Mask

LONGEST = 16 * CELL
"""The longest side of a place, in pixels; longer scratches are cut."""


def places(mask: Mask) -> list[Box]:
    """Find the places of a mask, those with most pixels first.

    What lies in neighbouring cells of 16 pixels is one place, unless it is long.

    Args:
        mask: ``H×W`` bool.

    Returns:
        Boxes that hold all of the mask, each with some of it.
    """
    cells = any_per_cell(mask)
    if not cells.any():
        return []
    _, labels = cv2.connectedComponents(cells.view(np.uint8), connectivity=8)
    rows, columns = np.nonzero(cells)
    side = LONGEST // CELL
    # Long ones are cut where a grid crosses them.
    keys = np.stack([labels[rows, columns], rows // side, columns // side], axis=1)
    order = np.lexsort(keys.T[::-1])
    cuts = np.flatnonzero(np.diff(keys[order], axis=0).any(axis=1)) + 1
    found = []
    for part in np.split(order, cuts):
        top, left = int(rows[part].min()) * CELL, int(columns[part].min()) * CELL
        bottom = min(mask.shape[0], (int(rows[part].max()) + 1) * CELL)
        right = min(mask.shape[1], (int(columns[part].max()) + 1) * CELL)
        found.append(Box(top, left, bottom - top, right - left))
    pixels = [int(np.count_nonzero(mask[box.rows, box.columns])) for box in found]
    return [found[each] for each in np.argsort(pixels, kind="stable")[::-1]]
