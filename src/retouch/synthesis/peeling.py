"""Fill a small level by copying whole patches from the rim of its hole inwards; plain, for numpy arrays.

The compiled form is ``Peeling`` in native/layout.h, which gives the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

_MARGIN, _GUIDE_SIDE, _FEWEST_SOURCES, _CHUNK = 4, 7, 30, 512
_FULL_WEIGHT, _LEAST_TRUST, _FAR, _TEXTURE_WEIGHT, _LINES_FIRST = 127, 0.05, 4, 1.5, 1000
_F, _MASK = np.float32, (1 << 64) - 1

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Manner:
    """How a hole is filled from its rim inwards.

    Attributes:
        side: of the patches: 5, 7 or 9.
        price: of a source that is far away.
        guidance: weight of the guess.
        noise: standard deviation of a factor of the costs.
        disorder: how far the order may depart from that of confidence.
    """

    side: int = 7
    price: float = 1
    guidance: float = 0.3
    noise: float = 0
    disorder: float = 0


class Peeling:
    """A level, ready to be filled from the rim inwards, again and again."""

    def __init__(
        self,
        certainty: Floats,
        readable: NDArray[np.bool_],
        texture: Floats | None,
        lines: Floats | None,
        guess: Bytes,
    ) -> None:
        """Prepare what does not change; see :func:`lay_out`."""
        self._shape = height, width = certainty.shape
        self._line = width + 2 * _MARGIN
        self._pixels = _padded(guess)
        self._confidence = np.pad(certainty, _MARGIN)
        self._inside = np.pad(np.ones((height, width), bool), _MARGIN)
        self._lines = None if lines is None else np.pad(lines, _MARGIN) > 0.5
        layers = [guess]
        if texture is not None:
            layers.append(to_bytes(texture * _F(_TEXTURE_WEIGHT)))
        if lines is not None:
            layers.append(to_bytes(lines[..., None]))
        guides = _padded(np.concatenate(layers, 2)).astype(np.int64)
        sums = sliding_window_view(guides, (_GUIDE_SIDE, _GUIDE_SIDE), (0, 1)).sum((-2, -1))
        means = (sums.astype(_F) / _F(_GUIDE_SIDE**2) + _F(0.5)).astype(np.int64)
        reach = _GUIDE_SIDE // 2
        self._guides = np.pad(means, ((reach, reach), (reach, reach), (0, 0)))
        usable = np.pad(readable, _MARGIN)
        self._sources = {side: _whole_patches(usable, side) for side in (5, 7, 9)}

    def fill(self, manner: Manner, seed: int) -> tuple[Bytes, NDArray[np.int32], np.float32]:
        """Fill the hole; returns the image filled, the sources, and the mean cost of a copy."""
        seed &= _MASK
        side = manner.side
        while side > 5 and len(self._sources[side]) < _FEWEST_SOURCES:
            side -= 2
        reach = side // 2
        pixels, confidence = self._pixels.copy(), self._confidence.copy()
        taken = np.full(confidence.shape, -1)
        around = np.zeros_like(confidence)
        for down in range(-reach, reach + 1):
            for across in range(-reach, reach + 1):
                around += np.roll(confidence, (down, across), (0, 1))  # the margin holds zeros
        order = self._order(manner, seed)
        costs: list[float] = []
        while True:
            known = confidence > 0
            beside = np.zeros_like(known)
            beside[1:-1, 1:-1] = known[:-2, 1:-1] | known[2:, 1:-1] | known[1:-1, :-2] | known[1:-1, 2:]
            rim = self._inside & ~known & beside
            if not rim.any():
                break
            place = int(np.argmax(np.where(rim, around * order, _F(-1))))
            row, column = divmod(place, self._line)
            patch = (slice(row - reach, row + reach + 1), slice(column - reach, column + reach + 1))
            source, cost = self._best(pixels[patch], confidence[patch], place, side, manner, seed)
            costs.append(float(cost))
            sure = np.maximum(around[row, column] / _F(side * side), _F(1e-4))
            corner = np.array((row - reach, column - reach))
            for y, x in corner + np.argwhere(self._inside[patch] & ~known[patch]):
                taken[y, x] = source + (y - row) * self._line + x - column
                pixels[y, x] = self._pixels.reshape(-1, 3)[taken[y, x]]
                confidence[y, x] = sure
                around[y - reach : y + reach + 1, x - reach : x + reach + 1] += sure
        inner = (slice(_MARGIN, -_MARGIN),) * 2
        width = self._shape[1]
        rows, columns = np.divmod(taken[inner], self._line)
        sources = np.where(taken[inner] < 0, -1, (rows - _MARGIN) * width + columns - _MARGIN)
        return pixels[inner], sources.astype(np.int32), _F(sum(costs) / max(len(costs), 1))

    def _order(self, manner: Manner, seed: int) -> Floats:
        """What confidence is multiplied by: chance, and lines first."""
        order = np.ones(self._confidence.shape, _F)
        state = mixed(seed ^ mixed(mixed(mixed(0))))
        for place in np.flatnonzero(self._inside & (self._confidence == 0)):
            state = (state * 6364136223846793005 + 1442695040888963407) & _MASK
            drawn = (state >> 32) * 2001 >> 32
            order.flat[place] += _F(manner.disorder) * (_F(drawn) / _F(1000) - _F(1))
            if self._lines is not None and self._lines.flat[place]:
                order.flat[place] += _F(_LINES_FIRST)
        return order

    def _best(
        self, patch: Bytes, confidence: Floats, place: int, side: int, manner: Manner, seed: int
    ) -> tuple[int, np.float32]:
        """The cheapest source of a patch, the first of equals, and what it costs."""
        trust = (np.sqrt(confidence) + _F(_LEAST_TRUST)) / _F(1 + _LEAST_TRUST)
        weights = np.where(confidence > 0, (_F(_FULL_WEIGHT) * trust + _F(0.5)).astype(np.int64), 0)
        scale = _F(3) / _F(max(3 * int(weights.sum()), 1))
        places = self._sources[side]
        means = self._guides.reshape(-1, self._guides.shape[2])
        guides = np.square(means[places] - means[place]).sum(1)
        cheap_first = np.argsort(guides, kind="stable")
        least, chosen = _F(np.inf), int(places[0])
        reach = side // 2
        steps = np.arange(-reach, reach + 1)
        offsets = (steps[:, None] * self._line + steps).ravel()
        flat, mine = self._pixels.reshape(-1, 3), patch.reshape(-1, 3).astype(np.int64)
        diagonal = np.sqrt(_F(self._shape[0]) * _F(self._shape[0]) + _F(self._shape[1] * self._shape[1]))
        bound = _F(1 - 2 * manner.noise)
        for begin in range(0, len(places), _CHUNK):
            some = cheap_first[begin : begin + _CHUNK]
            # Those behind have guides that are too far already.
            if _F(manner.guidance) * _F(guides[some[0]]) > least / bound:
                break
            where = places[some]
            steps_away = flat[where[:, None] + offsets].astype(np.int64) - mine
            patches = (np.square(steps_away).sum(2) * weights.ravel()).sum(1)
            down = (where // self._line - place // self._line).astype(_F)
            across = (where % self._line - place % self._line).astype(_F)
            away = np.sqrt(down * down + across * across) / diagonal
            costs = scale * patches.astype(_F) + _F(manner.guidance) * guides[some].astype(_F)
            costs = (
                costs * (_F(1) + _F(_FAR * manner.price) * away) * _noise(place, where, manner.noise, seed)
            )
            found = np.lexsort((where, costs))[0]
            if (costs[found], where[found]) < (least, chosen):
                least, chosen = costs[found], int(where[found])
        return chosen, least


def mixed(x: int) -> int:
    """A random number of 64 bits that depends on its argument alone (splitmix64)."""
    x = (x + 0x9E3779B97F4A7C15) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


def _noise(place: int, sources: Places, deviation: float, seed: int) -> Floats:
    """Factors about normal around 1, at most two deviations away."""
    if deviation == 0:
        return np.ones(len(sources), _F)
    bells = []
    for source in sources.tolist():
        drawn = mixed(seed ^ mixed(place << 32 | source))
        bells.append(sum((drawn >> 16 * each & 0xFFFF) / 32768 for each in range(3)) - 3)
    return _F(1) + _F(deviation) * np.clip(np.array(bells, _F), _F(-2), _F(2))


def to_bytes(values: Floats) -> Bytes:
    """Values in [0, 1] as bytes."""
    return (values * _F(255) + _F(0.5)).clip(0, 255).astype(np.uint8)


def _padded(values: Bytes) -> Bytes:
    return np.pad(values, ((_MARGIN, _MARGIN), (_MARGIN, _MARGIN), (0, 0)), "edge")


def _whole_patches(usable: NDArray[np.bool_], side: int) -> Places:
    """Places of the patches that may be borrowed whole."""
    whole = np.zeros_like(usable)
    reach = side // 2
    whole[reach:-reach, reach:-reach] = sliding_window_view(usable, (side, side)).all((-2, -1))
    return np.flatnonzero(whole)
