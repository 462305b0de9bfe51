"""Photos with alpha: which of their colours count, and how alpha is filled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from retouch.engine.encoding import restore
from retouch.engine.windows import Window
from retouch.imaging import Photo
from retouch.imaging.photo import Array, white
from retouch.ops.masks import Mask
from retouch.ops.thin_plate import continue_smoothly
from retouch.upsampling.crop import Crop, CropFill, Image


def see_through(
    photo: Photo, window: Window, crop: Crop, fill: Callable[[Crop], CropFill] | None
) -> tuple[Array | None, Crop]:
    """Fill alpha as if it were a colour, and keep the colours under full transparency out of the fill.

    Where all known alpha of the window is the same, as in an opaque photo, there is nothing to fill. Without
    ``fill``, all becomes opaque.

    Returns:
        Alpha of the window's hole box, None if the photo has none; and the crop with colours that count.
    """
    if photo.alpha is None:
        return None, crop
    alpha = photo.alpha[window.box.rows, window.box.columns]
    same = white(alpha.dtype) if fill is None else _constant(alpha, ~crop.hole)
    if same or fill is None:
        return np.full(window.hole.shape, same, alpha.dtype), crop
    if same == 0:  # nothing can be seen here, and nothing hidden is to come out
        return np.zeros(window.hole.shape, alpha.dtype), replace(crop, image=np.zeros_like(crop.image))
    visible = (alpha > 0) & ~crop.hole
    made = fill(replace(crop, image=_as_picture(alpha)))
    allowed = crop.allowed & visible
    hidden = ~visible & ~crop.hole
    return _as_alpha(made.image[window.inner], alpha.dtype), replace(
        crop,
        image=_cover(crop.image, visible),
        allowed=allowed if allowed.any() else visible,
        ignore=hidden if crop.ignore is None else crop.ignore | hidden,
    )


def _constant(alpha: Array, known: Mask) -> float | None:
    """The alpha that all known pixels of a window share; None if it varies."""
    values = alpha[known]
    low, high = values.min(), values.max()
    return float(low) if low == high else None


def _as_picture(alpha: Array) -> Image:
    """Alpha as a grey picture for any model, ``h×w×3`` in [0, 1]; floats in the hole may be NaN."""
    share = np.nan_to_num(alpha / np.float32(white(alpha.dtype))).clip(0, 1)
    return np.repeat(share.astype(np.float32)[..., None], 3, axis=2)


def _as_alpha(image: Image, dtype: np.dtype[Any]) -> Array:
    """Alpha of a grey picture ``h×w×3``, ``h×w``."""
    return restore(image.mean(axis=2).clip(0, 1), 0.0, white(dtype), dtype)


def _cover(image: Image, visible: Mask) -> Image:
    """Replace the colours under full transparency by a smooth continuation of the visible ones.

    Args:
        image: ``h×w×3`` in [0, 1].
        visible: ``h×w``, True where colours count; some of it.
    """
    return continue_smoothly(image, visible, ~visible, rounds=0).clip(0, 1)
