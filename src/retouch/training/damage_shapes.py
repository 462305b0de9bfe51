"""What made damage is drawn with: layers, random lines and outlines, noise. Lengths are in pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from retouch.ops.masks import Mask

Plane = NDArray[np.float32]
Image = NDArray[np.float32]
Points = NDArray[np.float64]
Range = tuple[float, float]

_FINE = 2  # shapes are drawn this much larger, and shrunk
_SHIFT = 3  # bits of a pixel in the coordinates that OpenCV draws with
_FIELD = 512  # side of the noise that is drawn once and then cut from


class Layer(NamedTuple):
    """What lies on the photo.

    Attributes:
        cover: ``H×W`` in [0, 1], how much of the photo it covers.
        colour: red, green and blue in [0, 1].
        multiplies: whether it darkens the photo like ink instead of covering it.
        area: ``H×W`` bool, where it counts as damaged if that is not where it covers most of the photo.
        even: whether it covers as much everywhere; else parts of it may be fainter.
        shadow: strength of the soft shadow beside it, 0 for none.
        over: ``H×W`` in [-1, 1], light and shade around it that is no damage by itself; None for none.
    """

    cover: Plane
    colour: Sequence[float]
    multiplies: bool = False
    area: Mask | None = None
    even: bool = False
    shadow: float = 0.0
    over: Plane | None = None


class Kind(Protocol):
    """A kind of damage."""

    share: float

    def draw(self, random: Generator, height: int, width: int) -> Layer:
        """Draw one layer."""
        ...


def between(random: Generator, limits: Range) -> float:
    """Draw a number whose logarithm is uniform between two limits, both above 0."""
    return math.exp(random.uniform(math.log(limits[0]), math.log(limits[1])))


def count(random: Generator, limits: tuple[int, int]) -> int:
    """Draw a whole number between two limits; small ones are more likely."""
    return round(between(random, limits))


def near(random: Generator, usual: float, spread: float, limits: Range) -> float:
    """Draw a number near ``usual``: its logarithm deviates by ``spread``, and it keeps to the limits."""
    return float(np.clip(usual * math.exp(random.normal(0, spread)), *limits))


@lru_cache(maxsize=64)
def _field(seed: int, scale: int) -> Plane:
    """Noise of standard deviation 1 whose features are ``scale`` pixels large; it repeats at its edges."""
    side = max(4, _FIELD // scale)
    noise = np.random.default_rng(seed).normal(size=(side, side)).astype(np.float32)
    field = cv2.resize(noise, (_FIELD, _FIELD), interpolation=cv2.INTER_CUBIC)
    return np.asarray((field - field.mean()) / field.std(), np.float32)


def noise(random: Generator, height: int, width: int, scale: int = 1) -> Plane:
    """Cut noise of mean 0 and deviation 1 from a field that is drawn only once: ``height×width``."""
    field = _field(int(random.integers(4)), scale)
    if max(height, width) > _FIELD:
        field = np.tile(field, (-(-height // _FIELD) + 1, -(-width // _FIELD) + 1))
    top, left = (
        int(random.integers(one - two + 1)) for one, two in zip(field.shape, (height, width), strict=True)
    )
    cut = field[top : top + height, left : left + width]
    return cut[:: random.choice((-1, 1)), :: random.choice((-1, 1))]


def three(plane: Plane) -> Image:
    """Repeat a plane for red, green and blue: ``H×W×3``; numpy is slow where the last axis is so short."""
    return cv2.merge([plane] * 3).astype(np.float32, copy=False)


def plain(colour: ArrayLike, height: int, width: int) -> Image:
    """A picture of one colour, ``height×width×3``."""
    return cv2.merge([np.full((height, width), each, np.float32) for each in np.asarray(colour)]).astype(
        np.float32, copy=False
    )


def walk(
    random: Generator, start: ArrayLike, heading: float, length: float, curl: float, step: float = 4
) -> Points:
    """Walk from ``start`` (x, y), turning by ``curl`` radians or so each step: ``N×2``."""
    turns = heading + np.cumsum(random.normal(0, curl, max(2, int(length / step))))
    return _path(start, turns, step)


def blob(random: Generator, centre: ArrayLike, radius: float, roughness: float, corners: int = 24) -> Points:
    """Draw the outline of an uneven round shape: ``corners×2``."""
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    waves = np.arange(1, 6)
    sizes = random.normal(0, roughness, (2, len(waves))) / waves**0.7
    turned = angles[:, None] * waves
    distance = np.exp((sizes[0] * np.cos(turned) + sizes[1] * np.sin(turned)).sum(1))
    stretch, lean = math.exp(random.normal(0, 0.3)), random.uniform(0, np.pi)
    across = np.stack([np.cos(angles) * stretch, np.sin(angles) / stretch], 1) * (radius * distance)[:, None]
    turn = np.array([[np.cos(lean), -np.sin(lean)], [np.sin(lean), np.cos(lean)]])
    return np.asarray(across @ turn.T + centre)


class Canvas:
    """A plane to draw on."""

    def __init__(self, height: int, width: int) -> None:
        self.size = (width, height)
        self._fine = np.zeros((height * _FINE, width * _FINE), np.uint8)

    def line(self, points: Points, width: float, strength: float = 1.0) -> None:
        """Draw a line through points (x, y); lines thinner than the grid are drawn fainter."""
        wide = width * _FINE
        value = round(255 * strength * min(1.0, max(wide, 0.35)))
        cv2.polylines(self._fine, [_fixed(points)], False, value, max(1, round(wide)), cv2.LINE_AA, _SHIFT)

    def area(self, points: Points, strength: float = 1.0) -> None:
        """Fill an outline."""
        cv2.fillPoly(self._fine, [_fixed(points)], round(255 * strength), cv2.LINE_AA, _SHIFT)

    def cover(self) -> Plane:
        """Return what was drawn, ``H×W`` in [0, 1]."""
        small = cv2.resize(self._fine, self.size, interpolation=cv2.INTER_AREA)
        return small.astype(np.float32) / np.float32(255)


def _fixed(points: Points) -> NDArray[np.int32]:
    return np.asarray(np.rint(points * _FINE * 2**_SHIFT).clip(-(2**20), 2**20), np.int32)


def somewhere(random: Generator, height: int, width: int) -> Points:
    """Draw a place in the crop: x and y."""
    return random.random(2) * (width, height)


def light_or_dark(random: Generator, light: float) -> list[float]:
    """Draw a nearly neutral colour that is light with probability ``light``, else dark."""
    grey = random.uniform(0.75, 1.0) if random.random() < light else random.uniform(0.0, 0.3)
    return [float(each) for each in (grey + random.normal(0, 0.025, 3)).clip(0, 1)]


def jagged(
    random: Generator, start: ArrayLike, heading: float, length: float, jag: float, step: float
) -> Points:
    """A walk that keeps its heading however it turns: ``N×2``."""
    turns = (
        heading
        + random.normal(0, jag, max(2, int(length / step)))
        + np.cumsum(random.normal(0, 0.04, max(2, int(length / step))))
    )
    return _path(start, turns, step * random.uniform(0.4, 1.6, (len(turns), 1)))


def _path(start: ArrayLike, turns: NDArray[np.float64], steps: ArrayLike) -> Points:
    moves = steps * np.stack([np.cos(turns), np.sin(turns)], 1)
    path: Points = np.asarray(start) + np.concatenate([[(0, 0)], np.cumsum(moves, 0)])
    return path
