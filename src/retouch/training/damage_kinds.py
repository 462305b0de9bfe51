"""Kinds of damage: each draws a layer that lies on the photo. Lengths are in pixels of the crop.

Nothing here knows the photo. Damage has its own sharpness, its own grain and no regard for what it lies on;
that is what a detector can learn. :mod:`retouch.training.damage` chooses, mixes and labels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Points = NDArray[np.float64]
Range = tuple[float, float]

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in a grey value: ITU-R BT.601."""
_FINE = 2  # shapes are drawn this much larger, and shrunk
_SHIFT = 3  # bits of a pixel in the coordinates that OpenCV draws with
_FIELD = 512  # side of the noise that is drawn once and then cut from


class Layer(NamedTuple):
    """What lies on the photo.

    Attributes:
        cover: ``H×W`` in [0, 1], how much of the photo it covers.
        colour: red, green and blue in [0, 1].
        multiplies: whether it darkens the photo like ink instead of covering it.
        soft: an area whose edge is soft: it counts as damaged where half of its strength is reached.
        shadow: strength of the soft shadow beside it, 0 for none.
        over: ``H×W`` in [-1, 1], light and shade around it that is no damage by itself; None for none.
    """

    cover: Plane
    colour: Sequence[float]
    multiplies: bool = False
    soft: bool = False
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
    top, left = (int(random.integers(one - two + 1)) for one, two in zip(field.shape, (height, width), strict=True))
    cut = field[top : top + height, left : left + width]
    return cut[:: random.choice((-1, 1)), :: random.choice((-1, 1))]


def walk(random: Generator, start: Sequence[float], heading: float, length: float, curl: float, step: float = 4) -> Points:
    """Walk from ``start`` (x, y), turning by ``curl`` radians or so each step: ``N×2``."""
    turns = heading + np.cumsum(random.normal(0, curl, max(2, int(length / step))))
    moves = step * np.stack([np.cos(turns), np.sin(turns)], 1)
    return np.concatenate([[start], start + np.cumsum(moves, 0)])


