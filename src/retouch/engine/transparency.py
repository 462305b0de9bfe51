"""Photos with alpha: which of their colours count, and how alpha is filled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from retouch.engine.encoding import restore
from retouch.imaging.photo import white
from retouch.ops.masks import Mask
from retouch.ops.thin_plate import continue_smoothly

Image = NDArray[np.float32]


def constant(alpha: NDArray[Any], known: Mask) -> float | None:
    """The alpha that all known pixels of a window share; None if it varies."""
    values = alpha[known]
    low, high = values.min(), values.max()
    return float(low) if low == high else None


def as_picture(alpha: NDArray[Any]) -> Image:
    """Alpha as a grey picture for any model, ``h×w×3`` in [0, 1]; floats in the hole may be NaN."""
    share = np.nan_to_num(alpha / np.float32(white(alpha.dtype))).clip(0, 1)
    return np.repeat(share.astype(np.float32)[..., None], 3, axis=2)


def as_alpha(image: Image, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Alpha of a grey picture ``h×w×3``, ``h×w``."""
    return restore(image.mean(axis=2).clip(0, 1), 0.0, white(dtype), dtype)


def cover(image: Image, visible: Mask) -> Image:
    """Replace the colours under full transparency by a smooth continuation of the visible ones.

    Args:
        image: ``h×w×3`` in [0, 1].
        visible: ``h×w``, True where colours count; some of it.
    """
    return continue_smoothly(image, visible, ~visible, rounds=0).clip(0, 1)
