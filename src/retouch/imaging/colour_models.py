"""Convert L*a*b*, CMYK and YCbCr to RGB and back.

L*a*b* and CMYK become 16-bit ROMM RGB, which contains nearly all of their colours.

Source: TIFF 6.0, sections 21 and 23; ISO 22028-2 (ROMM RGB); ISO 11664-4 (L*a*b*).
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from retouch.imaging import tiff
from retouch.imaging.photo import Array
from retouch.imaging.profiles import matrix_profile

Floats = NDArray[np.float64]

_EXPONENT = 1.8
_ROMM = ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001), (0.3457, 0.3585))
WIDE = matrix_profile("ROMM RGB", _ROMM, (_EXPONENT,))
"""The profile of what L*a*b* and CMYK become."""
_TO_XYZ = np.array(
    [[0.7976749, 0.1351917, 0.0313534], [0.2880402, 0.7118741, 0.0000857], [0.0, 0.0, 0.8252100]]
)
_WHITE = np.array([0.9642, 1.0, 0.8251])
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, the default of TIFF


def lab_of(samples: Array, photometric: int) -> Floats:
    """L* in 0 to 100, a* and b* of samples."""
    full = int(np.iinfo(samples.dtype).max)
    step = 1 if full == 255 else 256
    if photometric == tiff.ICCLAB:  # a* and b* are shifted; 16 bits reach to 0xFF00
        lightness = samples[..., :1] * (100 / (255 * step))
        return np.concatenate([lightness, samples[..., 1:] / step - 128.0], axis=-1)
    signed = np.ascontiguousarray(samples[..., 1:]).view(np.int8 if full == 255 else np.int16)
    return np.concatenate([samples[..., :1] * (100 / full), signed.astype(np.float64) / step], axis=-1)


def lab_samples(lab: Floats, photometric: int, full: int) -> Array:
    """Samples, up to ``full``, of L*, a* and b*."""
    step = 1 if full == 255 else 256
    if photometric == tiff.ICCLAB:
        scaled = np.concatenate([lab[..., :1] * (255 * step / 100), (lab[..., 1:] + 128) * step], axis=-1)
        return np.asarray(np.rint(scaled).clip(0, full), dtype=np.uint8 if full == 255 else np.uint16)
    half = (full + 1) // 2
    shades = np.rint(lab[..., 1:] * step).clip(-half, half - 1).astype(np.int64) & full
    return np.concatenate([np.rint(lab[..., :1] * (full / 100)).clip(0, full), shades], axis=-1)


def from_lab(lab: Floats) -> Array:
    """ROMM RGB, uint16, of L*, a* and b*; what is outside of it is clipped."""
    y = (lab[..., 0] + 16) / 116
    roots = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], axis=-1)
    xyz = np.where(roots > 6 / 29, roots**3, 3 * (6 / 29) ** 2 * (roots - 4 / 29)) * _WHITE
    light = (xyz @ np.linalg.inv(_TO_XYZ).T).clip(0, 1)
    return np.asarray(np.rint(light ** (1 / _EXPONENT) * 65535), dtype=np.uint16)


def to_lab(pixels: Array) -> Floats:
    """L*, a* and b* of ROMM RGB."""
    ratio = (pixels / 65535.0) ** _EXPONENT @ _TO_XYZ.T / _WHITE
    roots = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(roots, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def from_ycbcr(samples: Array) -> Array:
    """RGB, uint8, of Y, Cb and Cr in their full range."""
    y, blue, red = np.moveaxis(samples.astype(np.float64), -1, 0)
    blue, red = blue - 128, red - 128
    r, b = y + (2 - 2 * _LUMA[0]) * red, y + (2 - 2 * _LUMA[2]) * blue
    g = (y - _LUMA[0] * r - _LUMA[2] * b) / _LUMA[1]
    return np.asarray(np.rint(np.stack([r, g, b], axis=-1)).clip(0, 255), dtype=np.uint8)


def to_ycbcr(pixels: Array) -> Array:
    """Y, Cb and Cr of RGB."""
    y = pixels @ _LUMA
    blue = (pixels[..., 2] - y) / (2 - 2 * _LUMA[2]) + 128
    red = (pixels[..., 0] - y) / (2 - 2 * _LUMA[0]) + 128
    return np.asarray(np.rint(np.stack([y, blue, red], axis=-1)).clip(0, 255), dtype=np.uint8)


def from_cmyk(samples: Array, profile: bytes | None) -> Array:
    """ROMM RGB, uint16, of inks; without a profile that works they are those of libvips' own."""
    image = _import(_image(samples, "cmyk", _profile_of_inks(profile)))
    return _as_array(_with_profile(image, WIDE).icc_export(depth=16, pcs="xyz", intent="relative"))


def to_cmyk(pixels: Array, profile: bytes | None, full: int) -> Array:
    """Find the inks whose colour is ``pixels``.

    The two directions of a CMYK profile are tables of their own, and differ visibly. So what is wrong with
    the colour of the inks is corrected, twice.
    """
    target = wanted = pixels.astype(np.float64)
    for _ in range(2):
        wanted = wanted + target - from_cmyk(_inks(wanted, profile, full), profile)
    return _inks(wanted, profile, full)


def _inks(colours: Floats, profile: bytes | None, full: int) -> Array:
    steps = np.rint(colours).clip(0, 65535).astype(np.uint16)
    image = _with_profile(_import(_image(steps, "rgb16", WIDE)), _profile_of_inks(profile))
    return _as_array(image.icc_export(depth=8 if full == 255 else 16, pcs="xyz", intent="relative"))


@lru_cache(maxsize=8)
def _profile_of_inks(profile: bytes | None) -> bytes:
    """The profile, if it is one of inks that works in both directions; else that of libvips."""
    if profile is not None and profile[16:20] == b"CMYK":
        probe = np.zeros((1, 1, 4), np.uint8)
        with suppress(pyvips.Error):
            _with_profile(_import(_image(probe, "cmyk", profile)), profile).icc_export(depth=8, pcs="xyz")
            return profile
    return bytes(pyvips.Operation.call("profile_load", "cmyk"))


def _import(image: Any) -> Any:
    return image.icc_import(embedded=True, pcs="xyz", intent="relative")


def _image(array: Array, interpretation: str, profile: bytes) -> pyvips.Image:
    array = np.ascontiguousarray(array)
    height, width, bands = array.shape
    format = "ushort" if array.dtype == np.uint16 else "uchar"
    image: Any = pyvips.Image.new_from_memory(array, width, height, bands, format)
    return _with_profile(image.copy(interpretation=interpretation), profile)


def _with_profile(image: Any, profile: bytes) -> Any:
    image = image.copy()
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return image


def _as_array(image: Any) -> Array:
    array: Array = image.numpy()
    return array
