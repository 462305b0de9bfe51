"""Resolutions of an image with a hole, and a smooth guess of what the hole holds."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

# Binomial kernel of four taps, so that a coarse cell lies in the middle of its two by two fine cells.
_TAPS = (1.0, 3.0, 3.0, 1.0)
# A coarse cell is known where at least this part of its average is known. Little knowledge is better than a
# guess, and such a cell is as good an example as others, because it lies near.
_KNOWN_PART = 0.05
# Side of the box that texture is measured in.
_TEXTURE_BOX = 9
_SMOOTHING_STEPS = 4


@dataclass(frozen=True)
class Level:
    """One resolution of an image with a hole.

    Attributes:
        image: ``3×H×W``; values in the hole have no meaning.
        certainty: ``H×W`` in [0, 1], the known part of a cell's average; 0 in the hole.
        readable: ``H×W`` booleans, where pixels may be borrowed; False in the hole.
        texture: ``2×H×W``, the root of how much the finest level's brightness changes around here, across
            and down; guessed in the hole. None on the finest level, whose patches show it themselves.
    """

    image: Tensor
    certainty: Tensor
    readable: Tensor
    texture: Tensor | None = None

    @property
    def known(self) -> Tensor:
        """``H×W`` booleans, False in the hole."""
        return self.certainty > 0


def gradients(image: Tensor) -> Tensor:
    """Central differences of the brightness of ``3×H×W``, across and down: ``2×H×W``."""
    grey = F.pad(image.mean(0)[None, None], (1, 1, 1, 1), mode="replicate")[0]
    across = (grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2]) / 2
    down = (grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1]) / 2
    return torch.cat([across, down])


def _texture(image: Tensor, known: Tensor) -> Tensor:
    """Root of the mean absolute gradient over a box; gradients that touch the hole do not count.

    The root spreads it as colours are spread, so that haze and dark grass differ as visibly as grass and
    gravel, and one weight serves all photos.
    """
    whole = F.max_pool2d((~known)[None].to(image), 3, 1, 1) == 0
    layers = torch.cat([gradients(image).abs() * whole, whole.to(image)])
    means = F.avg_pool2d(layers[None], _TEXTURE_BOX, 1, _TEXTURE_BOX // 2)[0]
    measured = known & (means[2] > 0)
    if not bool(measured.any()):
        return torch.zeros_like(means[:2])
    return smooth_fill((means[:2] / means[2:].clamp_min(1e-6)).sqrt(), measured)


def halve(level: Level) -> Level:
    """The level of half the resolution, ``ceil(H/2) × ceil(W/2)``.

    Only known pixels are averaged, by how certain they are, so nothing of the hole leaks out, and a cell
    that is partly known counts as known: thin holes vanish where they are easy to fill. A cell with any
    known pixel that may not be borrowed from may not be borrowed from either.
    """
    height, width = level.certainty.shape
    taps = level.image.new_tensor(_TAPS) / sum(_TAPS)
    kernel = (taps[:, None] * taps)[None, None]
    forbidden = (level.known & ~level.readable).to(level.certainty)
    layers = torch.stack([*(level.image * level.certainty), level.certainty, forbidden])
    margins = (1, 1 + width % 2, 1, 1 + height % 2)
    sums = F.conv2d(F.pad(layers[:, None], margins), kernel, stride=2)[:, 0]
    whole = F.conv2d(F.pad(torch.ones_like(layers[:1, None]), margins), kernel, stride=2)[0, 0]
    colours, weight, forbidden = sums[:3], sums[3], sums[4]
    certainty = weight / whole
    known = certainty > _KNOWN_PART
    image = torch.where(known, colours / weight.clamp_min(1e-6), 0)
    readable = known & (forbidden == 0)
    texture = _texture(level.image, level.known) if level.texture is None else level.texture
    texture = F.conv2d(F.pad(texture[:, None], margins, mode="replicate"), kernel, stride=2)[:, 0]
    return Level(image, torch.where(known, certainty, 0), readable, texture)


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
