"""The critics of Infer, Match, Translate (Song et al. 2018, sections 3.2 and 3.4).

The paper mentions a conditional critic of patches but gives no layers. These are our choice. They are
spectrally normalised, as in PEN-Net's public code, so they need no gradient penalty.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from retouch.models.infer_match_translate.network import CELL, CHANNELS
from retouch.networks.layers import convolution, scaled
from retouch.networks.patch_critic import spectral_layer

_CHANNELS = (64, 128, 256)


class FeatureCritic(nn.Module):
    """Scores how real the features of a completed photo look, patch by patch; greater is more real."""

    def __init__(self, width: float = 1.0) -> None:
        """Build it; ``width`` multiplies all channels except those of the features."""
        super().__init__()
        channels = scaled(_CHANNELS, width)[2]
        self.layers = nn.Sequential(
            *_layer(CHANNELS + 1, channels, kernel=1),
            *_layer(channels, channels, kernel=4, stride=2),
            *_layer(channels, channels),
            spectral_norm(convolution(channels, 1)),
        )

    def forward(self, features: Tensor, hole: Tensor) -> Tensor:
        """Score ``B×256×h×w`` features; those in ``hole``, ``B×1×h×w``, may be inferred."""
        scores: Tensor = self.layers(torch.cat([features, hole], 1))
        return scores


class ConditionalCritic(nn.Module):
    """Scores how real an image looks, given its features, patch by patch; greater is more real."""

    def __init__(self, width: float = 1.0) -> None:
        """Build it; ``width`` multiplies all channels except those of the features."""
        super().__init__()
        half, quarter, joined = scaled(_CHANNELS, width)
        self.look = nn.Sequential(
            *_layer(3, half, kernel=4, stride=2),
            *_layer(half, quarter, kernel=4, stride=2),
        )
        self.condition = nn.Sequential(*_layer(CHANNELS, quarter, kernel=1))
        self.judge = nn.Sequential(
            *_layer(2 * quarter, joined),
            spectral_norm(convolution(joined, 1)),
        )

    def forward(self, image: Tensor, features: Tensor) -> Tensor:
        """Score ``B×3×H×W`` in [-1, 1], given ``B×256×(H/4)×(W/4)`` features: ``B×1×(H/4)×(W/4)``."""
        assert image.shape[2] == CELL * features.shape[2]
        scores: Tensor = self.judge(torch.cat([self.look(image), self.condition(features)], 1))
        return scores


def _layer(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    return spectral_layer(convolution(inputs, outputs, kernel, stride))
