"""Fill float arrays of any range, as OpenCV and scikit-image take them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from retouch.api.inpainting import inpaint
from retouch.errors import RetouchError

Floats = NDArray[np.floating[Any]]


def inpaint_any_range(image: Floats, hole: NDArray[np.bool_]) -> Floats:
    """Fill the holes of a float array with the default model.

    Args:
        image: ``H×W`` or ``H×W×3``, float32 or float64. Known values are finite, of any range.
        hole: ``H×W``, True = fill.

    Returns:
        A new array. Filled values stay within the range of the known ones; known values are unchanged.

    Raises:
        RetouchError: a known value is not finite, nothing is known, or the shape is another.
    """
    known = image[~hole]
    if known.size == 0:
        raise RetouchError("The mask covers the whole image; leave some of it known to fill from.")
    if not np.isfinite(known).all():
        raise RetouchError("Known values must be finite; this image holds NaN or infinity outside the mask.")
    low, high = known.min(), known.max()
    if low == high:  # a plain image has no range to scale by
        return np.where(_like(hole, image), low, image)
    scaled = np.where(_like(hole, image), 0, (image.astype(np.float64) - low) / (float(high) - float(low)))
    filled = inpaint(scaled, hole) * (float(high) - float(low)) + low
    return np.where(_like(hole, image), filled.astype(image.dtype), image)


def _like(hole: NDArray[np.bool_], image: Floats) -> NDArray[np.bool_]:
    return hole if image.ndim == 2 else hole[..., None]
