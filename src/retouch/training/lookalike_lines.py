"""Thin things in photos that look like damage: cables, twigs, hair, railings, rain, catch-lights.

Each draws a cover, ``H×W`` in [0, 1], and says whether it is lighter than the photo.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from retouch.training.damage_shapes import Canvas, Plane, Points, between, count, walk


def cables(random: Generator, height: int, width: int, wide: float) -> tuple[Plane, bool]:
    """Wires that hang beside each other."""
    canvas, along = Canvas(height, width), np.linspace(-0.1, 1.1, 40)
    starts = random.uniform(-0.2, 1.2, 2)
    for _ in range(count(random, (1, 6))):
        sag = random.normal(0, 0.15)
        level = starts[0] + (starts[1] - starts[0]) * along + sag * along * (1 - along)
        points = np.stack([along * width, level * height], 1)
        canvas.line(points if random.random() < 0.8 else points[:, ::-1], wide * random.uniform(0.6, 1.2))
        starts = starts + random.normal(0, 0.08, 2)
    return canvas.cover(), bool(random.random() < 0.2)


def twigs(random: Generator, height: int, width: int, wide: float) -> tuple[Plane, bool]:
    """Branches that come in at the top or the bottom and divide."""
    canvas = Canvas(height, width)
    ends: list[ArrayLike] = [(x := random.uniform(0, width), y := random.choice((-2.0, height + 2.0)))]
    headings = [math.atan2(height / 2 - y, width / 2 - x) + random.normal(0, 0.4)]
    for depth in range(3):
        grown: list[tuple[ArrayLike, float]] = []
        for start, heading in zip(ends, headings, strict=True):
            thick = max(0.5, wide * 0.65**depth)
            branch = walk(random, start, heading, between(random, (30, 160)) * 0.7**depth, 0.12)
            for piece in range(0, len(branch) - 1, 4):
                canvas.line(branch[piece : piece + 5], thick * (1 - 0.5 * piece / len(branch)))
            for _ in range(random.integers(2, 5)):
                grown.append((branch[random.integers(len(branch))], heading + random.normal(0, 0.7)))
        ends, headings = [each for each, _ in grown], [each for _, each in grown]
    return canvas.cover(), bool(random.random() < 0.2)


def strands(random: Generator, height: int, width: int, wide: float) -> tuple[Plane, bool]:
    """Whiskers, hair, grass: many of one root and nearly one direction."""
    canvas, heading = Canvas(height, width), random.uniform(0, 2 * np.pi)
    root, spread = random.uniform((0, 0), (width, height)), between(random, (2, 60))
    for _ in range(count(random, (4, 45))):
        start = root + random.normal(0, spread, 2)
        strand = walk(random, start, heading + random.normal(0, 0.25), between(random, (25, 160)), 0.05)
        strand = strand + np.linspace(0, 1, len(strand))[:, None] ** 2 * random.normal(0, 10, 2)
        half = len(strand) // 2
        canvas.line(strand[: half + 1], wide * 0.7, random.uniform(0.5, 1))
        canvas.line(strand[half:], wide * 0.4, random.uniform(0.4, 0.8))
    return canvas.cover(), bool(random.random() < 0.55)


def railings(random: Generator, height: int, width: int, wide: float) -> tuple[Plane, bool]:
    """Bars at equal distances."""
    canvas, gap = Canvas(height, width), max(2.5 * wide, between(random, (6, 45)))
    lean = random.normal(0, 0.15)
    for across in range(1 + int(random.random() < 0.5)):
        for at in np.arange(-height, width + height, gap * (1 if across == 0 else random.uniform(0.7, 2))):
            points = np.array([[at, -2.0], [at + lean * height, height + 2.0]])
            canvas.line(points[:, ::-1] if across else points, wide)
    cover = canvas.cover()
    if random.random() < 0.5:  # it ends somewhere
        cover[: int(random.uniform(0, 0.6) * height)] = 0
    return cover, bool(random.random() < 0.45)


def rain(random: Generator, height: int, width: int, wide: float) -> tuple[Plane, bool]:
    """Short strokes of one direction."""
    canvas, heading = Canvas(height, width), np.pi / 2 + random.normal(0, 0.3)
    length = between(random, (8, 60))
    for _ in range(count(random, (15, 150))):
        start = random.uniform((0, 0), (width, height))
        way = length * random.uniform(0.5, 1.5) * np.array([np.cos(heading), np.sin(heading)])
        canvas.line(np.stack([start, start + way]), 0.6 * wide, random.uniform(0.1, 0.5))
    return canvas.cover(), True


def catch_lights(random: Generator, height: int, width: int, wide: float) -> tuple[Plane, bool]:
    """Bright edges and spots of wet or glossy things: short bright arcs and dots, near each other."""
    canvas = Canvas(height, width)
    for _ in range(count(random, (1, 12))):
        centre, radius = random.uniform((0, 0), (width, height)), between(random, (1.5, 18))
        begin = random.uniform(0, 2 * np.pi)
        angles = np.linspace(begin, begin + random.uniform(0.4, 3), 12)
        arc: Points = centre + radius * np.stack([np.cos(angles), np.sin(angles) * random.uniform(0.5, 1)], 1)
        canvas.line(arc, wide * random.uniform(0.3, 1), random.uniform(0.5, 1))
    return canvas.cover(), True
