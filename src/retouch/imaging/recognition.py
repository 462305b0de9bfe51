"""Tell masks from photos, so that a photo given as a mask is noticed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retouch.imaging.photo import Array, split_alpha

Grey = NDArray[np.float64]

_SAMPLE = 1000  # rows and columns, at most, of which values are looked at
_SIDE = 512  # pixels, at most, on the longer side of the picture whose texture is looked at
_LUMA = (0.299, 0.587, 0.114)

# Chosen on 440 masks (plain, as JPEG, resized, blurred) and 1,400 photos in grey.
_COLOURED, _COLOURED_SHARE = 32, 0.0005  # a gap between channels, of 255; the share of pixels that have it
_DARK, _LIGHT, _EXTREME_SHARE = 24, 231, 0.55  # masks are mostly black and white
_SEPARATION = 0.93  # the share of the variance that two grey values explain
_STEP, _TEXTURE_SHARE = 4, 0.12  # soft edges bend slowly; photos have texture


def photo_trait(array: Array) -> str | None:
    """Return what makes a picture look like a photo and not like a mask; None if it could be a mask.

    A mask is black and white, or has two other grey values. It may be a JPEG, have soft edges, or be drawn on
    a transparent layer; then only its alpha counts.

    Args:
        array: ``H×W`` or ``H×W×C`` with 1 to 4 channels (2 and 4 have alpha), uint8, uint16, or floats in
            [0, 1].

    Returns:
        What the picture is or has, such as "is in colour".
    """
    pixels, alpha = split_alpha(array)
    if alpha is not None and alpha.min() < _full(alpha):
        pixels = alpha[..., None]
    sample = _to_255(pixels[:: -(-len(pixels) // _SAMPLE), :: -(-pixels.shape[1] // _SAMPLE)])
    if (np.ptp(sample, axis=2) > _COLOURED).mean() > _COLOURED_SHARE:
        return "is in colour"
    if not _two_values(_grey(sample)) and _textured(pixels):
        return "has many shades of grey"
    return None


def black_and_white(pixels: Array) -> bool:
    """Whether a picture without alpha, ``H×W×C``, is made of two grey values as a mask is."""
    return photo_trait(pixels) is None and np.ptp(pixels) > 0


def _two_values(grey: Grey) -> bool:
    """Whether nearly all pixels are black or white, or near one of two other values."""
    if ((grey <= _DARK) | (grey >= _LIGHT)).mean() >= _EXTREME_SHARE:
        return True
    # Otsu, "A Threshold Selection Method from Gray-Level Histograms", 1979: the variance between two classes.
    counts = np.bincount(np.rint(grey).astype(np.intp).ravel(), minlength=256) / grey.size
    values = np.arange(256)
    share, moment = np.cumsum(counts)[:-1], np.cumsum(counts * values)[:-1]
    mean = (counts * values).sum()
    total = (counts * (values - mean) ** 2).sum()
    split = (share > 0) & (share < 1)
    if total == 0 or not split.any():
        return True
    share, moment = share[split], moment[split]
    between = (mean * share - moment) ** 2 / (share * (1 - share))
    return bool(between.max() >= _SEPARATION * total)


def _textured(pixels: Array) -> bool:
    """Whether the grey values bend in many places, at the size of a thumbnail."""
    step = -(-max(pixels.shape[:2]) // _SIDE)
    height, width = (each // step for each in pixels.shape[:2])
    if height < 3 or width < 3:
        return False
    blocks = pixels[: height * step, : width * step].reshape(height, step, width, step, -1)
    grey = _grey(_to_255(blocks.mean(axis=(1, 3)), _full(pixels)))
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return bool((np.abs(around - 4 * grey[1:-1, 1:-1]) > _STEP).mean() > _TEXTURE_SHARE)


def _grey(pixels: Grey) -> Grey:
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels @ np.array(_LUMA)


def _to_255(pixels: Array, full: int | None = None) -> Grey:
    return pixels * (255 / (_full(pixels) if full is None else full))


def _full(array: Array) -> int:
    return 1 if array.dtype.kind == "f" else int(np.iinfo(array.dtype).max)
