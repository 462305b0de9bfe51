"""Find dust and scratches in the infrared channel of a scanner.

The dyes of colour film let infrared through; dust, hairs and scratches do not. So what is dark there is no
part of the picture. The idea is Edgar's ("Method and system for ... image defect correction", US 5266805,
1993). Silver stops infrared as it stops light: on black-and-white film the picture itself is dark there, and
nothing can be told from it.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.errors import RetouchError
from retouch.finding import SENSITIVITY, check_sensitivity
from retouch.finding.alignment import aligned
from retouch.imaging import Photo
from retouch.ops.masks import Mask, dilate, hysteresis

Values = NDArray[np.float32]

_PEAK = (0.2, 0.1, 0.04)
"""How much darker than around dust must be somewhere, at sensitivity 0, 0.5 and 1 …"""
_REST = 0.4
"""… and the share of that down to which it reaches."""
_NOISE = 5.0
"""Nothing counts that differs from its surroundings by less than this many deviations of the noise."""
_AROUND = 8
"""The surroundings are looked at on cells of so many pixels, …"""
_CELLS = 9
"""… in a square of so many cells."""
_MARGIN = 2
"""Dust is out of focus: in the picture it is wider by so many pixels, on each side."""
_HOLDER, _LEAST = 0.2, 0.01
"""The holder of the film is darker than this part of the usual, and a hundredth of the scan at least."""
_ALIKE, _STEEP = 0.75, 0.3
"""Correlation and slope, in logarithms, above which infrared shows the picture: that is silver."""
_PLAIN = 0.02
"""With less contrast, in logarithms, a picture cannot be told from another."""
_TOO_MUCH = 0.25
"""If more of the photo seems to be dust, the scan is of no use."""


def find_dust(photo: Photo, infrared: Photo, *, sensitivity: float = SENSITIVITY) -> Mask:
    """Find what an infrared scan shows of dust, hairs and scratches.

    Args:
        photo: the scan.
        infrared: the same in infrared, about as large; shifted or scaled a little. Dust is dark in it.
        sensitivity: from 0 (only what is very dark) to 1 (whatever is darker than noise).

    Returns:
        ``H×W`` bool, in the pixels of the photo.

    Raises:
        RetouchError: the film stops infrared, so it shows no dust; the scan is of something else; or the
            sensitivity is out of range.
    """
    check_sensitivity(sensitivity)
    seen = brightness(photo)
    bright = brightness(infrared)
    _check_size(seen.shape, bright.shape)
    bright = aligned(bright, seen)
    holder = _holder(bright)
    _check_film(seen, bright, holder)
    del seen
    dark = _darkness(bright)
    del bright
    peak = float(np.interp(sensitivity, (0, 0.5, 1), _PEAK))
    sample = dark[::3, ::3][~holder[::3, ::3]]
    noise = 1.4826 * float(np.median(np.abs(sample))) if sample.size else 0.0
    peak = max(peak, _NOISE * noise)
    found = hysteresis((dark > _REST * peak) & ~holder, dark > peak)
    if found.mean() > _TOO_MUCH:
        raise RetouchError(
            f"The infrared scan marks {100 * found.mean():.0f} % of the photo, so it is none of the same "
            "frame, or of no use; leave out --infrared (infrared= in Python)."
        )
    return dilate(found, _MARGIN)


def infrared_channel(photo: Photo) -> Photo:
    """Return the fourth channel of a photo, where scanners keep infrared, as a photo.

    Some programs call it alpha.

    Raises:
        RetouchError: the photo has no such channel.
    """
    if photo.extra is None and photo.alpha is None:
        raise RetouchError(
            "The scan has no fourth channel with infrared; name the file that holds it after --infrared "
            "(infrared= in Python)."
        )
    channel = photo.alpha if photo.extra is None else photo.extra[..., 0]
    assert channel is not None
    return replace(photo, pixels=channel[..., None], alpha=None, extra=None, stored=None, profile=None)


def brightness(photo: Photo) -> Values:
    """The mean of a photo's channels, ``H×W`` in [0, 1]."""
    white = np.iinfo(photo.pixels.dtype).max if photo.pixels.dtype.kind == "u" else 1
    channels = photo.pixels.shape[2]
    total = photo.pixels[..., 0].astype(np.float32)
    for each in range(1, channels):
        total += photo.pixels[..., each]
    total /= np.float32(channels * white)
    return total


