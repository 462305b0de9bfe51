"""The content network of Neural Patch Synthesis (Yang et al., CVPR 2017) as a model of its own."""

from __future__ import annotations

from typing import cast, get_args

import torch
from torch import Tensor

from retouch.contract import Fill, OnProgress, Progress, SizeRequirements
from retouch.models.context_encoder.network import (
    DEEPEST,
    SIDE,
    ConnectedNetwork,
    ConvolutionalNetwork,
    Form,
    network,
)
from retouch.networks.network_model import NetworkModel, restored
from retouch.weights import Weights
from retouch.weights.setting import choice, setting


class ContextEncoder(NetworkModel[ConnectedNetwork | ConvolutionalNetwork]):
    """A network that guesses the hole. It borrows nothing, so there is no correspondence.

    It accepts any size and several holes of any shape. It has no confidence.
    """

    name = "context-encoder"
    size = SizeRequirements(multiple_of=DEEPEST, minimum=DEEPEST)

    @torch.no_grad()
    def infer(
        self, image: Tensor, mask: Tensor, allowed: Tensor, *, seed: int, on_progress: OnProgress
    ) -> Fill:
        """See :meth:`retouch.contract.Model.infer`; nothing here is random, and nothing is borrowed."""
        filled = self.network(image * 2 - 1, mask)
        on_progress(Progress("fill", 1, 1))
        return Fill((filled + 1) / 2)


class ConnectedContextEncoder(ContextEncoder):
    """The paper's form: holes in the middle 64×64 of 128×128 pixels. Others raise :class:`RetouchError`."""

    size = SizeRequirements(multiple_of=SIDE, minimum=SIDE)


def open_weights(weights: Weights, device: str) -> ContextEncoder:
    """Make the model from weights that were read.

    Args:
        weights: their settings state the network's form and width, and the size of the crops.
        device: where the model runs.

    Raises:
        RetouchError: a setting is missing, or the weights do not fit the network.
    """
    form = cast(Form, choice(weights, "recipe.form", get_args(Form)))
    built = network(form, setting(weights, "recipe.width", 0.01, 4))
    kind = ConnectedContextEncoder if form == "connected" else ContextEncoder
    return kind(*restored(built, weights, device, DEEPEST))
