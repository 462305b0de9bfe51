"""Finding the holes of a photo, and grouping those that are filled together.

Holes are found on a grid of cells of 16 × 16 pixels first, which is quick even on a hundred megapixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.engine.boxes import CONTEXT, Box, union, window_box
from retouch.ops.masks import Mask, bounding_box

CELL = 16
"""Side of a cell of the grid, in pixels."""
THIN = 5
"""A hole is thin (a wire, a scratch) if no square of this many cells fits into it."""
SPECK = 2 * CELL
"""A hole is a speck if the cells that it touches are no longer than this, in pixels."""
MANY, SHARED, SHORT = 64, 512, 8 * CELL
"""Where specks lie in more tiles than this, all short holes share windows of such a side, in pixels.

Windows around single specks would overlap, and each costs milliseconds besides what goes with its area.
"""


class Group(NamedTuple):
    """Holes that are filled together.

    Attributes:
        box: the smallest box around them.
        hole: bool of the box's size.
        apart: whether they are short holes that share a window because there are so many.
    """

    box: Box
    hole: Mask
    apart: bool


def group_holes(mask: Mask, working_size: int, context: int = CONTEXT) -> Iterator[Group]:
    """Group the holes of a mask.

    Args:
        mask: ``H×W`` bool, True = hole.
        working_size: the longest side a model should see, in pixels.
        context: the known area that suffices on each side of the smallest hole, in pixels.

    Yields:
        The groups. Each hole pixel of the mask belongs to one.
    """
    cells = any_per_cell(mask)
    if not cells.any():
        return
    parts, shared = _split(cells, working_size)
    for part in shared:
        yield _group(mask, part, True)
    boxes = [_cells_box(part, mask.shape) for part in parts]
    for members in _merge(boxes, mask.shape, working_size, context):
        yield _group(mask, np.concatenate([parts[each] for each in members]), False)


def _group(mask: Mask, cells: NDArray[np.int64], apart: bool) -> Group:
    """The holes of a mask in some cells (``N×2``, row and column)."""
    coarse = _cells_box(cells, mask.shape)
    own = np.zeros((-(-coarse.height // CELL), -(-coarse.width // CELL)), dtype=bool)
    own[cells[:, 0] - coarse.top // CELL, cells[:, 1] - coarse.left // CELL] = True
    pixels = own.repeat(CELL, axis=0).repeat(CELL, axis=1)[: coarse.height, : coarse.width]
    hole = mask[coarse.rows, coarse.columns] & pixels
    exact = bounding_box(hole)
    assert exact is not None  # each of the cells holds a hole pixel
    hole = np.ascontiguousarray(hole[exact])
    return Group(Box(coarse.top + exact[0].start, coarse.left + exact[1].start, *hole.shape), hole, apart)


def any_per_cell(mask: Mask) -> Mask:
    """Reduce ``mask`` to one bool per cell: does it hold a hole pixel?"""
    height, width = mask.shape
    whole = height - height % CELL
    # Along contiguous rows this is many times quicker than reduceat; the rest is a sixteenth of the work.
    rows = mask[:whole].reshape(-1, CELL, width).any(axis=1)
    if whole < height:
        rows = np.concatenate([rows, mask[whole:].any(axis=0, keepdims=True)])
    return np.logical_or.reduceat(rows, np.arange(0, width, CELL), axis=1)


def _split(cells: Mask, working_size: int) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]:
    """Split the cells that hold holes into the smallest parts to be filled together.

    There are three kinds: whole connected holes; pieces of thin holes that are longer than a window; and
    tiles full of specks, so that a hundred thousand dust specks do not become as many windows.

    Returns:
        For each part its cells, ``N×2``: row and column. The second list has the tiles of short holes if
        those are many: nothing is merged with them.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(cells.astype(np.uint8), connectivity=8)
    long_side = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1) * CELL
    core = cv2.erode(cells.astype(np.uint8), np.ones((THIN, THIN), np.uint8), borderValue=1)
    thick = np.zeros(count, dtype=bool)
    thick[labels[core > 0]] = True

    where = np.argwhere(cells)
    component = labels[cells].astype(np.int64)

    def tile(side: int) -> NDArray[np.int64]:
        """Number the tiles of ``side`` pixels from 1, and return the tile of each cell."""
        per_tile = max(1, side // CELL)
        row, column = (where // per_tile).T
        tiles: NDArray[np.int64] = row * (cells.shape[1] // per_tile + 1) + column + 1
        return tiles

    key = np.stack([component, np.zeros_like(component)])
    window_side = long_side + 2 * np.maximum(CONTEXT, long_side // 4)
    cut = (~thick & (window_side > working_size))[component]
    key[1, cut] = tile(working_size // 2)[cut]
    speck = (long_side <= SPECK)[component]
    tiles = tile(CONTEXT)[speck]
    many = _distinct(tiles) > MANY
    if many:
        speck = (long_side <= SHORT)[component]
        tiles = tile(min(SHARED, working_size // 2))[speck]
    key[:, speck] = np.stack([np.zeros(int(speck.sum()), dtype=np.int64), tiles])
    # Not np.unique: its first call imports numpy.ma, which takes as long as finding the holes.
    order = np.lexsort((key[1], key[0]))
    parts = np.split(where[order], np.flatnonzero(np.diff(key[:, order]).any(axis=0)) + 1)
    shared = _distinct(tiles) if many else 0  # no component has the number 0, so they come first
    return parts[shared:], parts[:shared]


def _distinct(numbers: NDArray[np.int64]) -> int:
    ordered = np.sort(numbers)
    return min(1, ordered.size) + int(np.count_nonzero(np.diff(ordered)))


def _cells_box(cells: NDArray[np.int64], shape: tuple[int, ...]) -> Box:
    """The pixels that cells (``N×2``, row and column) cover in a photo of this shape."""
    low = cells.min(axis=0) * CELL
    high = np.minimum((cells.max(axis=0) + 1) * CELL, shape)
    return Box(int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1]))


def _merge(holes: list[Box], shape: tuple[int, ...], working_size: int, context: int) -> list[list[int]]:
    """Merge holes whose windows overlap, as long as that costs neither resolution nor time.

    Time goes with the area of windows, so far-flung specks keep small windows of their own.

    Returns:
        Lists of indices.
    """
    members: list[list[int]] = [[each] for each in range(len(holes))]
    holes = list(holes)
    seen = [window_box(hole, 0, shape, working_size, context) for hole in holes]
    corners = np.array([[b.top, b.left, b.top + b.height, b.left + b.width] for b, _ in seen])
    alive = np.ones(len(holes), dtype=bool)
    waiting = list(range(len(holes)))
    while waiting:
        this = waiting.pop()
        if not alive[this]:
            continue
        top, left, bottom, right = corners[this]
        near = alive & (corners[:, 0] < bottom) & (corners[:, 2] > top)
        near &= (corners[:, 1] < right) & (corners[:, 3] > left)
        near[this] = False
        for other in np.flatnonzero(near):
            both = union(holes[this], holes[other])
            box, scale = window_box(both, 0, shape, working_size, context)
            apart = sum(seen[each][0].height * seen[each][0].width for each in (this, other))
            if scale <= min(seen[this][1], seen[other][1]) and box.height * box.width <= apart:
                alive[other] = False
                members[this] += members[other]
                holes[this], seen[this] = both, (box, scale)
                corners[this] = [box.top, box.left, box.top + box.height, box.left + box.width]
                waiting.append(this)  # it has grown, so it may now reach others
                break
    return [members[each] for each in np.flatnonzero(alive)]
