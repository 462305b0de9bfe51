"""The network that finds damage, and the small one that says where it is worth looking.

The finder is a U-Net (Ronneberger, Fischer and Brox, MICCAI 2015) made for processors: it works on half the
resolution and below, its skip connections add, and its last layer says four pixels at once. With five levels
it sees a hair of two pixels and some 200 pixels around. The scout sees a quarter of the resolution and below,
takes a tenth of the finder's work, and says for squares of 16 pixels whether the finder has to look at all.

:mod:`retouch.finding.networks` builds the same networks of the same weights for inference without torch.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from retouch.networks.layers import convolution

NAME = "damage"
"""The networks' name in weights files."""
CELL = 16
"""Side of the squares that the scout judges, in pixels."""
DEEPEST = 32
"""The finder's coarsest level has one value for a square of this many pixels; sides are multiples of it."""
CHANNELS = (16, 32, 64, 96, 96)
"""Channels of the finder, from half the resolution down."""
_SCOUT = (24, 48, 64)
_SELDOM = -4.0  # a sensible first guess for what is rare, in logits


class Found(NamedTuple):
    """What the networks say, both before the sigmoid.

    Attributes:
        damage: ``B×1×H×W``, for each pixel.
        worth: ``B×1×(H/16)×(W/16)``, for squares of 16 pixels.
    """

    damage: Tensor
    worth: Tensor


class DamageNetwork(nn.Module):
    """Finder and scout. Images are ``B×3×H×W`` in [0, 1], H and W multiples of 32."""

    def __init__(self) -> None:
        super().__init__()
        first = CHANNELS[0]
        self.down = nn.ModuleList([nn.Sequential(_layer(3, first, 4, 2), _layer(first, first))])
        for above, below in pairwise(CHANNELS):
            steps = (_layer(above, below, stride=2), _layer(below, below), _layer(below, below))
            self.down.append(nn.Sequential(*steps))
        pairs = list(pairwise(CHANNELS))
        self.across = nn.ModuleList(convolution(below, above, 1) for above, below in pairs)
        self.up = nn.ModuleList(_layer(above, above) for above, _ in pairs)
        self.last = convolution(first, 4)
        one, two, three = _SCOUT
        self.scout = nn.Sequential(
            *(_layer(3, one, 4, 4), _layer(one, two, stride=2), _layer(two, three, stride=2)),
            *(_layer(three, three), _layer(three, three), convolution(three, 1, 1)),
        )
        for each in (self.last, self.scout[-1]):
            assert isinstance(each, nn.Conv2d)
            assert each.bias is not None
            nn.init.constant_(each.bias, _SELDOM)

    def forward(self, image: Tensor) -> Found:
        """Look for damage everywhere, and say where that is worth it."""
        return Found(self.find(image), self.scout(image - 0.5))

    def find(self, image: Tensor) -> Tensor:
        """The finder alone: ``B×1×H×W``, before the sigmoid."""
        values, seen = image - 0.5, []
        for level in self.down:
            values = level(values)
            seen.append(values)
        for number in reversed(range(len(self.up))):
            coarse = F.interpolate(self.across[number](values), scale_factor=2.0, mode="nearest")
            values = self.up[number](coarse + seen[number])
        return F.pixel_shuffle(self.last(values), 2)


class _Normalised(nn.Sequential):
    """A convolution, batch normalisation, and a rectifier."""


def _layer(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> _Normalised:
    if kernel == 4 and stride == 4:  # squares side by side, nothing beyond the border
        made = nn.Conv2d(inputs, outputs, 4, 4, bias=False)
    else:
        made = convolution(inputs, outputs, kernel, stride, bias=False)
    nn.init.kaiming_normal_(made.weight, nonlinearity="relu")
    return _Normalised(made, nn.BatchNorm2d(outputs, momentum=0.05), nn.ReLU(inplace=True))
