"""Pooling for anti-aliased networks: Zhang, "Making Convolutional Networks Shift-Invariant Again", 2019."""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor
from torch.nn import functional as F


def blur_down(x: Tensor, kernel: Tensor) -> Tensor:
    """Halve ``B×C×H×W``: blur with ``kernel``, ``C×1×3×3``, mirror-padded, and take every second value."""
    blurred: Tensor = F.conv2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), kernel, stride=2, groups=x.shape[1])
    return blurred


def dense_maximum(x: Tensor, side: int) -> Tensor:
    """Max pooling with stride 1 over ``side×side`` windows; faster than torch's."""
    height, width = x.shape[2] - side + 1, x.shape[3] - side + 1
    x = reduce(torch.maximum, [x[:, :, shift : shift + height] for shift in range(side)])
    return reduce(torch.maximum, [x[..., shift : shift + width] for shift in range(side)])
