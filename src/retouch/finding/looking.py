"""Go over a photo in windows: the scout says where it is worth looking, and the finder looks there."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.contract.progress import OnProgress, Progress
from retouch.finding.arrays import Arrays
from retouch.finding.networks import CELL, Runner, finder, scout, whole
from retouch.imaging import Photo
from retouch.imaging.photo import white
from retouch.native.threads import at_once, processors

MARGIN = 32
"""What a window sees around its core, in pixels: there, its own edges mislead the network."""
CORE, SMALLEST = 512, 128
"""Sides of the largest cores, which divide the photo, and of the smallest; with margins they are windows."""
_MOST_THREADS = 4  # each has its own networks: some 50 MB
_SCOUTED = 1024  # core of the scout's windows; a multiple of its squares
_NARROW = 0.25  # deep values that take up less than this of their range are stretched
_EVEN, _STEPS = 128, 16  # of stored log-odds: even odds, and steps for each unit
_BAND = 256  # rows that are made smaller at a time
_SAMPLE = 1_000_000  # pixels from which the range of deep values is estimated


class Values:
    """The values of a photo as the networks see them, window by window.

    Values of 8 bits stay as they are, because fading is nothing that networks mind. Deeper values that take
    up a small part of their range are stretched.
    """

    def __init__(self, photo: Photo) -> None:
        self._pixels = photo.pixels
        self.shape = photo.pixels.shape[:2]
        self._low, self._span = 0.0, white(photo.pixels.dtype)
        if photo.pixels.dtype != np.uint8:
            step = max(1, int((photo.pixels.size / _SAMPLE) ** 0.5))
            some = photo.pixels[::step, ::step]
            some = some[np.isfinite(some)]
            low, high = np.quantile(some, (0.001, 0.999)) if some.size else (0.0, 1.0)
            if low < 0 or high > self._span or high - low < _NARROW * self._span:
                self._low, self._span = float(low), float(high - low) or 1.0

    def small(self, longest: int) -> Values:
        """The values of a copy whose longer side has ``longest`` pixels, if the photo's has more."""
        scale = longest / max(self.shape)
        if scale >= 1:
            return self
        height, width = (max(1, round(scale * each)) for each in self.shape)
        made = copy.copy(self)
        made._pixels = cv2.resize(self._of_8_bits(), (width, height), interpolation=cv2.INTER_AREA)
        made._pixels = made._pixels.reshape(height, width, -1)
        made._low, made._span, made.shape = 0.0, 255.0, (height, width)
        return made

    def _of_8_bits(self) -> NDArray[np.uint8]:
        """The photo as networks see it, ``H×W×C``: what lies beyond the range must not weigh in means."""
        if self._pixels.dtype == np.uint8:
            return np.asarray(self._pixels)
        made = np.empty(self._pixels.shape, np.uint8)
        for top in range(0, len(made), _BAND):
            rows = slice(top, top + _BAND)
            values = np.empty(made[rows].shape, np.float32)
            self._scale(self._pixels[rows], values)
            made[rows] = np.rint(255 * (values + np.float32(0.5)))
        return made

    def window(self, top: int, left: int, side: int) -> NDArray[np.float32]:
        """Return a square, ``3×side×side`` in [−0.5, 0.5]; beyond its edges the photo is mirrored."""
        height, width = self.shape
        rows = slice(max(0, top), min(height, top + side))
        columns = slice(max(0, left), min(width, left + side))
        crop = self._pixels[rows, columns]
        above, before = rows.start - top, columns.start - left
        below, after = top + side - rows.stop, left + side - columns.stop
        if max(above, before, below, after):
            crop = np.pad(crop, ((above, below), (before, after), (0, 0)), mode="reflect")
        planes = np.empty((3, side, side), np.float32)
        for plane, values in zip(planes, np.moveaxis(crop, 2, 0), strict=False):
            self._scale(values, plane)
        if crop.shape[2] == 1:
            planes[1:] = planes[0]
        return planes

    def _scale(self, values: NDArray[Any], made: NDArray[np.float32]) -> None:
        """Bring values into [−0.5, 0.5]. Few passes: the scout takes no longer itself."""
        if values.dtype == np.uint8:
            np.multiply(values, np.float32(1 / 255), out=made)
        else:
            given = values.astype(np.float32)
            np.subtract(np.nan_to_num(given, nan=self._low), np.float32(self._low), out=made)
            made /= np.float32(self._span)
            np.clip(made, 0, 1, out=made)
        made -= np.float32(0.5)


