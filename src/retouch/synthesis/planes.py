"""Planes seen in perspective: façades, floors, tiled walls, found around a hole by their vanishing points.

The edges of such a plane belong to two families of parallel lines. In the photo each family meets in a
vanishing point, and the line through both points is the plane's horizon. A homography that sends the horizon
to infinity, and the two families to rows and columns, makes equal things equally large again (Liebowitz and
Zisserman, "Metric rectification for perspective images of planes", CVPR 1998, section 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.synthesis.vanishing import lengths, points, segments, vanishing_points

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

# What makes a plane certain. Lengths are those of segments less than half a hole's side away from it, in
# sides; the side of a hole is the root of its area.
_RING = 0.5
_LENGTH = 0.8  # of each family
_SHARE = 0.5  # of both families in all segments
_SECTORS, _SUPPORTED, _SUPPORT = 8, 6, 0.15  # so many sectors around the hole have so much length
_ANGLE = 0.5  # sine of the angle between the families, in the middle of the hole
_NEAREST = 1.06  # ratio of distances on the plane around the hole: a frontal plane needs no rectification
_FARTHEST = 2.0  # the same in the hole: beyond, what is far has no detail to lend to what is near
_SMALLEST = 32  # side of a hole, in pixels
_SAMPLES = 48  # points on a segment


@dataclass(frozen=True)
class Plane:
    """A plane seen in perspective, around a hole.

    Attributes:
        homography: ``3×3``, from pixels (column, row, 1) to the plane. Its last row gives a number that is 0
            on the horizon and 1 in the middle of the hole, where a pixel is as long on the plane as in the
            photo, along both families of lines.
    """

    homography: Array


def find_plane(image: NDArray[np.float32], hole: Mask) -> Plane | None:
    """Find the plane that a hole lies in.

    Args:
        image: ``H×W×3`` in [0, 1]; its hole is not looked at.
        hole: ``H×W``.

    Returns:
        The plane with the most line length around the hole; None if no plane is certain.
    """
    rows, columns = np.nonzero(hole)
    side = float(np.sqrt(len(rows)))
    if side < _SMALLEST:
        return None
    lines = segments(image, ~hole)
    centre = np.array([columns.mean(), rows.mean()])
    ring = _ring(hole, side)
    beside = _length_by_sector(lines, ring, centre) / side
    if beside.sum() < 2 * _LENGTH:
        return None
    middle = (np.array(hole.shape[::-1]) - 1) / 2
    unit = max(hole.shape) / 2
    families = vanishing_points((lines - np.tile(middle, 2)) / unit)
    to_pixels = np.array([[unit, 0, middle[0]], [0, unit, middle[1]], [0, 0, 1]])
    best, plane = 0.0, None
    for (one, first), (two, second) in combinations(families, 2):
        each = beside[first].sum(), beside[second].sum()
        share = sum(each) / beside.sum()
        around = (beside[first].sum(0) + beside[second].sum(0) > _SUPPORT).sum()
        if min(each) < _LENGTH or share < _SHARE or around < _SUPPORTED or min(each) * share <= best:
            continue
        homography = _rectifying(to_pixels @ one, to_pixels @ two, centre)
        if homography is not None and _in_perspective(homography[2], hole, ring):
            best, plane = min(each) * share, Plane(homography)
    return plane


def _ring(hole: Mask, side: float) -> Mask:
    away = cv2.distanceTransform((~hole).astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray((away > 0) & (away < _RING * side))


def _length_by_sector(lines: Array, ring: Mask, centre: Array) -> Array:
    """Length of each segment inside the ring, by sectors around the centre, ``n×sectors``."""
    columns, rows = points(lines, _SAMPLES, ring.shape)
    angle = np.arctan2(rows - centre[1], columns - centre[0]) / (2 * np.pi) + 0.5
    sector = (angle * _SECTORS).astype(np.intp) % _SECTORS
    seen = ring[rows, columns] * (lengths(lines) / _SAMPLES)[:, None]
    made = np.zeros((len(lines), _SECTORS))
    np.add.at(made, (np.arange(len(lines))[:, None], sector), seen)
    return made


def _rectifying(one: Array, two: Array, centre: Array) -> Array | None:
    """The homography of the plane with two vanishing points; None if there is none that is usable."""
    horizon = np.cross(one, two)
    here = np.append(centre, 1)
    # Directions to the points, seen from the middle of the hole.
    ways = [point[:2] - point[2] * centre for point in (one, two)]
    size = [float(np.linalg.norm(way)) for way in ways]
    distance = float(horizon @ here)
    if min(size) < 1e-9 or abs(distance) < 1e-9 * np.linalg.norm(horizon[:2]):
        return None
    ways = [way / each for way, each in zip(ways, size, strict=True)]
    if abs(ways[0][0] * ways[1][1] - ways[0][1] * ways[1][0]) < _ANGLE:
        return None
    if abs(ways[0][0]) < abs(ways[1][0]):  # the first family becomes rows
        ways.reverse()
    across, down = (way * np.sign(way[i]) for i, way in enumerate(ways))
    horizon = horizon / distance
    # x → (axes⁻¹ x) / (1 + horizon · x), x from the centre, where the derivative is axes⁻¹.
    axes = np.column_stack([across, down])
    shift = np.array([[1, 0, -centre[0]], [0, 1, -centre[1]], [0, 0, 1]])
    local = np.eye(3)
    local[:2, :2] = np.linalg.inv(axes)
    local[2, :2] = horizon[:2]
    return np.asarray(local @ shift)


def _in_perspective(horizon: Array, hole: Mask, ring: Mask) -> bool:
    """Whether the hole lies on one side of the horizon, and the plane is neither frontal nor too oblique."""

    def distances(where: Mask) -> Array:
        rows, columns = np.nonzero(where)
        return np.asarray(horizon[0] * columns + horizon[1] * rows + horizon[2])

    inside = distances(hole)
    if inside.min() <= 0 or inside.max() > _FARTHEST * inside.min():
        return False
    nearest, farthest = np.percentile(distances(ring), (98, 2))
    return bool(nearest > _NEAREST * max(farthest, 1e-3))
