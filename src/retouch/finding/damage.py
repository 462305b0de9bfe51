"""Find the damage of old and scanned photos: dust, hairs, scratches, cracks, folds, tears, stains."""

from __future__ import annotations

from numbers import Real
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retouch.contract.progress import OnProgress
from retouch.errors import RetouchError
from retouch.finding import SENSITIVITY
from retouch.finding.arrays import shipped_arrays
from retouch.finding.looking import Values, look, stored
from retouch.finding.networks import NAME
from retouch.imaging import Photo
from retouch.ops.masks import Mask, hysteresis

WORTH = 0.9
"""Squares that the scout thinks worth it with less than this probability are not looked at.

It was taught that to miss costs six times as much as to send for nothing, so this is likelier than it sounds:
of what the finder would find, next to nothing is lost (docs/damage.md).
"""
_SENSITIVITIES = (0, 0.5, 0.75, 1)
_CERTAIN = (0.9985, 0.996, 0.97, 0.4)  # what a photo must reach somewhere, at these sensitivities …
_PEAK = (0.98, 0.6, 0.6, 0.4)  # … what a spot must reach somewhere then …
_REST = (0.6, 0.3, 0.3, 0.2)  # … and what belongs to it


class Levels(NamedTuple):
    """Probabilities of damage, between 0 and 1.

    Attributes:
        certain: what some spot of a photo must reach; else the photo is not damaged at all. Old photos have
            many spots, and what is found in error in others is alone and doubtful.
        peak: what a spot must reach somewhere.
        rest: how far down a spot reaches from there.
    """

    certain: float
    peak: float
    rest: float


def find_damage(
    photo: Photo,
    *,
    sensitivity: float = SENSITIVITY,
    protect: Mask | None = None,
    progress: OnProgress | None = None,
) -> Mask:
    """Find the damage of a photo.

    A network says for each pixel how probably it is damaged. A spot counts if it is very probable somewhere,
    and then reaches as far as it is fairly probable (hysteresis, as Canny, PAMI 1986, does for edges). A
    photo in which no spot is nearly certain counts as undamaged.

    Args:
        photo: the photo; it is only read.
        sensitivity: from 0 (only what is certain) to 1 (whatever might be damage).
        protect: ``H×W`` bool, True where nothing is to be found; None for nowhere.
        progress: called with the progress, stage "find".

    Returns:
        ``H×W`` bool, True = damage.

    Raises:
        RetouchError: the sensitivity is out of range, or the mask is of another size.
    """
    check_sensitivity(sensitivity)
    values = Values(photo)
    if protect is not None and protect.shape != values.shape:
        raise RetouchError("The protected area has another size than the photo; give a mask of its size.")
    probable = look(values, shipped_arrays(NAME), worth=WORTH, progress=progress)
    found = spots(probable, levels(sensitivity))
    if protect is not None:
        found &= ~protect
    return found


def levels(sensitivity: float) -> Levels:
    """Return the levels for a sensitivity from 0 to 1."""
    wanted = (_CERTAIN, _PEAK, _REST)
    return Levels(*(float(np.interp(sensitivity, _SENSITIVITIES, each)) for each in wanted))


def spots(probable: NDArray[np.uint8], wanted: Levels) -> Mask:
    """Find the spots that are probable enough.

    Args:
        probable: ``H×W`` uint8, as :func:`~retouch.finding.looking.stored` has it.
        wanted: what they must reach.

    Returns:
        ``H×W`` bool.
    """
    certain, peak, rest = map(stored, wanted)
    if probable.max(initial=0) < certain:
        return np.zeros(probable.shape, bool)
    return hysteresis(probable >= rest, probable >= peak)


def check_sensitivity(sensitivity: float) -> None:
    """Raise :class:`RetouchError` unless the sensitivity is a number from 0 to 1."""
    if not isinstance(sensitivity, Real) or not 0 <= sensitivity <= 1:
        raise RetouchError(f"The sensitivity must be a number from 0 to 1, not {sensitivity!r}.")
