"""Kinds of damage that are lines, for :mod:`retouch.training.damage`. Lengths are in pixels.

Nothing here knows the photo. Damage has its own sharpness, its own grain and no regard for what it lies on;
that is what a detector can learn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from retouch.training.damage_shapes import (
    Canvas,
    Layer,
    Range,
    between,
    count,
    jagged,
    light_or_dark,
    near,
    noise,
    somewhere,
    walk,
)


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
    count: tuple[int, int] = (1, 9)
    length: Range = (10.0, 240.0)
    width: Range = (0.7, 6.0)
    curl: Range = (0.02, 0.45)
    light: float = 0.5

    def draw(self, random: Generator, height: int, width: int) -> Layer:
        """Draw fibres."""
        canvas, usual = Canvas(height, width), between(random, self.width)
        for _ in range(count(random, self.count)):
            wide = near(random, usual, 0.25, self.width)
            length = max(4 * wide, between(random, self.length))
            curl = between(random, self.curl) * (3 / max(3, wide))
            points = walk(
                random, somewhere(random, height, width), random.uniform(0, 2 * np.pi), length, curl
            )
            if random.random() < 0.4:  # bends to one side
                bend = random.normal(0, 0.1) * np.arange(len(points))
                moves = np.diff(points, axis=0)
                cos, sin = np.cos(bend[1:]), np.sin(bend[1:])
                moves = np.stack(
                    [moves[:, 0] * cos - moves[:, 1] * sin, moves[:, 0] * sin + moves[:, 1] * cos], 1
                )
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
    count: tuple[int, int] = (1, 14)
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
            centre = somewhere(random, height, width)
            start = centre - length / 2 * np.array([np.cos(heading), np.sin(heading)])
            points = walk(random, start, heading, length, between(random, self.bend), step=8)
            wide = near(random, usual, 0.3, self.width)
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
            trunk = jagged(random, somewhere(random, height, width), heading, length, jag, step)
            canvas.line(trunk, wide, random.uniform(0.7, 1))
            for _ in range(count(random, self.branches) - 1):
                start = trunk[random.integers(len(trunk))]
                side = heading + random.choice((-1, 1)) * random.uniform(0.3, 1.4)
                twig = jagged(random, start, side, length * random.uniform(0.1, 0.6), jag, step)
                canvas.line(twig, max(0.5, wide * random.uniform(0.4, 1)), random.uniform(0.6, 1))
        return Layer(canvas.cover(), light_or_dark(random, self.light))


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
            centre, length = somewhere(random, height, width), 1.5 * (height + width)
            points = walk(random, centre - along * length / 2, heading, length, 0.012, step=8)
            canvas.line(points, between(random, self.width), random.uniform(0.7, 1))
            rows, columns = np.arange(height)[:, None], np.arange(width)
            far = ((columns - centre[0]) * -along[1] + (rows - centre[1]) * along[0]).astype(np.float32)
            reach = between(random, self.reach)
            over += random.normal(0, self.shade) * (far / reach) * np.exp(-0.5 * (far / reach) ** 2)
        cover, part = canvas.cover(), random.uniform(*self.worn)
        rough = noise(random, height, width, int(random.choice((2, 4, 8))))
        cover *= np.clip(2.5 * (rough - np.float32(_quantile(1 - part))), 0, 1)
        return Layer(cover, light_or_dark(random, 0.85), over=over)


def _quantile(part: float) -> float:
    """Where a normal distribution has ``part`` below, roughly."""
    part = min(max(part, 1e-3), 1 - 1e-3)
    return 5.06 * (math.pow(part, 0.135) - math.pow(1 - part, 0.135))
