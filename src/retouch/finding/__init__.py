"""Find what does not belong in a photo. Works in the light core: no torch is needed."""

from numbers import Real
from typing import Any

from retouch.errors import RetouchError

SENSITIVITY = 0.5
"""How readily damage is found where nothing is said: between 0 and 1."""


def check_sensitivity(sensitivity: Any) -> None:
    """Raise :class:`RetouchError` unless a sensitivity is a number from 0 to 1."""
    number = isinstance(sensitivity, Real) and not isinstance(sensitivity, bool)
    if not number or not 0 <= sensitivity <= 1:
        raise RetouchError(f"The sensitivity must be a number from 0 to 1, not {sensitivity!r}.")
