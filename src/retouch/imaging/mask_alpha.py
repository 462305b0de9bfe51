"""Transparency of a mask: strokes on a transparent layer, or a hole in a copy of the photo."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from retouch.errors import RetouchError
from retouch.imaging.photo import Array, Photo

Mask = NDArray[np.bool_]
Meaning = Literal["strokes", "erased", "brightness"]

OPTIONS = (
    "use --mask-from inverted-alpha to fill what is transparent, --mask-from alpha to fill what is opaque, "
    "or --mask-from luminance to go by brightness (mask_from= in Python)"
)

_LUMA = (0.299, 0.587, 0.114)
_LEAST = 0.1  # of the picture
_SAMPLE = 256  # rows and columns, at most, that are compared
_LIKE = 0.9  # correlation of brightness; a copy in other colours or as JPEG stays above
_VARIED = 4  # of 255; the deviation from which on brightness can be compared
_COLOURS, _COVERED = 32, 0.95  # strokes have few colours; a photo needs many to cover most of its pixels
_BLACK = 0.1  # of white; and the share of greys between black and white
_OPAQUE = 0.9  # of the range; lossy formats make full opacity a little less


def says_something(alpha: Array, full: int) -> bool:
    """Whether transparency carries a mask: it varies, and somewhere by more than noise."""
    return bool(alpha.min() <= _OPAQUE * full and alpha.min() < alpha.max())


def meaning(pixels: Array, opaque: Mask, photo: Photo, full: int, name: str) -> Meaning:
    """Tell by content what the transparency of a mask means.

    An erased copy shows the photo wherever it is opaque, and is opaque in most of the picture, its border
    included. Strokes have few colours, other ones than the photo beneath, and cover less than half. Whatever
    covers less than a tenth is meant itself: nobody fills all the rest. What is opaque in most of the picture
    and black and white there, both of it, is a mask by its brightness.

    Args:
        pixels: ``H×W×1`` or ``H×W×3``, the colours of the picture.
        opaque: ``H×W`` bool, where it is opaque.
        photo: the photo that the mask is for.
        full: white, in ``pixels``.
        name: what error messages call the mask.

    Raises:
        RetouchError: it could be either, such as an object that was cut out.
    """
    if opaque.mean() < _LEAST:
        return "strokes"
    rows, columns = (np.linspace(0, each - 1, min(each, _SAMPLE)).astype(np.intp) for each in opaque.shape)
    seen = opaque[rows][:, columns]
    colours = pixels[rows][:, columns] * (255 / full)
    below = [
        ((each + 0.5) * new / old).astype(np.intp)
        for each, new, old in zip((rows, columns), photo.pixels.shape, opaque.shape, strict=False)
    ]
    beneath = np.nan_to_num(photo.pixels[below[0]][:, below[1]].astype(np.float64))
    beneath *= 255 / max(float(beneath.max()), 1e-9)
    copy = _alike(_brightness(colours)[seen], _brightness(beneath)[seen])
    most = bool(opaque.mean() > 0.5)
    border = np.concatenate([opaque[0], opaque[-1], opaque[:, 0], opaque[:, -1]])
    if copy and most and border.mean() > 0.5 and name == "mask":
        return "erased"
    if not copy and not most and not _many_colours(colours[seen]):
        return "strokes"
    if most and _black_and_white(colours[seen]):
        return "brightness"
    shown = "shows the photo" if copy else "is most of it" if most else "looks like a photo"
    how = OPTIONS if name == "mask" else "give it in black and white, without transparency"
    raise RetouchError(
        f"What is opaque in the {name} {shown}, so it is not clear whether that or the transparent part is "
        f"meant; {how}."
    )


def _black_and_white(colours: NDArray[np.float64]) -> bool:
    black, white = ((colours < 255 * _BLACK).all(axis=1), (colours > 255 * (1 - _BLACK)).all(axis=1))
    return bool((black | white).mean() > 1 - _BLACK and black.any() and white.any())


def _brightness(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(colours[..., 0] if colours.shape[2] == 1 else colours @ np.array(_LUMA))


def _alike(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    if one.size < 2 or min(one.std(), other.std()) < _VARIED:
        return False  # nothing to compare: plain strokes, or a plain photo
    return bool(np.corrcoef(one, other)[0, 1] > _LIKE)


def _many_colours(colours: NDArray[np.float64]) -> bool:
    coarse = (colours / 8).astype(np.intp) @ (32 ** np.arange(colours.shape[1]))
    counts = np.sort(np.bincount(coarse))[::-1]
    return bool(counts[:_COLOURS].sum() < _COVERED * counts.sum())
