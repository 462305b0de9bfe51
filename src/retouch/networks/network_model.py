"""What all models around one network share: where it runs, and how it is made of a weights file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Generic, Self, TypeVar, cast

import torch
from torch import nn

from retouch.contract import Model
from retouch.errors import RetouchError
from retouch.weights import ENDING, Weights, read_weights, restore, shipped
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


def opened(kind: type[Network], name: str, device: torch.device, file: Path | None = None) -> Network:
    """Read a trained network that is no model by itself, for use and not for training.

    Args:
        kind: the network, which is made without arguments.
        name: what the file is to say it holds, and what that of this package is called.
        device: where it is to run.
        file: an exported one; None for that of this package, which is read once.

    Raises:
        RetouchError: the file holds something else.
    """
    if file is not None:
        return _read(kind, name, device, file)
    # mypy takes the type of a type variable for unhashable.
    return cast(Network, _shipped(kind, name, device))  # type: ignore[arg-type]


@lru_cache(maxsize=4)
def _shipped(kind: type[nn.Module], name: str, device: torch.device) -> nn.Module:
    return _read(kind, name, device, shipped(name + ENDING))


def _read(kind: type[Network], name: str, device: torch.device, file: Path) -> Network:
    weights = read_weights(file)
    if weights.model != name:
        raise RetouchError(
            f"{file} holds weights of {weights.model!r}, not of {name}; give a file with those."
        )
    network = kind()
    restore(network, weights)
    return network.to(device).eval().requires_grad_(False)
