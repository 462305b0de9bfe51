"""How the values of a photo become what a model sees, window by window, and come back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retouch.contract import Model
from retouch.engine.boxes import Box
from retouch.imaging import Photo, from_srgb, to_srgb
from retouch.imaging.colour import LUMA
from retouch.imaging.photo import white
from retouch.ops.masks import Mask

Image = NDArray[np.float32]

_NARROW = 0.25
"""Values deeper than 8 bits that take up less than this of their range are stretched: depth in millimetres."""


@dataclass(frozen=True)
class Encoding:
    """The values of a window, as a model sees them.

    Attributes:
        photo: the photo.
        own: whether the model sees the photo's own values, in the photo's own colours; else it sees sRGB.
        low: the value that it sees as 0 …
        span: … and how far above that lies what it sees as 1.
    """

    photo: Photo
    own: bool
    low: float
    span: float

    @property
    def deep(self) -> bool:
        """Whether the photo's values are finer than bytes."""
        return self.photo.pixels.dtype != np.uint8

    def look(self, box: Box) -> Image:
        """Return a window, ``h×w×3`` in [0, 1]; what may not be borrowed is clipped to that range."""
        if not self.own:
            return to_srgb(self.photo, box.rows, box.columns)
        crop = self.photo.pixels[box.rows, box.columns]
        image = self._scaled(crop)
        if crop.dtype.kind == "f":
            image[~np.isfinite(image)] = 0  # nobody looks there
        return np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image

    def write(self, image: Image) -> NDArray[Any]:
        """Return the photo's own values of ``h×w×3`` in [0, 1]: ``h×w×C``, in the photo's dtype."""
        if not self.own:
            return from_srgb(self.photo, image)
        if self.photo.pixels.shape[2] == 1:
            image = (image @ LUMA)[..., None]
        return restore(image, self.low, self.span, self.photo.pixels.dtype)

    def show(self, image: Image) -> Image:
        """Turn what the model sees into sRGB, for a person to look at."""
        if not self.own or self.photo.profile is None:
            return image
        steps = np.rint(image.clip(0, 1) * np.float32(65535)).astype(np.uint16)
        return to_srgb(replace(self.photo, pixels=steps), slice(None), slice(None))

    def _scaled(self, crop: NDArray[Any]) -> Image:
        if self.low == 0 and self.span == white(crop.dtype):
            image: Image = crop.astype(np.float32) / np.float32(self.span)
        else:
            image = ((crop - np.float64(self.low)) / self.span).astype(np.float32)
        return image.clip(0, 1) if crop.dtype.kind == "f" or self.low else image


def encoding_of(photo: Photo, box: Box, allowed: Mask, model: Model) -> Encoding:
    """Choose how a model is shown a window.

    Args:
        photo: the photo.
        box: the window.
        allowed: bool of the box's size, True where may be borrowed from; some of it.
        model: models that paint see sRGB; all others see the photo's own values.
    """
    dtype = photo.pixels.dtype
    most = white(dtype)
    # Only where the values are colours of a profile does a model that paints need them converted.
    own = model.fills_by != "painting" or dtype.kind == "f" or photo.pixels.shape[2] == 1
    if dtype == np.uint8 or not own:
        return Encoding(photo, own, 0.0, most)
    values = photo.pixels[box.rows, box.columns][allowed]
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= most and high - low >= _NARROW * most:
        return Encoding(photo, own, 0.0, most)
    return Encoding(photo, own, low, high - low or 1.0)


def restore(image: Image, low: float, span: float, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Turn [0, 1] into values from ``low`` on, rounded and clipped where the dtype is whole numbers."""
    values = image.astype(np.float64) * span + low
    if dtype.kind != "f":
        values = np.rint(values).clip(0, white(dtype))
    return values.astype(dtype)
