"""L1: the mean absolute difference between fill and photo."""

from __future__ import annotations

import numpy as np

from retouch.evaluation.arrays import Hole, Pixels
from retouch.evaluation.metrics.metric import PairMetric, hole_and_image


def l1(fill: Pixels, truth: Pixels, hole: Hole) -> dict[str, float]:
    """Mean absolute difference over pixels and colours, in % of the full range.

    Args:
        fill: ``H×W×3`` uint8 sRGB.
        truth: ``H×W×3`` uint8 sRGB.
        hole: ``H×W`` bool, True = filled.

    Returns:
        ``l1_hole`` and ``l1_image``, each from 0 to 100. Lower is better.
    """
    difference = np.abs(fill.astype(np.int64) - truth)
    return {"l1_hole": float(difference[hole].mean() / 2.55), "l1_image": float(difference.mean() / 2.55)}


METRIC = PairMetric("l1", hole_and_image("l1", "L1 %", "lower", short_hole="L1 % hole"), l1)
