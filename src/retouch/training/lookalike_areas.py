"""Spots and areas in photos that look like damage: stars, text, plain areas with sharp rims, patterns.

Each draws a cover, ``H×W`` in [0, 1], and says whether it is lighter than the photo.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.random import Generator

from retouch.training.damage_shapes import Canvas, Plane, Points, between, count

_TEXT = "ABCDEFGHIKLMNOPRSTUVWabcdefghiklmnoprstuvw0123456789"
_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
)


def points(random: Generator, height: int, width: int, wide: float) -> tuple[Plane, bool]:
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


def text(random: Generator, height: int, width: int, wide: float) -> tuple[Plane, bool]:
    """Lines of writing, seen at an angle."""
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


def openings(random: Generator, height: int, width: int, wide: float) -> tuple[Plane, bool]:
    """Plain areas with sharp rims: sky in arches and windows, signs, doors, balls, light through bars."""
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


def patterns(random: Generator, height: int, width: int, wide: float) -> tuple[Plane, bool]:
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
