"""Samples that are no plain grey or RGB: how they become RGB, and how what was filled goes back.

A TIFF may hold colours multiplied by alpha, L*a*b*, YCbCr or CMYK. Models get RGB with unassociated alpha.
The samples are kept beside it, and all that were not filled are written back as they were.

Source: TIFF 6.0, sections 18, 21 and 23.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from retouch.imaging import colour_models, tiff
from retouch.imaging.photo import Array, Photo, Stored

_ROWS = 256  # converted at a time, to keep memory low


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
            samples = _encode(stored, pixels, mixed, out[rows][changed][None])[0]
            copied = None if stored.copied is None or stored.associated else stored.copied[rows][changed]
            if copied is not None and copied.any():
                there = out[rows][changed][copied]
                again = _encode(stored, before.pixels[changed][copied][None], None, there[None])[0]
                samples[copied] = _corrected(there, samples[copied], again, stored.colours)
            out[rows][changed] = samples
    return out


def _corrected(samples: Array, wanted: Array, own: Array, colours: int) -> Array:
    """Correct samples by how two encodings differ.

    Many mixtures of inks have one colour, and that of the samples is kept.
    """
    corrected = wanted.copy()
    step = wanted[..., :colours].astype(np.int32) - own[..., :colours]
    full = np.iinfo(samples.dtype).max
    corrected[..., :colours] = (samples[..., :colours] + step).clip(0, full).astype(samples.dtype)
    return corrected


def corner(photo: Photo, side: int) -> Photo:
    """The upper left corner of a photo, with all that belongs to its pixels."""
    part = (slice(0, side), slice(0, side))
    stored = (
        None
        if photo.stored is None
        else replace(photo.stored, samples=photo.stored.samples[part], copied=None)
    )
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
        pixels = colour_models.from_lab(colour_models.lab_of(colours, stored.photometric))
    elif stored.photometric == tiff.CMYK:
        pixels = colour_models.from_cmyk(colours, stored.profile)
    elif stored.photometric == tiff.YCBCR:
        pixels = colour_models.from_ycbcr(colours)
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
        colours = colour_models.lab_samples(colour_models.to_lab(pixels), stored.photometric, full)
    elif stored.photometric == tiff.CMYK:
        colours = colour_models.to_cmyk(pixels, stored.profile, full)
    elif stored.photometric == tiff.YCBCR:
        colours = colour_models.to_ycbcr(pixels)
    else:
        colours = pixels
    samples[..., : stored.colours] = colours
    if stored.alpha is not None and alpha is not None:
        samples[..., stored.alpha] = alpha if alpha.dtype == samples.dtype else np.rint(alpha / 257)
    return samples