def _check_size(photo: tuple[int, ...], infrared: tuple[int, ...]) -> None:
    ratios = [theirs / ours for theirs, ours in zip(infrared, photo, strict=True)]
    if max(ratios) > 1.02 * min(ratios):
        (height, width), (tall, wide) = photo, infrared
        raise RetouchError(
            f"The infrared scan ({wide} × {tall}) has another shape than the photo ({width} × {height}); "
            "scan the same frame."
        )


def _small(values: Values, step: int = _AROUND) -> Values:
    size = tuple(max(1, side // step) for side in values.shape[::-1])
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32)


def _holder(bright: Values) -> Mask:
    """Where the holder of the film covers the scan: large, at the edge, and dark in infrared."""
    usual = float(np.median(bright[::5, ::5]))
    dark = (bright < _HOLDER * usual).view(np.uint8)
    count, labels, measures, _ = cv2.connectedComponentsWithStats(dark, connectivity=4)
    large = measures[:, cv2.CC_STAT_AREA] >= _LEAST * bright.size
    large[0] = False
    rim = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    beside = np.zeros(count, bool)
    beside[rim] = True
    covered = np.asarray((large & beside)[labels])
    return dilate(covered, _MARGIN + 2) if covered.any() else covered


def _check_film(seen: Values, bright: Values, holder: Mask) -> None:
    """Raise :class:`RetouchError` if infrared shows the picture itself."""
    ours, theirs = (np.log(_small(each) + np.float32(0.01)) for each in (seen, bright))
    known = _small(holder.astype(np.float32)) == 0
    ours, theirs = (
        ours[: known.shape[0], : known.shape[1]][known],
        theirs[: known.shape[0], : known.shape[1]][known],
    )
    # Dust must not decide: the middle nine tenths do.
    usual = np.abs(theirs - np.median(theirs)) <= np.quantile(np.abs(theirs - np.median(theirs)), 0.9)
    ours, theirs = ours[usual], theirs[usual]
    if ours.size < 16 or min(ours.std(), theirs.std()) < _PLAIN:
        return
    alike = float(np.corrcoef(ours, theirs)[0, 1])
    steep = alike * float(theirs.std() / ours.std())
    if abs(alike) > _ALIKE and abs(steep) > _STEEP:
        raise RetouchError(
            "The infrared scan shows the picture itself, as it does for black-and-white film with silver and "
            "often for Kodachrome, so it does not tell dust; leave out --infrared (infrared= in Python)."
        )


def _darkness(bright: Values) -> Values:
    """How much darker each pixel is than its surroundings, as a part of those."""
    small = _small(bright)
    # Large pieces of dust must not darken their surroundings: three quarters of them are brighter.
    side = min(_CELLS, 2 * (min(small.shape) // 2) - 1)
    around = small
    if side >= 3:
        grown = cv2.dilate(small, np.ones((3, 3), np.uint8))
        levels = np.rint((grown / max(float(grown.max()), 1e-6)) * 255).astype(np.uint8)
        around = cv2.medianBlur(levels, side).astype(np.float32) * (float(grown.max()) / 255)
        around = cv2.GaussianBlur(np.maximum(around, 1e-4), (0, 0), side / 4)
    whole = cv2.resize(around, bright.shape[::-1], interpolation=cv2.INTER_LINEAR)
    np.maximum(whole, 1e-4, out=whole)
    dark = np.subtract(whole, bright, out=bright.copy())
    dark /= whole
    # What is slow is the lamp, and dye that stops a little infrared.
    fine = cv2.resize(_median(_small(dark)), dark.shape[::-1], interpolation=cv2.INTER_LINEAR)
    dark -= fine
    return np.asarray(dark, np.float32)


def _median(values: Values) -> Values:
    return np.asarray(cv2.medianBlur(values, 5), np.float32) if min(values.shape) >= 5 else values
