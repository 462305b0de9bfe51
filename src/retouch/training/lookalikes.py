"""What looks like damage and belongs to the photo: cables, twigs, railings, stars, rain, text, windows, tiles.

They are drawn before the lens: they share the photo's blur and grain, and things stand in front of them. A
detector has to leave them alone. Lengths are in pixels of the crop.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from retouch.training.damage_shapes import Canvas, Image, Plane, Points, between, count, plain, three, walk

_TEXT = "ABCDEFGHIKLMNOPRSTUVWabcdefghiklmnoprstuvw0123456789"
_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
)


@dataclass(frozen=True)
class Lookalikes:
    """How things are drawn into a photo that look like damage.

    Attributes:
        width: of cables, twigs, hairs and bars.
        blur: deviation of the lens's blur.
        occluded: probability that brighter or darker parts of the photo stand in front.
    """

    width: tuple[float, float] = (0.7, 4.0)
    blur: tuple[float, float] = (0.3, 1.4)
    occluded: float = 0.6

    def draw(self, random: Generator, image: Image) -> Image:
        """Return a photo, ``H×W×3`` in [0, 1], with things in it."""
        height, width = image.shape[:2]
        kind = _KINDS[random.choice(len(_KINDS), p=_SHARES)]
        cover, light = kind(random, height, width, between(random, self.width))
        cover = np.asarray(cv2.GaussianBlur(cover, (0, 0), between(random, self.blur)), np.float32)
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        if random.random() < self.occluded:
            wide = cv2.GaussianBlur(grey, (0, 0), 2)
            edge = float(np.quantile(wide, random.uniform(0.2, 0.6)))
            cover = cover * ((wide - edge) * (-14 if light else 14) + 0.5).clip(0, 1)
        # In the photo's own light: the colour of one of its bright or dark places.
        place = random.integers((height, width), size=(12, 2))
        seen = image[place[:, 0], place[:, 1]]
        order = np.argsort(seen.sum(1))
        colour = seen[order[-1 if light else 0]]
        colour = np.clip(colour * (1.25 if light else 0.6) + (0.08 if light else 0), 0, 1)
        if random.random() < 0.15:
            colour = random.uniform(0, 1, 3)
        # Light falls unevenly on what is in the photo.
        rows, columns = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)
        slope = (1 + random.normal(0, 0.12) * rows + random.normal(0, 0.12) * columns).astype(np.float32)
        shown = plain(colour, height, width) * three(slope)
        made: Image = image + three(cover) * (shown - image)
        return made.clip(0, 1)


def _cables(random: Generator, height: int, width: int, wide: float) -> tuple[Plane, bool]:
    canvas, along = Canvas(height, width), np.linspace(-0.1, 1.1, 40)
    starts = random.uniform(-0.2, 1.2, 2)
    for _ in range(count(random, (1, 6))):
        sag = random.normal(0, 0.15)
        level = starts[0] + (starts[1] - starts[0]) * along + sag * along * (1 - along)
        points = np.stack([along * width, level * height], 1)
        canvas.line(points if random.random() < 0.8 else points[:, ::-1], wide * random.uniform(0.6, 1.2))
        starts = starts + random.normal(0, 0.08, 2)
    return canvas.cover(), bool(random.random() < 0.2)


def _twigs(random: Generator, height: int, width: int, wide: float) -> tuple[Plane, bool]:
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


def _strands(random: Generator, height: int, width: int, wide: float) -> tuple[Plane, bool]:
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


def _railings(random: Generator, height: int, width: int, wide: float) -> tuple[Plane, bool]:
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


def _points(random: Generator, height: int, width: int, wide: float) -> tuple[Plane, bool]:
    """Stars, snow and lights: round and soft, of any number."""
    cover = np.zeros((height, width), np.float32)
    soft = random.random() < 0.5
    for _ in range(count(random, (3, 120))):
        radius = between(random, (0.4, 2.0 if not soft else 5.0))
        x, y = random.uniform((0, 0), (width, height))
        left, top, reach = int(x), int(y), int(3 * radius) + 2
        rows = slice(max(0, top - reach), min(height, top + reach + 1))
        columns = slice(max(0, left - reach), min(width, left + reach + 1))
        down, right = np.ogrid[rows, columns]
        spot = np.exp(-0.5 * ((down - y) ** 2 + (right - x) ** 2) / radius**2)
        strength = random.uniform(0.2, 1) if soft else min(1.0, random.pareto(1.5) + 0.1)
        cover[rows, columns] = np.maximum(cover[rows, columns], strength * spot)
    return cover, True


def _rain(random: Generator, height: int, width: int, wide: float) -> tuple[Plane, bool]:
    canvas, heading = Canvas(height, width), np.pi / 2 + random.normal(0, 0.3)
    length = between(random, (8, 60))
    for _ in range(count(random, (15, 150))):
        start = random.uniform((0, 0), (width, height))
        way = length * random.uniform(0.5, 1.5) * np.array([np.cos(heading), np.sin(heading)])
        canvas.line(np.stack([start, start + way]), 0.6 * wide, random.uniform(0.1, 0.5))
    return canvas.cover(), True


def _text(random: Generator, height: int, width: int, wide: float) -> tuple[Plane, bool]:
    plane, font = np.zeros((height, width), np.uint8), _FONTS[random.integers(len(_FONTS))]
    size, thick = between(random, (0.35, 2.5)), max(1, round(wide * random.uniform(0.6, 1.4)))
    top = random.uniform(0.1, 0.6) * height
    for line in range(random.integers(1, 5)):
        words = "".join(random.choice(list(_TEXT), random.integers(3, 14)))
        at = (int(random.uniform(-0.1, 0.4) * width), int(top + line * 38 * size))
        cv2.putText(plane, words, at, font, size, 255, thick, cv2.LINE_AA)
    middle = (width / 2, height / 2)
    turn = cv2.getRotationMatrix2D(middle, random.normal(0, 8), 1.0)
    turn[0, 1] += random.normal(0, 0.15)
    turned = cv2.warpAffine(plane, turn, (width, height), flags=cv2.INTER_LINEAR)
    return turned.astype(np.float32) / np.float32(255), bool(random.random() < 0.5)


def _catch_lights(random: Generator, height: int, width: int, wide: float) -> tuple[Plane, bool]:
    """Bright edges and spots of wet or glossy things: short bright arcs and dots, near each other."""
    canvas = Canvas(height, width)
    for _ in range(count(random, (1, 12))):
        centre, radius = random.uniform((0, 0), (width, height)), between(random, (1.5, 18))
        begin = random.uniform(0, 2 * np.pi)
        angles = np.linspace(begin, begin + random.uniform(0.4, 3), 12)
        arc: Points = centre + radius * np.stack([np.cos(angles), np.sin(angles) * random.uniform(0.5, 1)], 1)
        canvas.line(arc, wide * random.uniform(0.3, 1), random.uniform(0.5, 1))
    return canvas.cover(), True


def _openings(random: Generator, height: int, width: int, wide: float) -> tuple[Plane, bool]:
    """Plain areas with sharp rims: sky in arches and windows, signs, doors, balls, boxes, light through bars."""
    canvas, size = Canvas(height, width), between(random, (6, 120))
    aspect, lean = between(random, (0.4, 2.5)), random.normal(0, 0.12)
    shape, middle = random.choice(("box", "arch", "oval", "polygon")), random.uniform((0, 0), (width, height))
    across, down = random.uniform(1.2, 3, 2) * size * np.array([1, aspect])
    most = 1 if random.random() < 0.35 else int(random.integers(2, 6))
    for row in range(most if random.random() < 0.5 else 1):
        for column in range(most):
            half = size / 2 * np.array([1, aspect]) * random.uniform(0.9, 1.1)
            angles = np.linspace(0, 2 * np.pi, 32, endpoint=False)
            unit = np.stack([np.cos(angles), np.sin(angles)], 1)
            if shape == "box":
                unit = np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
            elif shape == "arch":
                unit = np.concatenate([unit[16:], [[1.0, 1], [-1, 1]]])
            elif shape == "polygon":
                unit = unit[np.sort(random.choice(32, random.integers(3, 8), replace=False))]
            points: Points = middle + (column * across, row * down) + unit * half
            points[:, 0] += lean * (points[:, 1] - middle[1])  # seen from the side
            canvas.area(points, random.uniform(0.85, 1))
    return canvas.cover(), bool(random.random() < 0.65)


def _patterns(random: Generator, height: int, width: int, wide: float) -> tuple[Plane, bool]:
    """What people make of many equal parts: chequers, tiles, stripes, dots."""
    gap, angle = between(random, (5, 60)), random.normal(0, 0.5)
    down, across = np.ogrid[:height, :width]
    along = (across * math.cos(angle) + down * math.sin(angle)) / gap
    over = (down * math.cos(angle) - across * math.sin(angle)) / gap * between(random, (0.6, 1.6))
    shape = random.choice(("chequers", "stripes", "dots", "tiles"))
    if shape == "chequers":
        height_at = np.sin(np.pi * along) * np.sin(np.pi * over)
    elif shape == "stripes":
        height_at = np.sin(np.pi * along) - random.uniform(-0.7, 0.7)
    elif shape == "dots":
        height_at = np.sin(np.pi * along) ** 2 * np.sin(np.pi * over) ** 2 - random.uniform(0.2, 0.8)
    else:
        joint = random.uniform(0.04, 0.3)
        height_at = np.minimum(np.abs(np.sin(np.pi * along)), np.abs(np.sin(np.pi * over))) - joint
    cover = (0.5 + height_at * gap / np.pi).clip(0, 1).astype(np.float32)
    top, left = (int(random.uniform(-0.5, 0.6) * each) for each in (height, width))
    keep = np.zeros_like(cover)
    keep[max(0, top) :, max(0, left) :] = 1  # it ends somewhere
    return cover * keep, bool(random.random() < 0.5)


_KINDS: tuple[Callable[[Generator, int, int, float], tuple[Plane, bool]], ...] = (
    *(_cables, _twigs, _strands, _railings, _points, _rain, _text, _catch_lights, _openings, _patterns),
)
_SHARES = (0.14, 0.1, 0.12, 0.08, 0.09, 0.04, 0.09, 0.06, 0.18, 0.1)
