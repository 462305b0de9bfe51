"""Match the light of a reference to the photo's: an offset, and a gain that varies as vignetting does."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retouch.references.views import Image

_ROUNDS = 5  # of weighing anew by what does not fit
_STRAY = 0.06  # difference that halves a weight
_EVEN = 0.02  # how much the gain's slope is held, as a part of what is fitted
_ENDS = (0.012, 0.988)  # beyond, values are clipped and tell nothing of the light
_ENOUGH, _PIXELS = 100, 60_000  # pixels that are needed, and that are looked at
_ODD = 2.2  # a gain, or its inverse, beyond which the light is another one
_TINTED = 0.3  # the same for the gains' differences between colours, as parts


@dataclass(frozen=True)
class Tone:
    """Gain and offset of each colour.

    Attributes:
        parts: ``3×5``: the gain in the middle, its slope to the right and down, its growth with the square of
            the distance, and the offset. Distances are parts of the window's half diagonal.
    """

    parts: NDArray[np.float64]

    def apply(self, image: Image, places: NDArray[np.float32]) -> Image:
        """The reference in the photo's light; ``places`` (``h×w×2``) as in :func:`fit`."""
        x, y = places[..., 0], places[..., 1]
        made = np.empty_like(image)
        for channel, (gain, right, down, square, offset) in enumerate(self.parts.astype(np.float32)):
            field = gain + right * x + down * y + square * (x * x + y * y)
            made[..., channel] = image[..., channel] * field + offset
        return made

    @property
    def is_odd(self) -> bool:
        """Whether the light is so different that another hour or season is likely."""
        gains = self.parts[:, 0]
        if gains.min() <= 0:
            return True
        return bool(
            max(gains.max(), 1 / gains.min()) > _ODD or gains.max() - gains.min() > _TINTED * gains.mean()
        )


SAME = Tone(np.tile([1.0, 0, 0, 0, 0], (3, 1)))


def fit(image: Image, reference: Image, weight: Image, places: NDArray[np.float32]) -> Tone:
    """Fit gain and offset, robustly, colour by colour.

    Args:
        image: the photo, ``h×w×3`` in [0, 1].
        reference: the reference where the photo's pixels are, the same.
        weight: ``h×w``, how much each pixel counts.
        places: ``h×w×2``, right and down from the middle, in parts of the half diagonal.
    """
    # Light varies slowly: a part of the pixels tells as much.
    some = (slice(None, None, max(2, round(math.sqrt(weight.size / _PIXELS)))),) * 2
    low, high = _ENDS
    used = weight[some] > 0
    for each in (image, reference):
        used &= ((each[some] > low) & (each[some] < high)).all(axis=2)
    if np.count_nonzero(used) < _ENOUGH:
        return SAME
    x, y = places[some][used].T.astype(np.float64)
    first = weight[some][used].astype(np.float64)
    parts = SAME.parts.copy()
    for channel in range(3):
        wanted = image[some][..., channel][used].astype(np.float64)
        given = reference[some][..., channel][used].astype(np.float64)
        terms = np.stack([given, given * x, given * y, given * (x * x + y * y), np.ones_like(given)], axis=1)
        prior = np.array([1.0, 0, 0, 0, 0])
        now, weights = prior, first
        for step in range(_ROUNDS):
            hold = np.diag([1e-4, _EVEN, _EVEN, _EVEN, 1e-4]) * (weights @ given**2 + 1e-9)
            square = (terms * weights[:, None]).T @ terms + hold
            now = np.linalg.solve(square, terms.T @ (weights * wanted) + hold @ prior)
            stray = np.abs(terms @ now - wanted)
            # Coarse first, so that a far start does not throw away what fits.
            limit = max(_STRAY * 2.0 ** (_ROUNDS - 2 - step), _STRAY)
            weights = first / (1 + (stray / limit) ** 4)
        parts[channel] = now
    return Tone(parts)