def look(
    values: Values, arrays: Arrays, *, worth: float, progress: OnProgress | None = None
) -> NDArray[np.uint8]:
    """Look for damage.

    Args:
        values: the photo.
        arrays: weights of the networks.
        worth: least probability, as the scout sees it, at which a square is looked at; 0 looks everywhere.
        progress: called after each step of the stage "find".

    Returns:
        How probable damage is, ``H×W`` uint8, as :func:`stored` has it.
    """
    height, width = values.shape
    found = np.zeros((height, width), np.uint8)
    if worth > 0:
        squares = scouted(values, arrays) >= _logit(worth)
    else:
        squares = np.ones((-(-height // CELL), -(-width // CELL)), np.bool_)
    own = _Own(lambda side: finder(arrays, side))

    def work(core: tuple[int, int]) -> None:
        for top, left, side in _cover(squares, *core, CORE)[1]:
            _find(values, own.runner(side + 2 * MARGIN), top, left, side, found)

    cores = list(_cores(height, width, CORE))
    for done, _ in enumerate(at_once(work, cores, _threads()), 1):
        if progress is not None:
            progress(Progress("find", done, len(cores)))
    return found


def scouted(values: Values, arrays: Arrays) -> NDArray[np.float32]:
    """Ask the scout about the whole photo: a logit for each square of 16 pixels."""
    height, width = values.shape
    side = min(_SCOUTED, -(-max(height, width) // CELL) * CELL)
    said = np.empty((-(-height // CELL), -(-width // CELL)), np.float32)
    own, edge = _Own(lambda whole: scout(arrays, whole)), MARGIN // CELL

    def work(core: tuple[int, int]) -> None:
        top, left = core
        runner = own.runner(side + 2 * MARGIN)
        logits = runner(values.window(top - MARGIN, left - MARGIN, side + 2 * MARGIN))
        inner = logits[0, edge:-edge, edge:-edge]
        place = said[top // CELL : (top + side) // CELL, left // CELL : (left + side) // CELL]
        place[:] = inner[: place.shape[0], : place.shape[1]]

    for _ in at_once(work, list(_cores(height, width, side)), _threads()):
        pass
    return said


class _Own(threading.local):
    """The networks of each thread, by the side of their windows: OpenCV runs one for one thread at a time."""

    def __init__(self, build: Callable[[int], Runner]) -> None:
        self._build = build
        self._runners: dict[int, Runner] = {}

    def runner(self, side: int) -> Runner:
        """The network for windows of a side, built when it is first asked for."""
        if side not in self._runners:
            self._runners[side] = self._build(side)
        return self._runners[side]


def _threads() -> int:
    return min(processors(), _MOST_THREADS)


def _find(values: Values, runner: Runner, top: int, left: int, core: int, found: NDArray[np.uint8]) -> None:
    """Write what the finder says of a core into ``found``."""
    logits = whole(runner(values.window(top - MARGIN, left - MARGIN, core + 2 * MARGIN)))
    inner = logits[MARGIN:-MARGIN, MARGIN:-MARGIN]
    place = found[top : top + core, left : left + core]
    inner = inner[: place.shape[0], : place.shape[1]]
    place[:] = np.rint(_EVEN + _STEPS * inner).clip(0, 255)


def _cores(height: int, width: int, side: int) -> Iterator[tuple[int, int]]:
    return product(range(0, height, side), range(0, width, side))


def _cover(
    squares: NDArray[np.bool_], top: int, left: int, side: int
) -> tuple[int, list[tuple[int, int, int]]]:
    """Cover what is worth looking at in a core: by the core, or by its four parts, each of them likewise.

    Returns:
        How many pixels the windows have, margins and all: the least there is. And their cores: row, column
        and side.
    """
    part = squares[top // CELL : (top + side) // CELL, left // CELL : (left + side) // CELL]
    if not part.any():
        return 0, []
    whole = (side + 2 * MARGIN) ** 2
    if side > SMALLEST:
        half = side // 2
        parts = [
            _cover(squares, top + down, left + right, half) for down, right in product((0, half), repeat=2)
        ]
        if (pixels := sum(each for each, _ in parts)) < whole:
            return pixels, [core for _, cores in parts for core in cores]
    return whole, [(top, left, side)]


def stored(probability: float) -> float:
    """How a probability strictly between 0 and 1 is stored: as log-odds, 16 steps a unit, even odds at 128.

    Near 0 and 1, where decisions fall, a byte then tells more apart than if it held the probability: one step
    from 0.998 is 0.9979.
    """
    return _EVEN + _STEPS * _logit(probability)


def log_odds(held: int) -> float:
    """The log-odds that :func:`stored` made a byte of."""
    return (int(held) - _EVEN) / _STEPS


def probability(held: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The probabilities that :func:`stored` made bytes of, of any shape."""
    table = 1 / (1 + np.exp((_EVEN - np.arange(256, dtype=np.float32)) / _STEPS))
    return np.asarray(table[held], np.float32)


def _logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))
