"""Line segments of a picture, and the vanishing points in which they meet.

Nothing here is random: every pair of the longest segments proposes a point, and the point with the most line
length wins (the exhaustive form of the usual sampling).
"""

from __future__ import annotations

from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_GREY = np.array([0.299, 0.587, 0.114], np.float32)
_LARGEST = 640  # longer side of the picture in which segments are looked for, in pixels
_SHORTEST = 0.035  # length of a segment, as a part of the picture's longer side
_MOST = 400  # segments; the longest are kept
_PROPOSING = 45  # segments whose intersections are tried
_FAMILIES = 4
_TOLERANCE = np.sin(np.radians(2.0))
_BESIDE = np.ones((7, 7), np.uint8)  # what lies so near the hole may be the hole's own border


def segments(image: NDArray[np.float32], known: Mask) -> Array:
    """Straight edges of the known area.

    Args:
        image: ``H×W×3`` in [0, 1].
        known: ``H×W``; what is not known is not looked at.

    Returns:
        ``n×4``, column and row of both ends, the longest first.
    """
    height, width = known.shape
    factor = min(1.0, _LARGEST / max(height, width))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    grey = cv2.resize(np.where(known, image @ _GREY, np.float32(0.5)), size, interpolation=cv2.INTER_AREA)
    # Scaled, as it is by default, the detector turns short segments by a degree or two.
    detector = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD, 1.0)
    found = detector.detect(np.clip(grey * 255, 0, 255).astype(np.uint8))[0]
    if found is None:
        return np.zeros((0, 4))
    lines = (found.reshape(-1, 4) + 0.5) * np.array([width / size[0], height / size[1]] * 2) - 0.5
    length = lengths(lines)
    columns, rows = points(lines, 9, known.shape)
    hidden = (cv2.erode(known.astype(np.uint8), _BESIDE) == 0)[rows, columns].mean(1)
    kept = np.flatnonzero((length >= _SHORTEST * max(height, width)) & (hidden < 1 / 3))
    return np.asarray(lines[kept[np.argsort(-length[kept], kind="stable")]][:_MOST])


def lengths(lines: Array) -> Array:
    """Lengths of ``n×4`` segments."""
    return np.asarray(np.hypot(lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1]))


def points(lines: Array, count: int, shape: tuple[int, ...]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Columns and rows, each ``n×count``, of pixels evenly spaced on ``n×4`` segments, within a shape."""
    share = np.linspace(0, 1, count)
    ways = (lines[:, i, None] * (1 - share) + lines[:, i + 2, None] * share for i in (0, 1))
    columns, rows = (np.rint(way).astype(np.intp) for way in ways)
    return np.clip(columns, 0, shape[1] - 1), np.clip(rows, 0, shape[0] - 1)


def vanishing_points(lines: Array) -> list[tuple[Array, Mask]]:
    """The points in which most line length meets.

    Args:
        lines: ``n×4`` segments, the longest first, in coordinates whose size is about 1.

    Returns:
        At most four points, homogeneous (3 numbers), each with the segments that meet there, ``n``; the point
        with the most line length first. No segment belongs to two.
    """
    if len(lines) < 2:
        return []
    starts, ends = (np.column_stack([lines[:, i : i + 2], np.ones(len(lines))]) for i in (0, 2))
    straight = np.cross(starts, ends)
    straight /= np.linalg.norm(straight[:, :2], axis=1, keepdims=True)
    length = lengths(lines)
    one, two = np.array(list(combinations(range(min(len(lines), _PROPOSING)), 2))).T
    proposed = np.cross(straight[one], straight[two])
    proposed = proposed[np.linalg.norm(proposed, axis=1) > 1e-9]
    support = np.clip(1 - (_deviations(lines, proposed) / _TOLERANCE) ** 2, 0, None) * length
    free, found = np.ones(len(lines), bool), []
    for _ in range(_FAMILIES if len(proposed) else 0):
        point = proposed[int(np.argmax(support[:, free].sum(1)))]
        for _ in range(3):  # least squares over the segments that agree
            mine = free & (_deviations(lines, point[None])[0] < _TOLERANCE)
            if mine.sum() >= 2:
                point = np.linalg.svd(straight[mine] * np.sqrt(length[mine, None]))[2][-1]
        mine = free & (_deviations(lines, point[None])[0] < _TOLERANCE)
        if mine.sum() < 3:
            break
        found.append((point, mine))
        free &= ~mine
    return found


def _deviations(lines: Array, places: Array) -> Array:
    """Sine of the angle between segments (``n×4``) and the directions to ``m×3`` points, ``m×n``."""
    middle = (lines[:, :2] + lines[:, 2:]) / 2
    along = (lines[:, 2:] - lines[:, :2]) / np.maximum(lengths(lines), 1e-12)[:, None]
    to = places[:, None, :2] - places[:, None, 2:] * middle
    across = np.abs(to[..., 0] * along[:, 1] - to[..., 1] * along[:, 0])
    return np.asarray(across / np.maximum(np.linalg.norm(to, axis=2), 1e-12))
