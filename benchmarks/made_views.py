"""Pairs with known truth: a photo seen again from elsewhere, as two planes, with another light and camera."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Random = np.random.Generator


class Case(NamedTuple):
    """A photo with a hole, what was there, and other photos of the place."""

    photo: Bytes
    hole: Mask
    truth: Bytes
    references: list[Bytes]


def case(picture: Bytes, other: Bytes, seed: int, count: int = 1, side: int = 1400) -> Case:
    """Make a case.

    Args:
        picture: the scene, ``H×W×3``.
        other: a picture that passers-by are cut from.
        seed: of everything random.
        count: of references.
        side: long side of the photo, in pixels.
    """
    random = np.random.default_rng(seed)
    scale = side / (0.8 * max(picture.shape[:2]))
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    scene = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    height, width = round(0.8 * size[1]), round(0.8 * size[0])
    top, left = (size[1] - height) // 2, (size[0] - width) // 2
    near = _near(scene.shape, random)
    truth = _camera(scene[top : top + height, left : left + width], random, 1.0, 0.0)
    hole = _blob((height, width), random, random.uniform(0.12, 0.22) * side, 0.6)
    photo = truth.copy()
    junk = cv2.resize(other, (width, height), interpolation=cv2.INTER_AREA)
    photo[hole] = junk[hole]
    # A passer-by before the hole in the only reference could not be told from the place by anyone.
    views = [
        _view(scene, near, (top, left, height, width), hole, junk, random, count > 1) for _ in range(count)
    ]
    return Case(photo, hole, truth, views)


def _view(
    scene: Bytes,
    near: Mask,
    box: tuple[int, int, int, int],
    hole: Mask,
    junk: Bytes,
    random: Random,
    before: bool,
) -> Bytes:
    """The scene from elsewhere: far by one homography, near by another, with a passer-by before it."""
    top, left, height, width = box
    size = (width, height)
    places = np.array([[left, top], [left + width, top], [left, top + height], [left + width, top + height]])
    moves = random.uniform(-0.06, 0.06, (4, 2)) * max(size)
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float32)
    shift = random.uniform(-0.02, 0.02, 2) * max(size)
    more = random.uniform(-0.008, 0.008, (4, 2)) * max(size)
    shown = scene.astype(np.float32)
    layers = []
    for wanted in (places + moves, places + moves + shift + more):
        matrix = cv2.getPerspectiveTransform(wanted.astype(np.float32), corners)
        layers.append(
            (
                cv2.warpPerspective(
                    shown, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
                ),
                cv2.warpPerspective(near.astype(np.float32), matrix, size) > 0.5,
                matrix,
            )
        )
    image = np.where(layers[1][1][..., None], layers[1][0], layers[0][0])
    shift_hole = np.array([[1, 0, left], [0, 1, top], [0, 0, 1]], np.float64)
    seen = cv2.warpPerspective(hole.astype(np.float32), layers[0][2] @ shift_hole, size) > 0.5
    image = _with_passer_by(image, junk, seen, random, before)
    return _camera(image, random, random.uniform(0.8, 1.2), random.uniform(0, 0.6))


def _with_passer_by(
    image: NDArray[np.float32], junk: Bytes, hole: Mask, random: Random, before: bool
) -> NDArray[np.float32]:
    """Somebody stands in the picture, now and then before what is needed, but only if ``before``."""
    long_side = max(image.shape[:2])
    blob = _blob(image.shape[:2], random, 0.07 * long_side, 0.45)
    rows, columns = np.nonzero(hole)
    if not before:
        blob &= ~hole
    elif len(rows) and random.random() < 0.5:
        at = random.integers(len(rows))
        mine = np.argwhere(blob).mean(axis=0)
        move = np.float32([[1, 0, columns[at] - mine[1]], [0, 1, rows[at] - mine[0]]])
        blob = cv2.warpAffine(blob.astype(np.uint8), move, image.shape[1::-1]) > 0
    someone = np.roll(junk, tuple(random.integers(0, junk.shape[:2])), axis=(0, 1))
    return np.where(blob[..., None], someone.astype(np.float32), image)


def _near(shape: tuple[int, ...], random: Random) -> Mask:
    """What of the scene is near: below a wavy line."""
    height, width = shape[:2]
    x = np.linspace(0, 1, width)
    line = height * (
        random.uniform(0.35, 0.65)
        + 0.12 * np.sin(2 * np.pi * (random.uniform(0.5, 1.5) * x + random.random()))
        + 0.04 * np.sin(2 * np.pi * (random.uniform(2, 4) * x + random.random()))
    )
    return np.arange(height)[:, None] > line[None]


def _blob(shape: tuple[int, ...], random: Random, size: float, slim: float) -> Mask:
    """A standing shape of some size, in pixels, somewhere in the middle of a picture."""
    height, width = shape[:2]
    angle = np.linspace(0, 2 * np.pi, 90)
    radius = size / 2 * (1 + sum(0.18 / k * np.sin(k * angle + random.uniform(0, 6.3)) for k in (2, 3, 5)))
    centre = random.uniform(0.3, 0.7, 2) * (width, height)
    points = np.stack([centre[0] + slim * radius * np.cos(angle), centre[1] + radius * np.sin(angle)], axis=1)
    drawn = np.zeros((height, width), np.uint8)
    cv2.fillPoly(drawn, [np.rint(points).astype(np.int32)], 1)
    return drawn > 0


def _camera(image: NDArray[np.generic], random: Random, exposure: float, blur: float) -> Bytes:
    """Light, vignetting, blur, noise and JPEG of a camera."""
    made = image.astype(np.float32)
    if blur > 0.2:
        made = cv2.GaussianBlur(made, (0, 0), blur)
    if exposure != 1:
        rows, columns = np.indices(made.shape[:2], np.float32)
        squares = ((rows / made.shape[0] - 0.5) ** 2 + (columns / made.shape[1] - 0.5) ** 2) * 2
        tint = random.uniform(0.95, 1.05, 3).astype(np.float32)
        made = (
            made
            * np.float32(exposure)
            * tint
            * (1 - np.float32(random.uniform(0, 0.15)) * squares[..., None])
        )
    made = made + random.normal(0, random.uniform(0.5, 2.5), made.shape).astype(np.float32)
    quality = int(random.integers(82, 94))
    bytes_ = np.rint(made.clip(0, 255)).astype(np.uint8)
    coded = cv2.imencode(".jpg", bytes_, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
