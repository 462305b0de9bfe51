"""What the configuration says that weights were trained with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from retouch.errors import RetouchError
from retouch.weights import Weights


def setting(weights: Weights, name: str, least: float, greatest: float) -> float:
    """Read a number of ``about["config"]``.

    A file must not be able to ask for more memory than there is, so there are limits.

    Args:
        weights: whose.
        name: with dots, such as "recipe.width".
        least: the least that it may be.
        greatest: the greatest that it may be.

    Raises:
        RetouchError: it is missing, no number, or out of range.
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
    """Read one of several words of ``about["config"]``; arguments as for :func:`setting`.

    Raises:
        RetouchError: it is missing, or none of them.
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
