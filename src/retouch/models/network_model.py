"""What all models around one network share: where it runs, and how it is made of a weights file."""

from __future__ import annotations

from pathlib import Path
from typing import Generic, Self, TypeVar

import torch
from torch import nn

from retouch.contract import Model
from retouch.errors import RetouchError
from retouch.weights import Weights, read_weights, restore
from retouch.weights.setting import setting

Network = TypeVar("Network", bound=nn.Module)


class NetworkModel(Model, Generic[Network]):
    """A model with a network; it runs where the network lies."""

    def __init__(self, network: Network) -> None:
        # In training mode networks with batch normalisation would normalise over the batch they are shown.
        self.network = network.eval()
        self.device = next(network.parameters()).device

    @classmethod
    def restored(cls, network: Network, weights: Weights, device: str, least: int) -> Self:
        """Give a network the values of a file, and make the model of it.

        Args:
            network: as the file's settings describe it.
            weights: what they were trained with says the size of the crops too.
            device: where it is to run.
            least: the least size of crops that the model takes, in pixels.

        Raises:
            RetouchError: they do not say so, or do not fit the network.
        """
        restore(network, weights)
        model = cls(network.to(device))
        # Holes much larger than those it was trained with lose their colours in the middle.
        model.working_size = round(setting(weights, "data.size", least, 1024))
        return model


def opened(network: Network, name: str, file: Path, device: torch.device) -> Network:
    """Give a network that is no model by itself the values of a file, for use and not for training.

    Args:
        network: of the file's layers.
        name: what the file is to say it holds.
        file: the weights.
        device: where the network is to run.

    Raises:
        RetouchError: the file holds something else.
    """
    weights = read_weights(file)
    if weights.model != name:
        raise RetouchError(
            f"{file} holds weights of {weights.model!r}, not of {name}; give a file with those."
        )
    restore(network, weights)
    return network.to(device).eval().requires_grad_(False)
