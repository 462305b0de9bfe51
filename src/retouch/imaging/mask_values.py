"""From the numbers of a mask to its hole: two values, classes, or shades of grey."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.imaging.label_maps import is_label_map, value_counts
from retouch.imaging.mask_codes import Codes
from retouch.imaging.photo import Array

Mask = NDArray[np.bool_]
Kind = Literal["empty", "two", "classes", "greys"]

_BLACK = 0.02  # of white; what a lossy file makes of a mask without strokes
_APART = 0.1  # of white; closer shades of grey are one shade and its noise
_SEPARATION = 0.93  # the share of the variance that two shades of grey explain
_SHOWN = 8  # values in a sentence
_EDGE = 9  # pixels; the darker half of a soft edge is narrower
_LOOKED_AT = 4_000_000  # pixels, about; of larger masks some rows and columns are left out
_RINGING = 16  # pixels; how far from a stroke a JPEG leaves grey specks
_SPECK = 9  # pixels; smaller ones are noise anywhere
_PATCH, _PATCHES = 64, 5000  # larger patches of grey are none, nor are those of 1/5,000 of the mask


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


def hole_of(codes: Codes, name: str) -> Hole:
    """Decide which pixels a mask fills.

    - Two values are a mask, whatever they are: the larger one is filled.
    - Of a map of classes, everything is filled but 0; see :func:`~retouch.imaging.label_maps.is_label_map`.
    - Shades of grey are filled from half of white on. If nearly all pixels have one of two shades, which are
      not black and white, half lies between those.

    Args:
        codes: ``H×W``, as :func:`~retouch.imaging.mask_codes.to_codes` makes them.
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
        if codes.shown(low) == "0" and codes.shown(high) in ("1", "255", "65535"):
            return Hole(larger, "two")
        both = f"{codes.shown(low)} and {codes.shown(high)}"
        said = f"The {name} holds two values, {both}: {codes.shown(high)} is filled, {share(larger)}."
        return Hole(larger, "two", (said,))
    counts = value_counts(values)
    if is_label_map(values, counts):
        other = values > 0
        found = _listed([codes.shown(int(each)) for each in np.flatnonzero(counts)])
        said = (
            f"The {name} is a map of classes, with the values {found}: all but 0 are filled, {share(other)}."
        )
        return Hole(other, "classes", (said,))
    return _hole_of_greys(codes, counts, name)


def _hole_of_greys(codes: Codes, counts: NDArray[np.int64], name: str) -> Hole:
    values, full = codes.values, codes.full
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
    patches, strongest = _faint_patches(values, fill, full)
    from_quarter, filled, from_three = (int(counts[-(-full * part // 4) :].sum()) for part in (1, 2, 3))
    wide = not patches and _wide((values > _APART * full) & ~fill)
    if from_quarter - from_three > filled / 2 or wide:
        notes.append(
            f"The {name} has many shades of grey; what is at least half as bright as white is filled, "
            f"{share(fill)} (from a quarter on it would be {100 * from_quarter / values.size:.1f} %)."
        )
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
    values, total = np.arange(len(counts)), counts.sum()
    below, moment = np.cumsum(counts)[:-1] / total, np.cumsum(counts * values)[:-1] / total
    mean = float((counts * values).sum() / total)
    variance = float((counts * (values - mean) ** 2).sum() / total)
    splits = np.flatnonzero((below > 0) & (below < 1))
    between = (mean * below[splits] - moment[splits]) ** 2 / (below[splits] * (1 - below[splits]))
    best = int(splits[between.argmax()])
    dark, light = int(counts[: best + 1].argmax()), best + 1 + int(counts[best + 1 :].argmax())
    if between.max() < _SEPARATION * variance or light - dark <= _APART * full:
        return None
    black_or_white = dark <= _APART * full or light >= (1 - _APART) * full
    return None if dark < full / 2 < light and black_or_white else (dark, light)


def _wide(grey: Mask) -> bool:
    """Whether grey areas are wider than the soft edge of a stroke."""
    return bool(cv2.erode(grey.view(np.uint8), np.ones((_EDGE, _EDGE), np.uint8), borderValue=0).any())


def _faint_patches(values: Array, fill: Mask, full: int) -> tuple[int, int]:
    """Count the grey patches that no filled pixel belongs to; and the largest value in them."""
    step = max(1, math.isqrt(values.size // _LOOKED_AT))
    values, fill = values[::step, ::step], np.ascontiguousarray(fill[::step, ::step])
    grey = values > _APART * full
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(grey.view(np.uint8), ltype=cv2.CV_32S)
    areas = statistics[:, cv2.CC_STAT_AREA] * step**2
    near = cv2.dilate(fill.view(np.uint8), np.ones((2 * _RINGING // step + 1,) * 2, np.uint8)).view(np.bool_)
    faint = areas >= _SPECK
    faint[labels[near]] = False
    faint |= areas >= max(_PATCH, values.size * step**2 // _PATCHES)
    faint[labels[fill]] = faint[0] = False
    return int(faint.sum()), int(values[faint[labels]].max(initial=0))


def share(fill: Mask) -> str:
    """How much of a mask is filled, in words."""
    percent = 100 * np.count_nonzero(fill) / fill.size
    return "less than 0.1 % of it" if percent < 0.1 else f"{percent:.1f} % of it"


def _listed(values: list[str]) -> str:
    if len(values) > _SHOWN:
        return f"{', '.join(values[: _SHOWN - 1])}, … {values[-1]} ({len(values):,} in all)"
    return f"{', '.join(values[:-1])} and {values[-1]}"
