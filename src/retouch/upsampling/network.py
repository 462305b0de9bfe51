"""The networks of guided upsampling: one compares cells, the other makes detail from what was copied.

Zeng et al., "High-Resolution Image Inpainting with Iterative Confidence Feedback and Guided Upsampling",
ECCV 2020, section 3.2: patch affinities on the low-resolution fill copy features of the high-resolution photo
into the hole, where they are decoded. The paper does not specify the layers. Images are in [0, 1] here.

Deviations:

* The residual is copied (the photo minus its own enlarged low resolution), and features are computed from it
  where it lands, so the cost depends on the hole.
* Each cell has one source. A weighted mean of many would remove the detail.
* The decoder corrects the copied residual, so the untrained network is the residual form of
  :mod:`retouch.upsampling.guided`.
* A choice has no gradient. The affinity is therefore trained by how well it predicts how much detail there
  is (:func:`strength`).
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retouch.networks.layers import convolution
from retouch.networks.network_model import opened
from retouch.ops.resize import shrink

NAME = "guided-upsampling"
"""The networks' name in weights files."""

SOFTMAX_SCALE = 100.0
"""Scale of the softmax over mean squared differences that trains the affinity."""
REACH = 5
"""How far around a pixel its decoded value depends on the input, in pixels."""
_FAINT = 1e-3  # detail below this, in [0, 1], is invisible


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
        """Compute the features by which cells are compared: ``B×3×h×w`` to ``B×15×h×w``, colours included.

        Args:
            fill: the fill at low resolution.
            scale: pixels per cell.
        """
        return torch.cat([fill, self._look(torch.cat([fill, _plane(fill, scale)], 1))], 1)

    def decode(self, enlarged: Tensor, carried: Tensor, unlike: Tensor, hole: Tensor, scale: int) -> Tensor:
        """Compute the image: the enlarged fill plus the copied residual, weighted and corrected.

        Args:
            enlarged: ``B×3×H×W``, the low-resolution fill at full size.
            carried: ``B×3×H×W``, the residual copied into the hole.
            unlike: ``B×3×H×W``, how far the cell it was taken from differs from the cell it goes to.
            hole: ``B×1×H×W``, 1 in the hole's cells.
            scale: pixels per cell.
        """
        inputs = torch.cat([enlarged, carried, unlike, hole, _plane(enlarged, scale)], 1)
        weight, mended = self._decode(inputs).split([1, 3], 1)
        image: Tensor = enlarged + carried * (1 + weight) + mended
        return image


def open_network(device: torch.device, file: Path | None = None) -> GuidedUpsamplingNetwork:
    """Read trained networks.

    Args:
        device: where they will run.
        file: exported weights; None for those that ship with the package, which are read only once.

    Raises:
        RetouchError: the file does not hold these networks.
    """
    return opened(GuidedUpsamplingNetwork, NAME, device, file)


def strength(residual: Tensor, scale: int) -> Tensor:
    """Measure the detail in each cell, as natural logarithms: ``B×3×H×W`` to ``B×3×(H/s)×(W/s)``.

    The channels are the mean absolute residual, and its change across and down, averaged over 3×3 cells.
    Invisible detail counts as none.
    """
    grey = residual.mean(1, keepdim=True)
    across = F.pad(grey[..., 1:] - grey[..., :-1], (0, 1, 0, 0), mode="replicate")
    down = F.pad(grey[..., 1:, :] - grey[..., :-1, :], (0, 0, 0, 1), mode="replicate")
    amounts = shrink(torch.cat([grey, across, down], 1).abs(), scale)
    around = F.avg_pool2d(F.pad(amounts, (1,) * 4, mode="replicate"), 3, 1)
    return (around + _FAINT).log()


def _plane(like: Tensor, scale: int) -> Tensor:
    """A plane that holds the scale, as input to a convolution."""
    return like.new_full((len(like), 1, *like.shape[2:]), 0.25 * scale)


def _layer(inputs: int, outputs: int, dilation: int = 1) -> nn.Conv2d:
    return convolution(inputs, outputs, dilation=dilation, padding_mode="replicate")
