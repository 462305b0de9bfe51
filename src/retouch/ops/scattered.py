"""Where a hole leaves no whole patches to copy, so that a smooth continuation is the better fill.

Measured on photos (docs/fill.md): pixels that are missing here and there come back 4 to 10 dB better from their
neighbours than from patches, of which there are few or none.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.ops.masks import Mask, depth, dilate

THIN = 1.5
"""A hole pixel is thin if the nearest known pixel is at most this far, in pixels (lines 2 pixels wide) …"""
NEAR = 8
"""… and no deeper one is nearer than this."""
AROUND = 32
"""How far around a hole pixel known pixels are counted, in pixels."""
PATCH = 5
"""Side of a whole known patch, in pixels."""
RARE = 0.25
"""Whole patches are rare if there are fewer than this for each known pixel."""
GAPS = 1.75
"""Among pixels known at random, one hole pixel in 15,000 is farther from any than this many times the mean gap."""
HALO = AROUND + NEAR + PATCH
"""How far a pixel's class depends on its surroundings, in pixels."""


class Scattered(NamedTuple):
    """The pixels of a hole that are filled smoothly, ``H×W`` bool each.

    Attributes:
        thin: dead pixels, hairlines, specks: all of the hole around is at most :data:`THIN` deep.
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
    nowhere = np.zeros_like(hole)
    if not hole.any() or not known.any():
        return Scattered(nowhere, nowhere)
    away = depth(~known)
    sparse = nowhere
    whole = cv2.erode(known.astype(np.uint8), np.ones((PATCH, PATCH), np.uint8), borderValue=1)
    share, patches = _mean(known), _mean(whole)
    rare = hole & (patches < RARE * share)
    if rare.any():
        # A large hole among them must not make its surroundings look emptier than they are.
        outside = _mean(away <= 2 * GAPS / np.sqrt(np.maximum(share, 1e-6)))
        reach = np.minimum(GAPS * np.sqrt(np.maximum(outside, 1e-6) / np.maximum(share, 1e-6)), AROUND)
        large = rare & (away > reach)
        sparse = rare & ~large
        if large.any():
            sparse &= depth(~large) > reach
    deep = hole & ~sparse & (away > THIN)
    return Scattered(hole & ~sparse & ~dilate(deep, NEAR), sparse)


def _mean(where: Mask) -> NDArray[np.float32]:
    """The share of True in the square around each pixel, as far as it lies in the picture."""
    side = (2 * AROUND + 1, 2 * AROUND + 1)
    total, counted = (
        cv2.boxFilter(each, cv2.CV_32F, side, normalize=False, borderType=cv2.BORDER_CONSTANT)
        for each in (where.astype(np.float32), np.ones(where.shape, np.float32))
    )
    return np.asarray(total / counted, np.float32)
