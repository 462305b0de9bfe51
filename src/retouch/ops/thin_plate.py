"""Continue values smoothly into unknown pixels: the thin plate that bends least; numpy and OpenCV only.

Of all ways to fill a hole, this one has the least sum of squared second differences (the discrete biharmonic
equation; Duchon, "Splines minimizing rotation-invariant semi-norms in Sobolev spaces", 1977). A ramp goes on
exactly, also at the picture's edge.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.ops.cells import enlarge
from retouch.ops.masks import Mask

Image = NDArray[np.float32]

ROUNDS = 40
"""Steps of conjugate gradients a level. Where pixels are scattered, 20 are enough for the eye."""
_ENOUGH = 1e-6
"""Stop when the force that is left on a pixel is this small, for values in [0, 1]."""
_ACROSS = np.array([[1, -2, 1]], np.float32)
_TWIST = np.array([[1, -1], [-1, 1]], np.float32)


def continue_smoothly(values: Image, known: Mask, hole: Mask, rounds: int = ROUNDS) -> Image:
    """Fill a hole with the thin plate through the known pixels.

    Args:
        values: ``H×W×C``, about in [0, 1].
        known: ``H×W``, True where values count; at least one.
        hole: ``H×W``, True = fill this; no pixel is both. What is neither is not looked at.
        rounds: steps of conjugate gradients a level. With 0 it is much quicker, and only roughly smooth.

    Returns:
        ``H×W×C``, a new array; only its hole is meant. Values may go beyond those that are known.
    """
    plane = _plane(values, known)
    level = np.where(known[..., None], values - plane, np.float32(0))
    return np.where(hole[..., None], _solve(level, known, hole, rounds) + plane, values)


def _plane(values: Image, known: Mask) -> Image:
    """The plane nearest to the known values, so that what is averaged below has no slope to lose."""
    rows, columns = np.nonzero(known)
    at = np.stack([rows, columns, np.ones_like(rows)], 1).astype(np.float64)
    # The least of all solutions, where the known pixels lie on one line.
    found, *_ = np.linalg.lstsq(at.T @ at, at.T @ values[rows, columns].astype(np.float64), rcond=1e-12)
    row, column = (np.arange(side)[:, None] for side in known.shape)
    return np.asarray((row * found[0])[:, None] + column * found[1] + found[2], np.float32)


def _solve(values: Image, known: Mask, hole: Mask, rounds: int) -> Image:
    """Fill a level: from the level of half its size, then by conjugate gradients."""
    start = values.copy()
    start[hole] = 0
    if min(hole.shape) > 1 and known.any():
        start[hole] = _from_half(values, known, hole, rounds)[hole]
    return _relax(start, hole, known | hole, rounds) if rounds else start


def _from_half(values: Image, known: Mask, hole: Mask, rounds: int) -> Image:
    height, width = hole.shape
    edges = ((0, height % 2), (0, width % 2))
    weight = np.pad(known, edges).astype(np.float32)[..., None]
    total = np.pad(values, (*edges, (0, 0))) * weight
    size = (weight.shape[1] // 2, weight.shape[0] // 2)
    # By a factor of two, "area" is the mean of four pixels.
    share, mean = (
        cv2.resize(each, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], -1)
        for each in (weight, total)
    )
    found = share[..., 0] > 0
    small = np.where(found[..., None], mean / np.maximum(share, 1e-6), np.float32(0))
    unknown = ~found & (
        cv2.resize(np.pad(hole, edges).astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    )
    if unknown.any():
        small = _solve(small, found, unknown, rounds)
    return enlarge(small, 2)[:height, :width]


def _relax(image: Image, hole: Mask, domain: Mask, rounds: int) -> Image:
    """Conjugate gradients on the sum of squared second differences that lie wholly in the domain."""
    free = hole[..., None].astype(np.float32)
    weights = _weights(domain)
    left = -_forces(image, weights) * free
    way, size = left.copy(), float(np.vdot(left, left))
    enough = _ENOUGH**2 * np.count_nonzero(hole) * image.shape[2]
    for _ in range(rounds):
        if size <= enough:
            break
        push = _forces(way, weights) * free
        step = np.float32(size / max(float(np.vdot(way, push)), 1e-30))
        image = image + step * way
        left -= step * push
        before, size = size, float(np.vdot(left, left))
        way = left + np.float32(size / before) * way
    return image


def _weights(domain: Mask) -> tuple[Image, Image, Image]:
    """Which second differences count: along rows, along columns (2), and the mixed one (twice)."""
    across, down, twist = (np.zeros((*domain.shape, 1), np.float32) for _ in range(3))
    across[:, 1:-1, 0] = domain[:, :-2] & domain[:, 1:-1] & domain[:, 2:]
    down[1:-1, :, 0] = domain[:-2] & domain[1:-1] & domain[2:]
    twist[:-1, :-1, 0] = 2 * (domain[:-1, :-1] & domain[1:, :-1] & domain[:-1, 1:] & domain[1:, 1:])
    return across, down, twist


def _forces(image: Image, weights: tuple[Image, Image, Image]) -> Image:
    """Half the gradient of the sum of squared second differences."""
    across, down, twist = weights
    forces = _filtered(_filtered(image, _ACROSS) * across, _ACROSS)
    forces += _filtered(_filtered(image, _ACROSS.T) * down, _ACROSS.T)
    forces += _filtered(_filtered(image, _TWIST, (0, 0)) * twist, _TWIST, (1, 1))
    return forces


def _filtered(image: Image, kernel: Image, anchor: tuple[int, int] = (-1, -1)) -> Image:
    found = cv2.filter2D(image, cv2.CV_32F, kernel, anchor=anchor, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(found, np.float32).reshape(image.shape)
