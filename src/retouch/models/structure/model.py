"""The structure network as a model: soft fills of the right colours, and how sure they are."""

from __future__ import annotations

import torch
from torch import Tensor

from retouch.confidence.head import WITHIN
from retouch.contract import Fill, OnProgress, Progress, SizeRequirements
from retouch.models.structure.network import CELL, DEEPEST, StructureNetwork
from retouch.networks.network_model import NetworkModel, restored
from retouch.ops.resize import enlarge
from retouch.weights import Weights


class StructureModel(NetworkModel[StructureNetwork]):
    """Fills a hole in cells of 2 pixels, enlarged. It borrows nothing.

    Confidence is the probability that a pixel lies within
    :data:`~retouch.confidence.head.WITHIN` of the truth, by the Laplace distribution that the network states.
    """

    name = "structure"
    size = SizeRequirements(multiple_of=DEEPEST, minimum=2 * DEEPEST)

    @torch.no_grad()
    def infer(
        self, image: Tensor, mask: Tensor, allowed: Tensor, *, seed: int, on_progress: OnProgress
    ) -> Fill:
        """See :meth:`retouch.contract.Model.infer`; nothing here is random."""
        said = self.network(image * 2 - 1, mask)
        on_progress(Progress("fill", 1, 1))
        # The scale is of differences in [-1, 1], twice those in [0, 1].
        confidence = 1 - torch.exp(-2 * WITHIN / said.scale)
        return Fill((enlarge(said.image, CELL) + 1) / 2, enlarge(confidence, CELL, "bilinear"))


def open_weights(weights: Weights, device: str) -> StructureModel:
    """Make the model from weights that were read.

    Args:
        weights: what they were trained with states the size of the crops.
        device: where it runs.

    Raises:
        RetouchError: the settings are missing, or the weights do not fit the network.
    """
    return StructureModel(*restored(StructureNetwork(), weights, device, StructureModel.size.minimum))
