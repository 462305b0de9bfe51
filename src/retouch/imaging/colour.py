"""Convert between a photo's own encoded values and the models' float sRGB, crop by crop."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from retouch.imaging.few_bits import few_values
from retouch.imaging.photo import Array, Photo

Image = NDArray[np.float32]

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue in a grey value: ITU-R BT.601."""
_STEPS = 65535  # profiles are applied at 16 bits, whatever the photo's depth
_ALIKE = _STEPS / 255  # one 8-bit level; sRGB profiles differ from each other by half as much


def to_srgb(photo: Photo, rows: slice, columns: slice) -> Image:
    """Convert a crop of a photo to sRGB. Nothing outside the crop is read.

    Colours outside the gamut of sRGB are clipped. Grey values are repeated three times, unconverted. Floats
    beyond [0, 1] are scaled by the crop's range, to be looked at.

    Args:
        photo: the photo.
        rows: rows of the crop.
        columns: columns of the crop.

    Returns:
        ``h×w×3`` float32 in [0, 1], a new array.
    """
    crop = photo.pixels[rows, columns]
    profile = _profile(photo)
    if profile is None:
        image = _between_0_and_1(crop)
        return np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image
    image = _to_srgb(crop, profile).astype(np.float32)
    image /= _STEPS
    return image


def from_srgb(photo: Photo, image: Image) -> Array:
    """Convert sRGB to a photo's own depth, profile and channels.

    Args:
        photo: the photo whose encoding to use; its pixels do not matter.
        image: ``h×w×3`` float in [0, 1]; values outside this range are clipped.

    Returns:
        ``h×w×C``, rounded, in the dtype of ``photo.pixels``, with no more levels than the photo's bits allow.
        ``from_srgb(photo, to_srgb(photo, …))`` returns the crop: exactly if there is no profile, otherwise to
        within one 8-bit level, except for colours outside sRGB.
    """
    dtype = photo.pixels.dtype
    image = np.clip(image, 0, 1)
    if photo.pixels.shape[2] == 1:
        image = (image @ LUMA)[..., None]
    profile = _profile(photo)
    if profile is not None:
        steps = np.rint(image * np.float32(_STEPS)).astype(np.uint16)
        image = _from_srgb(steps, profile).astype(np.float32) / np.float32(_STEPS)
    if dtype.kind == "f":
        return image.astype(dtype)
    values: Array = np.rint(image * np.float32(np.iinfo(dtype).max)).astype(dtype)
    return few_values(values, photo.bits, dithered=photo.dithered) if photo.bits in (1, 2, 4) else values


def _between_0_and_1(values: Array) -> Image:
    """Scale values to [0, 1]: floats beyond that range by the range that they have."""
    if values.dtype.kind != "f":
        return values.astype(np.float32) / np.float32(np.iinfo(values.dtype).max)
    finite = np.isfinite(values)
    low, high = (float(each) for each in (values[finite].min(initial=0), values[finite].max(initial=1)))
    return np.asarray(np.where(finite, (values - low) / (high - low), 0), np.float32)


def _profile(photo: Photo) -> bytes | None:
    """The profile to convert with, or None if scaling the values is enough."""
    if photo.profile is None or photo.pixels.shape[2] != 3 or not _converts(photo.profile):
        return None
    return photo.profile


@lru_cache(maxsize=8)
def _converts(profile: bytes) -> bool:
    """Whether an RGB profile works in both directions and is not sRGB under another name."""
    if profile[16:20] != b"RGB ":
        return False
    grid = np.linspace(0, _STEPS, 7).round().astype(np.uint16)
    probe = np.stack(np.meshgrid(grid, grid, grid), axis=-1).reshape(7, 49, 3)
    try:
        # libvips silently ignores a broken profile on import, but not on export.
        _from_srgb(probe, profile)
        converted = _to_srgb(probe, profile)
    except pyvips.Error:
        return False
    return bool(np.abs(converted.astype(np.float32) - probe).max() > _ALIKE)


# Both functions go through float XYZ. A direct transform of 16-bit values interpolates in a coarse table,
# which is wrong by more than ten 8-bit levels in dark saturated colours.


def _to_srgb(values: Array, profile: bytes) -> Array:
    image = as_vips(values)
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    image = image.icc_import(embedded=True, pcs="xyz", intent="relative")
    return _array(image.icc_export(output_profile="srgb", depth=16, pcs="xyz", intent="relative"))


def _from_srgb(steps: Array, profile: bytes) -> Array:
    image = as_vips(steps).icc_import(input_profile="srgb", pcs="xyz", intent="relative")
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return _array(image.icc_export(depth=16, pcs="xyz", intent="relative"))


def is_grey(photo: Photo) -> bool:
    """Whether a photo is grey and has a profile for grey."""
    return photo.pixels.shape[2] == 1 and photo.profile is not None and photo.profile[16:20] == b"GRAY"


def grey_to_srgb(photo: Photo) -> Photo:
    """Convert a grey photo with a profile to sRGB in three channels, for formats that have no such grey."""
    assert photo.profile is not None
    try:
        steps = _to_srgb(photo.pixels, photo.profile)
        colours = steps if photo.pixels.dtype == np.uint16 else np.rint(steps / 257).astype(np.uint8)
    except pyvips.Error:  # a damaged profile means nothing
        colours = photo.pixels.repeat(3, axis=2)
    return replace(photo, pixels=colours, profile=None)


def as_vips(array: Array, colours: int | None = None) -> pyvips.Image:
    """Make a libvips image of ``H×W×C`` uint8 or uint16.

    Args:
        array: colours, and perhaps other channels after them.
        colours: 1 for grey, 3 for RGB, 4 for CMYK. None = grey if C is 1 or 2, else RGB.
    """
    array = np.ascontiguousarray(array)
    height, width, bands = array.shape
    wide = array.dtype == np.uint16
    image: Any = pyvips.Image.new_from_memory(array, width, height, bands, "ushort" if wide else "uchar")
    grey = bands < 3 if colours is None else colours == 1
    kind = ("grey16" if wide else "b-w") if grey else ("rgb16" if wide else "srgb")
    kind = "cmyk" if colours == 4 else kind
    return image.copy(interpretation=kind)


def _array(image: pyvips.Image) -> Array:
    array: Array = image.numpy()
    return array
