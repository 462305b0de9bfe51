"""Convolution of each channel by itself, with a gradient that is fast on a CPU.

oneDNN, torch's library for the CPU, has no fast code for two of the gradients. With kernels of 5×5 that of
the weights takes about ten times as long as the convolution. In bfloat16 that of the input takes a hundred
times as long where the stride is 2. Both are put together here from what it does well.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

_FAST = 3  # kernel whose gradient oneDNN computes fast


def depthwise(x: Tensor, weight: Tensor, bias: Tensor, stride: int, padding: int) -> Tensor:
    """Convolve every channel with its own kernel.

    Args:
        x: ``B×C×H×W``.
        weight: ``C×1×K×K``, K odd.
        bias: ``C``.
        stride: rows and columns from one output to the next.
        padding: rows and columns of zeros on each side.

    Returns:
        ``B×C×h×w``, what :func:`torch.nn.functional.conv2d` returns with ``groups=C``.
    """
    if x.device.type != "cpu" or not torch.is_grad_enabled():
        return F.conv2d(x, weight, bias, stride, padding, groups=x.shape[1])
    if torch.is_autocast_enabled("cpu"):
        x, weight, bias = (each.to(torch.get_autocast_dtype("cpu")) for each in (x, weight, bias))
    made: Tensor = _Depthwise.apply(x, weight, bias, stride, padding)  # type: ignore[no-untyped-call]
    return made


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.how = (stride, padding)
        return F.conv2d(x, weight, bias, stride, padding, groups=x.shape[1])

    @staticmethod
    def backward(
        ctx: Any, *gradients: Tensor
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None, None, None]:
        x, weight = ctx.saved_tensors
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)
        to_x, to_weight, to_bias, _, _ = ctx.needs_input_grad
        return (
            _input_gradient(gradient, x, weight, *ctx.how) if to_x else None,
            _weight_gradient(gradient, x, weight, *ctx.how) if to_weight else None,
            gradient.sum((0, 2, 3)) if to_bias else None,
            None,
            None,
        )


def _input_gradient(gradient: Tensor, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    if stride == 1:
        return _gradient(0, gradient, x, weight, stride, padding)
    shape = torch.empty_like(x, dtype=torch.float32)  # its values do not count
    return _gradient(0, gradient.float(), shape, weight.float(), stride, padding).to(x.dtype)


def _weight_gradient(gradient: Tensor, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """Return the gradient of the weights, in pieces of 3×3 that overlap where they must."""
    kernel = weight.shape[2]
    if kernel <= _FAST:
        return _gradient(1, gradient, x, weight, stride, padding)
    x = F.pad(x, [padding] * 4)
    found = torch.empty_like(weight)
    starts = [*range(0, kernel - _FAST, _FAST), kernel - _FAST]
    high, wide = ((side - 1) * stride + _FAST for side in gradient.shape[2:])
    for top in starts:
        for left in starts:
            seen = x[:, :, top : top + high, left : left + wide]
            piece = (..., slice(top, top + _FAST), slice(left, left + _FAST))
            found[piece] = _gradient(1, gradient, seen, weight[piece], stride, 0)
    return found


def _gradient(of: int, gradient: Tensor, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """Return the gradient of the input (0) or of the weights (1), as oneDNN computes it."""
    found: tuple[Tensor, ...] = torch.ops.aten.convolution_backward(
        gradient, x, weight, None, [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], x.shape[1],
        [of == 0, of == 1, False],
    )  # fmt: skip
    return found[of]
