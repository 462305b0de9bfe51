"""SSIM: structural similarity (Wang et al., IEEE Transactions on Image Processing 2004)."""

from __future__ import annotations

import torch

from retouch.evaluation.arrays import Hole, Pixels
from retouch.evaluation.metrics.metric import PairMetric, as_tensor, hole_and_image

WINDOW = 11
"""Side of the Gaussian window, in pixels."""


@torch.inference_mode()
def ssim(fill: Pixels, truth: Pixels, hole: Hole) -> dict[str, float]:
    """Mean similarity of luminance, contrast and structure, averaged over the three colours.

    Args:
        fill: ``H×W×3`` uint8 sRGB, at least ``WINDOW`` pixels a side.
        truth: ``H×W×3`` uint8 sRGB.
        hole: ``H×W`` bool, True = filled.

    Returns:
        ``ssim_hole``, the mean of the similarity map in the hole, and ``ssim_image``, its mean over the
        image. Both are at most 1. Higher is better.
    """
    # Imported late: this takes seconds, and reading reports does not need it.
    from torchmetrics.functional.image import structural_similarity_index_measure

    mean, similarities = structural_similarity_index_measure(
        as_tensor(fill), as_tensor(truth), data_range=1.0, return_full_image=True
    )
    in_hole = similarities[0, :, torch.from_numpy(hole)].double().mean()
    return {"ssim_hole": in_hole.item(), "ssim_image": mean.item()}


METRIC = PairMetric(
    "ssim", hole_and_image("ssim", "SSIM", "higher", short_image="SSIM"), ssim, smallest=WINDOW
)
