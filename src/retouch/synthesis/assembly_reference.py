"""The assembly in numpy: for machines without the compiled part, and what that is compared with."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.native.assembling import Limits
from retouch.ops.masks import bounding_box

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]
Places = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Grid:
    """Links of cells to their right and lower neighbours and to what is known (0 for a known cell)."""

    east: Floats
    south: Floats
    anchor: Floats

    def sum(self) -> Floats:
        """Sums of the links of each cell, ``H×W×1``; 1 where known."""
        total = self.anchor + self.east + self.south
        total[:, 1:] += self.east[:, :-1]
        total[1:] += self.south[:-1]
        return np.where(self.anchor > 0, total, 1)[..., None]

    def push(self, values: Floats) -> Floats:
        """Multiply by the matrix of the equations; values are ``H×W×3``."""
        made = self.sum() * values
        for links, one, other in ((self.east, _LEFT, _RIGHT), (self.south, _UPPER, _LOWER)):
            made[one] -= links[one][..., None] * values[other]
            made[other] -= links[one][..., None] * values[one]
        return np.where(self.anchor[..., None] > 0, made, 0)

    def coarser(self) -> _Grid:
        """Aggregates of 2×2 cells. Halved, their links cost a slope as much as the finer grid's."""
        east, south = self.east.copy(), self.south.copy()
        east[:, ::2], south[::2] = 0, 0
        return _Grid(_gather(east) / 2, _gather(south) / 2, _gather(self.anchor))


_LEFT, _RIGHT, _UPPER, _LOWER = np.s_[:, :-1], np.s_[:, 1:], np.s_[:-1], np.s_[1:]


