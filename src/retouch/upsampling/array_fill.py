"""Fill a crop with a model that works on arrays; numpy and OpenCV only."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import cv2
import numpy as np

from retouch.contract import ArrayModel, LineModel, OnProgress, Progress
from retouch.ops.cells import enlarge, shrink, shrink_mask
from retouch.ops.masks import Mask
from retouch.upsampling.alike import alike
from retouch.upsampling.crop import Crop, CropFill, Image, OnStage
from retouch.upsampling.residual import upsample


def fill_array(
    model: ArrayModel,
    crop: Crop,
    scale: int,
    *,
    seed: int,
    trace: bool,
    on_progress: OnProgress,
    on_stage: OnStage,
) -> CropFill:
    """Shrink a crop, fill it, and bring the fill to the crop's resolution; colours do not meet yet.

    Detail comes from the model's own sources. If it has none, the fill is compared with the known area.

    Arguments as in :func:`retouch.upsampling.fill_small.fill_crop`; the crop's sides are multiples of
    the scale. Outside the hole the image does not mean anything.
    """
    small, hole, usable, lines = crop.image, crop.hole, crop.allowed, crop.lines
    if scale > 1:
        small, hole = np.clip(shrink(crop.image, scale), 0, 1), shrink_mask(crop.hole, scale)
        # A cell may be borrowed from if all of it may.
        usable = ~shrink_mask(~crop.allowed, scale)
        lines = None if lines is None else shrink_mask(lines, scale)
    fill = partial(model.fill_array, lines=lines) if isinstance(model, LineModel) else model.fill_array
    made = fill(
        small, hole, usable, seed=seed, on_progress=lambda progress: on_progress(_shown(progress, crop))
    )
    on_stage("fill", lambda: _clipped(enlarge(made.image, scale)))
    image, sources = made.image, made.sources
    if sources is not None:
        sources = np.where(hole[..., None], sources, np.int32(-1))
    if scale > 1:
        # What the model returns outside the hole need not be the photo.
        filled = np.where(hole[..., None], made.image, small)
        found = alike(filled, hole, usable, seed) if sources is None else sources
        image = upsample(crop.image, filled, found, usable, scale)
        if sources is not None or (found >= 0).any():
            sources = found
        on_stage("upsample", lambda: image)
    confidence = made.confidence
    if confidence is not None and scale > 1:
        confidence = _enlarged_inside(confidence, hole, scale)
    return CropFill(image, confidence, sources if trace else None)


def _enlarged_inside(values: Image, hole: Mask, scale: int) -> Image:
    """Enlarge values that are valid only in the hole, bilinearly, without mixing in values outside it."""
    height, width = hole.shape
    inside = hole.astype(np.float32)
    value, weight = (
        cv2.resize(each, (width * scale, height * scale), interpolation=cv2.INTER_LINEAR)
        for each in (values * inside, inside)
    )
    return np.asarray(value / np.maximum(weight, np.finfo(np.float32).tiny), np.float32)


def _shown(progress: Progress, crop: Crop) -> Progress:
    """Let the picture of a model's progress show the whole crop."""
    render = progress.picture
    if render is None:
        return progress
    height, width = crop.hole.shape

    def preview() -> Image:
        picture = cv2.resize(render(), (width, height), interpolation=cv2.INTER_LINEAR)
        return _clipped(picture.astype(np.float32, copy=False))

    return replace(progress, picture=None, preview=preview)


def _clipped(image: Image) -> Image:
    return np.clip(image, 0, 1)
