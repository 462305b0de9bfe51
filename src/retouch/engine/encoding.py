"""How the values of a photo become what a model sees, window by window, and come back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retouch.engine.boxes import Box
from retouch.imaging import Photo, from_srgb, to_srgb
from retouch.imaging.colour import LUMA
from retouch.imaging.photo import white
from retouch.ops.masks import Mask

Image = NDArray[np.float32]

_NARROW = 0.25
"""Values deeper than bytes that take up less than this of their range are stretched: depth in millimetres."""


@dataclass(frozen=True)
class Encoding:
    """The values of a window, as a model sees them: the photo's own, of the photo's own colours, in [0, 1].

    Nothing is converted to sRGB, so no colour is clipped to its gamut. Networks, which learnt from sRGB, fill
    wide colours as well by the photo's own numbers (measured in docs/fill.md).

    Attributes:
        photo: the photo.
        low: the value that a model sees as 0 …
        span: … and how far above that lies what it sees as 1.
    """

    photo: Photo
    low: float
    span: float

    @property
    def deep(self) -> bool:
        """Whether the photo's values are finer than bytes."""
        return self.photo.pixels.dtype != np.uint8

    def look(self, box: Box) -> Image:
        """Return a window, ``h×w×3`` in [0, 1]; grey is repeated. Values beyond that range are clipped."""
        crop = self.photo.pixels[box.rows, box.columns]
        if crop.dtype.kind == "f":
            crop = np.nan_to_num(crop, nan=self.low)  # in a hole, where nobody looks
        # In two steps, because the quotient of what lies in the hole may not fit into float32.
        scaled = crop.astype(np.float32) if self.low == 0 else crop - np.float64(self.low)
        image: Image = (scaled / scaled.dtype.type(self.span)).clip(0, 1).astype(np.float32)
        return np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image

    def write(self, image: Image) -> NDArray[Any]:
        """Return the photo's own values of ``h×w×3`` in [0, 1]: ``h×w×C``, in the photo's dtype."""
        if self.low == 0 and self.span == white(self.photo.pixels.dtype):
            return from_srgb(
                replace(self.photo, profile=None), image
            )  # without a profile nothing is converted
        if self.photo.pixels.shape[2] == 1:
            image = (image @ LUMA)[..., None]
        return restore(image, self.low, self.span, self.photo.pixels.dtype)

    def show(self, image: Image) -> Image:
        """Turn what a model sees into sRGB, for a person to look at."""
        if self.photo.profile is None:
            return image
        steps = np.rint(image.clip(0, 1) * np.float32(65535)).astype(np.uint16)
        return to_srgb(replace(self.photo, pixels=steps), slice(None), slice(None))


def encoding_of(photo: Photo, box: Box, allowed: Mask) -> Encoding:
    """Choose how a model is shown a window.

    Args:
        photo: the photo.
        box: the window.
        allowed: bool of the box's size, True where may be borrowed from; some of it.
    """
    dtype = photo.pixels.dtype
    if dtype == np.uint8:
        return Encoding(photo, 0.0, 255.0)
    most, values = white(dtype), photo.pixels[box.rows, box.columns][allowed]
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= most and high - low >= _NARROW * most:
        return Encoding(photo, 0.0, most)
    return Encoding(photo, low, high - low or 1.0)


def restore(image: Image, low: float, span: float, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Turn [0, 1] into values from ``low`` on, rounded and clipped where the dtype is whole numbers."""
    values = image * np.float32(span) if low == 0 else image.astype(np.float64) * span + low
    if dtype.kind != "f":
        values = np.rint(values).clip(0, white(dtype))
    return values.astype(dtype)
