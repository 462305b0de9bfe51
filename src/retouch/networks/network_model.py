"""Base class of models around one network: its device, and how a weights file becomes a model."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Generic, TypeVar, cast

import torch
from torch import nn

from retouch.contract import Model
from retouch.errors import RetouchError
from retouch.weights import ENDING, Weights, read_weights, restore, shipped
from retouch.weights.setting import setting

Network = TypeVar("Network", bound=nn.Module)


class NetworkModel(Model, Generic[Network]):
    """A model with a network. It runs on the network's device."""

    def __init__(self, network: Network, working_size: int = 512) -> None:
        """Build it.

        Args:
            network: trained, on its device.
            working_size: the longest side, in pixels, that the model fills well.
        """
        # In training mode, batch normalisation would use the statistics of the batch at hand.
        self.network = network.eval()
        self.working_size = working_size
        self.device = next(network.parameters()).device


def restored(network: Network, weights: Weights, device: str, least: int) -> tuple[Network, int]:
    """Load the values of a weights file into a network.

    Args:
        network: built as the file's settings describe it.
        weights: the file; its settings also state the size of the training crops.
        device: where the network is to run.
        least: the smallest crop size that the model accepts, in pixels.

    Returns:
        The network on its device, and the crop size: in much larger holes, colours fade towards the middle.

    Raises:
        RetouchError: the settings are missing, or the values do not fit the network.
    """
    restore(network, weights)
    return network.to(device), round(setting(weights, "data.size", least, 1024))


def opened(kind: type[Network], name: str, device: torch.device, file: Path | None = None) -> Network:
    """Load a trained network that is no model by itself, for inference.

    Args:
        kind: Class of the network. Its constructor needs no arguments.
        name: Name of the network in the file, and of the shipped file.
        device: Device to run on.
        file: An exported file; None for the shipped one, which is read once and then cached.

    Raises:
        RetouchError: The file holds something else.
    """
    if file is not None:
        return _read(kind, name, device, file)
    # mypy considers the type of a type variable unhashable.
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
