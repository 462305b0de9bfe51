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
from retouch.networks.network_model import NetworkModel
from retouch.weights import Weights
from retouch.weights.setting import choice, setting


class ContextEncoder(NetworkModel[ConnectedNetwork | ConvolutionalNetwork]):
    """A network that guesses what was in the hole and borrows nothing; so there is no correspondence.

    Any size, several holes of any shape. There is no confidence.
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
    """The paper's form: holes in the middle 64×64 pixels of 128×128; others are a :class:`RetouchError`."""

    size = SizeRequirements(multiple_of=SIDE, minimum=SIDE)


def open_weights(weights: Weights, device: str) -> ContextEncoder:
    """Make the model of weights that were read.

    Args:
        weights: what they were trained with says the network's form and width, and the size of the crops.
        device: where it is to run.

    Raises:
        RetouchError: they do not say so, or do not fit the network.
    """
    form = cast(Form, choice(weights, "recipe.form", get_args(Form)))
    built = network(form, setting(weights, "recipe.width", 0.01, 4))
    kind = ConnectedContextEncoder if form == "connected" else ContextEncoder
    return kind.restored(built, weights, device, DEEPEST)
