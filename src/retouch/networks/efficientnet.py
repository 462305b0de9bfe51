"""The trunk of EfficientNet-Lite0: features of five resolutions, cheap, and pretrained on ImageNet.

Tan and Le, "EfficientNet", ICML 2019; the Lite variant has neither squeeze-and-excitation nor swish. Batch
normalisation is folded into the convolutions: its statistics stay those of ImageNet, so small batches do no
harm, and a step costs less.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retouch.networks.depthwise import depthwise

TAPS = (16, 24, 40, 112, 320)
"""Channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the picture's size."""
DEEPEST = 32
"""Pixels along the side of a cell of the coarsest features."""
_STEM = 32
_EPSILON = 1e-3  # of the published batch normalisation
# Repeats, kernel, stride, expansion, channels; from EfficientNet-B0.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_TAPPED = (0, 1, 2, 4, 6)  # stages whose last maps are returned


class _Layer(nn.Module):
    """A convolution with the batch normalisation after it folded in.

    The weight is stored with a root mean square of 1 for each output channel, and a fixed scale beside it:
    folding makes channels differ by orders of magnitude, and an optimiser with steps of one size for all
    would destroy the small ones.
    """

    scale: Tensor

    def __init__(
        self, channels: int, made: int, kernel: int, stride: int = 1, groups: int = 1, *, active: bool = True
    ) -> None:
        super().__init__()
        self.stride, self.groups, self.active = stride, groups, active
        # TensorFlow's "same": an odd total is padded more below and at the right.
        total = kernel - stride
        self.margins = (total // 2, total - total // 2) * 2
        self.weight = nn.Parameter(torch.randn(made, channels // groups, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(made))
        fan_in = channels // groups * kernel * kernel
        self.register_buffer("scale", torch.full((made, 1, 1, 1), (2 / fan_in) ** 0.5))

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight * self.scale
        padding = self.margins[0]
        if self.margins[1] != padding:
            x, padding = F.pad(x, self.margins), 0
        if self.groups > 1:
            x = depthwise(x, weight, self.bias, self.stride, padding)
        else:
            x = F.conv2d(x, weight, self.bias, self.stride, padding)
        return F.relu6(x) if self.active else x

    def take(self, weight: Tensor, normalisation: Mapping[str, Tensor]) -> None:
        """Take over a published weight and the batch normalisation that follows it."""
        gain = normalisation["weight"] / (normalisation["running_var"] + _EPSILON).sqrt()
        folded = weight * gain[:, None, None, None]
        size = folded.square().mean((1, 2, 3), keepdim=True).sqrt().clamp_min(1e-6)
        with torch.no_grad():
            self.scale.copy_(size)
            self.weight[:, : weight.shape[1]].copy_(folded / size)
            self.weight[:, weight.shape[1] :].zero_()  # channels that the published network has not
            self.bias.copy_(normalisation["bias"] - normalisation["running_mean"] * gain)


class _Block(nn.Module):
    """An inverted bottleneck: expand, convolve each channel, project."""

    def __init__(self, channels: int, made: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = channels * expansion
        self.expand = _Layer(channels, inner, 1) if expansion > 1 else None
        self.depthwise = _Layer(inner, inner, kernel, stride, inner)
        self.project = _Layer(inner, made, 1, active=False)
        self.residual = stride == 1 and channels == made

    def forward(self, x: Tensor) -> Tensor:
        inner = x if self.expand is None else self.expand(x)
        made: Tensor = self.project(self.depthwise(inner))
        return made + x if self.residual else made


class Features(NamedTuple):
    """``B×C×h×w`` at each resolution, fine to coarse; channels as in :data:`TAPS`."""

    half: Tensor
    quarter: Tensor
    eighth: Tensor
    sixteenth: Tensor
    thirty_second: Tensor


class EfficientNetLite0(nn.Module):
    """The trunk; any picture whose sides are multiples of 32. 3.4 million parameters."""

    def __init__(self, channels: int = 3) -> None:
        """Build it with random weights; ``channels`` of the input, the first three in [-1, 1] sRGB."""
        super().__init__()
        self.stem = _Layer(channels, _STEM, 3, 2)
        stages, inputs = [], _STEM
        for repeats, kernel, stride, expansion, made in _STAGES:
            blocks = []
            for number in range(repeats):
                blocks.append(_Block(inputs, made, kernel, stride if number == 0 else 1, expansion))
                inputs = made
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)

    def forward(self, image: Tensor) -> Features:
        """See ``B×C×H×W``."""
        x, taps = self.stem(image), []
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number in _TAPPED:
                taps.append(x)
        return Features(*taps)

    def take(self, weights: Mapping[str, Tensor]) -> None:
        """Take over the published weights, see :func:`retouch.weights.efficientnet.efficientnet_lite0`.

        Further channels of the input begin with weights of zero.
        """

        def normalisation(name: str) -> dict[str, Tensor]:
            parts = ("weight", "bias", "running_mean", "running_var")
            return {part: weights[f"{name}.{part}"] for part in parts}

        # Published for (255 x - 127) / 128, which is [-1, 1] within half a percent.
        self.stem.take(weights["_conv_stem.weight"], normalisation("_bn0"))
        for number, block in enumerate(block for stage in self.stages for block in stage.children()):
            assert isinstance(block, _Block)
            name = f"_blocks.{number}"
            layers = [(block.depthwise, "_depthwise_conv", "_bn1"), (block.project, "_project_conv", "_bn2")]
            if block.expand is not None:
                layers.append((block.expand, "_expand_conv", "_bn0"))
            for layer, convolution, norm in layers:
                layer.take(weights[f"{name}.{convolution}.weight"], normalisation(f"{name}.{norm}"))
