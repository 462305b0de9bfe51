"""Total variation: how much neighbouring pixels of a fill differ."""

from __future__ import annotations

import numpy as np

from retouch.evaluation.arrays import Hole, Pixels
from retouch.evaluation.metrics.metric import PairMetric, hole_and_image


def total_variation(pixels: Pixels, hole: Hole) -> float | None:
    """Mean absolute difference of neighbours (4-neighbourhood), in % of the full range.

    Only pairs with at least one pixel in the hole count. It is a mean, so that pictures of different sizes
    can be compared: a checkerboard of black and white has 100 %.

    Args:
        pixels: ``H×W×3`` uint8 sRGB.
        hole: ``H×W`` bool.

    Returns:
        A value from 0 to 100, or None if there is no pair.
    """
    values = pixels.astype(np.int64)
    steps = [
        np.abs(np.diff(values, axis=axis))[np.delete(hole, 0, axis) | np.delete(hole, -1, axis)]
        for axis in (0, 1)
    ]
    joined = np.concatenate(steps)
    return float(joined.mean() / 2.55) if joined.size else None


def measure(fill: Pixels, truth: Pixels, hole: Hole) -> dict[str, float]:
    """``tv_hole`` and ``tv_image`` of the fill; the photo is not used.

    Papers report lower as better, although a smear has the lowest value.
    """
    found = {
        "tv_hole": total_variation(fill, hole),
        "tv_image": total_variation(fill, np.ones_like(hole)),
    }
    return {key: value for key, value in found.items() if value is not None}


METRIC = PairMetric("tv", hole_and_image("tv", "TV %", "lower"), measure)
