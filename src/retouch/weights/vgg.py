"""Weights of pretrained feature networks, from another package or from a file of the user's.

These files are pickles (``.pth``). A pickle can run code, so they go through torch's restricted reader, which
builds tensors and plain containers and refuses everything else.
"""

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
    """Read the weights of ST-LPIPS (Ghildyal & Liu, ECCV 2022) from the package ``stlpips-pytorch``.

    Args:
        network: "vgg" is an anti-aliased VGG-16 that was initialised with ImageNet's, "alex" an AlexNet.

    Returns:
        Tensors on the CPU, by their published names.

    Raises:
        RetouchError: The package is not installed, or its file is damaged.
    """
    again = "run: pip install --no-deps --force-reinstall stlpips-pytorch"
    # The package itself is not imported: it needs torchvision, which it does not declare.
    spec = find_spec("stlpips_pytorch")
    if spec is None or not spec.submodule_search_locations:
        raise RetouchError(f"The feature weights of stlpips-pytorch are missing; {again}")
    folder = Path(spec.submodule_search_locations[0]) / "weights" / "vST0.0"
    return _read_tensors(folder / f"{network}_shift_tolerant.pth", again)


def torchvision_vgg19(path: Path) -> dict[str, Tensor]:
    """Read the weights of VGG-19 from torchvision's file, ``vgg19-dcbb9e9d.pth``.

    Args:
        path: The file.

    Returns:
        Tensors on the CPU, by their published names.

    Raises:
        RetouchError: There is no such file, or it holds something else.
    """
    if not path.is_file():
        raise RetouchError(f"There is no VGG-19 file {path}; check its name.")
    weights = _read_tensors(path, "give torchvision's vgg19-dcbb9e9d.pth.")
    wanted = {f"features.{number}.{each}" for number in _VGG19 for each in ("weight", "bias")}
    if not wanted <= weights.keys():
        raise RetouchError(f"{path} does not hold torchvision's VGG-19; give its vgg19-dcbb9e9d.pth.")
    return weights


def _read_tensors(path: Path, advice: str) -> dict[str, Tensor]:
    """Read a pickled dictionary of tensors, and refuse any other content; ``advice`` ends the error."""
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise RetouchError(f"{path} cannot be read as a file of weights; {advice}") from error
    if not isinstance(weights, dict) or not all(isinstance(each, Tensor) for each in weights.values()):
        raise RetouchError(f"{path} holds something else than tensors by name; {advice}")
    return weights
