"""The numbers of a mask, made comparable, whatever their type."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from retouch.errors import RetouchError
from retouch.imaging.photo import Array

_ROUNDING = 1e-3  # of the range; floats that were resized or converted end a little beyond it
_ROWS = 1024  # are converted at a time, to keep memory low


class Codes(NamedTuple):
    """The numbers of a mask, made comparable.

    Attributes:
        values: ``H×W`` or ``H×W×C`` uint8, uint16, or uint32 for more numbers than 16 bits hold.
        full: the number of white, which is also that of opaque: 255 or 65535 (the largest of a uint32).
        unit: what 1 was before, for sentences.
        numbers: what each number was before, where that is no multiple of a unit.
    """

    values: Array
    full: int
    unit: float = 1
    numbers: Array | None = None

    def shown(self, value: int) -> str:
        """The number as the caller knows it."""
        number = value * self.unit if self.numbers is None else self.numbers[value]
        return str(int(number)) if number == int(number) else f"{number:.4g}"


def to_codes(array: Array, name: str) -> Codes:
    """Make numbers of any type comparable.

    What counts is their range, not their type: numbers up to 1 are shares of white, up to 255 those of 8
    bits, up to 65535 those of 16. So a mask means the same in every type that can hold it.

    Args:
        array: bool, whole numbers or floats, of any shape.
        name: what error messages call the mask.

    Raises:
        RetouchError: the numbers are negative, not finite, or none at all.
    """
    if array.dtype == np.bool_:
        return Codes((array.view(np.uint8) != 0).view(np.uint8), 255)  # Pillow's bools hold 0 and 255
    if array.dtype.kind not in "iuf":
        raise RetouchError(f"A {name} of {array.dtype} holds no numbers; use bool, uint8 or uint16.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise RetouchError(
            f"The {name} holds NaN or infinity; replace them by 0 (keep) or 1 (fill), as np.isnan(mask) does."
        )
    if array.min() < 0:
        return _signs_to_codes(array, name)
    if array.dtype.kind == "f":
        return _floats_to_codes(array, name)
    high = int(array.max())
    if high <= 255:
        return Codes(array.astype(np.uint8, copy=False), 255)
    if high <= 65535:
        return Codes(array.astype(np.uint16, copy=False), 65535)
    distinct, ranks = np.unique(array, return_inverse=True)
    if distinct[0] > 0:  # nothing else becomes 0
        distinct, ranks = np.concatenate([[0], distinct]), ranks + 1
    return Codes(ranks.reshape(array.shape).astype(np.uint32), len(distinct) - 1, numbers=distinct)


def _floats_to_codes(array: Array, name: str) -> Codes:
    low, high = float(array.min()), float(array.max())
    white = next((each for each in (1, 255, 65535) if high <= each * (1 + _ROUNDING)), None)
    if white is None:
        if (np.rint(array) != array).any():
            raise RetouchError(
                f"The {name} holds floats up to {high:g}; scale them to [0, 1], where 1 is fill."
            )
        return to_codes(array.astype(np.int64), name)
    plain = array.ndim == 2 or array.shape[2] == 1
    if plain and low == 0 < high:
        larger = array == high
        if np.count_nonzero(larger) + np.count_nonzero(array == 0) == array.size:
            return Codes(larger.view(np.uint8) * np.uint8(255), 255, high / 255)
    eight, sixteen = np.empty(array.shape, np.uint8), np.empty(array.shape, np.uint16)
    whole = white < 65535
    for top in range(0, len(array), _ROWS):
        rows = slice(top, top + _ROWS)
        exact = array[rows].astype(np.float64) * (255 / white)
        sixteen[rows] = np.rint(exact * 257).clip(0, 65535)
        eight[rows] = rounded = np.rint(exact).clip(0, 255)
        whole = whole and bool(np.abs(rounded - exact).max() <= 255 * _ROUNDING)
    return Codes(eight, 255, white / 255) if whole else Codes(sixteen, 65535, white / 65535)


def _signs_to_codes(array: Array, name: str) -> Codes:
    """Make sense of a mask with negative numbers: rounding below 0, or one number for each of two sides."""
    low, high = array.min(), array.max()
    if array.dtype.kind == "f" and low >= -_ROUNDING * high:
        return _floats_to_codes(array.clip(0, None), name)
    larger = array == high
    if low < 0 < high and np.count_nonzero(larger) + np.count_nonzero(array == low) == array.size:
        numbers = np.zeros(256)
        numbers[[0, 255]] = low, high
        return Codes(larger.view(np.uint8) * np.uint8(255), 255, numbers=numbers)
    raise RetouchError(
        f"The {name} holds negative numbers, down to {low:g}, which could mean anything; hand over what is "
        "to be filled, such as mask > 0."
    )
