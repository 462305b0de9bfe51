"""Tell colours, transparency and other channels of a file apart, and put them together again.

Source: TIFF 6.0, sections 16 (inks), 18 (ExtraSamples) and 21 (YCbCr).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from retouch.errors import RetouchError
from retouch.imaging import colour_models, encodings, tiff
from retouch.imaging.photo import Array, Photo, Stored, join_alpha, split_alpha
from retouch.imaging.tags import Tags

_COMPRESSION = 259
_INK_SET, _SUBSAMPLING, _BLACK_AND_WHITE = 332, 530, 532
_EXPLAINING = (_INK_SET, 333, 334, 336, 529, 531, _BLACK_AND_WHITE)  # inks, their names and range; YCbCr
_JPEG = (6, 7)  # compressions that turn YCbCr to RGB when they are decoded
_EXACT = (1, 5, 8, 32773, 32946, 34925, 34926, 50000)  # compressions that give what was put in
_FULL_RANGE = [0, 255, 128, 255, 128, 255]
_OTHERS = 2  # unspecified channels beside grey; more are measurements, not a photo
_SAMPLE, _ISOLATED = 2048, 0.04  # pixels looked at along a side; the share of single dots in dithered photos


def check(name: str, page: tiff.Page, bands: int) -> None:
    """Raise :class:`RetouchError` if the channels of a TIFF are not those of a photo that can be filled."""
    if page.colours == 1 and len(page.extra) > _OTHERS:
        raise RetouchError(
            f"{name} has {bands} channels of no stated meaning; convert it to grey or RGB first."
        )
    if page.colours == 0 or bands != page.colours + len(page.extra):
        raise RetouchError(
            f"{name} has {bands} channels of photometric interpretation {page.photometric}; "
            "convert it to grey or RGB first."
        )
    if page.photometric == tiff.CMYK and page.integer(_INK_SET, 1) != 1:
        raise RetouchError(f"{name} has other inks than CMYK; convert it to RGB first.")
    if page.photometric == tiff.YCBCR and page.integer(_COMPRESSION, 1) not in _JPEG:
        limits = page.structure.rationals(page.fields.get(_BLACK_AND_WHITE))
        usual = limits in ([], _FULL_RANGE) and page.integers(_SUBSAMPLING) == [1, 1] and page.bits == 8
        if not usual or not _is_plain_ycbcr(page):
            raise RetouchError(
                f"{name} is a YCbCr TIFF of a kind that cannot be read here; convert it to RGB first."
            )


def needs_plain_samples(page: tiff.Page) -> bool:
    """Whether libvips would change the samples of a page, so that they could not be written back."""
    return page.photometric == tiff.CIELAB or _is_plain_ycbcr(page) or tiff.ASSOCIATED in page.extra


def interpret(samples: Array, page: tiff.Page | None, profile: bytes | None) -> Photo:
    """Make a photo of the channels of a file.

    Args:
        samples: ``H×W×S`` uint8 or uint16, upright.
        page: what a TIFF says about its channels; None = grey or RGB, perhaps with alpha as the last channel.
        profile: the embedded ICC profile.
    """
    if page is None:
        return Photo(*split_alpha(samples), profile)
    colours = page.colours
    alpha = next((colours + at for at, kind in enumerate(page.extra) if kind != tiff.UNSPECIFIED), None)
    others = [colours + at for at, kind in enumerate(page.extra) if kind == tiff.UNSPECIFIED]
    extra = samples[..., others] if others else None
    associated = alpha is not None and page.extra[alpha - colours] == tiff.ASSOCIATED
    opacity = None if alpha is None else samples[..., alpha]
    foreign = page.photometric in (tiff.CIELAB, tiff.ICCLAB, tiff.CMYK)
    if not foreign and not associated and not _is_plain_ycbcr(page):
        return Photo(samples[..., :colours], opacity, profile, extra=extra)
    plain = tiff.RGB if colours == 3 else tiff.BLACK_IS_ZERO
    photometric = page.photometric if foreign or _is_plain_ycbcr(page) else plain
    stored = Stored(samples, photometric, colours, alpha, associated, profile)
    pixels, opacity = encodings.decode(stored)
    return Photo(pixels, opacity, colour_models.WIDE if foreign else profile, extra=extra, stored=stored)


def samples_of(photo: Photo) -> tuple[Array, Tags]:
    """Return the channels of a photo as a TIFF stores them, ``H×W×S``, and the tags that explain them."""
    layout = photo.header.tiff
    if photo.stored is not None:
        explained: Tags = {tiff.PHOTOMETRIC: tiff.short(photo.stored.photometric)} | layout.tags
        if photo.stored.photometric == tiff.YCBCR:
            explained[_SUBSAMPLING] = tiff.short(1, 1)
        samples = encodings.encode(photo, photo.stored)
    elif photo.extra is None:
        samples, explained = join_alpha(photo), {}
    else:
        rest = iter(np.moveaxis(photo.extra, -1, 0))
        parts: list[Any] = [photo.alpha if kind != tiff.UNSPECIFIED else next(rest) for kind in layout.extra]
        samples, explained = np.concatenate([photo.pixels, np.stack(parts, axis=-1)], axis=-1), {}
    if layout.white_is_zero and photo.pixels.shape[2] == 1:
        samples = np.concatenate([~samples[..., :1], samples[..., 1:]], axis=-1)
        explained = explained | {tiff.PHOTOMETRIC: tiff.short(tiff.WHITE_IS_ZERO)}
    if layout.extra and samples.shape[2] > 1:
        explained = explained | {tiff.EXTRA_SAMPLES: tiff.short(*layout.extra)}
    return samples, explained


def colours_and_alpha(photo: Photo) -> Array:
    """Return grey or RGB, and alpha if there is one, ``H×W×C``."""
    return photo.pixels if photo.alpha is None else join_alpha(photo)


def ink_tags(page: tiff.Page) -> Tags:
    """Return the tags that explain CMYK or YCbCr channels."""
    if page.photometric not in (tiff.CMYK, tiff.YCBCR):
        return {}
    return {tag: page.structure.value(page.fields[tag]) for tag in _EXPLAINING if tag in page.fields}


def with_bits(photo: Photo, bits: int | None, *, two_colours: bool) -> Photo:
    """Note that a file has fewer bits a channel than its dtype.

    Args:
        photo: the photo; values of 10 or 12 bits lie in the upper bits of 16, as libvips leaves them.
        bits: bits a channel.
        two_colours: whether the photo is RGB, but black and white.
    """
    if bits is None or (bits < 8 and (photo.alpha is not None or photo.extra is not None)):
        return photo
    if bits > 8:
        alpha = None if photo.alpha is None else _full_range(photo.alpha, bits)
        return replace(photo, pixels=_full_range(photo.pixels, bits), alpha=alpha, bits=bits)
    pixels = photo.pixels[..., :1] if two_colours else photo.pixels
    return replace(photo, pixels=pixels, bits=bits, dithered=bits == 1 and _dithered(pixels[..., 0]))


def _full_range(values: Array, bits: int) -> Array:
    steps = (values >> (16 - bits)).astype(np.uint32)
    full = 2**bits - 1
    return np.asarray((steps * 65535 + full // 2) // full, dtype=np.uint16)


def _dithered(pixels: Array) -> bool:
    """Whether black and white stand for greys: many dots differ from all four neighbours."""
    top, left = (max(0, (side - _SAMPLE) // 2) for side in pixels.shape)
    white = pixels[top : top + _SAMPLE, left : left + _SAMPLE] > 0
    middle = white[1:-1, 1:-1]
    if not middle.size:
        return False
    single = (middle != white[:-2, 1:-1]) & (middle != white[2:, 1:-1])
    single &= (middle != white[1:-1, :-2]) & (middle != white[1:-1, 2:])
    return bool(single.mean() > _ISOLATED)


def _is_plain_ycbcr(page: tiff.Page) -> bool:
    return page.photometric == tiff.YCBCR and page.integer(_COMPRESSION, 1) in _EXACT
