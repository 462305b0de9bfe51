"""Held-out photos with holes, and tables of how wrong fills are over cells of several sizes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.ops.masks import Mask
from retouch.training.data import Picture, TrainingSet
from retouch.training.masks import Objects, Rectangles, Sampler, Strokes

SIDE = 288  # pixels
LARGE = 512  # side of windows of large photos
WINDOWS = 5  # of each large photo
CELLS = (1, 4, 8, 16)
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Scene:
    """A hole in a square photo, and what was made of it: as large, three channels in [0, 1], by name."""

    number: int
    photo: int  # several scenes are windows of one
    kind: str
    truth: Picture
    hole: Mask
    fills: dict[str, Values] = field(default_factory=dict)

    def errors(self, name: str) -> list[float]:
        """Mean absolute error in % over cells of each size; nan where no cell lies wholly in the hole."""
        difference = self.fills[name] - self.truth / 255
        return [100 * cell_error(difference, self.hole, cell) for cell in CELLS]


def cell_error(difference: Values, hole: Mask, cell: int) -> float:
    """Mean absolute value of the mean difference over cells that lie wholly in the hole, or nan."""
    many = len(hole) // cell
    means = difference.reshape(many, cell, many, cell, 3).mean((1, 3))
    whole = hole.reshape(many, cell, many, cell).all((1, 3))
    return float(np.abs(means)[whole].mean()) if whole.any() else math.nan


def holes(silhouettes: Path) -> dict[str, tuple[Sampler, float]]:
    """The four kinds of holes, with the least share of the photo: a silhouette may lie mostly outside it."""
    return {
        "square": (Rectangles(side=0.5, jitter=0.0), 0.25),
        "strokes": (Strokes(count=(2, 5)), 0.08),
        "object": (Objects(str(silhouettes), area=(0.08, 0.25)), 0.05),
        "large": (Objects(str(silhouettes), area=(0.3, 0.5), disc=1.0, most=0.6), 0.25),
    }


def scenes(pictures: TrainingSet, kinds: Mapping[str, tuple[Sampler, float]], first: int) -> Iterator[Scene]:
    """The photos that are large enough, numbered from ``first`` on, cropped in the middle, with all holes."""
    large = (each for each in pictures.whole() if min(each.shape[:2]) >= SIDE)
    for number, picture in enumerate(large, first):
        top, left = ((each - SIDE) // 2 for each in picture.shape[:2])
        yield from with_holes(number, picture[top : top + SIDE, left : left + SIDE], kinds)


def windows(photos: Path, kinds: Mapping[str, tuple[Sampler, float]]) -> Iterator[Scene]:
    """Windows of ``LARGE`` pixels of a folder's large photos, with all holes: one of it all, then parts.

    The first window of a photo shows its whole shorter side, the others half of it.
    """
    pictures = TrainingSet([photos], LARGE, Rectangles(), 0, memory=0)
    for number, picture in enumerate(pictures.whole()):
        random = np.random.default_rng(number)
        for place in range(WINDOWS):
            shorter = LARGE * (2 if place else 1)
            height, width = picture.shape[:2]
            size = (round(width * shorter / min(height, width)), round(height * shorter / min(height, width)))
            small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
            room = [side - LARGE for side in small.shape[:2]]
            top, left = (random.integers(side + 1) if place else side // 2 for side in room)
            window = small[top : top + LARGE, left : left + LARGE].astype(np.uint8, copy=False)
            yield from with_holes(number * WINDOWS + place, window, kinds, photo=number)


def with_holes(
    number: int, picture: Picture, kinds: Mapping[str, tuple[Sampler, float]], photo: int | None = None
) -> Iterator[Scene]:
    """A square picture with each kind of hole; its number decides the holes."""
    truth = np.ascontiguousarray(picture)
    for place, (kind, (sampler, least)) in enumerate(kinds.items()):
        random = np.random.default_rng((number, place))
        hole = sampler(random, *truth.shape[:2])
        while hole.mean() < least:
            hole = sampler(random, *truth.shape[:2])
        yield Scene(number, number if photo is None else photo, kind, truth, hole)


def compare(found: Sequence[Scene], base: str) -> None:
    """Print the errors, beside the difference to ``base`` with its standard error over photos."""
    names = list(found[0].fills)
    photos = np.array([each.photo for each in found])
    errors = {name: np.array([each.errors(name) for each in found]) for name in names}
    print(f"\n{len(set(photos))} photos, {len(found)} holes: L1 % over cells of so many pixels")
    print("| | " + " | ".join(map(str, CELLS)) + " |\n|---|" + "---:|" * len(CELLS))
    for name in names:
        columns = []
        for place in range(len(CELLS)):
            text = f"{np.nanmean(errors[name][:, place]):.2f}"
            if name != base:
                apart = (errors[name] - errors[base])[:, place]
                of_photos = np.array([np.nanmean(apart[photos == each]) for each in np.unique(photos)])
                spread = np.nanstd(of_photos, ddof=1) / np.isfinite(of_photos).sum() ** 0.5
                text += f" ({np.nanmean(of_photos):+.2f} ± {spread:.2f})"
            columns.append(text)
        print(f"| {name} | " + " | ".join(columns) + " |")
    kinds = list(dict.fromkeys(each.kind for each in found))
    print(f"\ncells of {CELLS[-1]}, by kind of hole\n| | " + " | ".join(kinds) + " |")
    print("|---|" + "---:|" * len(kinds))
    for name in names:
        rows = [[each.kind == kind for each in found] for kind in kinds]
        print(f"| {name} | " + " | ".join(f"{np.nanmean(errors[name][row, -1]):.2f}" for row in rows) + " |")
