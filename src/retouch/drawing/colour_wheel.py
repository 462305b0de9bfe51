"""Draw how far and in which direction each filled pixel's source lies, in the colours of optical flow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retouch.drawing.sources import NOWHERE, STRIP, dimmed, outline
from retouch.engine.filled import PhotoFill, RegionFill
from retouch.imaging import Photo
from retouch.ops.masks import Mask

LEGEND = 0.2
"""Side of the legend as a share of the photo's shorter side."""
LARGEST = 512
"""Longest side of the legend, in pixels."""


def draw_wheel(photo: Photo, result: PhotoFill) -> NDArray[np.uint8]:
    """Draw the displacement from each filled pixel to its source as a colour of a wheel.

    The hue is the direction from the pixel to its source: red to the right, then clockwise yellow-green
    below, cyan to the left, violet above. The saturation is the length, relative to the longest displacement
    in this photo; white is no displacement. Contextual Attention draws its attention in this way (Yu et al.,
    CVPR 2018, section 4.1), after Baker et al., "A Database and Evaluation Methodology for Optical Flow",
    IJCV 2011. Deviation: their wheel gives reds and blues more room than greens. Here the hues are evenly
    spaced, as in HSV, so that opposite directions have complementary colours.

    The photo is dim grey and the hole has a white outline. Pixels without a source are plain grey. The wheel
    is drawn as a legend in the corner farthest from the holes. There is no legend if holes reach into all
    corners or nothing was borrowed.

    Args:
        photo: the photo, before or after it was filled.
        result: the fill.

    Returns:
        ``H×W×3`` uint8, the size of the photo.
    """
    picture = dimmed(photo)
    filled = np.zeros(picture.shape[:2], dtype=bool)
    longest = max(
        (float(np.hypot(*each.T).max()) for region in result.regions for _, _, each in _strips(region)),
        default=None,
    )
    for region in result.regions:
        filled[region.box.rows, region.box.columns] |= region.hole
        within = picture[region.box.rows, region.box.columns]
        within[region.hole] = NOWHERE
        for rows, borrowed, displacements in _strips(region):
            within[rows][borrowed] = wheel_colours(displacements, longest or 1.0)
    around = outline(filled)
    picture[around] = 255
    if longest is not None:
        _draw_legend(picture, filled | around)
    return picture


def wheel_colours(displacements: NDArray[Any], longest: float) -> NDArray[np.uint8]:
    """Return the colours of displacements.

    Args:
        displacements: ``N×2``, down and to the right, in any unit.
        longest: the length from which on the saturation is full, in the same unit.

    Returns:
        ``N×3`` uint8.
    """
    down, right = np.asarray(displacements, dtype=np.float32).T
    hue = np.arctan2(down, right)[:, None] * (3 / np.pi)  # in sixths of the circle
    pure = np.clip(np.abs((hue + np.array([0, 4, 2], np.float32)) % 6 - 3) - 1, 0, 1)
    saturation = np.minimum(np.hypot(down, right) / longest, 1)[:, None]
    return np.asarray(np.round(255 * (1 - saturation * (1 - pure))), dtype=np.uint8)


def _strips(region: RegionFill) -> Iterator[tuple[slice, Mask, NDArray[np.int32]]]:
    """Yield rows of a region's box, which of their pixels have a source, and the displacements (``N×2``)."""
    if region.sources is None:
        return
    for top in range(0, region.box.height, STRIP):
        rows = slice(top, min(top + STRIP, region.box.height))
        borrowed = region.sources[rows, :, 0] >= 0
        if borrowed.any():
            here = np.argwhere(borrowed).astype(np.int32)
            here += np.array([region.box.top + top, region.box.left], np.int32)
            yield rows, borrowed, region.sources[rows][borrowed] - here


def _draw_legend(picture: NDArray[np.uint8], taken: Mask) -> None:
    """Draw the wheel into the free corner that is farthest from the middle of ``taken``, if there is one."""
    height, width = taken.shape
    side = min(LARGEST, round(LEGEND * min(height, width)))
    rows, columns = (np.flatnonzero(taken.any(axis=axis)) for axis in (1, 0))
    middle = (rows[0] + rows[-1]) / 2, (columns[0] + columns[-1]) / 2
    free = [
        (abs(top + side / 2 - middle[0]) + abs(left + side / 2 - middle[1]), top, left)
        for top in (0, height - side)
        for left in (0, width - side)
        if not taken[top : top + side, left : left + side].any()
    ]
    if not free or side == 0:
        return
    _, top, left = max(free)
    # Pixel centres from -1 to 1. The wheel leaves a narrow margin at the photo's border.
    centred = (np.indices((side, side)).reshape(2, -1).T + 0.5) * (2 / side) - 1
    centred *= 1.1
    disc = np.hypot(*centred.T) <= 1
    corner = picture[top : top + side, left : left + side]
    corner[disc.reshape(side, side)] = wheel_colours(centred[disc], 1.0)
