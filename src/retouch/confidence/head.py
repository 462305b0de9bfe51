"""How far any model's fill can be trusted: a small network that looks at the finished fill.

In Zeng et al. (ECCV 2020) the generator computes the confidence itself. Deviation, so that any model can have
one: this network is trained on the errors of frozen models. Its confidence is the probability that a
pixel lies within :data:`WITHIN` of the truth.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retouch.networks.layers import convolution, doubled
from retouch.networks.network_model import opened

NAME = "confidence-head"
"""Its name in weights files."""
WITHIN = 0.1
"""A fill is right where its mean absolute difference to the truth, over the channels, is at most this."""
CELL = 4
"""Side of a cell of the finest map, in pixels. Confidence hardly varies within one."""
DEEPEST = 16
"""Side of a cell of the coarsest map, in pixels."""


class ConfidenceHead(nn.Module):
    """A network that sees a fill at a quarter of its size down to a sixteenth, with dilations there.

    It has no normalisation layers: the confidence in a hole must not depend on how much else the picture
    shows.
    """

    def __init__(self) -> None:
        super().__init__()
        # All pixels of a cell become channels, because grain and blur give a fill away.
        self.quarter = nn.Sequential(nn.PixelUnshuffle(CELL), _layer(4 * CELL**2, 32), _layer(32, 32))
        self.eighth = nn.Sequential(_layer(32, 48, stride=2), _layer(48, 48))
        self.sixteenth = nn.Sequential(
            _layer(48, 64, stride=2), _layer(64, 64, dilation=2), _layer(64, 64, dilation=4)
        )
        self.up_eighth = _layer(64 + 48, 48)
        self.up_quarter = _layer(48 + 32, 32)
        self.last = nn.Conv2d(32, 1, 3, padding=1)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """Compute the logits of the confidence.

        Args:
            image: ``B×3×H×W`` in [0, 1], filled.
            mask: ``B×1×H×W``, 1 where the hole was.

        Returns:
            ``B×1×H×W``; their sigmoid is the confidence. They are valid only in the hole.
        """
        height, width = image.shape[2:]
        seen = torch.cat([image * 2 - 1, mask.to(image)], 1)
        seen = F.pad(seen, (0, -width % DEEPEST, 0, -height % DEEPEST), mode="replicate")
        quarter = self.quarter(seen)
        eighth = self.eighth(quarter)
        deep = doubled(self.sixteenth(eighth))
        deep = doubled(self.up_eighth(torch.cat([deep, eighth], 1)))
        logits = self.last(self.up_quarter(torch.cat([deep, quarter], 1)))
        whole = F.interpolate(logits, scale_factor=float(CELL), mode="bilinear", align_corners=False)
        return whole[..., :height, :width]

    @torch.no_grad()
    def confidence(self, image: Tensor, mask: Tensor) -> Tensor:
        """Compute the probability that each pixel is right: ``B×1×H×W``, 1 outside the hole."""
        return torch.where(mask > 0, self(image, mask).float().sigmoid(), 1.0)


def right(fill: Tensor, truth: Tensor) -> Tensor:
    """Mark where a fill lies within :data:`WITHIN` of the truth, ``B×1×H×W`` of zeros and ones.

    Args:
        fill: ``B×3×H×W`` in [0, 1].
        truth: ``B×3×H×W`` in [0, 1].
    """
    return ((fill - truth).abs().mean(1, keepdim=True) <= WITHIN).to(truth)


def open_head(device: torch.device, file: Path | None = None) -> ConfidenceHead:
    """Read a trained head.

    Args:
        device: where it will run.
        file: exported weights; None for the head that ships with the package, which is read only once.

    Raises:
        RetouchError: the file does not hold a confidence head.
    """
    return opened(ConfidenceHead, NAME, device, file)


def _layer(channels: int, made: int, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    # Replicated edges look like a picture; zeros do not.
    layer = convolution(channels, made, 3, stride, dilation, padding_mode="replicate")
    return nn.Sequential(layer, nn.ELU())
