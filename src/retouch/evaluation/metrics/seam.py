"""Seam: the step of colour across the border of the hole, compared with the steps around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retouch.evaluation.arrays import Hole, Pixels
from retouch.evaluation.metrics.metric import Column, PairMetric
from retouch.ops.masks import bounding_box, dilate

RING = 8
"""Width of the surroundings, in pixels. It is narrow enough to hold only what the border runs through (sky,
but not the trees beside it), and wide enough to hold several times as many steps as the border."""


@dataclass(frozen=True)
class Seam:
    """Mean steps of colour from one pixel to the next, in the units of the picture.

    Attributes:
        across: From known pixels to the filled pixels beside them.
        around: Between neighbours in the known area within :data:`RING` pixels of the hole.
    """

    across: float
    around: float


def colour_steps(fill: NDArray[np.generic], hole: Hole) -> Seam | None:
    """Compare the steps across the border of a hole with those of its surroundings.

    A step is the mean absolute difference over channels between two pixels side by side or one above the
    other. Where the hole is longer in one direction, its border has more steps of the other. The steps of the
    surroundings are weighted to match, so that a gradient of light gives the same on both sides.

    Where the fill continues the photo, ``across`` is about ``around``. Where tones do not meet, it is far
    above. A fill that is smoother than the photo can lie below, so this measure alone does not make a good
    fill.

    Args:
        fill: ``H×W×C``, of any numeric type.
        hole: ``H×W`` bool, True = filled.

    Returns:
        The two means. None if no filled pixel lies beside a known one, or if the surroundings lack steps in a
        direction that the border has.
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


def measure(fill: Pixels, truth: Pixels, hole: Hole) -> dict[str, float]:
    """``seam``: the mean step across the border, divided by that around it; the photo is not used.

    There is no value where the surroundings are entirely flat.
    """
    seam = colour_steps(fill, hole)
    return {} if seam is None or seam.around == 0 else {"seam": seam.across / seam.around}


METRIC = PairMetric("seam", {"seam": Column("Step at the border / around", "one")}, measure)
