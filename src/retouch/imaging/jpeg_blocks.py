"""Encode the blocks of a JPEG anew that have changed pixels, and take over the coefficients of all others.

A JPEG stores the coefficients of blocks of 8×8 samples (ITU-T T.81, annex A). Where a photo is turned
upright, they are turned, too.

jpeglib reads and writes them. Unusual files can end its process, it says things on the terminal, and it
leaves files behind. So all this has a process of its own: ``python -m retouch.imaging.jpeg_blocks FOLDER``.
:mod:`~retouch.imaging.jpeg_keeping` starts it, and judges what it made.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retouch.imaging.turning import Turn

SIDE = 8
READ, PIXELS, CHANGED, HOW, MADE = "read.jpg", "pixels.npy", "changed.npy", "how.json", "made.jpg"
"""The files in the folder: a JPEG without metadata, what it is to show, and what is made of it."""
_LARGEST = 1023  # of a coefficient that sequential and progressive files can both hold
_SEQUENTIAL, _PROGRESSIVE = "turbo210", "mozjpeg403"
_TO_YCBCR = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32
)
_WAVES = np.array(
    [
        [np.cos((2 * place + 1) * wave * np.pi / 16) * (0.5 if wave else 0.125**0.5) for place in range(SIDE)]
        for wave in range(SIDE)
    ],
    np.float32,
)
_SIGNS = np.array([1, -1] * 4, np.int16)

Blocks = NDArray[np.int16]
Plane = NDArray[np.float32]


@dataclass
class Component:
    """Luminance, or one of the colour differences.

    Attributes:
        blocks: ``R×C×8×8``, quantized coefficients, the vertical frequency first; changed in place.
        table: ``8×8``, what a step of each is worth.
        down: rows of pixels for a sample.
        across: columns of pixels for a sample.
    """

    blocks: Blocks
    table: NDArray[np.float32]
    down: int
    across: int

    def upright(self, turn: Turn) -> Component:
        """The same of the picture turned upright."""
        blocks, table = self.blocks, self.table
        down, across = self.down, self.across
        if turn.sideways:
            blocks, table, down, across = blocks.transpose(1, 0, 3, 2), table.T, across, down
        mirrored = turn.mirrored
        if mirrored[0]:  # a wave of an odd frequency is its negative
            blocks = blocks[:, ::-1] * _SIGNS
        if mirrored[1]:
            blocks = blocks[::-1] * _SIGNS[:, None]
        return Component(np.ascontiguousarray(blocks), np.ascontiguousarray(table), down, across)

    def encode(self, plane: Plane, changed: NDArray[np.bool_], top: int, left: int) -> None:
        """Encode the blocks of a part of the picture that have changed samples.

        Args:
            plane: ``h×w`` values around 0 of the part, a whole number of blocks.
            changed: ``h×w`` bool.
            top: row of the part in the picture, in pixels.
            left: its column.
        """
        first = top // (SIDE * self.down), left // (SIDE * self.across)
        rows, columns = plane.shape[0] // self.down, plane.shape[1] // self.across
        shape = rows, self.down, columns, self.across
        samples = plane.reshape(shape).mean((1, 3))
        new = np.asarray(changed.reshape(shape).any((1, 3)))
        # The file has no blocks that lie wholly beyond the edge.
        blocks = self.blocks[first[0] : first[0] + rows // SIDE, first[1] : first[1] + columns // SIDE]
        samples, new = (_cut(each)[: blocks.shape[0], : blocks.shape[1]] for each in (samples, new))
        at = np.nonzero(new.any((2, 3)))
        known = _WAVES.T @ (blocks[at] * self.table) @ _WAVES
        coefficients = _WAVES @ np.where(new[at], samples[at], known) @ _WAVES.T / self.table
        blocks[at] = np.rint(coefficients).clip(-_LARGEST, _LARGEST)


def _cut(plane: NDArray[Any]) -> NDArray[Any]:
    """Cut a plane into blocks, ``R×C×8×8``."""
    rows, columns = (side // SIDE for side in plane.shape)
    return plane.reshape(rows, SIDE, columns, SIDE).transpose(0, 2, 1, 3)


def rewrite(folder: Path, turn: Turn, *, progressive: bool) -> bool:
    """Write the JPEG in a folder again; False if that cannot be done without loss."""
    import jpeglib

    changed = np.load(folder / CHANGED)
    jpeglib.version.set(_SEQUENTIAL)
    stored = jpeglib.read_dct(str(folder / READ))
    planes = [each for each in (stored.Y, stored.Cb, stored.Cr) if each is not None]
    factors = np.asarray(stored.samp_factor).reshape(-1, 2)[: len(planes)]
    steps = factors.max(0) // factors
    plain = stored.jpeg_color_space.name in ("JCS_GRAYSCALE", "JCS_YCbCr")
    if not plain or not stored.qt.all() or (steps * factors != factors.max(0)).any():
        return False
    found = [
        Component(blocks, stored.qt[number].astype(np.float32), *step).upright(turn)
        for blocks, number, step in zip(planes, stored.quant_tbl_no, steps.tolist(), strict=False)
    ]
    if not turns_without_loss(turn, changed.shape, found):
        return False
    encode_changed(found, np.load(folder / PIXELS, mmap_mode="r"), changed)
    _put(stored, found, turn, changed.shape)
    stored.write_dct(str(folder / MADE), flags=["+OPTIMIZE_CODING"])
    if progressive:
        stored = jpeglib.read_dct(str(folder / MADE))
        stored.load()
        jpeglib.version.set(_PROGRESSIVE)  # it fails on coefficients that came from no file
        stored.write_dct(str(folder / MADE))
    return True


def _put(stored: Any, found: Sequence[Component], turn: Turn, shape: tuple[int, ...]) -> None:
    """Put upright components into what jpeglib read."""
    stored.Y, stored.Cb, stored.Cr = (*(each.blocks for each in found), None, None)[:3]
    if not turn.needed:
        return
    stored.height, stored.width = shape
    stored.block_dims = np.array([each.blocks.shape[:2] for each in found])
    for each, number in zip(found, stored.quant_tbl_no, strict=False):
        stored.qt[number] = each.table
    if turn.sideways:
        stored.samp_factor = np.asarray(stored.samp_factor).reshape(-1, 2)[:, ::-1].copy()
    stored.content = None  # it says how the picture lies in the file that was read


def turns_without_loss(turn: Turn, shape: tuple[int, ...], found: Sequence[Component]) -> bool:
    """Whether no block of the upright picture begins before its edge."""
    tall, wide = group(found)
    across, down = turn.mirrored
    return not (down and shape[0] % tall) and not (across and shape[1] % wide)


def group(found: Sequence[Component]) -> tuple[int, int]:
    """Rows and columns of the smallest part with whole blocks of all components, in pixels."""
    return SIDE * max(each.down for each in found), SIDE * max(each.across for each in found)


def encode_changed(found: Sequence[Component], pixels: NDArray[np.uint8], changed: NDArray[np.bool_]) -> None:
    """Encode the blocks anew that have changed pixels. Of these, samples without any keep their values.

    Args:
        found: the components of the picture; they change in place.
        pixels: ``H×W×C``, C the number of components.
        changed: ``H×W`` bool.
    """
    tall, wide = group(found)
    for top in range(0, changed.shape[0], tall):
        columns = np.flatnonzero(changed[top : top + tall].any(0))
        if not len(columns):
            continue
        left, right = columns[0] // wide * wide, (columns[-1] // wide + 1) * wide
        part = slice(top, top + tall), slice(left, right)
        values, new = pixels[part], changed[part]
        # What a block has beyond the picture's edge is as the edge.
        beyond = (0, tall - new.shape[0]), (0, right - left - new.shape[1])
        values, new = np.pad(values, (*beyond, (0, 0)), "edge"), np.pad(new, beyond, "edge")
        for number, component in enumerate(found):
            plane = _plane(values, number)
            component.encode(plane, new, top, left)


def _plane(values: NDArray[np.uint8], number: int) -> Plane:
    """Luminance or a colour difference of pixels, around 0 (JFIF 1.02)."""
    if values.shape[2] == 1:
        return values[..., 0].astype(np.float32) - 128
    plane: Plane = values.astype(np.float32) @ _TO_YCBCR[number]
    return plane - np.float32(128) if number == 0 else plane


if __name__ == "__main__":
    place = Path(sys.argv[1])
    how = json.loads((place / HOW).read_text())
    sys.exit(0 if rewrite(place, Turn(how["orientation"]), progressive=how["progressive"]) else 1)
