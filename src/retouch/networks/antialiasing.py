"""Pooling of anti-aliased networks: Zhang, "Making Convolutional Networks Shift-Invariant Again", 2019."""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor
from torch.nn import functional as F


def blur_down(x: Tensor, kernel: Tensor) -> Tensor:
    """Half the size: every second value after the reflect-padded blur ``kernel``, ``C×1×3×3``."""
    blurred: Tensor = F.conv2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), kernel, stride=2, groups=x.shape[1])
    return blurred


def dense_maximum(x: Tensor, side: int) -> Tensor:
    """The maximum of every ``side×side`` window: max pooling with stride 1, which torch does slowly."""
    height, width = x.shape[2] - side + 1, x.shape[3] - side + 1
    x = reduce(torch.maximum, [x[:, :, shift : shift + height] for shift in range(side)])
    return reduce(torch.maximum, [x[..., shift : shift + width] for shift in range(side)])
