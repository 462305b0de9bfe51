"""From the numbers of a mask to its hole: two values, classes, or shades of grey."""

from __future__ import annotations

from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.errors import RetouchError
from retouch.imaging.label_maps import is_label_map, value_counts
from retouch.imaging.photo import Array

Mask = NDArray[np.bool_]
Kind = Literal["empty", "two", "classes", "greys"]

_ROUNDING = 1e-3  # of the range; floats that were resized or converted end a little beyond it
_BLACK = 0.02  # of white; what a lossy file makes of a mask without strokes
_APART = 0.1  # of white; closer shades of grey are one shade and its noise
_SEPARATION = 0.93  # the share of the variance that two shades of grey explain
_SHOWN = 8  # values in a sentence
_RINGING = 16  # pixels; how far from a stroke a JPEG leaves grey specks
_SPECK = 9  # pixels; smaller ones are noise anywhere
_PATCH, _PATCHES = 64, 5000  # larger patches of grey are none, nor are those of 1/5,000 of the mask


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
        return (
            f"{value * self.unit:.4g}"
            if self.unit != 1
            else str(value if self.numbers is None else self.numbers[value])
        )


class Hole(NamedTuple):
    """What the numbers of a mask mean.

    Attributes:
        fill: ``H×W`` bool, True = fill.
        kind: what the numbers are. "greys" are compared with half of white.
        notes: what the user should know about that, a sentence each.
    """

    fill: Mask
    kind: Kind
    notes: tuple[str, ...] = ()


def to_codes(array: Array, name: str) -> Codes:
    """Make numbers of any type comparable.

    What counts is their range, not their type: numbers up to 1 are shares of white, up to 255 those of 8
    bits, up to 65535 those of 16. So a mask means the same in every type that can hold it.

    Args:
        array: bool, whole numbers or floats, of any shape.
        name: what error messages call the mask.

    Raises:
        RetouchError: some number is negative, or none.
    """
    if array.dtype == np.bool_:
        return Codes((array.view(np.uint8) != 0).view(np.uint8), 255)  # Pillow's bools hold 0 and 255
    if array.dtype.kind not in "iuf":
        raise RetouchError(f"A {name} of {array.dtype} holds no numbers; use bool, uint8 or uint16.")
    if array.dtype.kind == "f":
        return _floats_to_codes(array, name)
    low, high = int(array.min()), int(array.max())
    if low < 0:
        raise _negative(name, low)
    if high <= 255:
        return Codes(array.astype(np.uint8, copy=False), 255)
    if high <= 65535:
        return Codes(array.astype(np.uint16, copy=False), 65535)
    distinct, ranks = np.unique(array, return_inverse=True)
    if distinct[0] > 0:  # nothing else becomes 0
        distinct, ranks = np.concatenate([[0], distinct]), ranks + 1
    return Codes(ranks.reshape(array.shape).astype(np.uint32), len(distinct) - 1, numbers=distinct)


def _floats_to_codes(array: Array, name: str) -> Codes:
    if not np.isfinite(array).all():
        raise RetouchError(
            f"The {name} holds NaN or infinity; replace them by 0 (keep) or 1 (fill), as np.isnan(mask) does."
        )
    low, high = float(array.min()), float(array.max())
    white = next((each for each in (1, 255, 65535) if high <= each * (1 + _ROUNDING)), None)
    if low < -_ROUNDING * (white or 0):
        raise _negative(name, low)
    if white is None:
        if (np.rint(array) != array).any():
            raise RetouchError(
                f"The {name} holds floats up to {high:g}; scale them to [0, 1], where 1 is fill."
            )
        return to_codes(array.astype(np.int64), name)
    eight = array.astype(np.float64) * (255 / white)
    if white < 65535 and np.abs(np.rint(eight) - eight).max() <= _ROUNDING:
        return Codes(np.rint(eight).clip(0, 255).astype(np.uint8), 255, white / 255)
    return Codes(np.rint(eight * 257).clip(0, 65535).astype(np.uint16), 65535, white / 65535)


def _negative(name: str, low: float) -> RetouchError:
    return RetouchError(f"The {name} holds {low:g}; negative numbers say nothing: use 0 = keep and 1 = fill.")


