"""Settings that a network was trained with, read from its weights file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from retouch.errors import RetouchError
from retouch.weights import Weights


def setting(weights: Weights, name: str, least: float, greatest: float) -> float:
    """Read a number from ``about["config"]``.

    The limits keep a file from asking for more memory than there is.

    Args:
        weights: The content of the file.
        name: Dotted name of the setting, such as "recipe.width".
        least: The least value allowed.
        greatest: The greatest value allowed.

    Raises:
        RetouchError: The setting is missing, no number, or out of range.
    """
    found = _found(weights, name)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise RetouchError(f"{weights.path} does not say its {name}; export it again.")
    if not (math.isfinite(found) and least <= found <= greatest):
        raise RetouchError(
            f"{weights.path} has the {name} {found}; it must be from {least:g} to {greatest:g}."
        )
    return found


def choice(weights: Weights, name: str, choices: Sequence[str]) -> str:
    """Read one of the words ``choices`` from ``about["config"]``; otherwise as :func:`setting`.

    Raises:
        RetouchError: The setting is missing, or none of the words.
    """
    found = _found(weights, name)
    if found not in choices:
        raise RetouchError(f"{weights.path} does not say its {name}; export it again.")
    assert isinstance(found, str)
    return found


def _found(weights: Weights, name: str) -> Any:
    found: Any = weights.about.get("config")
    for key in name.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return found