def blob(random: Generator, centre: Sequence[float], radius: float, roughness: float, corners: int = 24) -> Points:
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
        return cv2.resize(self._fine, self.size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def _fixed(points: Points) -> NDArray[np.int32]:
    return np.rint(points * _FINE * 2**_SHIFT).clip(-(2**20), 2**20).astype(np.int32)


def _somewhere(random: Generator, height: int, width: int) -> Points:
    return random.uniform((0, 0), (width, height))


def light_or_dark(random: Generator, light: float) -> list[float]:
    """Draw a nearly neutral colour that is light with probability ``light``, else dark."""
    grey = random.uniform(0.75, 1.0) if random.random() < light else random.uniform(0.0, 0.3)
    return [float(each) for each in (grey + random.normal(0, 0.025, 3)).clip(0, 1)]


@dataclass(frozen=True)
class Dust:
    """Specks, dark or light.

    Attributes:
        share: how often this kind is drawn, beside the others.
        count: specks in a crop.
        radius: of a speck.
        roughness: how uneven the outlines are.
        light: probability that they are light: dust on a negative is light in the picture.
    """

    share: float = 1.5
    count: tuple[int, int] = (1, 60)
    radius: Range = (0.6, 7.0)
    roughness: float = 0.22
    light: float = 0.55

    def draw(self, random: Generator, height: int, width: int) -> Layer:
        """Draw specks."""
        canvas, usual = Canvas(height, width), between(random, self.radius)
        for _ in range(count(random, self.count)):
            radius = float(np.clip(usual * math.exp(random.normal(0, 0.5)), *self.radius))
            rough = self.roughness * random.uniform(0, 2)
            outline = blob(random, _somewhere(random, height, width), radius, rough, 12)
            canvas.area(outline, random.uniform(0.6, 1.0))
        shadow = random.uniform(0.2, 0.5) if random.random() < 0.25 else 0.0
        return Layer(canvas.cover(), light_or_dark(random, self.light), shadow=shadow)


@dataclass(frozen=True)
class Fibres:
    """Hairs and lint: curled lines that end somewhere.

    Attributes:
        share: how often this kind is drawn, beside the others.
        count: fibres in a crop.
        length: of a fibre.
        width: of a fibre.
        curl: turn at each step of 4 pixels, in radians.
        light: probability that they are light.
    """

    share: float = 1.3
    count: tuple[int, int] = (1, 6)
    length: Range = (10.0, 240.0)
    width: Range = (0.7, 6.0)
    curl: Range = (0.02, 0.45)
    light: float = 0.5

    def draw(self, random: Generator, height: int, width: int) -> Layer:
        """Draw fibres."""
        canvas, usual = Canvas(height, width), between(random, self.width)
        for _ in range(count(random, self.count)):
            wide = float(np.clip(usual * math.exp(random.normal(0, 0.25)), *self.width))
            length = max(4 * wide, between(random, self.length))
            curl = between(random, self.curl) * (3 / max(3, wide))
            points = walk(random, _somewhere(random, height, width), random.uniform(0, 2 * np.pi), length, curl)
            if random.random() < 0.4:  # bends to one side
                bend = random.normal(0, 0.1) * np.arange(len(points))
                moves = np.diff(points, axis=0)
                cos, sin = np.cos(bend[1:]), np.sin(bend[1:])
                moves = np.stack([moves[:, 0] * cos - moves[:, 1] * sin, moves[:, 0] * sin + moves[:, 1] * cos], 1)
                points = np.concatenate([points[:1], points[0] + np.cumsum(moves, 0)])
            canvas.line(points, wide, random.uniform(0.7, 1.0))
        shadow = random.uniform(0.2, 0.5) if random.random() < 0.35 else 0.0
        return Layer(canvas.cover(), light_or_dark(random, self.light), shadow=shadow)


@dataclass(frozen=True)
class Scratches:
    """Nearly straight lines with breaks and varying depth, often parallel.

    Attributes:
        share: how often this kind is drawn, beside the others.
        count: scratches in a crop.
        length: of a scratch.
        width: of a scratch.
        bend: turn at each step of 8 pixels, in radians.
        broken: the greatest part of a scratch that is missing.
        parallel: probability that all run in one direction.
        light: probability that they are light.
        coloured: probability of a strong colour: only some layers of a colour film are scratched.
    """

    share: float = 1.6
    count: tuple[int, int] = (1, 9)
    length: Range = (12.0, 400.0)
    width: Range = (0.5, 5.0)
    bend: Range = (0.001, 0.06)
    broken: float = 0.6
    parallel: float = 0.6
    light: float = 0.7
    coloured: float = 0.15

    def draw(self, random: Generator, height: int, width: int) -> Layer:
        """Draw scratches."""
        canvas, usual = Canvas(height, width), between(random, self.width)
        main = random.choice((np.pi / 2, 0.0, random.uniform(0, np.pi)), p=(0.35, 0.1, 0.55))
        together = random.random() < self.parallel
        for _ in range(count(random, self.count)):
            heading = main + random.normal(0, 0.03) if together else random.uniform(0, 2 * np.pi)
            length = between(random, self.length)
            centre = _somewhere(random, height, width)
            start = centre - length / 2 * np.array([np.cos(heading), np.sin(heading)])
            points = walk(random, start, heading, length, between(random, self.bend), step=8)
            wide = float(np.clip(usual * math.exp(random.normal(0, 0.3)), *self.width))
            knots = np.arange(0, len(points) + 3, 3)
            uneven = np.interp(np.arange(len(points)), knots, random.normal(0, 0.3, len(knots)))
            depth = random.uniform(0.55, 1.0) + random.uniform(0, 1) * uneven
            gone = random.uniform(0, self.broken) if random.random() < 0.5 else 0.0
            kept = depth >= np.quantile(depth, gone)
            for place in range(len(points) - 1):
                if kept[place]:
                    canvas.line(points[place : place + 2], wide, float(np.clip(depth[place], 0.3, 1)))
        colour = light_or_dark(random, self.light)
        if random.random() < self.coloured:
            colour = [float(each) for each in random.uniform(0, 1, 3) ** 0.5]
        return Layer(canvas.cover(), colour)


@dataclass(frozen=True)
class Cracks:
    """Jagged lines that branch.

    Attributes:
        share: how often this kind is drawn, beside the others.
        count: cracks in a crop.
        length: of a crack.
        width: of a crack.
        jag: turn at each step, in radians.
        branches: branches of a crack.
        light: probability that they are light.
    """

    share: float = 0.9
    count: tuple[int, int] = (1, 5)
    length: Range = (25.0, 300.0)
    width: Range = (0.6, 4.5)
    jag: Range = (0.15, 0.7)
    branches: tuple[int, int] = (1, 6)
    light: float = 0.65

    def draw(self, random: Generator, height: int, width: int) -> Layer:
        """Draw cracks."""
        canvas, wide = Canvas(height, width), between(random, self.width)
        jag, step = between(random, self.jag), random.uniform(3, 9)
        for _ in range(count(random, self.count)):
            heading, length = random.uniform(0, 2 * np.pi), between(random, self.length)
            trunk = _jagged(random, _somewhere(random, height, width), heading, length, jag, step)
            canvas.line(trunk, wide, random.uniform(0.7, 1))
            for _ in range(count(random, self.branches) - 1):
                start = trunk[random.integers(len(trunk))]
                side = heading + random.choice((-1, 1)) * random.uniform(0.3, 1.4)
                twig = _jagged(random, start, side, length * random.uniform(0.1, 0.6), jag, step)
                canvas.line(twig, max(0.5, wide * random.uniform(0.4, 1)), random.uniform(0.6, 1))
        return Layer(canvas.cover(), light_or_dark(random, self.light))


def _jagged(random: Generator, start: Sequence[float], heading: float, length: float, jag: float, step: float) -> Points:
    """A walk that keeps its heading however it turns: ``N×2``."""
    turns = heading + random.normal(0, jag, max(2, int(length / step))) + np.cumsum(random.normal(0, 0.04, max(2, int(length / step))))
    moves = step * random.uniform(0.4, 1.6, (len(turns), 1)) * np.stack([np.cos(turns), np.sin(turns)], 1)
    return np.concatenate([[start], start + np.cumsum(moves, 0)])


@dataclass(frozen=True)
class Folds:
    """Creases across the picture: a worn line, with light on one side and shade on the other.

    Attributes:
        share: how often this kind is drawn, beside the others.
        count: folds in a crop.
        width: of the worn line.
        worn: part of the line where the paper shows.
        shade: strength of light and shade beside it.
        reach: how far light and shade go.
    """

    share: float = 0.7
    count: tuple[int, int] = (1, 3)
    width: Range = (0.8, 7.0)
    worn: Range = (0.5, 1.0)
    shade: float = 0.12
    reach: Range = (3.0, 20.0)

    def draw(self, random: Generator, height: int, width: int) -> Layer:
        """Draw folds."""
        canvas, over = Canvas(height, width), np.zeros((height, width), np.float32)
        for _ in range(count(random, self.count)):
            heading = random.choice((0.0, np.pi / 2, random.uniform(0, np.pi))) + random.normal(0, 0.08)
            along = np.array([np.cos(heading), np.sin(heading)])
            centre, length = _somewhere(random, height, width), 1.5 * (height + width)
            points = walk(random, centre - along * length / 2, heading, length, 0.012, step=8)
            canvas.line(points, between(random, self.width), random.uniform(0.7, 1))
            rows, columns = np.mgrid[:height, :width].astype(np.float32)
            far = (columns - centre[0]) * -along[1] + (rows - centre[1]) * along[0]
            reach = between(random, self.reach)
            over += random.normal(0, self.shade) * (far / reach) * np.exp(-0.5 * (far / reach) ** 2)
        cover, part = canvas.cover(), random.uniform(*self.worn)
        rough = noise(random, height, width, int(random.choice((2, 4, 8))))
        cover *= np.clip(2.5 * (rough - np.float32(_quantile(1 - part))), 0, 1)
        return Layer(cover, light_or_dark(random, 0.85), over=over)


def _quantile(part: float) -> float:
    """Where a normal distribution has ``part`` below, roughly."""
    part = min(max(part, 1e-3), 1 - 1e-3)
    return 5.06 * (part**0.135 - (1 - part) ** 0.135)


@dataclass(frozen=True)
class Tears:
    """Torn paper: a ragged opening that begins at an edge or in the middle, white inside.

    Attributes:
        share: how often this kind is drawn, beside the others.
        length: of a tear.
        width: of its widest place.
        ragged: unevenness of its edges, as part of the width.
    """

    share: float = 0.9
    length: Range = (30.0, 300.0)
    width: Range = (2.0, 60.0)
    ragged: float = 0.25

    def draw(self, random: Generator, height: int, width: int) -> Layer:
        """Draw a tear."""
        canvas = Canvas(height, width)
        wide = between(random, self.width)
        length = max(2.5 * wide, between(random, self.length))
        heading = random.uniform(0, 2 * np.pi)
        middle = _jagged(random, _somewhere(random, height, width), heading, length, 0.35, 5)
        shape = np.sqrt(np.linspace(1, 0, len(middle))) if random.random() < 0.6 else np.sin(np.linspace(0, np.pi, len(middle)))
        across = np.array([-np.sin(heading), np.cos(heading)])
        sides = [
            middle + sign * across * (wide / 2 * shape * np.exp(random.normal(0, self.ragged, len(middle))))[:, None]
            for sign in (-1, 1)
        ]
        canvas.area(np.concatenate([sides[0], sides[1][::-1]]))
        canvas.line(middle, min(1.5, wide))
        return Layer(canvas.cover(), light_or_dark(random, 0.85), shadow=random.uniform(0, 0.5))


@dataclass(frozen=True)
class Stains:
    """Spots of liquid, mould and age: coloured, partly transparent, often darker at the rim.

    Attributes:
        share: how often this kind is drawn, beside the others.
        count: stains in a crop.
        radius: of a stain.
        strength: how much of the photo is covered.
        edge: softness of the edge, in pixels.
        rim: probability of a darker rim.
        bleached: probability that it is lighter than the photo.
    """

    share: float = 1.0
    count: tuple[int, int] = (1, 7)
    radius: Range = (3.0, 70.0)
    strength: Range = (0.3, 0.9)
    edge: Range = (0.5, 5.0)
    rim: float = 0.5
    bleached: float = 0.25

    def draw(self, random: Generator, height: int, width: int) -> Layer:
        """Draw stains."""
        canvas, radius = Canvas(height, width), between(random, self.radius)
        for _ in range(count(random, (1, max(1, round(min(self.count[1], 60 / radius)))))):
            size = radius * math.exp(random.normal(0, 0.4))
            canvas.area(blob(random, _somewhere(random, height, width), size, 0.12, 40))
        edge = min(between(random, self.edge), radius / 3)
        inside = cv2.GaussianBlur(canvas.cover(), (0, 0), max(0.4, edge))
        cover = between(random, self.strength) * inside
        if random.random() < self.rim:
            wide = cv2.GaussianBlur(inside, (0, 0), 1.5 * edge + 1)
            cover = np.minimum(1, cover * (0.65 + 1.6 * (inside - wide).clip(0, 1)) )
        cover *= (1 + 0.15 * noise(random, height, width, 16)).clip(0.5, 1.5)
        if random.random() < self.bleached:
            return Layer(cover.clip(0, 1), light_or_dark(random, 1.0), soft=True)
        hue = np.array([[0.55, 0.38, 0.18], [0.35, 0.25, 0.15], [0.2, 0.25, 0.3], [0.5, 0.45, 0.4], [0.25, 0.2, 0.3]])
        colour = hue[random.choice(5, p=(0.4, 0.25, 0.1, 0.15, 0.1))] * random.uniform(0.3, 1.5) + random.normal(0, 0.04, 3)
        return Layer(cover.clip(0, 1), list(colour.clip(0, 1)), multiplies=bool(random.random() < 0.6), soft=True)


@dataclass(frozen=True)
class Flakes:
    """Emulsion that has come off, in sharp pieces.

    Attributes:
        share: how often this kind is drawn, beside the others.
        count: flakes in a crop.
        radius: of a flake.
        roughness: how uneven the outlines are.
        light: probability that what shows is light.
    """

    share: float = 0.9
    count: tuple[int, int] = (1, 9)
    radius: Range = (3.0, 35.0)
    roughness: float = 0.3
    light: float = 0.75

    def draw(self, random: Generator, height: int, width: int) -> Layer:
        """Draw flakes."""
        canvas, usual = Canvas(height, width), between(random, self.radius)
        place = _somewhere(random, height, width)
        for _ in range(count(random, self.count)):
            radius = float(np.clip(usual * math.exp(random.normal(0, 0.5)), 1, self.radius[1]))
            outline = blob(random, place + random.normal(0, 4 * usual, 2), radius, self.roughness, int(random.integers(8, 30)))
            canvas.area(outline + random.normal(0, 0.06 * radius, outline.shape))
        return Layer(canvas.cover(), light_or_dark(random, self.light), shadow=random.uniform(0, 0.3))


@dataclass(frozen=True)
class Corners:
    """A corner or an edge of the picture that is missing, and the paper of the tear beside it.

    Attributes:
        share: how often this kind is drawn, beside the others.
        size: how much is missing along each edge.
        paper: width of the paper that shows along the tear.
        light: probability that what lies behind is light.
    """

    share: float = 0.6
    size: Range = (10.0, 130.0)
    paper: Range = (0.5, 9.0)
    light: float = 0.6

    def draw(self, random: Generator, height: int, width: int) -> Layer:
        """Draw what is missing."""
        canvas = Canvas(height, width)
        right, low = random.integers(2, size=2)
        edge = random.random() < 0.25
        one = np.array([0.0, between(random, self.size)])
        two = np.array([between(random, self.size), 0.0])
        if edge:
            two = np.array([float(width + 9), one[1] * random.uniform(0.3, 2)])
            one[0] = -9
        way = two - one
        length = float(np.hypot(*way))
        steps = max(3, int(length / random.uniform(3, 8)))
        ragged = np.cumsum(random.normal(0, random.uniform(0.2, 1.5), steps))
        ragged -= np.linspace(ragged[0], ragged[-1], steps)
        across = np.array([-way[1], way[0]]) / length
        path = one + np.linspace(0, 1, steps)[:, None] * way + ragged[:, None] * across
        beyond = np.array([[float(width + 9), -9.0], [-9.0, -9.0]]) if edge else np.array([[two[0], -9.0], [-9.0, -9.0], [-9.0, one[1]]])
        outline = np.concatenate([path, beyond])
        flip = np.array([right, low])
        outline = np.where(flip, np.array([width, height]) - outline, outline)
        canvas.area(outline)
        if random.random() < 0.5:
            canvas.line(outline[: len(path)], between(random, self.paper))
        return Layer(canvas.cover(), light_or_dark(random, self.light), shadow=random.uniform(0, 0.4))


KINDS: tuple[Any, ...] = (Dust, Fibres, Scratches, Cracks, Folds, Tears, Stains, Flakes, Corners)
