"""Photos whose opposite edges meet, rolled so that the edges lie elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from retouch.engine.boxes import Box
from retouch.errors import RetouchError
from retouch.imaging import Photo, goes_around
from retouch.ops.masks import Mask

Sources = NDArray[np.int32]


class Edges(NamedTuple):
    """Which edges of a photo meet: left and right, or top and bottom."""

    across: bool = False
    down: bool = False


def edges_that_meet(wrap: str, photo: Photo) -> Edges:
    """Return the edges that the argument ``wrap`` names; "auto" goes by the photo.

    Raises:
        RetouchError: there is no such value.
    """
    if wrap == "auto":
        return Edges(across=goes_around(photo))
    named = {"none": Edges(), "horizontal": Edges(across=True), "both": Edges(across=True, down=True)}
    if wrap not in named:
        raise RetouchError(f"The edges that meet are auto, {', '.join(named)}, not {wrap!r}.")
    return named[wrap]


@dataclass(frozen=True)
class Roll:
    """A photo rolled by whole pixels, as :func:`numpy.roll` does it.

    Attributes:
        shape: height and width.
        down: rows that everything moves down.
        right: columns that everything moves to the right.
    """

    shape: tuple[int, int]
    down: int
    right: int

    @property
    def moves(self) -> bool:
        """Whether anything is rolled."""
        return bool(self.down or self.right)

    def apply(self, array: NDArray[Any]) -> NDArray[Any]:
        """Roll ``H×W…``."""
        return np.roll(array, (self.down, self.right), axis=(0, 1)) if self.moves else array

    def undo(self, array: NDArray[Any]) -> NDArray[Any]:
        """Roll ``H×W…`` back."""
        return Roll(self.shape, -self.down, -self.right).apply(array)

    def pieces(self, rows: slice, columns: slice) -> Iterator[tuple[Box, tuple[slice, slice]]]:
        """Where a box of the rolled photo lies in the photo: up to four boxes, each with its part of it."""
        for top, inner_rows in _spans(rows, self.down, self.shape[0]):
            for left, inner_columns in _spans(columns, self.right, self.shape[1]):
                height, width = (each.stop - each.start for each in (inner_rows, inner_columns))
                yield Box(top, left, height, width), (inner_rows, inner_columns)

    def sources(self, sources: Sources, part: tuple[slice, slice]) -> Sources:
        """Turn a part of a rolled map of sources into one of the photo."""
        here = sources[part]
        moved = (here - np.array([self.down, self.right], np.int32)) % np.array(self.shape, np.int32)
        return inside(moved, here[..., 0] >= 0)


def _spans(span: slice, moved: int, length: int) -> list[tuple[int, slice]]:
    start, size = (span.start - moved) % length, span.stop - span.start
    first = min(size, length - start)
    return [(start, slice(0, first))] + ([(0, slice(first, size))] if size > first else [])


def find_roll(mask: Mask, edges: Edges) -> Roll:
    """Choose how to roll a photo, so that edges that meet come as far from its holes as possible.

    Args:
        mask: ``H×W`` bool, True = hole.
        edges: which edges meet.
    """
    rows = -_edge(np.count_nonzero(mask, axis=1)) if edges.down else 0
    columns = -_edge(np.count_nonzero(mask, axis=0)) if edges.across else 0
    return Roll((mask.shape[0], mask.shape[1]), rows, columns)


def _edge(counts: NDArray[np.intp]) -> int:
    """The line to begin at: in the middle of the longest run without a hole, around the edge too."""
    holes = np.flatnonzero(counts)
    length = len(counts)
    if holes.size == 0 or min(holes[0], length - 1 - holes[-1]) >= length // 4:
        return 0  # far enough from the edge as it is
    if holes.size == length:
        return int(counts.argmin())
    gaps = np.diff(holes, append=holes[0] + length)
    longest = int(gaps.argmax())
    return int(holes[longest] + (gaps[longest] + 1) // 2) % length


def inside(sources: Sources, hole: Mask) -> Sources:
    """A map of sources, -1 outside the hole."""
    return np.where(hole[..., None], sources, np.int32(-1))
