"""The content of Neural Patch Synthesis: the fill of any other model."""

from __future__ import annotations

import torch
from torch import Tensor

from retouch.contract import Fill, Model, OnProgress
from retouch.upsampling.crop import Crop
from retouch.upsampling.fill_small import fill_crop, usable_scale


def content_fill(
    model: Model, image: Tensor, mask: Tensor, allowed: Tensor, *, seed: int, on_progress: OnProgress
) -> list[Fill]:
    """Fill each item of a batch with the content's model, at the resolution that suits it.

    Args:
        model: the model whose fill is the content.
        image: ``B×3×H×W`` in [0, 1].
        mask: ``B×1×H×W``, 1 = hole.
        allowed: ``B×1×H×W``, 1 where may be borrowed from.
        seed: seed of the model.
        on_progress: told of the model's progress.

    Returns:
        For each item a batch of one, at the picture's own resolution. It has no correspondence if the model
        filled a smaller copy.
    """
    fills = []
    for item in range(len(image)):
        one = slice(item, item + 1)
        fills.append(_fill(model, image[one], mask[one], allowed[one], seed, on_progress))
    return fills


def _fill(
    model: Model, image: Tensor, mask: Tensor, allowed: Tensor, seed: int, on_progress: OnProgress
) -> Fill:
    hole, usable = (each[0, 0].cpu().numpy() > 0 for each in (mask, allowed))
    scale = usable_scale(usable, -(-max(hole.shape) // model.working_size))
    if scale == 1 or not hole.any():
        # Nothing was shrunk, so the content's colours are as good as the model makes them.
        return model(image, mask, allowed=allowed, seed=seed, on_progress=on_progress)

    crop = Crop(image[0].permute(1, 2, 0).cpu().numpy(), hole, usable)
    filled = fill_crop(model, crop, scale, seed=seed, on_progress=on_progress)
    confidence = None
    if filled.confidence is not None:
        confidence = torch.from_numpy(filled.confidence)[None, None].to(image)
    return Fill(torch.from_numpy(filled.image).permute(2, 0, 1)[None].to(image), confidence)
