"""Fill a crop with a model that works on tensors. Here numpy ends and the contract's ``B×3×H×W`` begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from retouch.contract import Model, OnProgress, Progress
from retouch.ops.resize import enlarge, enlarge_inside, shrink, shrink_mask
from retouch.upsampling.crop import Crop, CropFill, Image, OnStage, Upsampling
from retouch.upsampling.guided import STEP, upsample
from retouch.upsampling.network import GuidedUpsamplingNetwork, open_network


def fill_tensors(
    model: Model,
    crop: Crop,
    scale: int,
    *,
    upsampling: Upsampling,
    seed: int,
    trace: bool,
    on_progress: OnProgress,
    on_stage: OnStage,
) -> CropFill:
    """Shrink a crop, fill it, and bring the fill to the crop's resolution; colours do not meet yet.

    Arguments as in :func:`retouch.upsampling.fill_small.fill_crop`; the crop's sides are multiples of
    the scale. Outside the hole neither image nor confidence mean anything.
    """

    def report(progress: Progress) -> None:
        preview = None if progress.image is None else partial(_rendered, progress.image, scale)
        on_progress(replace(progress, image=None, preview=preview))

    # no_grad, not inference_mode: a model that optimises needs tensors that gradients can flow to.
    with torch.no_grad():
        image = torch.from_numpy(crop.image).permute(2, 0, 1)[None].to(model.device)
        mask, allowed = (torch.from_numpy(each).to(image)[None, None] for each in (crop.hole, crop.allowed))
        small = shrink_mask(mask, scale)
        # A cell may be borrowed from if all of it may.
        usable = 1 - shrink_mask(1 - allowed, scale)
        fill = model(shrink(image, scale).clamp(0, 1), small, allowed=usable, seed=seed, on_progress=report)
        on_stage("fill", partial(_rendered, lambda: fill.image, scale))
        filled, found = fill.image, None
        network = _network(upsampling, scale, model)
        if scale > 1:
            upsampled = upsample(image, mask, fill, scale, allowed=allowed, seed=seed, network=network)
            filled, found = upsampled.image, upsampled.source_map
            on_stage("upsample", partial(_rendered, lambda: filled, 1))
        elif trace and fill.correspondence is not None:
            found = fill.correspondence.source_map()
        if found is not None and fill.correspondence is None and not bool((found >= 0).any()):
            found = None
        confidence = None
        if fill.confidence is not None:
            confidence = enlarge_inside(fill.confidence, small, scale)[0, 0].cpu().numpy()
        return CropFill(
            _array(filled),
            confidence,
            _cells(found) if trace and found is not None else None,
            tuple(_cells(each.source_map()) for each in fill.levels[:-1]) if trace else (),
            network is not None,
        )


def _network(upsampling: Upsampling, scale: int, model: Model) -> GuidedUpsamplingNetwork | None:
    if scale == 1 or upsampling == "residual":
        return None
    if upsampling == "auto" and (scale > STEP or not model.by_network):
        return None
    return open_network(model.device)


def _rendered(render: Callable[[], Tensor], scale: int) -> Image:
    """Render a model's picture at the crop's resolution."""
    with torch.no_grad():
        return _array(enlarge(render()[:1], scale).clamp(0, 1))


def _array(image: Tensor) -> Image:
    array: Image = image[0].permute(1, 2, 0).cpu().numpy()
    return array


def _cells(found: Tensor) -> NDArray[np.int32]:
    return found[0].permute(1, 2, 0).cpu().numpy().astype(np.int32)
