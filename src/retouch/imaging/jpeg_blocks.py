"""Write a JPEG again so that only the blocks with changed pixels are encoded anew.

A JPEG stores the coefficients of blocks of 8×8 samples (ITU-T T.81, annex A). Those of all other blocks are
taken over as they are, so a photo that is filled again and again loses nothing outside its holes. Where a
photo is turned upright, the coefficients are turned, too.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.errors import RetouchError
from retouch.imaging import containers
from retouch.imaging.opening import decode, open_file
from retouch.imaging.photo import Photo
from retouch.imaging.turning import Turn

SIDE = 8
CELL = 32
"""Side of the largest group of blocks that lie together in a file, in pixels."""
_MOST = 0.5  # of the pixels; a photo of which more changed is encoded as a new one
_LARGEST = 1023  # of a coefficient that sequential and progressive files can both hold
# One of the libraries is in use at a time, for the whole process.
_LOCK = threading.Lock()
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
_TURNED = 6  # levels by which a pixel may differ where a block is turned: decoders round
_WRONG = 32  # levels on average: more is no loss of encoding, but a mistake

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
        if turn.orientation in (2, 3, 6, 7):  # mirrored, a wave of an odd frequency is its negative
            blocks = blocks[:, ::-1] * _SIGNS
        if turn.orientation in (3, 4, 7, 8):
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


def available() -> bool:
    """Whether jpeglib is installed, which reads and writes coefficients."""
    return find_spec("jpeglib") is not None


def rewritten(photo: Photo) -> bytes | None:
    """Encode a photo that came from a JPEG of the same size, without metadata.

    Args:
        photo: the photo, with new pixels anywhere.

    Returns:
        The file; None where this cannot be done: the photo came from no JPEG, too much of it changed, it
        cannot be turned without loss, or jpeglib is missing or finds the file unusual.
    """
    source = photo.header.jpeg
    if source is None or photo.pixels.dtype != np.uint8 or not available():
        return None
    opened = open_file(source, True)
    size = Turn(photo.header.orientation, opened.image.width, opened.image.height).size
    if (*size[::-1], opened.image.bands) != photo.pixels.shape:
        return None
    changed = _differs(decode(opened), photo.pixels)
    if changed.mean() > _MOST:
        return None
    around = 0 if photo.header.orientation == 1 else _TURNED
    try:
        data = _with_blocks(photo, source, changed)
        # The photo is decoded once more: a copy of it beside the coefficients would take much memory.
        return data if data and _as_wanted(data, source, photo.pixels, changed, around) else None
    except (OSError, RuntimeError, ValueError, RetouchError):  # jpeglib could not read or write it
        return None


def _differs(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.bool_]:
    difference = cv2.absdiff(one, np.ascontiguousarray(other)).reshape(one.shape)
    return np.asarray(np.bitwise_or.reduce(difference, axis=2) > 0)


def _with_blocks(photo: Photo, source: bytes, changed: NDArray[np.bool_]) -> bytes | None:
    import jpeglib

    turn = Turn(photo.header.orientation)
    with _LOCK, TemporaryDirectory(prefix="retouch-") as folder:
        place = Path(folder, "photo.jpg")
        place.write_bytes(source)
        jpeglib.version.set(_SEQUENTIAL)
        stored = jpeglib.read_dct(str(place))
        planes = [each for each in (stored.Y, stored.Cb, stored.Cr) if each is not None]
        if stored.jpeg_color_space.name not in ("JCS_GRAYSCALE", "JCS_YCbCr"):
            return None
        factors = np.asarray(stored.samp_factor).reshape(-1, 2)[: len(planes)]
        steps = factors.max(0) // factors
        if (steps * factors != factors.max(0)).any():
            return None
        found = [
            Component(blocks, stored.qt[number].astype(np.float32), *step).upright(turn)
            for blocks, number, step in zip(planes, stored.quant_tbl_no, steps.tolist(), strict=False)
        ]
        if not turns_without_loss(turn, changed.shape, found):
            return None
        encode_changed(found, photo.pixels, changed)
        _put(stored, found, turn, changed.shape)
        stored.write_dct(str(place), flags=["+OPTIMIZE_CODING"])
        if photo.header.progressive:
            stored = jpeglib.read_dct(str(place))
            stored.load()
            jpeglib.version.set(_PROGRESSIVE)  # it fails on coefficients that came from no file
            stored.write_dct(str(place))
        return containers.without_metadata(place.read_bytes())


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
    down, across = (SIDE * max(getattr(each, name) for each in found) for name in ("down", "across"))
    mirrored = turn.orientation in (3, 4, 7, 8), turn.orientation in (2, 3, 6, 7)
    return not (mirrored[0] and shape[0] % down) and not (mirrored[1] and shape[1] % across)


def encode_changed(found: Sequence[Component], pixels: NDArray[np.uint8], changed: NDArray[np.bool_]) -> None:
    """Encode the blocks anew that have changed pixels. Of these, samples without any keep their values.

    Args:
        found: the components of the picture; they change in place.
        pixels: ``H×W×C``, C the number of components.
        changed: ``H×W`` bool.
    """
    tall, wide = (SIDE * max(getattr(each, name) for each in found) for name in ("down", "across"))
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


def _as_wanted(
    data: bytes, source: bytes, wanted: NDArray[np.uint8], changed: NDArray[np.bool_], around: int
) -> bool:
    """Whether a file shows what is wanted where that changed, and elsewhere what was there before.

    Around what changed, it may differ by ``around`` levels; there, decoders use samples of other blocks, too.
    """
    after, before = (decode(open_file(each, True)) for each in (data, source))
    if after.shape != before.shape:
        return False
    height, width = (-(-side // CELL) for side in changed.shape)
    cells = np.zeros((height, width), bool)
    rows, columns = np.nonzero(changed)
    cells[rows // CELL, columns // CELL] = True
    far = ~(cv2.dilate(cells.view(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    wrong = 0
    for number, quiet in enumerate(far):
        band = slice(CELL * number, CELL * (number + 1))
        moved = cv2.absdiff(after[band], before[band]).reshape(before[band].shape)
        if moved[:, quiet.repeat(CELL)[: changed.shape[1]]].max(initial=0) > around:
            return False
        if cells[number].any():
            new = changed[band]
            wrong += int(np.abs(after[band][new].astype(np.int16) - wanted[band][new]).sum())
    return bool(wrong <= _WRONG * np.count_nonzero(changed) * before.shape[2])
