"""What the critics that score patches share (PatchGAN; Isola et al., CVPR 2017, section 3.2.2)."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from retouch.errors import RetouchError

SLOPE = 0.2
"""Slope of the critics' leaky ReLU below 0."""


class PatchCritic(nn.Module):
    """Scores the patches of an image: ``layers``, and then ``score``, a convolution to one channel.

    Attributes:
        smallest: Smallest side of an image, in pixels. It gets one score.
        layers: Built by the subclass, as is ``score``.
    """

    smallest: ClassVar[int]
    layers: nn.Module
    score: nn.Module

    def forward(self, image: Tensor) -> Tensor:
        """Score ``B×3×H×W`` in [-1, 1], sides of at least ``smallest``: ``B×1×h×w``."""
        if image.ndim != 4 or image.shape[1] != 3 or min(image.shape[2:]) < self.smallest:
            raise RetouchError(
                f"This critic wants B×3×H×W with sides of at least {self.smallest}, not {tuple(image.shape)}."
            )
        scores: Tensor = self.score(self.layers(image))
        return scores


def spectral_layer(convolution: nn.Conv2d) -> list[nn.Module]:
    """A convolution of spectral norm 1 (Miyato et al., ICLR 2018), and a leaky ReLU."""
    return [spectral_norm(convolution), nn.LeakyReLU(SLOPE)]
