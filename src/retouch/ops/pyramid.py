"""Resolutions of an image with a hole, and a smooth guess of what the hole holds."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

# Binomial kernel of four taps, so that a coarse cell lies in the middle of its two by two fine cells.
_TAPS = (1.0, 3.0, 3.0, 1.0)
# A coarse cell is known where at least this part of what it averages is known.
_KNOWN_PART = 0.3
_SMOOTHING_STEPS = 4


@dataclass(frozen=True)
class Level:
    """One resolution of an image with a hole.

    Attributes:
        image: ``3×H×W``; what lies in the hole has no meaning.
        known: ``H×W`` booleans, False in the hole.
        readable: ``H×W`` booleans, where may be borrowed from; False in the hole.
    """

    image: Tensor
    known: Tensor
    readable: Tensor


def halve(level: Level) -> Level:
    """The level of half the resolution, ``ceil(H/2) × ceil(W/2)``.

    Only known pixels are averaged, so nothing of the hole leaks out, and a cell that is partly known
    counts as known: thin holes vanish where they are easy to fill. A cell with any known pixel that
    may not be borrowed from may not be borrowed from either.
    """
    known = level.known.to(level.image.dtype)
    height, width = known.shape
    taps = level.image.new_tensor(_TAPS) / sum(_TAPS)
    kernel = (taps[:, None] * taps)[None, None]
    layers = torch.cat(
        [level.image * known, known[None], torch.ones_like(known)[None], (known * ~level.readable)[None]]
    )
    padded = F.pad(layers[:, None], (1, 1 + width % 2, 1, 1 + height % 2))
    sums = F.conv2d(padded, kernel, stride=2)[:, 0]
    colours, weight, whole, forbidden = sums[:3], sums[3], sums[4], sums[5]
    is_known = weight > _KNOWN_PART * whole
    image = torch.where(is_known, colours / weight.clamp_min(1e-6), 0)
    return Level(image, is_known, is_known & (forbidden == 0))


def smooth_fill(image: Tensor, known: Tensor) -> Tensor:
    """Fill a hole smoothly from its surroundings, by pulling averages up and pushing them down again.

    Args:
        image: ``C×H×W``.
        known: ``H×W`` booleans, at least one True.

    Returns:
        ``C×H×W``; known pixels as they were.
    """
    if bool(known.all()):
        return image
    weight = known.to(image.dtype)
    if min(known.shape) <= 2:
        mean = (image * weight).sum((1, 2)) / weight.sum()
        return torch.where(known, image, mean[:, None, None])
    layers = F.avg_pool2d(
        torch.cat([image * weight, weight[None]])[None], 2, ceil_mode=True, count_include_pad=False
    )[0]
    coarse = layers[:-1] / layers[-1].clamp_min(1e-6)
    guess = smooth_fill(coarse, layers[-1] > 0)
    filled = F.interpolate(guess[None], known.shape, mode="bilinear", align_corners=False)[0]
    filled = torch.where(known, image, filled)
    for _ in range(_SMOOTHING_STEPS):
        around = F.pad(filled[None], (1, 1, 1, 1), mode="replicate")[0]
        mean = (around[:, 1:-1, :-2] + around[:, 1:-1, 2:] + around[:, :-2, 1:-1] + around[:, 2:, 1:-1]) / 4
        filled = torch.where(known, filled, mean)
    return filled
