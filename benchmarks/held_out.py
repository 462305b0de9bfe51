"""Held-out photos with holes, and tables of how wrong fills are over cells of several sizes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retouch.ops.masks import Mask
from retouch.training.data import Picture, TrainingSet
from retouch.training.masks import Objects, Rectangles, Sampler, Strokes

SIDE = 288  # pixels
CELLS = (1, 4, 8, 16)
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Scene:
    """A hole in a photo, ``SIDE×SIDE``, and what was made of it: ``SIDE×SIDE×3`` in [0, 1], by name."""

    photo: int
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
    many = SIDE // cell
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
        truth = np.ascontiguousarray(picture[top : top + SIDE, left : left + SIDE])
        for place, (kind, (sampler, least)) in enumerate(kinds.items()):
            random = np.random.default_rng((number, place))
            hole = sampler(random, SIDE, SIDE)
            while hole.mean() < least:
                hole = sampler(random, SIDE, SIDE)
            yield Scene(number, kind, truth, hole)


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