def hole_of(codes: Codes, name: str) -> Hole:
    """Decide which pixels a mask fills.

    - Two values are a mask, whatever they are: the larger one is filled.
    - Of a map of classes, everything is filled but 0; see :func:`~retouch.imaging.label_maps.is_label_map`.
    - Shades of grey are filled from half of white on. If nearly all pixels have one of two shades, which are
      not black and white, half lies between those.

    Args:
        codes: ``H×W``, as :func:`to_codes` makes them.
        name: what sentences call the mask.
    """
    values = codes.values
    low, high = int(values.min()), int(values.max())
    if high == 0:
        return Hole(np.zeros(values.shape, np.bool_), "empty")
    if low == high:
        return Hole(np.ones(values.shape, np.bool_), "two")
    larger = values == high
    if np.count_nonzero(larger) + np.count_nonzero(values == low) == values.size:
        if low == 0 and codes.shown(high) in ("1", "255", "65535"):
            return Hole(larger, "two")
        both = f"{codes.shown(low)} and {codes.shown(high)}"
        said = f"The {name} holds two values, {both}: {codes.shown(high)} is filled, {share(larger)}."
        return Hole(larger, "two", (said,))
    if is_label_map(values):
        other = values > 0
        found = _listed([codes.shown(int(each)) for each in np.flatnonzero(value_counts(values))])
        said = (
            f"The {name} is a map of classes, with the values {found}: all but 0 are filled, {share(other)}."
        )
        return Hole(other, "classes", (said,))
    return _hole_of_greys(codes, name)


def _hole_of_greys(codes: Codes, name: str) -> Hole:
    values, full = codes.values, codes.full
    counts = value_counts(values)
    shades = _two_shades(counts, full)
    if shades is not None:
        fill = values > sum(shades) / 2
        both = " and ".join(map(codes.shown, shades))
        said = f"The {name} has two shades of grey, about {both}: the lighter is filled, {share(fill)}."
        return Hole(fill, "two", (said,))
    fill = values >= full // 2 + 1  # whole numbers need not become floats
    if not fill.any():
        if values.max() > _BLACK * full:
            return Hole(fill, "greys")
        said = f"The {name} is as good as black: its lightest value is {codes.shown(int(values.max()))}."
        return Hole(fill, "empty", (said,))
    notes = []
    from_quarter, filled, from_three = (int(counts[-(-full * part // 4) :].sum()) for part in (1, 2, 3))
    if from_quarter - from_three > filled / 2:
        notes.append(
            f"The {name} has many shades of grey; what is at least half as bright as white is filled, "
            f"{share(fill)} (from a quarter on it would be {100 * from_quarter / values.size:.1f} %)."
        )
    patches, strongest = _faint_patches(values, fill, full)
    if patches:
        many, are = ("1 grey patch", "is") if patches == 1 else (f"{patches:,} grey patches", "are")
        notes.append(
            f"{many} of the {name}, {100 * strongest / full:.0f} % of white at most, {are} kept; "
            "paint what should go white."
        )
    return Hole(fill, "greys", tuple(notes))


def _two_shades(counts: NDArray[np.int64], full: int) -> tuple[int, int] | None:
    """The two values that nearly all pixels are close to; None if none are, or these are black and white.

    Source: Otsu, "A Threshold Selection Method from Gray-Level Histograms", 1979.
    """
    values = np.arange(len(counts))
    share = np.cumsum(counts)[:-1] / counts.sum()
    moment = np.cumsum(counts * values)[:-1] / counts.sum()
    mean = float((counts * values).sum() / counts.sum())
    total = float((counts * (values - mean) ** 2).sum() / counts.sum())
    split = np.flatnonzero((share > 0) & (share < 1))
    between = (mean * share[split] - moment[split]) ** 2 / (share[split] * (1 - share[split]))
    best = int(split[between.argmax()])
    dark, light = int(counts[: best + 1].argmax()), best + 1 + int(counts[best + 1 :].argmax())
    if between.max() < _SEPARATION * total or light - dark <= _APART * full:
        return None
    return (
        None
        if dark < full / 2 < light and (dark <= _APART * full or light >= (1 - _APART) * full)
        else (dark, light)
    )


def _faint_patches(values: Array, fill: Mask, full: int) -> tuple[int, int]:
    """Count the grey patches that no filled pixel belongs to; and the largest value in them."""
    grey = values > _APART * full
    if np.count_nonzero(grey) == np.count_nonzero(fill):
        return 0, 0
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(grey.view(np.uint8), ltype=cv2.CV_32S)
    areas = statistics[:, cv2.CC_STAT_AREA]
    near = cv2.dilate(fill.view(np.uint8), np.ones((2 * _RINGING + 1,) * 2, np.uint8)).view(np.bool_)
    faint = areas >= _SPECK
    faint[np.unique(labels[near])] = False
    faint |= areas >= max(_PATCH, values.size // _PATCHES)
    faint[np.unique(labels[fill])] = faint[0] = False
    return int(faint.sum()), int(values[faint[labels]].max(initial=0))


def share(fill: Mask) -> str:
    """How much of a mask is filled, in words."""
    percent = 100 * np.count_nonzero(fill) / fill.size
    return "less than 0.1 % of it" if percent < 0.1 else f"{percent:.1f} % of it"


def _listed(values: list[str]) -> str:
    if len(values) > _SHOWN:
        return f"{', '.join(values[: _SHOWN - 1])}, … {values[-1]} ({len(values):,} in all)"
    return f"{', '.join(values[:-1])} and {values[-1]}"
