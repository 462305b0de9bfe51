"""Find the damage of old and scanned photos: dust, hairs, scratches, cracks, folds, tears, stains.

Thin and small damage is found at the photo's own size. Large damage, such as stains and missing corners, is
found in a small copy of the whole photo, by the same network with other weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.contract.progress import OnProgress
from retouch.errors import RetouchError
from retouch.finding import SENSITIVITY, check_sensitivity
from retouch.finding.arrays import shipped_arrays
from retouch.finding.looking import Values, log_odds, look, stored
from retouch.finding.networks import NAME
from retouch.imaging import Photo
from retouch.ops.masks import Mask, dilate, hysteresis

WORTH = 0.9
"""Squares that the scout thinks worth it with less than this probability are not looked at.

It was taught that to miss costs six times as much as to send for nothing, so this is likelier than it sounds:
of what the finder would find, next to nothing is lost (docs/damage.md).
"""
_SENSITIVITIES = (0, 0.5, 0.75, 1)
_EVIDENCE = (9, 7.5, 5.5, -16)  # of damage that a photo must show, at these sensitivities …
_PEAK = (0.98, 0.8, 0.7, 0.4)  # … what a spot must reach somewhere then …
_REST = (0.6, 0.4, 0.35, 0.2)  # … and what belongs to it
_LARGE = 0.5  # how much large damage counts as evidence: it is more often found in error
_SKIRT = 1  # pixels around what is probable: there, damage is faint, and a fill would go on with it
AREAS = "-areas"
"""How the name of the weights for large damage goes on."""
COPY = 384
"""Longer side of the copy in which large damage is found, in pixels."""
_AREA_PEAK = (0.998, 0.993, 0.97, 0.8)  # what large damage must reach somewhere, at these sensitivities …
_AREA_REST = (0.7, 0.6, 0.5, 0.4)  # … and what belongs to it
MOST = 0.5
"""Where a network is certain of more of a photo than this, it sees how the photo looks, and says nothing."""


class Levels(NamedTuple):
    """Probabilities of damage, between 0 and 1.

    Attributes:
        peak: what a spot must reach somewhere.
        rest: how far down a spot reaches from there.
    """

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
    photo that shows too little evidence of damage counts as undamaged.

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
    small = look(values.small(COPY), shipped_arrays(NAME, AREAS), worth=0)
    found = marked(probable, small, sensitivity)
    if protect is not None:
        found &= ~protect
    return found


def marked(probable: NDArray[np.uint8], small: NDArray[np.uint8], sensitivity: float) -> Mask:
    """Decide what is damaged.

    Args:
        probable: damage of any size in the photo, ``H×W`` uint8, as
            :func:`~retouch.finding.looking.stored` has it.
        small: large damage in a small copy, ``h×w`` uint8.
        sensitivity: from 0 to 1.

    Returns:
        ``H×W`` bool, True = damage, and one pixel around it.
    """
    probable, small = _unless_all(probable, levels(0)), _unless_all(small, area_levels(0))
    if evidence(probable, small) < _at(sensitivity, _EVIDENCE):
        return np.zeros(probable.shape, bool)
    found = spots(probable, levels(sensitivity)) | areas(small, area_levels(sensitivity), probable.shape)
    return dilate(found, _SKIRT)


def _unless_all(probable: NDArray[np.uint8], certain: Levels) -> NDArray[np.uint8]:
    return np.zeros_like(probable) if spots(probable, certain).mean() > MOST else probable


def evidence(probable: NDArray[np.uint8], small: NDArray[np.uint8]) -> float:
    """How much speaks for damage in a photo, in log-odds.

    Old photos have many spots, and a network is certain of some; what it finds in error in other photos is
    alone and doubtful.
    """
    large = max(0.0, log_odds(small.max(initial=0)))  # that there is none speaks for nothing
    return log_odds(probable.max(initial=0)) + _LARGE * large


def levels(sensitivity: float) -> Levels:
    """Return the levels of spots for a sensitivity from 0 to 1."""
    return Levels(_at(sensitivity, _PEAK), _at(sensitivity, _REST))


def area_levels(sensitivity: float) -> Levels:
    """Return the levels of large damage for a sensitivity from 0 to 1."""
    return Levels(_at(sensitivity, _AREA_PEAK), _at(sensitivity, _AREA_REST))


def _at(sensitivity: float, values: Sequence[float]) -> float:
    """Between the values at the named sensitivities."""
    return float(np.interp(sensitivity, _SENSITIVITIES, values))


def spots(probable: NDArray[np.uint8], wanted: Levels) -> Mask:
    """Find the spots that are probable enough.

    Args:
        probable: ``H×W`` uint8, as :func:`~retouch.finding.looking.stored` has it.
        wanted: what they must reach.

    Returns:
        ``H×W`` bool.
    """
    peak, rest = map(stored, wanted)
    return hysteresis(probable >= rest, probable >= peak)


def areas(probable: NDArray[np.uint8], wanted: Levels, shape: tuple[int, ...]) -> Mask:
    """Find large damage in a small copy, and bring it to the photo's size.

    Args:
        probable: of the copy, ``h×w`` uint8, as :func:`~retouch.finding.looking.stored` has it.
        wanted: what it must reach.
        shape: ``(H, W)`` of the photo.

    Returns:
        ``H×W`` bool.
    """
    found = spots(probable, wanted)
    if not found.any():
        return np.zeros(shape, bool)
    # Between the pixels of the copy the outline runs where the probability has fallen, not in steps.
    around = cv2.dilate(found.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    enlarged = cv2.resize(np.where(around, probable, 0), shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(enlarged >= stored(wanted.rest))
