"""Find the damage of old and scanned photos: dust, hairs, scratches, cracks, folds, tears, stains."""

from __future__ import annotations

from numbers import Real

import numpy as np

from retouch.contract.progress import OnProgress
from retouch.errors import RetouchError
from retouch.imaging import Photo
from retouch.ops.masks import Mask


def find_damage(
    photo: Photo,
    *,
    sensitivity: float = 0.5,
    protect: Mask | None = None,
    progress: OnProgress | None = None,
) -> Mask:
    """Find the damage of a photo.

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
    found = np.zeros(photo.pixels.shape[:2], bool)
    if protect is not None and protect.shape != found.shape:
        raise RetouchError("The protected area has another size than the photo; give a mask of its size.")
    return found


def check_sensitivity(sensitivity: float) -> None:
    """Raise :class:`RetouchError` unless the sensitivity is a number from 0 to 1."""
    if not isinstance(sensitivity, Real) or not 0 <= sensitivity <= 1:
        raise RetouchError(f"The sensitivity must be a number from 0 to 1, not {sensitivity!r}.")
