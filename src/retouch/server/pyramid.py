"""A photo at full size and halved again and again, cut into tiles, now and before it was edited."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from retouch.server.boxes import Box
from retouch.server.mapped import Array, Mapped

TILE = 256
"""The side of a tile in pixels."""
_STRIP = 512  # rows that are halved at a time, to keep memory low; an even number
_SHOWN = ("pixels", "alpha")


class Pyramid:
    """The levels of a photo; level 0 is the photo itself, in its own encoding.

    Attributes:
        levels: for each level the arrays "pixels" and, if the photo has it, "alpha".
    """

    def __init__(self, folder: Path, arrays: dict[str, Mapped]) -> None:
        """Halve a photo until one tile holds it.

        Args:
            folder: where the levels are kept.
            arrays: the photo's own arrays.
        """
        self.levels = [{name: arrays[name] for name in _SHOWN if name in arrays}]
        while max(self.size(-1)) > TILE:
            self.levels.append(self._blank(folder, f"level-{len(self.levels)}", self.levels[-1], halved=True))
            height, width = self.size(-2)
            self._halve(len(self.levels) - 1, Box(0, 0, width, height))
        # What tiles held before they were edited. These files take room only where something was edited.
        self._before = [
            self._blank(folder, f"before-{number}", level, halved=False)
            for number, level in enumerate(self.levels)
        ]
        self._edited: set[tuple[int, int, int]] = set()

    def size(self, level: int) -> tuple[int, int]:
        """Height and width of a level."""
        height, width = self.levels[level]["pixels"].shape[:2]
        return height, width

    def tile(self, level: int, column: int, row: int) -> Box | None:
        """The box of a tile, in pixels of its level; None if there is no such tile."""
        if not 0 <= level < len(self.levels) or column < 0 or row < 0:
            return None
        height, width = self.size(level)
        box = Box(column * TILE, row * TILE, TILE, TILE).within(Box(0, 0, width, height))
        return None if box.empty else box

    def read(self, level: int, box: Box, *, before: bool = False) -> tuple[Array, Array | None]:
        """Copy a tile's pixels, ``h×w×C``, and alpha, ``h×w`` or None; ``before`` all edits, or now."""
        edited = (level, box.left // TILE, box.top // TILE) in self._edited
        files = self._before[level] if before and edited else self.levels[level]
        pixels, alpha = (files[name].open()[box.place].copy() if name in files else None for name in _SHOWN)
        assert pixels is not None
        return pixels, alpha

    def keep(self, box: Box) -> None:
        """Keep what the tiles of a box hold, before the box is edited for the first time."""
        for level, files in enumerate(self.levels):
            for column, row in _tiles(box.at(level)):
                tile = self.tile(level, column, row)
                if tile is None or (level, column, row) in self._edited:
                    continue
                for name, file in files.items():
                    self._before[level][name].put(tile.top, tile.left, file.open()[tile.place])
                self._edited.add((level, column, row))

    def update(self, box: Box) -> None:
        """Make the halved levels anew where the photo changed."""
        for level in range(1, len(self.levels)):
            self._halve(level, box.at(level - 1))

    def _blank(self, folder: Path, name: str, like: dict[str, Mapped], *, halved: bool) -> dict[str, Mapped]:
        made = {}
        for kind, each in like.items():
            height, width = each.shape[:2]
            shape = ((height + 1) // 2, (width + 1) // 2) if halved else (height, width)
            made[kind] = Mapped.blank(
                folder / f"{name}-{kind}.raw", np.dtype(each.dtype), shape + each.shape[2:]
            )
        return made

    def _halve(self, level: int, box: Box) -> None:
        """Make a box of a level, given in pixels of the level below."""
        below = {name: each.open() for name, each in self.levels[level - 1].items()}
        left, right = box.left & ~1, box.left + box.width
        for top in range(box.top & ~1, box.top + box.height, _STRIP):
            bottom = min(top + _STRIP, box.top + box.height)
            crop = slice(top, bottom + (bottom & 1)), slice(left, right + (right & 1))
            made = halved(*(below[name][crop] if name in below else None for name in _SHOWN))
            for name, array in zip(_SHOWN, made, strict=True):
                if array is not None:
                    self.levels[level][name].put(top // 2, left // 2, array)


def halved(pixels: Array | None, alpha: Array | None) -> tuple[Array, Array | None]:
    """Halve a picture: each pixel is the mean of four, weighted by alpha; an odd last line counts twice."""
    assert pixels is not None
    pixels = _even(pixels)
    height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
    if alpha is None:
        return _shrunk(pixels), None
    alpha = _even(alpha)
    weights = alpha.astype(np.float32)
    total = cv2.resize(weights, (width, height), interpolation=cv2.INTER_AREA)
    weighted = pixels * np.where(weights > 0, weights, np.float32(1e-3))[..., None]
    norm = np.where(weights > 0, weights, np.float32(1e-3))
    norm = cv2.resize(norm, (width, height), interpolation=cv2.INTER_AREA)[..., None]
    mean = (
        cv2.resize(weighted, (width, height), interpolation=cv2.INTER_AREA).reshape(height, width, -1) / norm
    )
    return np.rint(mean).astype(pixels.dtype), np.rint(total).astype(alpha.dtype)


def _shrunk(pixels: Array) -> Array:
    height, width, channels = pixels.shape
    made = cv2.resize(pixels, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return made.reshape(height // 2, width // 2, channels)


def _even(array: Array) -> Array:
    odd = [(0, length & 1) for length in array.shape[:2]]
    return np.pad(array, odd + [(0, 0)] * (array.ndim - 2), mode="edge") if any(sum(odd, ())) else array


def _tiles(box: Box) -> Iterator[tuple[int, int]]:
    """Column and row of each tile that a box touches."""
    for row in range(box.top // TILE, -(-(box.top + box.height) // TILE)):
        for column in range(box.left // TILE, -(-(box.left + box.width) // TILE)):
            yield column, row
