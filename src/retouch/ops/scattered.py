"""Where a hole leaves no whole patches to copy, so that a smooth continuation is the better fill.

Measured on photos (docs/fill.md): pixels that are missing here and there come back 4 to 10 dB better from
their neighbours than from patches, of which there are few or none.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.ops.masks import Mask, depth

NEAR = 8
"""A hole pixel is thin if it is beside a known pixel, and so are all others that are so near, in pixels."""
AROUND = 32
"""How far around a hole pixel known pixels are counted, in pixels."""
PATCH = 5
"""Side of a whole known patch, in pixels."""
RARE = 0.25
"""Whole patches are rare if there are fewer than this for each known pixel."""
GAPS = 2
"""Among pixels known at random, one hole pixel in 300,000 is more than this many mean gaps from any."""
HALO = 2 * AROUND
"""How far a pixel's class depends on its surroundings, in pixels."""


class Scattered(NamedTuple):
    """The pixels of a hole that are filled smoothly, ``H×W`` bool each.

    Attributes:
        thin: dead pixels, and lines one or two pixels wide.
        sparse: whole known patches are rare here, because the known pixels are themselves scattered.
    """

    thin: Mask
    sparse: Mask


def scattered(hole: Mask, known: Mask) -> Scattered:
    """Find the pixels of a hole for which patches are the wrong tool.

    Args:
        hole: ``H×W``, True = fill this.
        known: ``H×W``, True where values may be used. What is neither is avoided.
    """
    sparse = _sparse(hole, known) if known.any() else np.zeros_like(hole)
    # A pixel is deep if none of its eight neighbours is known.
    inner = cv2.erode((~known).view(np.uint8), np.ones((3, 3), np.uint8), borderValue=1).view(np.bool_)
    deep = (hole & ~sparse & inner).view(np.uint8)
    beside = cv2.dilate(deep, np.ones((2 * NEAR + 1, 2 * NEAR + 1), np.uint8)).view(np.bool_)
    return Scattered(hole & ~sparse & ~beside, sparse)


def _sparse(hole: Mask, known: Mask) -> Mask:
    whole = cv2.erode(known.view(np.uint8), np.ones((PATCH, PATCH), np.uint8), borderValue=1)
    # Every patch that has a pixel in the square counts.
    count, patches = _around(known), _around(whole.view(np.bool_), AROUND + PATCH // 2)
    rare = hole & (patches < RARE * count)
    if not rare.any():
        return rare
    pixels = _around(np.ones_like(hole))
    share, away = count / pixels, depth(~known)
    # A large hole among them must not make its surroundings look emptier than they are.
    outside = _around(away <= 2 * GAPS / np.sqrt(np.maximum(share, 1e-6))) / pixels
    reach = np.minimum(GAPS * np.sqrt(np.maximum(outside, 1e-6) / np.maximum(share, 1e-6)), AROUND)
    large = rare & (away > reach)
    sparse: Mask = rare & ~large
    return sparse & (depth(~large) > reach) if large.any() else sparse


def _around(where: Mask, reach: int = AROUND) -> NDArray[np.float32]:
    """How many are True in the square around each pixel, as far as it lies in the picture."""
    side = (2 * reach + 1, 2 * reach + 1)
    border = cv2.BORDER_CONSTANT
    return np.asarray(
        cv2.boxFilter(where.view(np.uint8), cv2.CV_32F, side, normalize=False, borderType=border)
    )
