"""The content of Neural Patch Synthesis: the fill of any other model."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.contract import Fill, Model, OnProgress
from retouch.ops.blend import blend
from retouch.ops.resize import enlarge_inside, shrink, shrink_mask
from retouch.upsampling.guided import upsample

_FEATHER = 4  # pixels of the content's resolution over which its tone is corrected, as the engine does


def content_fill(
    model: Model, image: Tensor, mask: Tensor, allowed: Tensor, *, seed: int, on_progress: OnProgress
) -> Fill:
    """Fill with the content's model.

    Args:
        model: whose fill is the content. It is shown the picture at the resolution that suits it, and its
            fill is brought to the picture's own.
        image: ``B×3×H×W`` in [0, 1].
        mask: ``B×1×H×W``, 1 = hole.
        allowed: ``B×1×H×W``, 1 where may be borrowed from.
        seed: of the model.
        on_progress: told of its progress.

    Returns:
        Image and confidence.
    """
    factor = -(-max(image.shape[2:]) // model.working_size)
    while True:
        below, right = (-side % factor for side in image.shape[2:])
        margins = (0, right, 0, below)
        photo, hole = (F.pad(each, margins, mode="replicate") for each in (image, mask))
        usable = F.pad(allowed, margins)
        small, free = shrink_mask(hole, factor), 1 - shrink_mask(1 - usable, factor)
        # So little may be known that a lower resolution would hide it.
        if factor == 1 or bool((free.flatten(1).any(1) | ~hole.flatten(1).any(1)).all()):
            break
        factor -= 1
    fill = model(shrink(photo, factor).clamp(0, 1), small, allowed=free, seed=seed, on_progress=on_progress)
    if factor == 1:
        return Fill(fill.image, fill.confidence)
    filled = upsample(photo, hole, fill, factor, allowed=usable, seed=seed).image
    filled = blend(photo, filled, hole, _FEATHER * factor)
    height, width = image.shape[2:]
    confidence = fill.confidence
    if confidence is not None:
        confidence = torch.where(hole > 0, enlarge_inside(confidence, small, factor), 1)[..., :height, :width]
    return Fill(filled[..., :height, :width], confidence)
