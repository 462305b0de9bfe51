"""Contextual Attention (Yu et al., CVPR 2018): a coarse guess, then features borrowed by soft attention."""

from __future__ import annotations

import torch
from torch import Tensor

from retouch.contract import Fill, OnProgress, Progress, SizeRequirements
from retouch.matching.cells import PixelCorrespondence
from retouch.models.contextual_attention.network import CELL, ContextualAttentionNetwork, hole_window
from retouch.networks.network_model import NetworkModel, restored
from retouch.weights import Weights
from retouch.weights.setting import setting


class ContextualAttention(NetworkModel[ContextualAttentionNetwork]):
    """A network that guesses the hole, then refines it with features attended to elsewhere in the image.

    It is fully convolutional: any size, several holes of any shape. It has no confidence. It borrows cells of
    8×8 pixels. Where no 3×3 of them are known and allowed, it borrows nothing.
    """

    name = "contextual-attention"
    size = SizeRequirements(multiple_of=CELL, minimum=72)

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
    """Make the model from weights that were read.

    Args:
        weights: their settings state the network's width and the size of the crops.
        device: where the model runs.

    Raises:
        RetouchError: a setting is missing, or the weights do not fit the network.
    """
    network = ContextualAttentionNetwork(setting(weights, "recipe.width", 0.01, 4))
    return ContextualAttention(*restored(network, weights, device, ContextualAttention.size.minimum))
