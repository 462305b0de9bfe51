"""Fill a crop of a photo with any model, at the resolution that suits the model.

A large crop is shrunk, filled small, and brought back to its own resolution with the photo's detail. Then
colours are made to meet at the hole's border. Crops are numpy arrays; torch is imported only for models that
work on tensors, and for upsampling with networks.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from retouch.contract import ArrayModel, Model, OnProgress
from retouch.errors import needs_networks
from retouch.ops.cells import shrink_mask
from retouch.ops.masks import Mask
from retouch.ops.seam import close_seam
from retouch.upsampling.array_fill import fill_array
from retouch.upsampling.crop import Crop, CropFill, OnStage, Upsampling

TONE = 8
"""How far colours are corrected into the hole so that they meet at its border, in the model's pixels."""


def fill_crop(
    model: Model,
    crop: Crop,
    scale: int = 1,
    *,
    upsampling: Upsampling = "auto",
    seed: int = 0,
    trace: bool = False,
    on_progress: OnProgress | None = None,
    on_stage: OnStage | None = None,
) -> CropFill:
    """Fill a crop.

    Args:
        model: any model.
        crop: the crop, with a hole and something to borrow from.
        scale: it is filled smaller by this whole factor.
        upsampling: how a crop that is filled small gets its detail back.
        seed: the same seed gives the same fill on the same device.
        trace: keep where each pixel came from.
        on_progress: called while the model works. ``preview`` shows the whole crop, and what lies outside
            the hole is not the photo's; other pictures are not passed on.
        on_stage: called after each of the stages "fill", "upsample" (if the crop is filled small) and
            "blend".
    """
    report = on_progress or (lambda _: None)
    finished = on_stage or (lambda stage, render: None)
    padded = _padded(crop, scale)
    if isinstance(model, ArrayModel) and (scale == 1 or upsampling != "network"):
        fill = fill_array(model, padded, scale, seed=seed, trace=trace, on_progress=report, on_stage=finished)
    else:
        with needs_networks("Upsampling by a network"):
            from retouch.upsampling.tensor_fill import fill_tensors

        fill = fill_tensors(
            model,
            padded,
            scale,
            upsampling=upsampling,
            seed=seed,
            trace=trace,
            on_progress=report,
            on_stage=finished,
        )
    if scale == 1 and model.fills_by == "continuing":  # it meets the border as it goes on
        joined = np.where(padded.hole[..., None], fill.image, padded.image)
    else:
        joined = close_seam(padded.image, fill.image, padded.hole, reaches(scale), padded.ignore)
    height, width = crop.hole.shape
    joined = joined[:height, :width]
    finished("blend", lambda: joined)
    confidence = fill.confidence
    if confidence is not None:
        confidence = np.where(crop.hole, confidence[:height, :width], np.float32(1))
    return replace(fill, image=joined, confidence=confidence)


def reaches(scale: int) -> tuple[int, ...]:
    """How far colours are corrected into a hole that was filled small by ``scale``, in pixels, one by one.

    The model saw the border at its own resolution, so it could not meet anything finer than that.
    """
    return (TONE,) if scale == 1 else (TONE * scale, TONE * scale // 4, 3)


def usable_scale(allowed: Mask, scale: int) -> int:
    """Lower a scale while it would hide most of what may be borrowed from.

    A cell of ``scale × scale`` pixels may be borrowed from only if all its pixels may, so slivers between
    holes disappear. At least an eighth of the pixels must remain.

    Args:
        allowed: ``H×W`` bool, True where may be borrowed from.
        scale: the scale that is wanted.
    """
    while scale > 1:
        height, width = (side // scale * scale for side in allowed.shape)
        cells = ~shrink_mask(~allowed[:height, :width], scale)
        if int(cells.sum()) * scale * scale * 8 >= max(1, int(allowed.sum())):
            return scale
        scale //= 2
    return 1


def _padded(crop: Crop, scale: int) -> Crop:
    """Pad a crop at the bottom and at the right to multiples of a scale."""
    below, right = (-side % scale for side in crop.hole.shape)
    if not below and not right:
        return crop
    margins = ((0, below), (0, right))
    return replace(
        crop,
        image=np.pad(crop.image, (*margins, (0, 0)), mode="edge"),
        # The hole continues like the colours: what lies in it must not come back as known pixels.
        hole=np.pad(crop.hole, margins, mode="edge"),
        allowed=np.pad(crop.allowed, margins),
        ignore=None if crop.ignore is None else np.pad(crop.ignore, margins),
        lines=None if crop.lines is None else np.pad(crop.lines, margins),
    )
