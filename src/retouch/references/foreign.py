"""Which of two pictures of a place shows something that does not belong to it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.ops.masks import Mask, bounding_box
from retouch.references.agreement import differences, spread
from retouch.references.views import Image

_DIFFERENT = 0.1  # of colour, above which two pictures disagree
_SMALL = 0.002  # of the picture, below which a region that disagrees is misalignment
_SOFT = 2.0  # pixels, below which detail does not count
_CLEAR = 3.0  # times the contrast of both outlines, at which it is certain whose the thing is


def disagreement(one: Image, other: Image, both: Mask) -> tuple[NDArray[np.int32], int]:
    """Regions where two pictures disagree: their numbers from 1, ``h×w``, 0 elsewhere; and how many."""
    apart = ((differences(one, other) > _DIFFERENT) & both).astype(np.uint8)
    side = np.ones((3, 3), np.uint8)
    clean = cv2.morphologyEx(cv2.morphologyEx(apart, cv2.MORPH_OPEN, side), cv2.MORPH_CLOSE, side)
    _, found, measures, _ = cv2.connectedComponentsWithStats(clean, connectivity=8)
    large = measures[:, cv2.CC_STAT_AREA] >= max(6, _SMALL * both.size)
    large[0] = False
    number = np.cumsum(large) * large
    return number[found].astype(np.int32), int(large.sum())


def owners(
    one: Image, other: Image, regions: NDArray[np.int32], count: int, both: Mask, margin: int = 1
) -> NDArray[np.float32]:
    """Tell in each region which picture shows a thing before the place: 1 is the first one, -1 the second.

    A thing has an outline, and the place goes on across it. So the picture that changes more across the
    outline has it: changes of colour, and of how much detail there is, both without the detail itself.

    Args:
        one: ``h×w×3``.
        other: the same.
        regions: their numbers from 1, ``h×w``.
        count: how many there are.
        both: ``h×w``, where both pictures show something.
        margin: how far a region may reach beyond the thing, in pixels.

    Returns:
        ``h×w`` in [-1, 1], 0 outside the regions. Inside it is what the nearest outline says, because things
        of both pictures may overlap.
    """
    changes = [_changes(each, _SOFT) for each in (one, other)]
    out, inside = (np.ones((2 * each + 1,) * 2, np.uint8) for each in (1, 2 * margin))
    found = np.zeros(regions.shape, np.float32)
    for number in range(1, count + 1):
        rows, columns = (slice(max(0, each.start - 2), each.stop + 2) for each in _box(regions == number))
        region = regions[rows, columns] == number
        shape = region.astype(np.uint8)
        band = (cv2.dilate(shape, out) != cv2.erode(shape, inside)) & both[rows, columns]
        mine, theirs = (each[rows, columns] for each in changes)
        weight = band.astype(np.float32)
        more, all_ = spread(mine - theirs, weight), spread(mine + theirs, weight)
        found[rows, columns][region] = (_CLEAR * more / (all_ + 0.01)).clip(-1, 1)[region]
    return found


def _box(region: Mask) -> tuple[slice, slice]:
    found = bounding_box(region)
    assert found is not None
    return found


def _changes(image: Image, soft: float) -> Image:
    plain = cv2.GaussianBlur(image, (0, 0), soft)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    detail = cv2.GaussianBlur(np.abs(grey - cv2.GaussianBlur(grey, (0, 0), soft)), (0, 0), soft)
    layers = np.dstack([plain, 2 * detail])
    across, down = (cv2.Sobel(layers, cv2.CV_32F, *order, scale=0.125) for order in ((1, 0), (0, 1)))
    return np.asarray(np.sqrt(np.square(across) + np.square(down)).sum(axis=2), np.float32)
