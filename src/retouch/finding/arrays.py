"""Read the weights of a network without torch: safetensors is a JSON header and plain numbers."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retouch.errors import RetouchError

Arrays = dict[str, NDArray[np.float32]]

_SHIPPED = Path(__file__).parents[1] / "weights"  # the package of that name imports torch
_KINDS = {"F16": np.float16, "F32": np.float32}


def read_arrays(path: Path, model: str) -> Arrays:
    """Read a weights file that :mod:`retouch.weights` wrote.

    Args:
        path: the file.
        model: whose weights it must hold.

    Returns:
        Its floating-point tensors by name, as float32.

    Raises:
        RetouchError: there is no such file, it is damaged, or it holds something else.
    """
    try:
        content = path.read_bytes()
        length = int.from_bytes(content[:8], "little")
        header: dict[str, Any] = json.loads(content[8 : 8 + length])
        holds = header.pop("__metadata__", {}).get("model")
        arrays = {}
        for name, entry in header.items():
            if entry["dtype"] in _KINDS:
                begin, end = (8 + length + each for each in entry["data_offsets"])
                values = np.frombuffer(content[begin:end], _KINDS[entry["dtype"]])
                arrays[name] = values.reshape(entry["shape"]).astype(np.float32)
    except FileNotFoundError as error:
        raise RetouchError(f"There is no weights file {path.name}; install retouch again.") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RetouchError(f"{path.name} cannot be read or is damaged; install retouch again.") from error
    if holds != model:
        raise RetouchError(f"{path.name} holds weights of {holds!r}, not of {model}; give a file with those.")
    return arrays


@lru_cache(maxsize=2)
def shipped_arrays(model: str, part: str = "") -> Arrays:
    """Read the weights of a model that ship with the package, once; ``part`` goes on with the file's name."""
    return read_arrays(_SHIPPED / f"{model}{part}.safetensors", model)
