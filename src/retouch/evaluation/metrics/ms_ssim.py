"""MS-SSIM: structural similarity at five scales (Wang et al., Asilomar Conference 2003)."""

from __future__ import annotations

import torch

from retouch.evaluation.arrays import Hole, Pixels
from retouch.evaluation.metrics.metric import Column, PairMetric, as_tensor

SMALLEST = 176
"""Shortest side, in pixels: halved four times, it still holds the window of 11 pixels."""


@torch.inference_mode()
def ms_ssim(fill: Pixels, truth: Pixels, hole: Hole) -> dict[str, float]:
    """The product of contrast and structure at five scales, and of luminance at the coarsest.

    There is no value for the hole alone: at the coarsest scale a window covers 176 pixels, most of which
    are known.

    Args:
        fill: ``H×W×3`` uint8 sRGB, at least ``SMALLEST`` pixels a side.
        truth: ``H×W×3`` uint8 sRGB.
        hole: Not used.

    Returns:
        ``ms_ssim_image``, at most 1. Higher is better.
    """
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

    found = multiscale_structural_similarity_index_measure(as_tensor(fill), as_tensor(truth), data_range=1.0)
    return {"ms_ssim_image": found.item()}


METRIC = PairMetric(
    "ms_ssim", {"ms_ssim_image": Column("MS-SSIM, image", "higher")}, ms_ssim, smallest=SMALLEST
)
