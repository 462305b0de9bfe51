"""Kinds of damage that are spots and areas, for :mod:`retouch.training.damage`. Lengths are in pixels.

Nothing here knows the photo. Damage has its own sharpness, its own grain and no regard for what it lies on;
that is what a detector can learn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from retouch.training.damage_shapes import (
    Canvas,
    Layer,
    Range,
    between,
    blob,
    count,
    jagged,
    light_or_dark,
    near,
    noise,
    somewhere,
)


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
    count: tuple[int, int] = (1, 80)
    radius: Range = (0.6, 7.0)
    roughness: float = 0.22
    light: float = 0.55

    def draw(self, random: Generator, height: int, width: int) -> Layer:
        """Draw specks."""
        canvas, usual = Canvas(height, width), between(random, self.radius)
        for _ in range(count(random, self.count)):
            radius = near(random, usual, 0.5, self.radius)
            rough = self.roughness * random.uniform(0, 2)
            outline = blob(random, somewhere(random, height, width), radius, rough, 12)
            canvas.area(outline, random.uniform(0.6, 1.0))
        shadow = random.uniform(0.2, 0.5) if random.random() < 0.25 else 0.0
        return Layer(canvas.cover(), light_or_dark(random, self.light), shadow=shadow)


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
        middle = jagged(random, somewhere(random, height, width), heading, length, 0.35, 5)
        shape = (
            np.sqrt(np.linspace(1, 0, len(middle)))
            if random.random() < 0.6
            else np.sin(np.linspace(0, np.pi, len(middle)))
        )
        across = np.array([-np.sin(heading), np.cos(heading)])
        sides = [
            middle
            + sign * across * (wide / 2 * shape * np.exp(random.normal(0, self.ragged, len(middle))))[:, None]
            for sign in (-1, 1)
        ]
        canvas.area(np.concatenate([sides[0], sides[1][::-1]]))
        canvas.line(middle, min(1.5, wide))
        return Layer(canvas.cover(), light_or_dark(random, 0.85), even=True, shadow=random.uniform(0, 0.5))


@dataclass(frozen=True)
class Stains:
    """Spots of liquid, mould and age: coloured, partly transparent, often darker at the rim.

    Attributes:
        share: how often this kind is drawn, beside the others.
        count: stains in a crop.
        radius: of a stain.
        strength: how much of the photo is covered.
        edge: softness of the edge, in pixels.
        rim: probability of a darker rim, in those that are no tide marks.
        tide: probability of a tide mark: what water carried lies at a narrow rim, and the inside is fainter.
        bleached: probability that it is lighter than the photo.
    """

    share: float = 1.1
    count: tuple[int, int] = (1, 7)
    radius: Range = (3.0, 90.0)
    strength: Range = (0.3, 0.9)
    edge: Range = (0.5, 20.0)
    rim: float = 0.5
    tide: float = 0.3
    bleached: float = 0.25

    def draw(self, random: Generator, height: int, width: int) -> Layer:
        """Draw stains."""
        canvas, radius = Canvas(height, width), between(random, self.radius)
        most = max(1, round(min(self.count[1], 60 / radius)))  # large ones are few
        for _ in range(count(random, (min(self.count[0], most), most))):
            size = radius * math.exp(random.normal(0, 0.4))
            canvas.area(blob(random, somewhere(random, height, width), size, 0.12, 40))
        edge = min(between(random, self.edge), radius / 2.5)
        inside = cv2.GaussianBlur(canvas.cover(), (0, 0), max(0.4, edge))
        area = inside > 0.35 * inside.max()  # all of a tide mark, too, whose inside may be faint
        cover = between(random, self.strength) * inside
        if random.random() < self.tide:
            wide = cv2.GaussianBlur(inside, (0, 0), max(0.8, random.uniform(0.02, 0.12) * radius))
            ring = inside * (1 - wide)
            faint = random.uniform(0.25, 0.85)
            cover = cover * (faint + (1 - faint) * ring / max(float(ring.max()), 0.1))
        elif random.random() < self.rim:
            wide = cv2.GaussianBlur(inside, (0, 0), 1.5 * edge + 1)
            cover = np.minimum(1, cover * (0.65 + 1.6 * (inside - wide).clip(0, 1)))
        cover *= (1 + 0.15 * noise(random, height, width, 16)).clip(0.5, 1.5)
        if random.random() < self.bleached:
            return Layer(cover.clip(0, 1), light_or_dark(random, 1.0), area=area, even=True)
        hue = np.array(
            [[0.55, 0.38, 0.18], [0.35, 0.25, 0.15], [0.2, 0.25, 0.3], [0.5, 0.45, 0.4], [0.25, 0.2, 0.3]]
        )
        colour = hue[random.choice(5, p=(0.4, 0.25, 0.1, 0.15, 0.1))] * random.uniform(
            0.3, 1.5
        ) + random.normal(0, 0.04, 3)
        return Layer(
            cover.clip(0, 1),
            list(colour.clip(0, 1)),
            multiplies=bool(random.random() < 0.6),
            area=area,
            even=True,
        )


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
    count: tuple[int, int] = (1, 12)
    radius: Range = (3.0, 35.0)
    roughness: float = 0.3
    light: float = 0.75

    def draw(self, random: Generator, height: int, width: int) -> Layer:
        """Draw flakes."""
        canvas, usual = Canvas(height, width), between(random, self.radius)
        place = somewhere(random, height, width)
        for _ in range(count(random, self.count)):
            radius = near(random, usual, 0.5, (1, self.radius[1]))
            outline = blob(
                random,
                place + random.normal(0, 4 * usual, 2),
                radius,
                self.roughness,
                int(random.integers(8, 30)),
            )
            canvas.area(outline + random.normal(0, 0.06 * radius, outline.shape))
        return Layer(
            canvas.cover(), light_or_dark(random, self.light), even=True, shadow=random.uniform(0, 0.3)
        )


@dataclass(frozen=True)
class Corners:
    """A corner or an edge of the picture that is missing, and the paper of the tear beside it.

    Attributes:
        share: how often this kind is drawn, beside the others.
        size: how much is missing along each edge.
        paper: width of the paper that shows along the tear.
        light: probability that what lies behind is light.
    """

    share: float = 0.35
    size: Range = (10.0, 180.0)
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
        beyond = (
            np.array([[float(width + 9), -9.0], [-9.0, -9.0]])
            if edge
            else np.array([[two[0], -9.0], [-9.0, -9.0], [-9.0, one[1]]])
        )
        outline = np.concatenate([path, beyond])
        flip = np.array([right, low])
        outline = np.where(flip, np.array([width, height]) - outline, outline)
        canvas.area(outline)
        if random.random() < 0.5:
            canvas.line(outline[: len(path)], between(random, self.paper))
        return Layer(
            canvas.cover(), light_or_dark(random, self.light), even=True, shadow=random.uniform(0, 0.4)
        )
