"""L2: the mean squared difference between fill and photo."""

from __future__ import annotations

import numpy as np

from retouch.evaluation.arrays import Hole, Pixels
from retouch.evaluation.metrics.metric import PairMetric, hole_and_image


def mean_squares(fill: Pixels, truth: Pixels, hole: Hole) -> tuple[float, float]:
    """Mean squared difference in the hole and over the image, with values from 0 to 255."""
    squares = (fill.astype(np.int64) - truth) ** 2
    return float(squares[hole].mean()), float(squares.mean())


def l2(fill: Pixels, truth: Pixels, hole: Hole) -> dict[str, float]:
    """Mean squared difference over pixels and colours, in % of the full range squared.

    Args:
        fill: ``H×W×3`` uint8 sRGB.
        truth: ``H×W×3`` uint8 sRGB.
        hole: ``H×W`` bool, True = filled.

    Returns:
        ``l2_hole`` and ``l2_image``, each from 0 to 100. Lower is better.
    """
    in_hole, in_image = mean_squares(fill, truth, hole)
    return {"l2_hole": 100 * in_hole / 255**2, "l2_image": 100 * in_image / 255**2}


METRIC = PairMetric("l2", hole_and_image("l2", "L2 %", "lower"), l2)
