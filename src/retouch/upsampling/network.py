"""The networks of guided upsampling: what looks alike, and what becomes of the detail from there.

Zeng et al., "High-Resolution Image Inpainting with Iterative Confidence Feedback and Guided Upsampling",
ECCV 2020, section 3.2: patch affinities on the low-resolution fill carry features of the high-resolution
photo into the hole, where they are decoded. The paper gives no layers. Images are in [0, 1] here.

Deviations: what is carried over is the photo minus its own enlarged low resolution, and features are taken of
it where it lands, so that the cost follows the hole; one source for each cell instead of a weighted mean of
many, which is no detail any more; what is decoded corrects what was carried over, so that the untrained
network is the residual form of :mod:`retouch.upsampling.guided`; since a choice has no gradient, the
affinity is trained by how well it foretells how much detail there is (:func:`strength`).
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retouch.networks.network_model import opened
from retouch.ops.resize import shrink

NAME = "guided-upsampling"
"""What weights files call the networks."""

SOFTMAX_SCALE = 100.0
"""Of the affinity in training, on mean squared differences."""
REACH = 5
"""Pixels around the hole that what is decoded in it depends on."""
_FAINT = 1e-3  # detail below it, in colours from 0 to 1, cannot be seen


class GuidedUpsamplingNetwork(nn.Module):
    """Two small convolutional networks, for any size and any whole factor."""

    def __init__(self) -> None:
        super().__init__()
        self._look = nn.Sequential(
            *(_layer(4, 16), nn.ELU(), _layer(16, 24), nn.ELU()),
            *(_layer(24, 24, dilation=2), nn.ELU(), _layer(24, 12)),
        )
        self._decode = nn.Sequential(
            *(_layer(11, 32), nn.ELU(), _layer(32, 32, dilation=2), nn.ELU()),
            *(_layer(32, 32), nn.ELU(), _layer(32, 4)),
        )
        last = self._decode[-1]
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def look(self, fill: Tensor, scale: int) -> Tensor:
        """Features in which the cells of a fill are compared: ``B×3×h×w`` to ``B×15×h×w``, colours included.

        Args:
            fill: at low resolution.
            scale: pixels to a cell.
        """
        return torch.cat([fill, self._look(torch.cat([fill, _plane(fill, scale)], 1))], 1)

    def decode(self, enlarged: Tensor, carried: Tensor, unlike: Tensor, hole: Tensor, scale: int) -> Tensor:
        """The image: the enlarged fill, and what was carried over, weighed and mended.

        Args:
            enlarged: ``B×3×H×W``, the low-resolution fill at full size.
            carried: ``B×3×H×W``, the residual carried into the hole.
            unlike: ``B×3×H×W``, how far the cell that it comes from differs in colour from where it goes.
            hole: ``B×1×H×W``, 1 in the hole's cells.
            scale: pixels to a cell.
        """
        inputs = torch.cat([enlarged, carried, unlike, hole, _plane(enlarged, scale)], 1)
        weight, mended = self._decode(inputs).split([1, 3], 1)
        image: Tensor = enlarged + carried * (1 + weight) + mended
        return image


def open_network(device: torch.device, file: Path | None = None) -> GuidedUpsamplingNetwork:
    """Read trained networks.

    Args:
        device: where they are to run.
        file: an exported one; None for that of this package, which is read once.

    Raises:
        RetouchError: the file holds something else.
    """
    return opened(GuidedUpsamplingNetwork, NAME, device, file)


def strength(residual: Tensor, scale: int) -> Tensor:
    """How much detail there is in each cell, in natural logarithms: ``B×3×H×W`` to ``B×3×(H/s)×(W/s)``.

    The channels are the mean absolute residual, and its change across and down; what cannot be seen is as
    little as nothing. Averaged over 3×3 cells.
    """
    grey = residual.mean(1, keepdim=True)
    across = F.pad(grey[..., 1:] - grey[..., :-1], (0, 1, 0, 0), mode="replicate")
    down = F.pad(grey[..., 1:, :] - grey[..., :-1, :], (0, 0, 0, 1), mode="replicate")
    amounts = shrink(torch.cat([grey, across, down], 1).abs(), scale)
    around = F.avg_pool2d(F.pad(amounts, (1,) * 4, mode="replicate"), 3, 1)
    return (around + _FAINT).log()


def _plane(like: Tensor, scale: int) -> Tensor:
    """The scale, for a convolution to see."""
    return like.new_full((len(like), 1, *like.shape[2:]), 0.25 * scale)


def _layer(inputs: int, outputs: int, dilation: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation, padding_mode="replicate")
