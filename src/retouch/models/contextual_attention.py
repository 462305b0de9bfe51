"""Contextual Attention (Yu et al., CVPR 2018): a coarse guess, then features borrowed by soft attention."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.contract import Fill, Model, OnProgress, Progress, SizeRequirements
from retouch.errors import RetouchError
from retouch.models.contextual_attention_network import CELL, ContextualAttentionNetwork, hole_window
from retouch.ops.correspondence import SoftCorrespondence
from retouch.weights import Weights, restore

_WIDEST = 4.0  # a file must not be able to ask for more memory than there is


@dataclass(frozen=True)
class PixelCorrespondence:
    """A correspondence of cells, in pixels.

    Attributes:
        cells: the correspondence, of a map whose cells are ``side`` pixels.
        mask: ``B×1×H×W``, 1 = hole, in pixels.
        side: pixels along the side of a cell.
    """

    cells: SoftCorrespondence
    mask: Tensor
    side: int = CELL

    def source_map(self) -> Tensor:
        """Row and column each pixel borrowed from most, ``B×2×H×W`` int64; -1 where nothing was borrowed."""
        coarse = self.cells.source_map()
        sources = coarse.repeat_interleave(self.side, 2).repeat_interleave(self.side, 3)
        height, width = sources.shape[2:]
        row = torch.arange(height, device=sources.device)[:, None] % self.side
        column = torch.arange(width, device=sources.device) % self.side
        within = torch.stack([row.expand(height, width), column.expand(height, width)])
        return torch.where((sources >= 0) & (self.mask > 0), sources * self.side + within, -1)

    def transfer(self, values: Tensor, scale: int = 1) -> Tensor:
        """Carry ``B×C×(H·scale)×(W·scale)`` values into the hole, with the network's weights."""
        carried = self.cells.transfer(values, self.side * scale, patch=2)
        hole = F.interpolate(self.mask, scale_factor=float(scale)) > 0
        return torch.where(hole, carried, values)


class ContextualAttention(Model):
    """A network that guesses the hole, then refines it with features attended to elsewhere in the image.

    Fully convolutional: any size, several holes of any shape. There is no confidence. Borrowing looks at
    cells of 8×8 pixels; where no 3×3 of them are known and allowed, nothing is borrowed.
    """

    name = "contextual-attention"
    size = SizeRequirements(multiple_of=CELL, minimum=72)

    def __init__(self, network: ContextualAttentionNetwork) -> None:
        self.network = network.eval()
        self.device = next(network.parameters()).device

    @torch.no_grad()
    def infer(
        self, image: Tensor, mask: Tensor, allowed: Tensor, *, seed: int, on_progress: OnProgress
    ) -> Fill:
        """See :meth:`retouch.contract.Model.infer`; nothing here is random."""
        window = hole_window(mask)
        scaled = image * 2 - 1
        coarse = self.network.first(scaled, mask, window)
        on_progress(Progress("fill", 1, 2))
        fine, cells = self.network.second(scaled, mask, coarse, allowed, window)
        on_progress(Progress("fill", 2, 2))
        return Fill((fine + 1) / 2, None, PixelCorrespondence(cells, mask))


def open_weights(weights: Weights, device: str) -> ContextualAttention:
    """Make the model of weights that were read.

    Args:
        weights: their ``about["config"]["recipe"]["width"]`` is the network's width.
        device: where it is to run.

    Raises:
        RetouchError: they do not say the width, or do not fit the network.
    """
    network = ContextualAttentionNetwork(_width(weights))
    restore(network, weights)
    return ContextualAttention(network.to(device))


def _width(weights: Weights) -> float:
    found: Any = weights.about
    for key in ("config", "recipe", "width"):
        found = found.get(key) if isinstance(found, dict) else None
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise RetouchError(
            f"{weights.path} does not say how wide its network is (config.recipe.width); export it again."
        )
    if not (math.isfinite(found) and 0 < found <= _WIDEST):
        raise RetouchError(
            f"{weights.path} asks for a network of width {found}; it must be in (0, {_WIDEST:g}]."
        )
    return float(found)