def _gather(values: Floats) -> Floats:
    """Sums over 2×2 cells."""
    pad = [(0, side % 2) for side in values.shape[:2]] + [(0, 0)] * (values.ndim - 2)
    rows, columns, *rest = np.pad(values, pad).shape
    cells: Floats = np.pad(values, pad).reshape(rows // 2, 2, columns // 2, 2, *rest)
    return np.asarray(cells.sum((1, 3)))


def corrected(
    image: Image,
    fill: Image,
    hole: Mask,
    readable: Mask,
    smooth: Mask,
    sources: NDArray[np.int32],
    limits: Limits,
) -> Image:
    """See :func:`retouch.native.assembling.corrected`."""
    fill = np.where(hole[..., None], fill, image)
    places = np.indices(hole.shape).transpose(1, 2, 0)
    taken = np.where(hole[..., None], sources, places)
    grid = _Grid(np.zeros(hole.shape), np.zeros(hole.shape), np.where(hole, limits.anchor, 0.0))
    right = np.zeros(fill.shape)
    for way, links in (((0, 1), grid.east), ((1, 0), grid.south)):
        if hole.shape[0 if way[0] else 1] == 1:
            continue  # one row or column has no such neighbours
        one, other = np.s_[: -way[0] or None, : -way[1] or None], np.s_[way[0] :, way[1] :]
        weight, wanted = _pairs(image, fill, hole, readable, smooth, taken, way, limits)
        links[one] = np.where(hole[one] & hole[other], weight, 0)
        grid.anchor[one] += np.where(hole[one] & ~hole[other], weight, 0)
        grid.anchor[other] += np.where(hole[other] & ~hole[one], weight, 0)
        right[one] -= weight[..., None] * wanted
        right[other] += weight[..., None] * wanted
    box = bounding_box(hole)
    assert box is not None  # a hole without pixels needs no correction
    part = _Grid(grid.east[box], grid.south[box], grid.anchor[box])
    wishes = np.where(hole[..., None], right, 0)[box]
    grey = wishes.mean(2, keepdims=True)
    held = replace(part, anchor=np.where(part.anchor > 0, part.anchor + limits.hold, 0))
    found = _solve(part, grey, limits) + _solve(held, wishes - grey, limits)
    made = fill.astype(np.float32)
    made[box] += np.where(hole[box][..., None], found.clip(-limits.most, limits.most), 0).astype(np.float32)
    return made


def _pairs(
    image: Image,
    fill: Image,
    hole: Mask,
    readable: Mask,
    smooth: Mask,
    taken: Places,
    way: tuple[int, int],
    limits: Limits,
) -> tuple[Floats, Floats]:
    """All pairs of a cell and its neighbour to the right or below.

    Returns their weights (0 where neither is filled), and how much more than it does the second should
    exceed the first.
    """
    height, width = hole.shape
    down, right = way
    one, other = np.s_[: height - down, : width - right], np.s_[down:, right:]
    # What may not be borrowed from need not be met either.
    counts = hole | readable
    used = (hole[one] | hole[other]) & counts[one] & counts[other]
    here, there = taken[one], taken[other]
    coherent = hole[one] & hole[other] & np.all(there - here == way, axis=2)

    def seen(places: Places) -> tuple[Image, Mask]:
        inside = np.all((places >= 0) & (places < (height, width)), axis=2)
        rows, columns = np.moveaxis(np.where(inside[..., None], places, 0), 2, 0)
        return image[rows, columns], inside & readable[rows, columns]

    after, after_seen = seen(here + way)
    before, before_seen = seen(there - way)
    after_seen &= hole[one]
    before_seen &= hole[other] & ~coherent
    first, second = after - image[here[..., 0], here[..., 1]], image[there[..., 0], there[..., 1]] - before
    # One of them, whole: chosen channel by channel, colours would drift.
    smaller = before_seen & (~after_seen | ((second**2).sum(2) < (first**2).sum(2)))
    gradient = np.where((after_seen & ~smaller)[..., None], first, np.where(smaller[..., None], second, 0))

    wanted = gradient - (fill[other] - fill[one])
    excess = np.where(used & ~coherent, np.abs(wanted).max(2), 0)
    excess = np.maximum(excess, cv2.blur(excess, (3, 3), borderType=cv2.BORDER_CONSTANT))
    smooth_here, smooth_there = (smooth[each[..., 0], each[..., 1]] for each in (here, there))
    scale = np.where(smooth_here & smooth_there, limits.smooth_step, limits.step)
    weight = np.maximum(limits.faintest, 1 / (1 + (excess / scale) ** 4))
    weight = np.where(smooth_here != smooth_there, limits.faintest, weight)
    weight = np.where(coherent, 1, weight)
    return np.where(used, weight, 0).astype(np.float64), np.where(used[..., None], wanted, 0).astype(
        np.float64
    )


def _solve(grid: _Grid, right: Floats, limits: Limits) -> Floats:
    """Conjugate gradients, for each channel on its own, with one multigrid cycle as preconditioner."""
    grids = [grid]
    while grids[-1].anchor.size > 64:
        grids.append(grids[-1].coarser())
    solution, residual, direction = np.zeros_like(right), right.copy(), np.zeros_like(right)
    before, first = np.ones(right.shape[2]), 0.0
    for step in range(limits.steps):
        nearer = _cycle(grids, 0, residual)
        product = (residual * nearer).sum((0, 1))
        first = first or float(product.sum())
        if product.sum() <= limits.tolerance**2 * first:
            break
        direction = nearer + (product / np.maximum(before, 1e-300) if step else 0) * direction
        pushed = grid.push(direction)
        stride = product / np.maximum((direction * pushed).sum((0, 1)), 1e-300)
        solution += stride * direction
        residual -= stride * pushed
        before = product
    return solution


def _cycle(grids: list[_Grid], number: int, right: Floats) -> Floats:
    """Smooth by damped Jacobi, correct by the coarser grids, and smooth again."""
    grid, damped = grids[number], 0.8 / grids[number].sum()
    last = number + 1 == len(grids)
    made = damped * right
    for _ in range(40 if last else 1):
        made += damped * (right - grid.push(made))
    if last:
        return made
    coarse = _cycle(grids, number + 1, _gather(right - grid.push(made)))
    rows, columns = grid.anchor.shape
    made += np.where(grid.anchor[..., None] > 0, coarse.repeat(2, 0).repeat(2, 1)[:rows, :columns], 0)
    for _ in range(2):
        made += damped * (right - grid.push(made))
    return made
