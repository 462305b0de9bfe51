"""Find the dates that cameras of film burnt into a corner: glowing orange digits of seven segments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.ops.masks import Mask

Image = NDArray[np.float32]

CORNER = (0.28, 0.5)
"""Height and width of the corners that are looked at, as parts of the photo's."""
_SIDE = 1200
"""Photos with a longer short side are looked at smaller, in pixels."""
_RED, _ORANGE, _GLOW = 0.5, 0.22, 0.12
"""The least red; the least difference of red to blue; and that beyond what is around."""
_STROKE = 0.6
"""A stroke is at least this bright a part of the brightest; the rest is the glow around it."""
_TALL = (0.008, 0.09)
"""The height of digits, as parts of the photo's short side."""
_DIGITS = 4
"""A date has at least so many digits, …"""
_SHAPES = 2
"""… of which at least so many have more shape than a 1."""
_SLANTS = (0.0, 0.08, 0.16, 0.24)
_LIT = 0.6
"""How much of the best row or column through a segment's place must be bright if it is lit."""

# Segments: top, upper left, upper right, middle, lower left, lower right, bottom.
_SEGMENTS = (
    "1110111", "1011101", "1011011", "0111010", "1101011",
    "1101111", "1010010", "1111111", "1111011", "1111010",
)  # fmt: skip
"""Which segments are lit in 0, 2 to 9, and a 9 without its foot; a 1 is told by its width."""
_PLACES = (
    (0.0, 0.2, 0.3, 0.75), (0.15, 0.4, 0.0, 0.32), (0.15, 0.4, 0.68, 1.0), (0.4, 0.6, 0.3, 0.7),
    (0.6, 0.85, 0.0, 0.32), (0.6, 0.85, 0.68, 1.0), (0.8, 1.0, 0.25, 0.7),
)  # fmt: skip
"""Rows and columns of each segment's middle, as parts of a digit."""
_LEVEL = (0, 3, 6)
_HOLLOW = ((0.22, 0.38, 0.35, 0.65), (0.62, 0.78, 0.35, 0.65))
"""Between segments it is dark."""
_SMALLEST = (8, 4)
"""Height and width of the smallest digit that can be read, in pixels."""
_HIGH = 0.68
"""The least height of a digit, as a part of the line's: a 1 and a 4 have no level stroke at their ends."""
_WIDE = 0.62
"""The width of a digit and its share of the gap, as a part of its height."""


@dataclass(frozen=True)
class Stamp:
    """A date in a photo.

    Attributes:
        corners: ``4×2``, column and row of the corners of a box around it.
        mask: ``H×W`` bool, its digits and what glows around them.
    """

    corners: NDArray[np.float64]
    mask: Mask


def find_date_stamps(image: Image) -> list[Stamp]:
    """Find the dates in the corners of a photo, also of one that lies on its side.

    Args:
        image: ``H×W×3`` sRGB in [0, 1].
    """
    height, width = image.shape[:2]
    scale = max(1.0, min(height, width) / _SIDE)
    small = image
    if scale > 1:
        size = (round(width / scale), round(height / scale))
        small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.float32)
    found: list[Mask] = []
    for turns in (0, 1, 3, 2):
        for mask in _upright(np.ascontiguousarray(np.rot90(small, turns))):
            back = np.ascontiguousarray(np.rot90(mask, -turns))
            if not any((back & other).any() for other in found):
                found.append(back)
    return [_stamp(mask, (height, width)) for mask in found]


def _stamp(mask: Mask, shape: tuple[int, int]) -> Stamp:
    whole = mask
    if mask.shape != shape:
        grown = cv2.resize(mask.view(np.uint8), shape[::-1], interpolation=cv2.INTER_LINEAR)
        whole = np.ascontiguousarray(cv2.dilate(grown, np.ones((3, 3), np.uint8))).view(np.bool_)
    left, top, wide, tall = cv2.boundingRect(whole.view(np.uint8))
    corners = [(left, top), (left + wide, top), (left + wide, top + tall), (left, top + tall)]
    return Stamp(np.array(corners, np.float64), whole)


