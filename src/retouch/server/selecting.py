"""Find an object from a click, a box or a scribble, or an area of like colours; no weights.

A picture is cut into superpixels by a watershed. Each belongs to what the user marked or to the rest,
whichever it is joined to by the smaller differences of colour. OpenCV's grabCut (Rother, Kolmogorov and
Blake, SIGGRAPH 2004) then finds the exact edge by a graph cut.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]

LONGEST = 400
"""Pixels along the longer side of a picture in which an object is looked for."""
_CELL = 8  # pixels along a superpixel
_ALIKE = 12.0  # up to this difference in L*a*b*, a superpixel at the rim may belong to the object
_ROUNDS = 2  # of grabCut
_OURS = (cv2.GC_FGD, cv2.GC_PR_FGD)
_SPECK = 0.05  # of the largest part; smaller ones are dropped


@dataclass(frozen=True)
class Marks:
    """What the user marked, in pixels of the picture.

    Attributes:
        inside: ``N×2``, column and row of points of the object.
        outside: ``N×2``, points of what is not.
        frame: left, top, right and bottom of a box around the object; None if none was drawn.
    """

    inside: NDArray[np.intp]
    outside: NDArray[np.intp]
    frame: tuple[int, int, int, int] | None = None


def find_object(picture: Picture, marks: Marks) -> Mask:
    """Find the object that was marked.

    Args:
        picture: ``h×w×3`` uint8 sRGB.
        marks: what was marked: points inside, a box, or both.

    Returns:
        ``h×w``, True on the object.
    """
    inside, outside = _drawn(picture, marks.inside), _drawn(picture, marks.outside)
    outside &= ~inside
    if marks.frame is None:
        likely = _joined(picture, inside, outside)
    else:
        left, top, right, bottom = marks.frame
        likely = np.zeros(picture.shape[:2], np.bool_)
        likely[top:bottom, left:right] = True
        outside |= ~likely & ~inside
    found = _cut(picture, likely, inside, outside) if likely.any() and not likely.all() else likely
    return _cleaned((found | inside) & ~outside, inside)


def like_colours(picture: Picture, column: int, row: int, tolerance: int) -> Mask:
    """Find the area around a point whose colours are like the point's.

    Args:
        picture: ``h×w×3`` uint8.
        column: of the point.
        row: of the point.
        tolerance: by how much each channel may differ from the point's.

    Returns:
        ``h×w``, True on the area.
    """
    mask = np.zeros((picture.shape[0] + 2, picture.shape[1] + 2), np.uint8)
    flags = 4 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (1 << 8)
    bounds = (tolerance,) * 3
    cv2.floodFill(np.ascontiguousarray(picture), mask, (column, row), (0, 0, 0), bounds, bounds, flags)
    return mask[1:-1, 1:-1] > 0


def _drawn(picture: Picture, points: NDArray[np.intp]) -> Mask:
    """Points as small discs."""
    canvas = np.zeros(picture.shape[:2], np.uint8)
    radius = max(1, max(picture.shape) // 200)
    for column, row in points.tolist():
        cv2.circle(canvas, (column, row), radius, 1, -1)
    return canvas > 0


def _joined(picture: Picture, inside: Mask, outside: Mask) -> Mask:
    """The superpixels that are joined more closely to what is inside than to what is outside."""
    labels = _superpixels(picture)
    count = int(labels.max()) + 1
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    areas = np.maximum(np.bincount(labels.ravel(), minlength=count), 1)
    means = np.stack(
        [np.bincount(labels.ravel(), lab[..., each].ravel(), count) / areas for each in range(3)], axis=1
    )
    ours, theirs = np.unique(labels[inside]), np.unique(labels[outside])
    rim = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    unlike = np.linalg.norm(means[rim, None] - means[None, ours], axis=2).min(1) > _ALIKE
    theirs = np.setdiff1d(np.union1d(theirs, rim[unlike]), ours)
    neighbours = _neighbours(labels, means)
    to_ours, to_theirs = _distances(neighbours, count, ours), _distances(neighbours, count, theirs)
    joined: Mask = (to_ours < to_theirs)[labels]
    return joined


def _superpixels(picture: Picture) -> NDArray[np.int32]:
    """Cut a picture into pieces of about one colour each: ``h×w``, the number of the piece."""
    smooth = cv2.medianBlur(np.ascontiguousarray(picture), 5)
    grey = cv2.cvtColor(smooth, cv2.COLOR_RGB2GRAY)
    slope = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    height, width = grey.shape
    markers = np.zeros((height, width), np.int32)
    number = 0
    for top in range(0, height, _CELL):
        for left in range(0, width, _CELL):
            cell = slope[top : top + _CELL, left : left + _CELL]
            row, column = divmod(int(cell.argmin()), cell.shape[1])  # each grows from where it is plainest
            number += 1
            markers[top + row, left + column] = number
    # OpenCV takes the outermost pixels for lines between the pieces.
    smooth, markers = (
        cv2.copyMakeBorder(each, 1, 1, 1, 1, cv2.BORDER_REPLICATE) for each in (smooth, markers)
    )
    labels = cv2.watershed(smooth, markers)[1:-1, 1:-1]
    while (lines := labels < 1).any():
        labels = np.where(lines, cv2.dilate(labels.astype(np.float32), np.ones((3, 3))), labels).astype(
            np.int32
        )
    return np.asarray(labels - 1, np.int32)


def _neighbours(labels: NDArray[np.int32], means: NDArray[np.float64]) -> list[list[tuple[int, float]]]:
    """For each piece those beside it, and how much their colours differ."""
    count = len(means)
    across = labels[:, :-1] * np.int64(count) + labels[:, 1:]
    down = labels[:-1] * np.int64(count) + labels[1:]
    one, other = np.divmod(np.unique(np.concatenate([across.ravel(), down.ravel()])), count)
    one, other = one[one != other], other[one != other]
    differences = np.linalg.norm(means[one] - means[other], axis=1)
    found: list[list[tuple[int, float]]] = [[] for _ in means]
    for here, there, difference in zip(one.tolist(), other.tolist(), differences.tolist(), strict=True):
        found[here].append((there, difference))
        found[there].append((here, difference))
    return found


def _distances(
    neighbours: list[list[tuple[int, float]]], count: int, sources: NDArray[np.integer]
) -> NDArray[np.float64]:
    """How far each piece is from the nearest source, by differences of colour on the way."""
    distance = np.full(count, np.inf)
    distance[sources] = 0
    todo = [(0.0, int(each)) for each in sources]
    while todo:
        far, piece = heapq.heappop(todo)
        if far > distance[piece]:
            continue
        for other, step in neighbours[piece]:
            # Squared: one edge counts more than a gradual change of the same height.
            if far + step * step + 0.5 < distance[other]:
                distance[other] = far + step * step + 0.5
                heapq.heappush(todo, (distance[other], other))
    return distance


def _cut(picture: Picture, likely: Mask, inside: Mask, outside: Mask) -> Mask:
    """Find the exact edge by a graph cut, near what is likely the object."""
    rows, columns = np.flatnonzero(likely.any(1)), np.flatnonzero(likely.any(0))
    margin = max(16, len(rows) // 4, len(columns) // 4)
    near = tuple(slice(max(0, int(each[0]) - margin), int(each[-1]) + margin + 1) for each in (rows, columns))
    state = np.where(likely, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    state[outside], state[inside] = cv2.GC_BGD, cv2.GC_FGD
    state = np.ascontiguousarray(state[near])
    kinds = np.isin(state, _OURS)
    if kinds.all() or not kinds.any():
        return likely
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(np.ascontiguousarray(picture[near]), state, None, *models, _ROUNDS, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload] # None: no box
    found = np.zeros_like(likely)
    found[near] = np.isin(state, _OURS)
    return found


def _cleaned(found: Mask, inside: Mask) -> Mask:
    """Keep the parts that were pointed at, or the large ones, and close small gaps in them."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8), connectivity=4)
    if count < 2:
        return found
    areas = stats[:, cv2.CC_STAT_AREA]
    areas[0] = 0
    kept = np.unique(labels[inside & found]) if inside.any() else np.flatnonzero(areas > _SPECK * areas.max())
    found = np.isin(labels, kept[kept > 0])
    count, labels, stats, _ = cv2.connectedComponentsWithStats((~found).astype(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < _SPECK / 2 * found.sum()
    small[0] = False
    rim = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    small[rim] = False
    return np.asarray(found | small[labels])
