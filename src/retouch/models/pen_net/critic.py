"""The critic of PEN-Net (Zeng et al. 2019, section 3.3), which scores patches of images.

Its layers are those of the public code: 5×5 convolutions with zero padding by one, four of them spectrally
normalised and without bias; 4,318,401 parameters (published: 4.32 M).
"""

from __future__ import annotations

from torch import nn

from retouch.networks.layers import normal, scaled
from retouch.networks.patch_critic import PatchCritic, spectral_layer

CHANNELS = (64, 128, 256, 512)
"""Published channels. All of these layers but the last have stride 2."""
SMALLEST = 47
"""The smallest side of an image, in pixels. It gets one score."""


class PenNetCritic(PatchCritic):
    """Scores patches: 27×27 scores at 256². Greater is more real, without bounds.

    Each call in training mode takes one power iteration for the spectral norms.
    """

    smallest = SMALLEST

    def __init__(self, width: float = 1.0) -> None:
        """Build it; ``width`` multiplies :data:`CHANNELS`."""
        super().__init__()
        inputs, layers = 3, list[nn.Module]()
        for place, outputs in enumerate(scaled(CHANNELS, width)):
            stride = 2 if place < len(CHANNELS) - 1 else 1
            # Padded by one, as in the code, not by two.
            layers += spectral_layer(normal(nn.Conv2d(inputs, outputs, 5, stride, 1, bias=False), 0.02))
            inputs = outputs
        self.layers = nn.Sequential(*layers)
        self.score = normal(nn.Conv2d(inputs, 1, 5, padding=1), 0.02)
