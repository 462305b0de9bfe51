"""The strokes of a text, when the box around it is known."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.ops.masks import Mask, dilate

Image = NDArray[np.float32]
Corners = NDArray[np.float64]

_RING = 0.35
"""How far around a box the background is looked at, as a part of the text's height."""
_COLOURS = 3
"""Text, its outline or shadow, and background."""
_MOST, _LEAST = 0.75, 0.01
"""Strokes cover between these parts of their box; else they were not told from what is behind them."""
_MARGIN = 0.06
"""What blurs and outlines a stroke, as a part of the text's height; at least two pixels."""


def glyphs(image: Image, corners: Corners) -> Mask:
    """Find the strokes of a line of text.

    The colours of the box and its surroundings fall into three groups (k-means). Those that are as frequent
    around the box as in it are background. Where that leaves no strokes, or nearly all of the box, the box
    itself is the answer.

    Args:
        image: ``H×W×3`` in [0, 1].
        corners: ``4×2``, column and row of the corners of the text's box.

    Returns:
        ``H×W`` bool, the strokes with a small margin.
    """
    height, width = image.shape[:2]
    whole = np.zeros((height, width), np.uint8)
    cv2.fillPoly(whole, [np.rint(corners).astype(np.int32)], 1)
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1)
    tall = max(4.0, float(min(sides[0] + sides[2], sides[1] + sides[3])) / 2)
    reach = max(3, round(_RING * tall))
    left, top = np.floor(corners.min(0)).astype(int) - reach
    right, bottom = np.ceil(corners.max(0)).astype(int) + reach + 1
    rows, columns = slice(max(0, top), min(height, bottom)), slice(max(0, left), min(width, right))
    inside = whole[rows, columns] > 0
    made = np.zeros((height, width), bool)
    if not inside.any():
        return made
    near = cv2.dilate(inside.view(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)) > 0
    strokes = _strokes(image[rows, columns], inside, near & ~inside)
    share = strokes.mean() / inside.mean()
    if not _LEAST < share < _MOST:
        strokes = inside
    made[rows, columns] = strokes
    return dilate(made, max(2, round(_MARGIN * tall)))


def _strokes(crop: Image, inside: Mask, ring: Mask) -> Mask:
    """The pixels inside whose colours are rare in the ring."""
    if not ring.any():
        return inside
    lab = cv2.cvtColor(np.ascontiguousarray(crop, np.float32), cv2.COLOR_RGB2Lab)
    values = lab[inside | ring]
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_MAX_ITER, 30, 0.5)
    cv2.setRNGSeed(0)
    count, labels = min(_COLOURS, len(values)), np.zeros(len(values), np.int32)
    _, found, _ = cv2.kmeans(values, count, labels, stop, 3, cv2.KMEANS_PP_CENTERS)
    group = np.full(inside.shape, -1)
    group[inside | ring] = np.asarray(found).ravel()
    strokes = np.zeros_like(inside)
    for each in range(count):
        here, there = (float((group == each)[part].mean()) for part in (inside, ring))
        # Of the background there is more around the text than between its strokes.
        if here > 1.25 * there:
            strokes |= (group == each) & inside
    return strokes
