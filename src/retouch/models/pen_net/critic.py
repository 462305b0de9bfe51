"""The critic of PEN-Net (Zeng et al. 2019, section 3.3): how real is each patch of an image?

Layers as in the public code: 5×5 convolutions, four of them of spectral norm 1 and without bias, zero padding
by one; 4,318,401 parameters (published: 4.32 M).
"""

from __future__ import annotations

from torch import nn

from retouch.networks.layers import normal, scaled
from retouch.networks.patch_critic import PatchCritic, spectral_layer

CHANNELS = (64, 128, 256, 512)
"""Published channels; all layers but the last of them halve the image."""
SMALLEST = 47
"""The smallest side, in pixels, of which a score is left."""


class PenNetCritic(PatchCritic):
    """Scores for patches of images, 27×27 at 256²; greater is more real, without bounds.

    In training mode each call takes the estimates of the spectral norms one step further, whatever it sees.
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
