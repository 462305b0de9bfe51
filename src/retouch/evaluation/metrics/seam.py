"""Whether a fill shows a seam: the step of colour across the hole's border, beside those around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retouch.ops.masks import bounding_box, dilate

RING = 8
"""Width of the surroundings, in pixels: narrow enough to be what the border runs through (sky beside trees is
another matter), wide enough that there are several times as many steps in it as across the border."""


@dataclass(frozen=True)
class Seam:
    """Mean steps of colour from one pixel to the next, in the units of the picture.

    Attributes:
        across: from known pixels to the filled ones beside them.
        around: between neighbours of the known area within :data:`RING` pixels of the hole.
    """

    across: float
    around: float


def colour_steps(fill: NDArray[np.generic], hole: NDArray[np.bool_]) -> Seam | None:
    """Compare the steps across the border of a hole with those of its surroundings.

    A step is the mean absolute difference over channels of two pixels side by side or one above the other.
    The border has more steps of one direction than of the other where the hole is longer that way; those of
    the surroundings are weighted to match, so that a slope of light gives the same on both sides.

    Where the fill goes on as the photo does, ``across`` is about ``around``. It is far above where tones do
    not meet. A fill that is smoother than the photo can lie below, so this alone does not make a good fill.

    Args:
        fill: ``H×W×C``, of any type of numbers.
        hole: ``H×W`` bool, True = filled.

    Returns:
        The two means; None if no filled pixel lies beside a known one, or if the surroundings have no
        steps of a direction that the border has.
    """
    box = bounding_box(hole)
    if box is None:
        return None
    rows, columns = (slice(max(0, each.start - RING), each.stop + RING) for each in box)
    colours, hole = fill[rows, columns].astype(np.float64), hole[rows, columns]
    ring = dilate(hole, RING) & ~hole
    across, around = 0.0, 0.0
    steps = 0
    for first, second in (
        (np.s_[:-1, :], np.s_[1:, :]),
        (np.s_[:, :-1], np.s_[:, 1:]),
    ):
        size = np.abs(colours[first] - colours[second]).mean(axis=2)
        border = hole[first] != hole[second]
        near = ring[first] & ring[second]
        count = int(border.sum())
        if count == 0:
            continue
        if not near.any():
            return None
        across += size[border].sum()
        around += size[near].mean() * count
        steps += count
    return Seam(float(across / steps), float(around / steps)) if steps else None
