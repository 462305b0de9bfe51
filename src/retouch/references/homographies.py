"""The planes of a scene, as homographies from a photo to a reference, each with the points that it fits."""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.references.matching import Matches, Points

Matrix = NDArray[np.float64]

LEAST = 14
"""Points that the first homography fits, at least: by chance, five to nine of a hundred wrong matches do."""
_SHARE = 0.1  # of all matches, which the first one fits at least
_FURTHER = 10  # points of a further one
_MOST = 6
_SIDE = 1400.0  # the tolerance is two pixels of a photo that is as long
_TOLERANCE = 2.0


class Plane(NamedTuple):
    """A homography from pixels of the photo to pixels of the reference, and the photo's points on it."""

    matrix: Matrix
    points: Points


def find_planes(found: Matches, side: int) -> list[Plane]:
    """Fit homographies one after the other, each to what the earlier ones left over (MAGSAC).

    Args:
        found: the matches.
        side: the long side of the photo, in pixels.

    Returns:
        The planes, the one with most points first; none if the photos do not show the same place.
    """
    here, there = found.here, found.there
    tolerance = _TOLERANCE * max(1.0, side / _SIDE)
    planes: list[Plane] = []
    while len(here) >= _FURTHER and len(planes) < _MOST:
        found_matrix, fitting = cv2.findHomography(
            here, there, cv2.USAC_MAGSAC, tolerance, maxIters=4000, confidence=0.999
        )
        if found_matrix is None:
            break
        matrix: Matrix = np.asarray(found_matrix, np.float64)
        fits = fitting[:, 0] > 0
        count = int(fits.sum())
        enough = _FURTHER if planes else max(LEAST, _SHARE * len(found.here))
        if count < enough or not plausible(matrix, here[fits]):
            break
        planes.append(Plane(matrix, here[fits]))
        here, there = here[~fits], there[~fits]
    return planes


def plausible(matrix: Matrix, points: Points) -> bool:
    """Whether a homography could be the view of a plane at these points: not mirrored, folded or squeezed."""
    corners = np.array([points.min(axis=0), points.mean(axis=0), points.max(axis=0)])
    for x, y in corners:
        if (matrix @ (x, y, 1))[2] * matrix[2, 2] <= 0:
            return False
        derivative = _derivative(matrix, x, y)
        large, small = np.linalg.svd(derivative, compute_uv=False)
        if np.linalg.det(derivative) <= 0 or small < 0.1 or large > min(12, 5 * small):
            return False
    return True


def coarseness(plane: Plane) -> float:
    """Pixels of the photo along one of the reference, in the middle of the plane's points."""
    return float(np.linalg.det(_derivative(plane.matrix, *plane.points.mean(axis=0))) ** -0.5)


def _derivative(matrix: Matrix, x: float, y: float) -> Matrix:
    u, v, w = matrix @ (x, y, 1)
    found: Matrix = (matrix[:2, :2] - np.outer((u / w, v / w), matrix[2, :2])) / w
    return found


def nearest(planes: list[Plane], box: tuple[float, float, float, float], most: int) -> list[Plane]:
    """The planes with most points near a box (left, top, right, bottom), at most so many."""
    corners = np.array([(box[0], box[1]), (box[2], box[3])])
    reach = 0.5 * max(corners[1] - corners[0])

    def weight(plane: Plane) -> float:
        beyond = np.maximum(corners[0] - plane.points, plane.points - corners[1]).max(axis=1)
        return float(np.exp(-np.maximum(beyond, 0) / reach).sum())

    usable = [each for each in planes if plausible(each.matrix, corners)]
    return sorted(usable, key=weight, reverse=True)[:most]


def mapped(matrix: Matrix, column: NDArray[Any], row: NDArray[Any]) -> NDArray[np.float32]:
    """Where a homography takes columns and rows (``h×w`` each): ``h×w×2``, column and row."""
    x, y, z = (each[0] * column + each[1] * row + each[2] for each in matrix)
    z = np.where(np.abs(z) < 1e-9, 1e-9, z)
    return np.stack([x / z, y / z], axis=-1).astype(np.float32)
