"""The two Wasserstein critics of Contextual Attention (Yu et al. 2018, section 3): whole image and hole.

As in the public code, they have four 5×5 stride-2 layers with leaky ReLU and a fully connected layer:
4,339,329 parameters for the local critic of a 128² box, 2,733,441 for the global critic of a 256² image.
Padding mirrors as in the paper, where the code pads with zeros.
"""

from __future__ import annotations

from torch import Tensor, nn

from retouch.errors import RetouchError
from retouch.networks.layers import convolution, scaled
from retouch.networks.patch_critic import SLOPE

LOCAL = (64, 128, 256, 512)
"""Published channels of the local critic's layers."""
GLOBAL = (64, 128, 256, 256)
"""Published channels of the global critic's layers."""


class Critic(nn.Module):
    """Scores how real square images look: greater is more real, without bounds."""

    def __init__(self, side: int, channels: tuple[int, ...], width: float = 1.0) -> None:
        """Build it.

        Args:
            side: Side of the images, in pixels: a multiple of 16, at least 32 (mirror padding).
            channels: Channels of the layers.
            width: Multiplies ``channels``.

        Raises:
            RetouchError: The side does not fit.
        """
        super().__init__()
        if side % 16 or side < 32:
            raise RetouchError(f"A critic's images need a side of 32, 48, 64 … pixels, not {side}.")
        inputs, layers = 3, list[nn.Module]()
        for outputs in scaled(channels, width):
            layers += [convolution(inputs, outputs, 5, 2, padding_mode="reflect"), nn.LeakyReLU(SLOPE)]
            inputs = outputs
        self.side = side
        self.layers = nn.Sequential(*layers)
        self.score = nn.Linear(inputs * (side // 2 ** len(channels)) ** 2, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Score ``B×3×side×side`` in [-1, 1]: ``B×1``."""
        if image.shape[1:] != (3, self.side, self.side):
            raise RetouchError(f"This critic wants B×3×{self.side}×{self.side}, not {tuple(image.shape)}.")
        scores: Tensor = self.score(self.layers(image).flatten(1))
        return scores


def local_critic(side: int = 128, width: float = 1.0) -> Critic:
    """Build the critic of the box around the hole."""
    return Critic(side, LOCAL, width)


def global_critic(side: int = 256, width: float = 1.0) -> Critic:
    """Build the critic of the whole image."""
    return Critic(side, GLOBAL, width)
