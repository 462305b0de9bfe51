"""Square crops around the holes of a batch, for losses that would cost too much on whole images."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from retouch.ops.masks import bounding_box


def hole_crops(hole: Tensor, side: int) -> Callable[[Tensor], Tensor]:
    """Return a function that crops each item of a batch to the square that :func:`local_corner` finds.

    Args:
        hole: ``B×1×H×W`` bool, on the CPU. No item is empty.
        side: Side of the squares, at most H and W.

    Returns:
        A function from ``B×C×H×W``, on any device, to ``B×C×side×side``.
    """
    corners = [local_corner(each[0].numpy(), side) for each in hole]

    def cut(batch: Tensor) -> Tensor:
        crops = [
            item[:, top : top + side, left : left + side]
            for item, (top, left) in zip(batch, corners, strict=True)
        ]
        return torch.stack(crops)

    return cut


def local_corner(hole: NDArray[np.bool_], side: int) -> tuple[int, int]:
    """Find the square that contains as much of a hole as possible; return its top and left.

    Among several such squares it takes the one whose centre is nearest to the centre of the hole's bounding
    box.

    Args:
        hole: ``H×W``, True = hole, not empty.
        side: Side of the square, at most H and W.
    """
    box = bounding_box(hole)
    assert box is not None
    sums = cv2.integral(hole.astype(np.uint8))
    held = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    corners = np.argwhere(held == held.max())
    centred = np.array([(each.start + each.stop - side) / 2 for each in box])
    top, left = corners[((corners - centred) ** 2).sum(1).argmin()]
    return int(top), int(left)
