"""Convolutions and small helpers from which the networks are built."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

PaddingMode = Literal["zeros", "reflect", "replicate"]
"""What lies beyond the border of an image: zeros, its mirror image, or its outermost pixels."""
ELU_GAIN = 0.645**-0.5
"""Gain that keeps the strength of normally distributed values through ELU: E[ELU(x)²] = 0.645."""


def convolution(
    inputs: int,
    outputs: int,
    kernel: int = 3,
    stride: int = 1,
    dilation: int = 1,
    *,
    padding_mode: PaddingMode = "zeros",
    gain: float | None = None,
    bias: bool = True,
) -> nn.Conv2d:
    """Build a padded convolution: sides of multiples of ``stride`` are divided by it.

    Args:
        inputs: Channels that go in.
        outputs: Channels that come out.
        kernel: Side of the kernel: odd, or 4 for a stride of 2.
        stride: Step between the positions of the kernel, in pixels.
        dilation: Distance between the taps of the kernel, in pixels.
        padding_mode: What lies beyond the border.
        gain: Draw the weights from a normal distribution of standard deviation ``gain / sqrt(fan_in)``, and
            set the biases to 0. None leaves torch's initialisation.
        bias: Whether the outputs have biases.
    """
    padding = dilation * ((kernel - 1) // 2)
    made = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=bias, padding_mode=padding_mode)
    return made if gain is None else normal(made, gain * (inputs * kernel**2) ** -0.5)


def normal(layer: nn.Conv2d, std: float) -> nn.Conv2d:
    """Draw the weights of a convolution from N(0, ``std``²), set its biases to 0, and return it."""
    nn.init.normal_(layer.weight, std=std)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def doubled(values: Tensor) -> Tensor:
    """Enlarge ``B×C×H×W`` to ``B×C×2H×2W`` by bilinear interpolation; corners are not aligned."""
    return F.interpolate(values, scale_factor=2.0, mode="bilinear", align_corners=False)


def scaled(channels: tuple[int, ...], width: float, least: int = 1) -> list[int]:
    """Multiply channel counts by ``width``, rounded, and at least ``least`` each."""
    return [max(least, round(width * each)) for each in channels]
