"""Resizing by whole factors, with cells that line up.

Shrinking by ``scale`` makes each cell the average of its ``scale × scale`` pixels. Enlarging puts the cell
back at the centre of those pixels (torch calls this geometry ``align_corners=False``). The two agree on
positions, so nothing shifts by half a pixel on the way down and up.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F


def shrink(image: Tensor, scale: int) -> Tensor:
    """Average cells of ``scale × scale`` pixels.

    Args:
        image: ``B×C×H×W``; ``H`` and ``W`` are multiples of ``scale``.
        scale: pixels per cell, along each side.

    Returns:
        ``B×C×(H/scale)×(W/scale)``.

    Raises:
        ValueError: the size is not a multiple of ``scale``.
    """
    _check_multiple(image, scale)
    return image if scale == 1 else F.avg_pool2d(image, scale)


def shrink_mask(mask: Tensor, scale: int) -> Tensor:
    """Shrink a mask so that one hole pixel makes its whole cell a hole.

    Otherwise a cell that is partly hole would mix the hole's contents into the known area.

    Args:
        mask: ``B×1×H×W`` float of zeros and ones; ``H`` and ``W`` are multiples of ``scale``.
        scale: pixels per cell, along each side.

    Returns:
        ``B×1×(H/scale)×(W/scale)`` of zeros and ones.

    Raises:
        ValueError: the size is not a multiple of ``scale``.
    """
    _check_multiple(mask, scale)
    return mask if scale == 1 else F.max_pool2d(mask, scale)


def enlarge(image: Tensor, scale: int, mode: Literal["bilinear", "bicubic"] = "bicubic") -> Tensor:
    """Enlarge ``image`` (``B×C×H×W``) to ``B×C×(H·scale)×(W·scale)``, aligned with :func:`shrink`.

    Bicubic may overshoot the range of its input by a little; bilinear never does.
    """
    if scale == 1:
        return image
    # "antialias" has nothing to smooth here. It selects Catmull-Rom's coefficient, -0.5 instead of -0.75.
    # Only -0.5 reproduces straight ramps, and it rings less. (It is also faster on a CPU.)
    return F.interpolate(
        image, scale_factor=float(scale), mode=mode, align_corners=False, antialias=mode == "bicubic"
    )


def enlarge_inside(values: Tensor, mask: Tensor, scale: int) -> Tensor:
    """Enlarge values that are valid only in the hole, bilinearly, without mixing in values outside it.

    Args:
        values: ``B×C×H×W``.
        mask: ``B×1×H×W``, 1 = hole, in cells.
        scale: pixels per cell, along each side.

    Returns:
        ``B×C×(H·scale)×(W·scale)``; 0 beyond the reach of the hole's cells.
    """
    weight = enlarge(mask, scale, "bilinear")
    return enlarge(values * mask, scale, "bilinear") / weight.clamp_min(torch.finfo(weight.dtype).tiny)


def _check_multiple(tensor: Tensor, scale: int) -> None:
    if scale < 1 or tensor.shape[-2] % scale or tensor.shape[-1] % scale:
        raise ValueError(f"{tuple(tensor.shape[-2:])} is not a multiple of {scale}.")
