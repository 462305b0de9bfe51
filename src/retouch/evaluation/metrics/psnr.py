"""PSNR: the peak signal-to-noise ratio."""

from __future__ import annotations

import math

from retouch.evaluation.arrays import Hole, Pixels
from retouch.evaluation.metrics.l2 import mean_squares
from retouch.evaluation.metrics.metric import PairMetric, hole_and_image

PSNR_CAP = 100.0
"""The value of a perfect fill, in dB, so that it has a number too."""


def psnr(fill: Pixels, truth: Pixels, hole: Hole) -> dict[str, float]:
    """``10·log₁₀(255² / mean squared difference)``, in dB.

    Args:
        fill: ``H×W×3`` uint8 sRGB.
        truth: ``H×W×3`` uint8 sRGB.
        hole: ``H×W`` bool, True = filled.

    Returns:
        ``psnr_hole`` and ``psnr_image``, each from 0 to ``PSNR_CAP``. Higher is better.
    """
    in_hole, in_image = mean_squares(fill, truth, hole)
    return {"psnr_hole": _decibels(in_hole), "psnr_image": _decibels(in_image)}


def _decibels(mean_square: float) -> float:
    return PSNR_CAP if mean_square == 0 else min(PSNR_CAP, 10 * math.log10(255**2 / mean_square))


METRIC = PairMetric("psnr", hole_and_image("psnr", "PSNR dB", "higher", short_image="PSNR"), psnr)
