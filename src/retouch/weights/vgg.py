"""Where the weights of pretrained feature networks come from: a package, or a file of the user's."""

from __future__ import annotations

import pickle
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from retouch.errors import RetouchError

# The convolutions of VGG-19 among torchvision's numbered features.
_VGG19 = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)


def shift_tolerant(network: Literal["alex", "vgg"]) -> dict[str, Tensor]:
    """The weights of ST-LPIPS (Ghildyal & Liu, ECCV 2022), on the CPU, by their published names.

    "vgg" is an anti-aliased VGG-16 that began from ImageNet's, "alex" an AlexNet.
    """
    # The package's own import needs torchvision, which it does not declare; only its file is wanted.
    spec = find_spec("stlpips_pytorch")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("Feature weights are missing: pip install stlpips-pytorch")
    folder = Path(spec.submodule_search_locations[0]) / "weights" / "vST0.0"
    weights: dict[str, Tensor] = torch.load(
        folder / f"{network}_shift_tolerant.pth", map_location="cpu", weights_only=True
    )
    return weights


def torchvision_vgg19(path: Path) -> dict[str, Tensor]:
    """The weights of VGG-19 in torchvision's file, ``vgg19-dcbb9e9d.pth``, on the CPU.

    Args:
        path: the file. It is read as plain tensors; a pickle of anything else is refused.

    Raises:
        RetouchError: there is no such file, or it holds something else.
    """
    if not path.is_file():
        raise RetouchError(f"There is no VGG-19 file {path}; check its name.")
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise RetouchError(
            f"{path} cannot be read as a file of weights; give torchvision's vgg19-dcbb9e9d.pth."
        ) from error
    wanted = {f"features.{number}.{each}" for number in _VGG19 for each in ("weight", "bias")}
    if not isinstance(weights, dict) or not wanted <= weights.keys():
        raise RetouchError(f"{path} does not hold torchvision's VGG-19; give its vgg19-dcbb9e9d.pth.")
    return weights
