"""The layout of a hole: whole patches are copied on a coarse level, from the hole's rim inwards.

Painting from coarse to fine begins from something, and what it begins from decides where rails, roofs and
horizons run. A smooth guess does not know. Copying whole patches inwards does ("onion peel"; Criminisi, Perez
and Toyama, "Region filling and object removal by exemplar-based image inpainting", IEEE TIP 2004), but its
mistakes stay. So a small level is filled in sixteen manners; where they agree, their mean is sharp, and it
becomes the guess that guides the search on all finer levels. Six more fills are guided by it, and painting
begins with the one that is most like it. Deviations from Criminisi et al.:

* The patch with the most confidence is filled next; their data term, which prefers edges, gained nothing.
* Sources are compared by the guess of colours and texture as well, and by how far away they lie.
* Where lines are given that go on through the hole, they are filled first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retouch.synthesis.peeling import Bytes, Floats, Manner, Peeling, mixed, to_bytes

_LAYOUTS, _ENDS = 16, 6
_SIDES, _PRICES, _GUIDANCES = (7, 5, 9), (1.0, 0.5, 2.0, 1.0), (0.3, 0.15, 0.6)
_F = np.float32
_SPREAD_PART, _LEAST_VARIANCE = _F(2), _F(0.002)  # of a layout's error, beside the variance among the fills


def lay_out(
    image: Floats,
    certainty: Floats,
    readable: NDArray[np.bool_],
    texture: Floats | None,
    lines: Floats | None,
    guess: Bytes,
    other: Floats | None = None,
    *,
    seed: int,
) -> tuple[Floats, Bytes, NDArray[np.int32]]:
    """Find a layout. Slow and plain; :func:`retouch.native.laying_out.lay_out` gives the same numbers.

    Args:
        image: ``H×W×3`` in [0, 1]; what is not known is not looked at.
        certainty: ``H×W`` in [0, 1], the known part of a cell; 0 = fill this.
        readable: ``H×W``, True where pixels may be borrowed; somewhere a whole patch of 5×5.
        texture: ``H×W×2``, see :class:`retouch.synthesis.pyramid.Level`; None if it is not known.
        lines: ``H×W`` in [0, 1], the part of a cell on lines that go on through the hole; None without.
        guess: ``H×W×3``, the image with a guess in its hole.
        other: ``H×W×4``, another guess of the hole's colours, and the variance of their error; the better
            guess is a mean of both, weighed by variances. None without.
        seed: the only source of randomness.

    Returns:
        ``H×W×3``, in the hole a better guess; ``H×W×3``, the image filled; ``H×W``, the number of the pixel
        that each of the hole was taken from, row by row, -1 elsewhere.
    """
    hole = certainty == 0
    first = Peeling(certainty, readable, texture, lines, guess)
    start = mixed(seed)
    mean, whole = np.zeros(image.shape, _F), _F(0)
    fills = []
    for each in range(_LAYOUTS):
        manner = Manner(
            _SIDES[each % 3],
            _PRICES[each // 2 % 4],
            _GUIDANCES[each // 3 % 3],
            noise=0.1,
            disorder=0.3 if each % 2 else 0,
        )
        colours, _, cost = first.fill(manner, start + each)
        weight = _F(1) / np.maximum(cost * cost, _F(1e-6))
        whole += weight
        mean += weight * colours
        fills.append((weight, colours))
    mean /= whole * _F(255)
    better = np.where(hole[..., None], _blurred(mean), mean)
    if other is not None:
        spread = np.zeros(hole.shape, _F)
        for weight, colours in fills:
            steps = colours / _F(255) - mean
            for channel in range(3):
                spread += weight / whole * steps[..., channel] * steps[..., channel] / _F(3)
        mine = _SPREAD_PART * spread + _LEAST_VARIANCE
        better += (mine / (mine + other[..., 3]))[..., None] * (other[..., :3] - better)
    shown = np.where(hole[..., None], to_bytes(better), guess)

    second = Peeling(certainty, readable, texture, lines, shown)
    ends = []
    for each in range(_ENDS):
        manner = Manner(_SIDES[each % 3], noise=0.1, disorder=0.3) if each else Manner()
        ends.append(second.fill(manner, start + _LAYOUTS + each))
    away = [float(np.square(each[0][hole] / 255.0 - better[hole]).sum()) for each in ends]
    colours, sources, _ = ends[int(np.argmin(away))]
    return better, colours, sources


def _blurred(mean: Floats) -> Floats:
    height, width = mean.shape[:2]
    edged = np.pad(mean, ((1, 1), (1, 1), (0, 0)), "edge")
    taps = (_F(0.2), _F(0.6), _F(0.2))
    blurred = np.zeros_like(mean)
    for down in range(3):
        for across in range(3):
            blurred += taps[down] * taps[across] * edged[down : down + height, across : across + width]
    return blurred
