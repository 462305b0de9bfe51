"""What all models around one network share: where it runs, and how it is made of a weights file."""

from __future__ import annotations

from typing import Generic, Self, TypeVar

from torch import nn

from retouch.contract import Model
from retouch.weights import Weights, restore
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
