"""A stand-in for LaMa, to learn what a network of its size costs; `any_size.py --lama 2048` runs it.

The generator of "big-lama" (Suvorov et al., "Resolution-robust Large Mask Inpainting with Fourier
Convolutions", WACV 2022) has three steps down, 18 residual blocks of fast Fourier convolutions and three
steps up. The blocks have 512 channels, three quarters of which see the whole image at once. The weights are
random, because time and memory do not depend on them.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BLOCKS, WIDTH, GLOBAL = 18, 64, 0.75


class FourierUnit(nn.Module):
    """A pointwise convolution over the frequencies of an image, ``B×C×H×W``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = nn.Sequential(
            nn.Conv2d(2 * channels, 2 * channels, 1, bias=False), nn.BatchNorm2d(2 * channels), nn.ReLU()
        )

    def forward(self, values: Tensor) -> Tensor:
        """``B×C×H×W`` for ``B×C×H×W``."""
        waves = torch.fft.rfftn(values, dim=(2, 3), norm="ortho")
        mixed = self.mix(torch.cat([waves.real, waves.imag], dim=1))
        return torch.fft.irfftn(
            torch.complex(*mixed.chunk(2, dim=1)), s=values.shape[2:], dim=(2, 3), norm="ortho"
        )


class SpectralTransform(nn.Module):
    """The convolution among the global channels."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        inner = after // 2
        self.reduce = nn.Sequential(nn.Conv2d(before, inner, 1, bias=False), nn.BatchNorm2d(inner), nn.ReLU())
        self.fourier = FourierUnit(inner)
        self.expand = nn.Conv2d(inner, after, 1, bias=False)

    def forward(self, values: Tensor) -> Tensor:
        """Returns the same size."""
        reduced = self.reduce(values)
        return self.expand(reduced + self.fourier(reduced))


class FourierConvolution(nn.Module):
    """Local and global channels, each computed from both."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        far = round(channels * GLOBAL)
        near = channels - far
        self.near_to_near, self.near_to_far, self.far_to_near = (
            nn.Conv2d(before, after, 3, padding=1, padding_mode="reflect", bias=False)
            for before, after in ((near, near), (near, far), (far, near))
        )
        self.far_to_far = SpectralTransform(far, far)
        self.near_norm, self.far_norm = nn.BatchNorm2d(near), nn.BatchNorm2d(far)

    def forward(self, near: Tensor, far: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the same size."""
        return (
            F.relu(self.near_norm(self.near_to_near(near) + self.far_to_near(far))),
            F.relu(self.far_norm(self.near_to_far(near) + self.far_to_far(far))),
        )


class Generator(nn.Module):
    """From ``B×4×H×W`` (colours and mask) to ``B×3×H×W``; sides are multiples of 8."""

    def __init__(self) -> None:
        super().__init__()
        widths = [WIDTH * 2**step for step in range(4)]
        self.down = nn.Sequential(
            nn.ReflectionPad2d(3),
            *_layer(nn.Conv2d(4, WIDTH, 7, bias=False)),
            *(
                part
                for before, after in pairwise(widths)
                for part in _layer(nn.Conv2d(before, after, 3, 2, 1, padding_mode="reflect", bias=False))
            ),
        )
        self.blocks = nn.ModuleList(
            nn.ModuleList([FourierConvolution(widths[-1]), FourierConvolution(widths[-1])])
            for _ in range(BLOCKS)
        )
        self.up = nn.Sequential(
            *(
                part
                for before, after in pairwise(reversed(widths))
                for part in _layer(nn.ConvTranspose2d(before, after, 3, 2, 1, 1))
            ),
            nn.ReflectionPad2d(3),
            nn.Conv2d(WIDTH, 3, 7),
            nn.Sigmoid(),
        )

    def forward(self, values: Tensor) -> Tensor:
        """The weights are random, so the result means nothing."""
        features = self.down(values)
        far = round(features.shape[1] * GLOBAL)
        near, far_part = features.split([features.shape[1] - far, far], dim=1)
        for first, second in self.blocks:
            changed = second(*first(near, far_part))
            near, far_part = near + changed[0], far_part + changed[1]
        return self.up(torch.cat([near, far_part], dim=1))


def _layer(convolution: nn.Module) -> tuple[nn.Module, nn.Module, nn.Module]:
    return convolution, nn.BatchNorm2d(convolution.out_channels), nn.ReLU()
