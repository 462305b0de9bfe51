"""Weights files of retouch: safetensors with a header that describes them. No code can hide in them.

A file holds the parameters of a network in half precision. Its header holds the name of the model and, as
JSON, what it was trained with. The files that ship with this package lie beside this module.

Weights of other packages come as pickles; only :mod:`retouch.weights.vgg` reads those, through torch's
restricted reader.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from retouch.errors import RetouchError
from retouch.files import refuse_existing, write_bytes

ENDING = ".safetensors"
"""How the name of a weights file ends."""
_FAMILY = "retouch"
_FORMAT = f"{_FAMILY} 1"


@dataclass(frozen=True)
class Weights:
    """The content of a weights file.

    Attributes:
        model: Name of the model, such as "contextual-attention".
        tensors: Tensors by their names in the network's state. Floating-point ones are float32.
        about: What it was trained with, as JSON holds it: "config", "data", "steps", "seed", "scores" …
        path: Path of the file, for error messages.
    """

    model: str
    tensors: dict[str, Tensor]
    about: dict[str, Any]
    path: Path


def read_weights(path: Path) -> Weights:
    """Read a file that :func:`write_weights` wrote.

    Raises:
        RetouchError: The file does not exist, is damaged, is no safetensors file, or was not exported by
            retouch.
    """
    if not os.path.isfile(path):  # noqa: PTH113 # takes long names
        raise RetouchError(f"There is no weights file {path}; check its name, and who may read it.")
    try:
        with safe_open(path, framework="pt") as file:
            model, about = _header(file.metadata() or {}, path)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError) as error:
        raise RetouchError(
            f"{path} is no safetensors file, or is cut off or damaged ({error}); export or fetch it again."
        ) from error
    whole = {
        name: each.float() if each.is_floating_point() else each.clone() for name, each in tensors.items()
    }
    return Weights(model, whole, about, path)


def write_weights(
    path: Path,
    model: str,
    tensors: Mapping[str, Tensor],
    about: Mapping[str, Any],
    *,
    overwrite: bool = False,
) -> None:
    """Write a weights file. At every moment ``path`` is either as it was or complete.

    Args:
        path: The file, ending in ``.safetensors``. Its folder exists.
        model: Name of the model.
        tensors: Tensors of any device and type. Floating-point ones are rounded to half precision.
        about: What it was trained with: plain values that JSON can hold.
        overwrite: Replace ``path`` if it exists.

    Raises:
        RetouchError: The name has another ending, the file exists or cannot be written, half precision
            cannot hold a value, or JSON cannot hold ``about``.
    """
    if path.suffix.lower() != ENDING:
        raise RetouchError(f"Weights are written to a file that ends in {ENDING}; rename {path.name}.")
    refuse_existing(path, overwrite=overwrite)  # before the work of rounding
    try:
        told = json.dumps(dict(about), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise RetouchError(f"What is written about the weights must be plain JSON: {error}.") from error
    halves = {name: _half(name, each) for name, each in tensors.items()}
    content = save(halves, {"format": _FORMAT, "model": model, "about": told})
    write_bytes(content, path, overwrite=overwrite)


def shipped(file_name: str) -> Path:
    """Return the path of a weights file that ships with this package.

    Raises:
        RetouchError: This installation lacks the file.
    """
    path = Path(__file__).parent / file_name
    if not path.is_file():
        raise RetouchError(f"This installation lacks the weights file {file_name}; install retouch again.")
    return path


def shipped_names() -> list[str]:
    """List the weights files that ship with this package, without their ending."""
    return sorted(path.stem for path in Path(__file__).parent.glob(f"*{ENDING}"))


def restore(network: nn.Module, weights: Weights) -> None:
    """Load the tensors of a file into a network.

    Args:
        network: On any device. It keeps its own data types.
        weights: One tensor for each entry of the network's state, of the same name and shape.

    Raises:
        RetouchError: Names or shapes differ. The network is left as it was.
    """
    own, given = network.state_dict(), weights.tensors
    shapes = [
        f"{name} is {_shape(given[name])} instead of {_shape(each)}"
        for name, each in own.items()
        if name in given and given[name].shape != each.shape
    ]
    found = [
        (shapes, ""),
        ([name for name in own if name not in given], " is missing"),
        ([name for name in given if name not in own], " is unexpected"),
    ]
    problems = [
        names[0] + what + (f" (and {len(names) - 1} more)" if len(names) > 1 else "")
        for names, what in found
        if names
    ]
    if problems:
        raise RetouchError(
            f"{weights.path} does not fit the network of {weights.model}: {', '.join(problems)}; "
            "export it again with this version of retouch."
        )
    network.load_state_dict(given)


def _header(metadata: Mapping[str, str], path: Path) -> tuple[str, dict[str, Any]]:
    """Return the name of the model, and what it was trained with."""
    family, _, number = metadata.get("format", "").partition(" ")
    if family != _FAMILY or "model" not in metadata or "about" not in metadata:
        raise RetouchError(f"{path} was not exported by retouch; give a file that `retouch export` wrote.")
    if metadata["format"] != _FORMAT:
        raise RetouchError(
            f"{path} has format {number}, which this version of retouch does not know; install a newer one."
        )
    try:
        about = json.loads(metadata["about"])
    except ValueError as error:
        raise RetouchError(
            f"{path} is damaged: what it says of itself is no JSON; export it again."
        ) from error
    if not isinstance(about, dict):
        raise RetouchError(f"{path} is damaged: what it says of itself has no keys; export it again.")
    return metadata["model"], about


def _half(name: str, tensor: Tensor) -> Tensor:
    """Return a contiguous copy on the CPU, floating point as half precision: safetensors needs that."""
    kind = torch.float16 if tensor.is_floating_point() else tensor.dtype
    copy = tensor.detach().to("cpu", kind, copy=True).contiguous()
    if tensor.is_floating_point() and not bool(copy.isfinite().all()):
        raise RetouchError(
            f"{name} holds values that half precision cannot (beyond ±65504, or not finite); "
            "train on, or export an earlier checkpoint."
        )
    return copy


def _shape(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a single value"
