"""What a homography leaves over: dense flow, smoothed by a mesh that bends little and goes on in the hole."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.references.views import Grey, Image, looked_up

Flow = NDArray[np.float32]

_NODES = 15  # along the longer side
_EVERY = 3  # pixels between those that are fitted
_STIFF = 0.02  # weight of a bend, as a part of the weight of a node's pixels
_STILL = 1e-4  # the same for standing still, where nothing else is known
_TOLERANCE = 0.06  # difference of brightness that flow explains by half
_ROUNDS = 4  # of weighing anew by what does not fit
_STRAY = 1.0  # pixels off the mesh that halve a weight
FAR, NEAR = 0.06, 0.005  # of the long side: what flows further is not followed, or belongs to another plane
_LEAST = 2.5  # pixels; the same


def refine(here: Grey, there: Grey, weight: Image, reaches: Sequence[float]) -> list[Flow]:
    """Find how far a warped reference still lies off the photo.

    Dense inverse search (Kroeger et al., ECCV 2016) gives a flow; a mesh of bilinear cells is fitted to it
    where the flow makes both alike, robustly, and bends as little as it can elsewhere.

    Args:
        here: the photo, ``h×w``; its hole shows the reference.
        there: the warped reference, ``h×w``.
        weight: ``h×w``, how much each pixel counts; 0 in the hole.
        reaches: how far flow is followed, as parts of the long side; a mesh for each.

    Returns:
        ``h×w×2`` for each, column and row: the photo's pixel p is the reference's pixel p + flow.
    """
    height, width = here.shape
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow = np.asarray(search.calc(here, there, np.zeros((height, width, 2), np.float32)), np.float32)
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float32)
    moved = looked_up(there, grid + flow)
    off = cv2.blur(cv2.absdiff(here, moved).astype(np.float32) / 255, (5, 5))
    soft = here.astype(np.float32) / 255
    texture = cv2.blur(np.abs(cv2.Laplacian(soft, cv2.CV_32F)), (9, 9))
    trust = weight * texture / (texture + 0.01) / (1 + (off / _TOLERANCE) ** 4)
    length = np.hypot(flow[..., 0], flow[..., 1])
    limits = [max(_LEAST, reach * max(height, width)) for reach in reaches]
    return [_fit(flow, (trust / (1 + (length / limit) ** 6)).astype(np.float32), grid) for limit in limits]


def _fit(flow: Flow, trust: Image, grid: Flow) -> Flow:
    height, width = trust.shape
    step = max(8.0, (max(height, width) - 1) / _NODES)
    shape = (int(np.ceil((height - 1) / step)) + 1, int(np.ceil((width - 1) / step)) + 1)
    some = (slice(_EVERY // 2, None, _EVERY),) * 2
    used = trust[some] > 1e-3
    places, wanted, first = grid[some][used] / step, flow[some][used].astype(np.float64), trust[some][used]
    bends = _bends(shape)
    count = shape[0] * shape[1]
    nodes = np.zeros((count, 2))
    if used.any():
        cells, parts = _parts(places, shape)
        weight = first.astype(np.float64)
        for _ in range(_ROUNDS):
            level = weight.sum() / count
            square = _STIFF * level * bends + _STILL * level * np.eye(count)
            pairs = cells[:, :, None] * count + cells[:, None, :]
            values = weight[:, None, None] * parts[:, :, None] * parts[:, None, :]
            square += np.bincount(pairs.ravel(), values.ravel(), count * count).reshape(count, count)
            right = np.stack(
                [
                    np.bincount(cells.ravel(), (weight[:, None] * parts * each[:, None]).ravel(), count)
                    for each in wanted.T
                ],
                axis=1,
            )
            nodes = np.linalg.solve(square, right)
            stray = np.hypot(*((nodes[cells] * parts[..., None]).sum(axis=1) - wanted).T)
            weight = first / (1 + (stray / _STRAY) ** 2)
    mesh = nodes.reshape(*shape, 2).astype(np.float32)
    return looked_up(mesh, grid / np.float32(step))


def _parts(places: Flow, shape: tuple[int, int]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The four nodes around each place, ``N×4``, and their parts in it."""
    column, row = places[:, 0].astype(np.float64), places[:, 1].astype(np.float64)
    left = np.clip(column.astype(np.intp), 0, max(0, shape[1] - 2))
    top = np.clip(row.astype(np.intp), 0, max(0, shape[0] - 2))
    x, y = column - left, row - top
    right, low = min(1, shape[1] - 1), min(1, shape[0] - 1)
    corner = top * shape[1] + left
    cells = np.stack(
        [corner, corner + right, corner + low * shape[1], corner + low * shape[1] + right], axis=1
    )
    return cells, np.stack([(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y], axis=1)


def _bends(shape: tuple[int, int]) -> NDArray[np.float64]:
    """The matrix of the sum of squared second differences on a grid of nodes."""
    number = np.arange(shape[0] * shape[1]).reshape(shape)
    terms: list[tuple[NDArray[np.intp], ...]] = []
    for axis in (0, 1):
        lines = np.moveaxis(number, axis, 0)
        if len(lines) > 2:
            terms.append((lines[:-2].ravel(), lines[1:-1].ravel(), lines[1:-1].ravel(), lines[2:].ravel()))
    if min(shape) > 1:
        twist = (number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:])
        terms += [tuple(each.ravel() for each in twist)] * 2
    made = np.zeros((number.size, number.size))
    signs = np.array([1.0, -1.0, -1.0, 1.0])
    for term in terms:
        for one, sign in zip(term, signs, strict=True):
            for other, opposite in zip(term, signs, strict=True):
                np.add.at(made, (one, other), sign * opposite)
    return made
