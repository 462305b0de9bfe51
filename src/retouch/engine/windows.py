"""Finding the holes of a photo and cutting windows around them.

A window is what a model sees: some holes and the known area around them. Everything is found on a grid of
cells of 16 × 16 pixels first, which is quick on a hundred megapixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.ops.masks import Mask, bounding_box
from retouch.upsampling.fill_small import usable_scale

CELL = 16
"""Side of a cell of the coarse grid, in pixels."""
CONTEXT = 64
"""The least known area around a hole on each side, in pixels (where the photo has it)."""
THIN = 5
"""A hole in which no square of this many cells fits is thin: a wire, a scratch."""


@dataclass(frozen=True)
class Box:
    """A rectangle of the photo, in pixels."""

    top: int
    left: int
    height: int
    width: int

    @property
    def rows(self) -> slice:
        """The rows it covers."""
        return slice(self.top, self.top + self.height)

    @property
    def columns(self) -> slice:
        """The columns it covers."""
        return slice(self.left, self.left + self.width)

    @property
    def long_side(self) -> int:
        """The greater of height and width."""
        return max(self.height, self.width)


@dataclass(frozen=True)
class Window:
    """A group of holes and the area around them.

    Attributes:
        box: what a model gets to see. Where the photo is large enough its sides are multiples of ``scale``.
        scale: the whole factor that brings the box to the working size.
        hole_box: the smallest box around this window's own holes; it lies in ``box``.
        hole: this window's own holes, bool of ``hole_box``'s size. The box may show holes of other windows
            too; each hole pixel of the photo belongs to one window.
    """

    box: Box
    scale: int
    hole_box: Box
    hole: Mask

    @property
    def inner(self) -> tuple[slice, slice]:
        """The rows and columns of the hole box, in the window."""
        top, left = self.hole_box.top - self.box.top, self.hole_box.left - self.box.left
        return slice(top, top + self.hole_box.height), slice(left, left + self.hole_box.width)


@dataclass(frozen=True)
class Sources:
    """The known pixels that may be borrowed from, made box by box: of a whole photo they are never wanted.

    Attributes:
        mask: ``H×W`` bool, True = hole.
        allowed: ``H×W`` bool, True where may be borrowed from; None for everywhere.
    """

    mask: Mask
    allowed: Mask | None

    def inside(self, box: Box) -> Mask:
        """Which pixels of a box they are."""
        known = ~self.mask[box.rows, box.columns]
        return known if self.allowed is None else known & self.allowed[box.rows, box.columns]

    def avoided(self, box: Box) -> Mask:
        """Which known pixels of a box they are not."""
        return ~self.mask[box.rows, box.columns] & ~self.inside(box)

    def count(self) -> int:
        """How many there are in the photo."""
        if self.allowed is None:
            return self.mask.size - int(np.count_nonzero(self.mask))
        box = bounding_box(self.mask)
        hidden = 0 if box is None else np.count_nonzero(self.mask[box] & self.allowed[box])
        return int(np.count_nonzero(self.allowed) - hidden)


def windows(mask: Mask, allowed: Mask | None = None, working_size: int = 512) -> list[Window]:
    """Group the holes of ``mask`` into windows.

    Holes are put into one window when their windows would overlap, unless that would make the window so large
    that it had to be filled at a coarser scale. Thin holes longer than a window (wires, scratches) are
    cut into pieces, so that they too are filled at full resolution.

    Args:
        mask: ``H×W`` bool, True = hole, with at least one known pixel.
        allowed: ``H×W`` bool, True where a fill may borrow from (all known pixels when None); a window grows
            until it shows enough of them.
        working_size: the longest side a model should see, in pixels.

    Returns:
        The windows, the smallest first; none if there is no hole.
    """
    cells = _any_per_cell(mask)
    if not cells.any():
        return []
    sources = Sources(mask, allowed)
    total_sources = sources.count()
    found = []
    for members, coarse in _groups(cells, mask.shape, working_size):
        rows, columns = coarse.rows, coarse.columns
        hole = mask[rows, columns] & _enlarge_cells(members)[: coarse.height, : coarse.width]
        exact = bounding_box(hole)
        if exact is None:
            continue
        hole = np.ascontiguousarray(hole[exact])
        hole_box = Box(coarse.top + exact[0].start, coarse.left + exact[1].start, *hole.shape)
        box, scale = _grow(hole_box, int(hole.sum()), sources, total_sources, working_size)
        found.append(Window(box, usable_scale(sources.inside(box), scale), hole_box, hole))
    # Small holes are the easy ones, and once filled they are context for the large.
    return sorted(found, key=lambda each: (each.hole.size, each.hole_box.top, each.hole_box.left))


def _any_per_cell(mask: Mask) -> Mask:
    """Reduce ``mask`` to one bool a cell: does it hold a hole pixel?"""
    height, width = mask.shape
    whole = height - height % CELL
    # Many times quicker along contiguous rows than by reduceat; the rest is a sixteenth of the work.
    rows = mask[:whole].reshape(-1, CELL, width).any(axis=1)
    if whole < height:
        rows = np.concatenate([rows, mask[whole:].any(axis=0, keepdims=True)])
    return np.logical_or.reduceat(rows, np.arange(0, width, CELL), axis=1)


def _enlarge_cells(cells: Mask) -> Mask:
    return cells.repeat(CELL, axis=0).repeat(CELL, axis=1)


def _groups(cells: Mask, shape: tuple[int, ...], working_size: int) -> list[tuple[Mask, Box]]:
    """Group the cells that hold holes: for each group its cells, and the box they cover in pixels."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(cells.astype(np.uint8), connectivity=8)
    long_side = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1) * CELL
    core = cv2.erode(cells.astype(np.uint8), np.ones((THIN, THIN), np.uint8), borderValue=1)
    thick = np.zeros(count, dtype=bool)
    thick[np.unique(labels[core > 0])] = True

    where = np.argwhere(cells)
    component = labels[cells].astype(np.int64)

    def tile(side: int) -> NDArray[np.int64]:
        """Number the tiles of ``side`` pixels from 1; for each cell its tile."""
        per_tile = max(1, side // CELL)
        row, column = (where // per_tile).T
        tiles: NDArray[np.int64] = row * (cells.shape[1] // per_tile + 1) + column + 1
        return tiles

    # Three kinds of groups: whole components, pieces of thin ones, and tiles full of specks (so that a
    # hundred thousand dust specks do not become as many windows).
    key = np.stack([component, np.zeros_like(component)])
    window_side = long_side + 2 * np.maximum(CONTEXT, long_side // 4)
    cut = (~thick & (window_side > working_size))[component]
    key[1, cut] = tile(working_size // 2)[cut]
    speck = (long_side <= 2 * CELL)[component]
    key[:, speck] = np.stack([np.zeros(int(speck.sum()), dtype=np.int64), tile(CONTEXT)[speck]])
    _, group = np.unique(key, axis=1, return_inverse=True)
    group = group.reshape(-1)

    order = np.argsort(group, kind="stable")
    parts = np.split(where[order], np.flatnonzero(np.diff(group[order])) + 1)
    merged = _merge([_cells_box(part, shape) for part in parts], shape, working_size)
    result = []
    for members in merged:
        part = np.concatenate([parts[each] for each in members])
        box = _cells_box(part, shape)
        own = np.zeros((-(-box.height // CELL), -(-box.width // CELL)), dtype=bool)
        own[part[:, 0] - box.top // CELL, part[:, 1] - box.left // CELL] = True
        result.append((own, box))
    return result


def _cells_box(cells: NDArray[np.int64], shape: tuple[int, ...]) -> Box:
    """The pixels that cells (``N×2``, row and column) cover of a photo of this shape."""
    low = cells.min(axis=0) * CELL
    high = np.minimum((cells.max(axis=0) + 1) * CELL, shape)
    return Box(int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1]))


def _merge(holes: list[Box], shape: tuple[int, ...], working_size: int) -> list[list[int]]:
    """Merge holes whose windows overlap, as long as that costs no resolution; returns lists of indices."""
    members: list[list[int]] = [[each] for each in range(len(holes))]
    holes = list(holes)
    seen = [_window_box(hole, 0, shape, working_size) for hole in holes]
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
            union = _union(holes[this], holes[other])
            box, scale = _window_box(union, 0, shape, working_size)
            if scale <= min(seen[this][1], seen[other][1]):
                alive[other] = False
                members[this] += members[other]
                holes[this], seen[this] = union, (box, scale)
                corners[this] = [box.top, box.left, box.top + box.height, box.left + box.width]
                waiting.append(this)  # it has grown, so it may now reach others
                break
    return [members[each] for each in np.flatnonzero(alive)]


def _union(one: Box, other: Box) -> Box:
    top, left = min(one.top, other.top), min(one.left, other.left)
    bottom = max(one.top + one.height, other.top + other.height)
    right = max(one.left + one.width, other.left + other.width)
    return Box(top, left, bottom - top, right - left)


def _window_box(hole: Box, more: int, shape: tuple[int, ...], working_size: int) -> tuple[Box, int]:
    """A window around ``hole`` and its scale, with ``more`` pixels of context than usual on each side.

    The context is half of the hole's long side; a quarter is enough if that saves a step of scale.
    """
    long_side = hole.long_side
    least = max(CONTEXT, long_side // 4) + more
    sides = [
        min(length + 2 * least, limit) for length, limit in zip((hole.height, hole.width), shape, strict=True)
    ]
    scale = math.ceil(max(sides) / working_size)
    room = (scale * working_size - long_side) // 2
    context = max(least, min(max(CONTEXT, long_side // 2) + more, room))
    top, height = _span(hole.top, hole.height, context, shape[0], scale)
    left, width = _span(hole.left, hole.width, context, shape[1], scale)
    return Box(top, left, height, width), scale


def _span(start: int, length: int, context: int, limit: int, scale: int) -> tuple[int, int]:
    """Start and length of a window along one axis; what the photo lacks on one side it gets on the other."""
    wanted = -(-(length + 2 * context) // scale) * scale
    size = min(wanted, limit)
    return min(max(0, start - (size - length) // 2), limit - size), size


def _grow(hole: Box, area: int, sources: Sources, total_sources: int, working_size: int) -> tuple[Box, int]:
    """A window that shows at least as much to borrow from as it has to fill, where the photo has it."""
    enough = min(area, total_sources)
    more = 0
    while True:
        box, scale = _window_box(hole, more, sources.mask.shape, working_size)
        whole = (box.height, box.width) == sources.mask.shape
        if whole or np.count_nonzero(sources.inside(box)) >= enough:
            return box, scale
        more += max(CONTEXT, box.long_side // 4)
