"""Filling in passes: the next pass takes what the last one was sure of as known, and fills the rest.

Zeng et al., "High-Resolution Image Inpainting with Iterative Confidence Feedback and Guided Upsampling",
ECCV 2020, section 3.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.contract import Correspondence, Fill


@dataclass(frozen=True)
class PassesCorrespondence:
    """For each pixel, the correspondence of the pass that filled it.

    Attributes:
        passes: the correspondence of each pass; None for a pass that borrowed nothing.
        filled: ``B×1×H×W`` int64, the number of the pass that filled a pixel, from 0; -1 on known pixels.
    """

    passes: Sequence[Correspondence | None]
    filled: Tensor

    def source_map(self) -> Tensor:
        """Row and column each pixel was taken from, ``B×2×H×W`` int64; -1 where nothing was borrowed."""
        sources = self.filled.new_full((len(self.filled), 2, *self.filled.shape[2:]), -1)
        for number, each in enumerate(self.passes):
            if each is not None:
                sources = torch.where(self.filled == number, each.source_map().to(sources.device), sources)
        return sources

    def transfer(self, values: Tensor, scale: int = 1) -> Tensor:
        """Copy ``B×C×(H·scale)×(W·scale)`` values from the sources; where nothing was borrowed they stay."""
        filled = F.interpolate(self.filled.to(values), scale_factor=float(scale))
        carried = values
        for number, each in enumerate(self.passes):
            if each is not None:
                carried = torch.where(filled == number, each.transfer(values, scale), carried)
        return carried


def fill_in_passes(
    fill_once: Callable[[Tensor, Tensor, int], Fill],
    image: Tensor,
    mask: Tensor,
    *,
    passes: int,
    threshold: float,
) -> Fill:
    """Fill holes in passes, each item of the batch on its own.

    Hole pixels whose confidence is above ``threshold`` are known to the next pass. The last pass is accepted
    in full.

    Args:
        fill_once: called with (image, rest of the hole, number of the pass from 0); fills the batch and
            returns confidence too. An item that is done has an empty hole. This function must borrow only
            from what was known at first, not from what an earlier pass filled.
        image: ``B×3×H×W`` in [0, 1]; in the hole, each pass sees these pixels or the fill of earlier passes.
        mask: ``B×1×H×W``, 1 = hole.
        passes: the most passes, at least 1.
        threshold: in [0, 1].

    Returns:
        The fill. Each pixel has the confidence and the correspondence of the pass that filled it.
    """
    left, filled = mask > 0, torch.full_like(mask, -1, dtype=torch.long)
    confidence = torch.ones_like(mask)
    fills: list[Fill] = []
    for number in range(passes):
        fill = fill_once(image, left.to(mask), number)
        assert fill.confidence is not None
        fills.append(fill)
        trusted = left & (fill.confidence > threshold)
        # If no new pixel is trusted, another pass would see the same input.
        last = (number == passes - 1) | ~trusted.flatten(1).any(1)
        accepted = torch.where(last[:, None, None, None], left, trusted)
        image = torch.where(accepted, fill.image, image)
        confidence = torch.where(accepted, fill.confidence, confidence)
        filled = torch.where(accepted, number, filled)
        left = left & ~accepted
        if not bool(left.any()):
            break
    if len(fills) == 1:
        return Fill(image, confidence, fills[0].correspondence, fills[0].levels)
    correspondence = _joined([each.correspondence for each in fills], filled)
    levels: list[Correspondence] = []
    if len({len(each.levels) for each in fills}) == 1:  # a pass may have found nothing to borrow at a level
        joined = (_joined(each, filled) for each in zip(*(each.levels for each in fills), strict=True))
        levels = [each for each in joined if each is not None]
    return Fill(image, confidence, correspondence, tuple(levels))


def _joined(passes: Sequence[Correspondence | None], filled: Tensor) -> Correspondence | None:
    return PassesCorrespondence(passes, filled) if any(each is not None for each in passes) else None
