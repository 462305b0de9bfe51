"""Samples that are no plain grey or RGB: how they become RGB, and how what was filled goes back.

A TIFF may hold colours multiplied by alpha, L*a*b*, YCbCr or CMYK. Models get RGB with unassociated alpha.
The samples are kept beside it, and all that were not filled are written back as they were.

Source: TIFF 6.0, sections 18, 20, 21 and 23; ISO 22028-2 (ROMM RGB); ISO 11664-4 (L*a*b*).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pyvips
from numpy.typing import NDArray

from retouch.imaging import tiff
from retouch.imaging.photo import Array, Photo, Stored
from retouch.imaging.profiles import matrix_profile

Floats = NDArray[np.float64]

_ROWS = 256  # converted at a time, to keep memory low
_EXPONENT = 1.8
_ROMM = ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001), (0.3457, 0.3585))
WIDE = matrix_profile("ROMM RGB", _ROMM, (_EXPONENT,))
"""Contains nearly every colour of L*a*b* and CMYK."""
_TO_XYZ = np.array(
    [[0.7976749, 0.1351917, 0.0313534], [0.2880402, 0.7118741, 0.0000857], [0.0, 0.0, 0.8252100]]
)
_WHITE = np.array([0.9642, 1.0, 0.8251])
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, the default of TIFF


class Decoded(NamedTuple):
    """What models get: ``H×W×C`` grey or RGB, and ``H×W`` alpha or None, of the same dtype."""

    pixels: Array
    alpha: Array | None


def decode(stored: Stored) -> Decoded:
    """Turn stored samples into grey or RGB with unassociated alpha."""
    tops = range(0, len(stored.samples), _ROWS)
    parts = [_decode(stored, stored.samples[top : top + _ROWS]) for top in tops]
    alphas = [each.alpha for each in parts if each.alpha is not None]
    return Decoded(
        np.concatenate([each.pixels for each in parts]), np.concatenate(alphas) if alphas else None
    )


def encode(photo: Photo, stored: Stored) -> Array:
    """Return the samples of a photo. Where its pixels are those of ``stored``, so are its samples."""
    out = stored.samples.copy()
    for top in range(0, len(out), _ROWS):
        rows = slice(top, top + _ROWS)
        before = _decode(stored, out[rows])
        changed = (before.pixels != photo.pixels[rows]).any(axis=2)
        alpha = None if photo.alpha is None else photo.alpha[rows]
        if before.alpha is not None and alpha is not None:
            changed |= before.alpha != alpha
        if changed.any():
            pixels = photo.pixels[rows][changed][None]
            mixed = None if alpha is None else alpha[changed][None]
            out[rows][changed] = _encode(stored, pixels, mixed, out[rows][changed][None])[0]
    return out


def corner(photo: Photo, side: int) -> Photo:
    """The upper left corner of a photo, with all that belongs to its pixels."""
    part = (slice(0, side), slice(0, side))
    stored = None if photo.stored is None else replace(photo.stored, samples=photo.stored.samples[part])
    return replace(
        photo,
        pixels=photo.pixels[part],
        alpha=None if photo.alpha is None else photo.alpha[part],
        extra=None if photo.extra is None else photo.extra[part],
        stored=stored,
    )


def _decode(stored: Stored, samples: Array) -> Decoded:
    colours = samples[..., : stored.colours]
    alpha = None if stored.alpha is None else samples[..., stored.alpha]
    if stored.photometric in (tiff.CIELAB, tiff.ICCLAB):
        pixels = _from_lab(_lab(colours, stored.photometric))
    elif stored.photometric == tiff.CMYK:
        pixels = _from_cmyk(colours, stored.profile)
    elif stored.photometric == tiff.YCBCR:
        pixels = _from_ycbcr(colours)
    else:
        pixels = colours
    if alpha is not None and pixels.dtype != samples.dtype:
        alpha = alpha.astype(np.uint16) * 257
    if stored.associated and alpha is not None:
        deep = int(np.iinfo(pixels.dtype).max)
        opacity = np.maximum(alpha, 1)[..., None].astype(np.float64) / deep
        pixels = np.where(alpha[..., None] == 0, pixels, np.rint(np.minimum(pixels / opacity, deep)))
        pixels = pixels.astype(np.uint16 if deep > 255 else np.uint8)
    return Decoded(pixels, alpha)


def _encode(stored: Stored, pixels: Array, alpha: Array | None, samples: Array) -> Array:
    """Put pixels and alpha, ``1×N×C`` and ``1×N``, into samples, ``1×N×S``; further samples stay."""
    samples = samples.copy()
    if stored.associated and alpha is not None:
        full = int(np.iinfo(pixels.dtype).max)
        pixels = np.rint(pixels * (alpha[..., None] / full)).astype(pixels.dtype)
    full = int(np.iinfo(samples.dtype).max)
    if stored.photometric in (tiff.CIELAB, tiff.ICCLAB):
        colours = _lab_samples(_to_lab(pixels), stored.photometric, full)
    elif stored.photometric == tiff.CMYK:
        colours = _to_cmyk(pixels, stored.profile, full)
    elif stored.photometric == tiff.YCBCR:
        colours = _to_ycbcr(pixels)
    else:
        colours = pixels
    samples[..., : stored.colours] = colours
    if stored.alpha is not None and alpha is not None:
        samples[..., stored.alpha] = alpha if alpha.dtype == samples.dtype else np.rint(alpha / 257)
    return samples


def _lab(samples: Array, photometric: int) -> Floats:
    """L* in 0 to 100, a* and b* of samples."""
    full = int(np.iinfo(samples.dtype).max)
    step = 1 if full == 255 else 256
    if photometric == tiff.ICCLAB:  # a* and b* are shifted; 16 bits reach to 0xFF00
        lightness = samples[..., :1] * (100 / (255 * step))
        return np.concatenate([lightness, samples[..., 1:] / step - 128.0], axis=-1)
    signed = np.ascontiguousarray(samples[..., 1:]).view(np.int8 if full == 255 else np.int16)
    return np.concatenate([samples[..., :1] * (100 / full), signed.astype(np.float64) / step], axis=-1)


def _lab_samples(lab: Floats, photometric: int, full: int) -> Array:
    step = 1 if full == 255 else 256
    if photometric == tiff.ICCLAB:
        scaled = np.concatenate([lab[..., :1] * (255 * step / 100), (lab[..., 1:] + 128) * step], axis=-1)
        return np.asarray(np.rint(scaled).clip(0, full), dtype=np.uint8 if full == 255 else np.uint16)
    half = (full + 1) // 2
    shades = np.rint(lab[..., 1:] * step).clip(-half, half - 1).astype(np.int64) & full
    return np.concatenate([np.rint(lab[..., :1] * (full / 100)).clip(0, full), shades], axis=-1)


def _from_lab(lab: Floats) -> Array:
    y = (lab[..., 0] + 16) / 116
    roots = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], axis=-1)
    xyz = np.where(roots > 6 / 29, roots**3, 3 * (6 / 29) ** 2 * (roots - 4 / 29)) * _WHITE
    light = (xyz @ np.linalg.inv(_TO_XYZ).T).clip(0, 1)
    return np.asarray(np.rint(light ** (1 / _EXPONENT) * 65535), dtype=np.uint16)


def _to_lab(pixels: Array) -> Floats:
    ratio = (pixels / 65535.0) ** _EXPONENT @ _TO_XYZ.T / _WHITE
    roots = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(roots, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def _from_ycbcr(samples: Array) -> Array:
    y, blue, red = np.moveaxis(samples.astype(np.float64), -1, 0)
    blue, red = blue - 128, red - 128
    r, b = y + (2 - 2 * _LUMA[0]) * red, y + (2 - 2 * _LUMA[2]) * blue
    g = (y - _LUMA[0] * r - _LUMA[2] * b) / _LUMA[1]
    return np.asarray(np.rint(np.stack([r, g, b], axis=-1)).clip(0, 255), dtype=np.uint8)


def _to_ycbcr(pixels: Array) -> Array:
    y = pixels @ _LUMA
    blue = (pixels[..., 2] - y) / (2 - 2 * _LUMA[2]) + 128
    red = (pixels[..., 0] - y) / (2 - 2 * _LUMA[0]) + 128
    return np.asarray(np.rint(np.stack([y, blue, red], axis=-1)).clip(0, 255), dtype=np.uint8)


def _from_cmyk(samples: Array, profile: bytes | None) -> Array:
    image = _image(samples, "cmyk", profile or bytes(pyvips.Operation.call("profile_load", "cmyk")))
    image = image.icc_import(embedded=True, pcs="xyz", intent="relative")
    return _as_array(_with_profile(image, WIDE).icc_export(depth=16, pcs="xyz", intent="relative"))


def _to_cmyk(pixels: Array, profile: bytes | None, full: int) -> Array:
    """Find the inks whose colour is ``pixels``.

    The two directions of a CMYK profile are tables of their own, and differ visibly. So what is wrong with
    the colour of the inks is corrected, twice.
    """
    target = wanted = pixels.astype(np.float64)
    for _ in range(2):
        wanted = wanted + target - _from_cmyk(_inks(wanted, profile, full), profile)
    return _inks(wanted, profile, full)


def _inks(colours: Floats, profile: bytes | None, full: int) -> Array:
    steps = np.rint(colours).clip(0, 65535).astype(np.uint16)
    image = _image(steps, "rgb16", WIDE).icc_import(embedded=True, pcs="xyz", intent="relative")
    image = _with_profile(image, profile or bytes(pyvips.Operation.call("profile_load", "cmyk")))
    return _as_array(image.icc_export(depth=8 if full == 255 else 16, pcs="xyz", intent="relative"))


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
