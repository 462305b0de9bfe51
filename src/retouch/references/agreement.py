"""How well a warped reference agrees with the photo's known pixels, and what that says of the hole."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.imaging.colour import LUMA
from retouch.ops.masks import Mask
from retouch.references.views import Image

_AROUND = 17  # side of the area that is correlated, in pixels
_PLAIN = 4e-4  # variance below which there is nothing to correlate
_OFF, _FAR_OFF = 0.045, 0.2  # difference of colour that makes the agreement 1/e
_ALIKE = (0.2, 0.7)  # correlations that mean nothing and everything


def differences(image: Image, reference: Image) -> Image:
    """How far two pictures differ at each pixel, forgiving a shift of one pixel, ``h×w``.

    A value of the one is compared with the range of the other's neighbours (Birchfield and Tomasi, 1998), and
    the other way round; the smaller difference counts.
    """
    found = []
    kernel = np.ones((3, 3), np.uint8)
    for one, other in ((image, reference), (reference, image)):
        low, high = cv2.erode(other, kernel), cv2.dilate(other, kernel)
        found.append(largest(np.maximum(one - high, low - one)))
    return np.asarray(cv2.blur(np.maximum(np.minimum(*found), 0), (3, 3)), np.float32)


def largest(image: Image) -> Image:
    """The largest of three channels: numpy's own maximum along the last axis is ten times as slow."""
    return np.maximum(np.maximum(image[..., 0], image[..., 1]), image[..., 2])


def agreement(image: Image, reference: Image, both: Mask, *, any_light: bool = False) -> Image:
    """How sure it is that two pictures show the same, ``h×w`` in [0, 1]; 0 where not ``both`` are known.

    Colours must be near, and brightness around must go up and down together. With ``any_light`` colours may
    be as far apart as another season makes them.
    """
    known = both.astype(np.float32)
    off = differences(image, reference)
    count = cv2.blur(known, (5, 5)) + np.float32(1e-6)
    off = cv2.blur(off * known, (5, 5)) / count
    like = correlation(image @ LUMA, reference @ LUMA, known)
    low, high = _ALIKE
    sure = np.exp(-((off / (_FAR_OFF if any_light else _OFF)) ** 2)) * ((like - low) / (high - low)).clip(
        0, 1
    )
    return np.asarray(sure * known, np.float32)


def correlation(one: Image, other: Image, known: Image) -> Image:
    """The correlation of two grey pictures around each pixel; 1 where both are plain."""
    side = (_AROUND, _AROUND)
    count = cv2.blur(known, side) + np.float32(1e-6)

    def mean(values: Image) -> Image:
        return np.asarray(cv2.blur(values * known, side) / count, np.float32)

    first, second = mean(one), mean(other)
    # Noise must not count against plain areas, but texture on one side only must.
    varies = (
        np.maximum(mean(one * one) - first * first, 0),
        np.maximum(mean(other * other) - second * second, 0),
    )
    together = mean(one * other) - first * second
    return np.asarray((together + _PLAIN) / (np.maximum(*varies) + _PLAIN), np.float32)


def spread(values: NDArray[np.float32], weight: Image) -> NDArray[np.float32]:
    """Carry values on into where nothing has weight: from near if there is something near (pull and push).

    Args:
        values: ``h×w``.
        weight: ``h×w``, 0 where the value means nothing.
    """
    if min(values.shape) < 2:
        return np.full_like(values, (values * weight).sum() / max(float(weight.sum()), 1e-9))
    share = np.minimum(weight, 1)
    carried = [np.asarray(cv2.pyrDown(each), np.float32) for each in (values * weight, weight)]
    shares = np.asarray(carried[0] / np.maximum(carried[1], 1e-6), np.float32)
    below = spread(shares, carried[1])
    size = (values.shape[1], values.shape[0])
    coarse = cv2.resize(below, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(values * share + coarse * (1 - share), np.float32)
