"""Joining a fill to the photo without a seam of tone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from retouch.ops.masks import bounding_box, depth, dilate

_EDGE = 0.3
"""A step from the known area into the hole of so much, of the range of colours, is taken for half an edge."""


def blend(image: Tensor, fill: Tensor, mask: Tensor, feather: int) -> Tensor:
    """Put the hole of ``fill`` into ``image``, corrected near the border so that tones meet.

    Where the fill also says something about the known pixels beside the hole, its error there is known. That
    error, smoothed along the border so that grain is not smeared, is carried into the hole and fades to
    nothing over ``feather`` pixels: the membrane of Poisson image editing (Perez et al. 2003) with short
    reach. A fill that agrees with the known pixels is not changed at all.

    Args:
        image: ``B×3×H×W`` in [0, 1]; its hole is not looked at.
        fill: ``B×3×H×W`` in [0, 1].
        mask: ``B×1×H×W``, 1 = hole.
        feather: how far the correction reaches into the hole, in pixels; 0 corrects nothing.

    Returns:
        ``B×3×H×W`` in [0, 1]; known pixels are those of ``image``, bit for bit. It is computed on the CPU
        and comes back on the device of ``image``.
    """
    blended = torch.where(mask > 0, fill, image)
    if feather > 0:
        for item, (known, said, hole) in enumerate(zip(image, fill, mask, strict=True)):
            _correct(blended[item], known, said, hole[0].cpu().numpy() > 0, feather)
    return blended


def _correct(blended: Tensor, image: Tensor, fill: Tensor, hole: NDArray[np.bool_], feather: int) -> None:
    """Correct one item ``3×H×W`` of :func:`blend` in place."""
    box = bounding_box(hole)
    differs = (image != fill).any(dim=0).cpu().numpy()
    if box is None or not (differs & ~hole).any():
        return
    # One pixel around the hole is all that is needed of the known area.
    rows, columns = (slice(max(0, each.start - 1), each.stop + 1) for each in box)
    hole = hole[rows, columns]
    border = dilate(hole, 1) & ~hole
    error = (image - fill)[:, rows, columns].permute(1, 2, 0).cpu().numpy() * border[..., None]

    # A Gaussian of this width still has weight to divide by wherever the correction has not yet faded.
    sigma = feather / 2
    weight = cv2.GaussianBlur(border.astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    smooth = cv2.GaussianBlur(error, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    fade = np.clip(1 - (depth(hole) - 1) / feather, 0, 1)
    fade = fade * fade * (3 - 2 * fade)  # smoothstep: no crease where the correction starts or ends
    with np.errstate(invalid="ignore", divide="ignore"):
        correction = np.where(fade[..., None] > 0, smooth / weight[..., None] * fade[..., None], 0)

    view = blended[:, rows, columns]
    corrected = view + torch.from_numpy(correction).permute(2, 0, 1).to(view)
    view.copy_(torch.where(torch.from_numpy(hole).to(view.device), corrected.clamp(0, 1), view))


def close_seam(
    image: Tensor, fill: Tensor, mask: Tensor, reaches: Sequence[int], heard: Tensor | None = None
) -> Tensor:
    """Put the hole of ``fill`` into ``image``, and let colours meet at its border, whatever the fill says.

    Unlike :func:`blend` it needs no fill of known pixels. What is corrected is the step from a known pixel to
    the hole pixels beside it, smoothed along the border so that texture, whose steps go either way, stays. A
    step larger than colours usually differ by is an edge of the photo that the hole happens to follow; it is
    left to itself.

    Args:
        image: ``B×3×H×W`` in [0, 1]; its hole is not looked at.
        fill: ``B×3×H×W`` in [0, 1]; only its hole is looked at.
        mask: ``B×1×H×W``, 1 = hole.
        reaches: how far corrections fade into the hole, one after the other, in pixels.
        heard: ``B×1×H×W``, 1 where known pixels have a say in the colours beside them; None for everywhere.

    Returns:
        ``B×3×H×W`` in [0, 1]; known pixels are those of ``image``, bit for bit. It is computed on the CPU and
        comes back on the device of ``image``.
    """
    joined = torch.where(mask > 0, fill, image)
    for item, hole in enumerate(mask[:, 0].cpu().numpy() > 0):
        box = bounding_box(hole)
        if box is None or hole.all():
            continue
        # One pixel around the hole is all that is needed of the known area.
        rows, columns = (slice(max(0, each.start - 1), each.stop + 1) for each in box)
        part = hole[rows, columns]
        view = joined[item, :, rows, columns]
        picture = view.permute(1, 2, 0).cpu().numpy().copy()
        deep = depth(part)
        speaks = ~part if heard is None else ~part & (heard[item, 0, rows, columns].cpu().numpy() > 0)
        for reach in reaches:
            step, border = _steps(picture, part, speaks)
            fade = np.clip(1 - (deep - 1) / reach, 0, 1)
            fade = np.where(part, fade * fade * (3 - 2 * fade), 0)[..., None]
            picture = np.clip(picture + _along(step, border, reach) * fade, 0, 1).astype(np.float32)
        corrected = torch.from_numpy(picture).permute(2, 0, 1).to(view)
        view.copy_(torch.where(torch.from_numpy(part).to(view.device), corrected, view))
    return joined


def _steps(
    picture: NDArray[np.float32], hole: NDArray[np.bool_], speaks: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The steps to known pixels from the hole beside them, edges damped; and where these pixels are, as 1."""
    total, count = np.zeros_like(picture), np.zeros(hole.shape, np.float32)
    inside = np.where(hole[..., None], picture, 0).astype(np.float32)
    for axis, way in product((0, 1), (1, -1)):
        here, there = [slice(None)] * 2, [slice(None)] * 2
        here[axis], there[axis] = (slice(1, None), slice(None, -1))[::way]
        total[tuple(here)] += inside[tuple(there)]
        count[tuple(here)] += hole[tuple(there)]
    border = (count > 0) & speaks
    step = np.where(border[..., None], picture - total / np.maximum(count, 1)[..., None], 0)
    size = np.abs(step).max(2, keepdims=True)
    return (step / (1 + (size / _EDGE) ** 4)).astype(np.float32), border.astype(np.float32)


def _along(step: NDArray[np.float32], border: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    """The steps averaged over the border near each pixel, by a Gaussian of half the reach."""
    # What is so smooth is computed small.
    small = max(1, reach // 8)
    height, width = border.shape
    size = (-(-width // small), -(-height // small))
    values, weight = (
        cv2.GaussianBlur(
            cv2.resize(each, size, interpolation=cv2.INTER_AREA),
            (0, 0),
            reach / (2 * small),
            borderType=cv2.BORDER_CONSTANT,
        )
        for each in (step, border)
    )
    mean = values / np.maximum(weight, 1e-12)[..., None]
    whole = cv2.resize(mean, (width, height), interpolation=cv2.INTER_LINEAR)
    return whole.reshape(step.shape).astype(np.float32, copy=False)