def _upright(image: Image) -> Iterator[Mask]:
    """Dates in the corners that stand upright, ``H×W`` each."""
    height, width = image.shape[:2]
    short = min(height, width)
    tall, wide = max(1, round(CORNER[0] * height)), max(1, round(CORNER[1] * width))
    for rows in (slice(0, tall), slice(height - tall, height)):
        for columns in (slice(0, wide), slice(width - wide, width)):
            crop = image[rows, columns]
            orange = (crop[..., 0] - crop[..., 2]).clip(0, 1)
            beyond = orange - _around(orange, short)
            hue = (crop[..., 1] >= crop[..., 2] - 0.05) & (crop[..., 1] <= crop[..., 0] + 0.05)
            glowing = hue & (crop[..., 0] > _RED) & (orange > _ORANGE) & (beyond > _GLOW)
            for box in _lines(glowing, short):
                left, top, right, bottom = box
                bright = beyond[top:bottom, left:right]
                if not _is_date(
                    bright > _STROKE * np.quantile(bright[glowing[top:bottom, left:right]], 0.95)
                ):
                    continue
                reach = max(2, (bottom - top) // 5)
                area = np.zeros(glowing.shape, np.uint8)
                area[top:bottom, left:right] = glowing[top:bottom, left:right]
                near = cv2.dilate(area, np.ones((2 * reach + 1,) * 2, np.uint8)) > 0
                halo = near & (beyond > _GLOW / 3)
                margin = np.ones((2 * max(1, reach // 2) + 1,) * 2, np.uint8)
                whole = np.zeros((height, width), bool)
                whole[rows, columns] = (cv2.dilate(area, margin) > 0) | halo
                yield whole


def _around(orange: Image, short: int) -> Image:
    """What is orange around each pixel: the median of a square wider than a stroke of a digit."""
    step = max(1, short // 300)
    size = tuple(max(1, side // step) for side in orange.shape[::-1])
    small = cv2.resize(orange, size, interpolation=cv2.INTER_AREA)
    levels = cv2.medianBlur(np.rint(small * 255).astype(np.uint8), 25)
    whole = cv2.resize(levels, orange.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(whole, np.float32) / np.float32(255)


def _lines(glowing: Mask, short: int) -> list[tuple[int, int, int, int]]:
    """Boxes of what may be a line of digits: left, top, right, bottom."""
    joined = cv2.dilate(
        glowing.view(np.uint8), np.ones((max(3, short // 150), max(5, short // 10)), np.uint8)
    )
    count, labels = cv2.connectedComponents(joined, connectivity=8)
    found = []
    for each in range(1, count):
        left, top, wide, tall = cv2.boundingRect(((labels == each) & glowing).view(np.uint8))
        if _TALL[0] * short <= tall <= _TALL[1] * short and 2 * tall <= wide:
            found.append((left, top, left + wide, top + tall))
    return found


def _is_date(line: Mask) -> bool:
    """Whether a line of glowing pixels has the digits of a date."""
    return any(_has_digits(_sheared(line, slant)) for slant in _SLANTS)


def _sheared(line: Mask, slant: float) -> Mask:
    """Set digits upright that lean to the right."""
    tall, wide = line.shape
    matrix = np.array([[1, slant, 0], [0, 1, 0]])
    size = (wide + int(slant * tall) + 1, tall)
    return np.ascontiguousarray(cv2.warpAffine(line.view(np.uint8) * 255, matrix, size) > 127)


def _has_digits(line: Mask) -> bool:
    tall = line.shape[0]
    columns = np.flatnonzero(line.any(axis=0))
    shapes = ones = others = 0
    for part in np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1):
        joined = line[:, part[0] : part[-1] + 1]
        # Digits whose glow meets are cut into as many as they are wide.
        count = max(1, round(joined.shape[1] / (_WIDE * tall)))
        for glyph in np.array_split(joined, count, axis=1):
            rows = np.flatnonzero(glyph.any(axis=1))
            glyph = glyph[rows[0] : rows[-1] + 1]
            high, wide = glyph.shape
            if high < _HIGH * tall:
                others += high > 0.5 * tall  # apostrophes, dots and dashes are smaller
            elif wide < 0.35 * high:
                ones += bool(glyph.mean() > 0.5)
            elif _is_digit(glyph):
                shapes += 1
            else:
                others += 1
    return shapes >= _SHAPES and shapes + ones >= _DIGITS and shapes + ones > 2 * others


def _is_digit(glyph: Mask) -> bool:
    """Whether some segments glow and the others do not, as in a digit."""
    if glyph.shape < _SMALLEST or glyph.shape[1] < _SMALLEST[1]:
        return False
    if any(_part(glyph, place).mean() > 0.5 for place in _HOLLOW):
        return False
    read = ""
    for number, place in enumerate(_PLACES):
        part = _part(glyph, place)
        # A stroke is thinner than its place: the best row or column through the place counts.
        lit = part.mean(axis=1 if number in _LEVEL else 0).max()
        read += "1" if lit > _LIT else "0"
    return read in _SEGMENTS


def _part(glyph: Mask, place: tuple[float, float, float, float]) -> Mask:
    """Rows and columns of a digit, given as parts of it; at least one each."""
    spans = []
    for low, high, length in ((*place[:2], glyph.shape[0]), (*place[2:], glyph.shape[1])):
        first = min(round(low * length), length - 1)
        spans.append(slice(first, max(round(high * length), first + 1)))
    return glyph[spans[0], spans[1]]
