"""Resizing arrays by whole factors, as :mod:`retouch.ops.resize` does with tensors; numpy and OpenCV only.

A cell is the square of ``scale × scale`` pixels that one pixel of a smaller picture stands for.
"""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.ops.masks import Mask

Image = NDArray[np.float32]
Kind = TypeVar("Kind", bound=np.generic)


def shrink(image: Image, scale: int) -> Image:
    """Average cells: ``H×W×C`` to ``(H/scale)×(W/scale)×C``; ``H`` and ``W`` are multiples of ``scale``."""
    height, width = image.shape[:2]
    # By a whole factor, "area" is the plain mean of each cell.
    small = cv2.resize(image, (width // scale, height // scale), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float32).reshape(height // scale, width // scale, -1)


def shrink_mask(mask: Mask, scale: int) -> Mask:
    """Shrink a mask ``H×W`` so that one True pixel makes its whole cell True."""
    height, width = mask.shape
    rows = mask.reshape(height // scale, scale, width).any(axis=1)
    return np.asarray(rows.reshape(height // scale, width // scale, scale).any(axis=2))


def enlarge(image: Image, scale: int) -> Image:
    """Enlarge ``h×w×C`` to ``(h·scale)×(w·scale)×C``, bicubic with Catmull and Rom's coefficient of -0.5.

    OpenCV's bicubic has -0.75, which bends straight ramps. Beyond the edge of the picture there is nothing:
    the weights of what is inside sum to 1. Values may overshoot the range of the input by a little.
    """
    if scale == 1:
        return image
    height, width, channels = image.shape
    across = np.empty((height, width, scale, channels), np.float32)
    for phase in range(scale):
        across[:, :, phase] = _between(image, phase, scale, axis=1)
    wide = across.reshape(height, width * scale, channels)
    enlarged = np.empty((height, scale, width * scale, channels), np.float32)
    for phase in range(scale):
        enlarged[:, phase] = _between(wide, phase, scale, axis=0)
    return enlarged.reshape(height * scale, width * scale, channels)


def blocks(image: NDArray[Kind], scale: int) -> NDArray[Kind]:
    """View ``H×W×C`` as cells, ``h×scale×w×scale×C``."""
    height, width, channels = image.shape
    return image.reshape(height // scale, scale, width // scale, scale, channels)


def _between(image: Image, phase: int, scale: int, axis: int) -> Image:
    """The values in the middle of part ``phase`` of each pixel, of ``scale`` parts along an axis."""
    place = (phase + 0.5) / scale - 0.5
    weights = np.array([_catmull_rom(abs(place - tap)) for tap in range(-2, 3)], np.float32)
    kernel = np.expand_dims(weights, 1 - axis)
    found = cv2.filter2D(image, cv2.CV_32F, kernel, borderType=cv2.BORDER_CONSTANT).reshape(image.shape)
    lines, count = np.moveaxis(found, axis, 0), image.shape[axis]
    for line in {0, 1, count - 2, count - 1} & set(range(count)):
        lines[line] /= weights[max(0, 2 - line) : 2 + count - line].sum()
    return np.asarray(found, dtype=np.float32)


def _catmull_rom(distance: float) -> float:
    if distance < 1:
        return 1.5 * distance**3 - 2.5 * distance**2 + 1
    return max(0.0, 2 - distance) ** 2 * (1 - distance) / 2
