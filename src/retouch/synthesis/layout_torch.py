"""Layouts for painting in torch: found by the compiled part, or by its plain twin where that is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from retouch.matching.patches import patch_grid
from retouch.native import laying_out, library
from retouch.synthesis.coherent_search import laid_out_sources, usable_patches
from retouch.synthesis.layout import lay_out
from retouch.synthesis.pyramid import Level, smooth_fill

# A layout is found on the coarsest level of so many cells, if so many pairs are there to compare at most.
_SHORTEST_LAYOUT, _LARGEST_LAYOUT = 60, 60_000_000


@dataclass(frozen=True)
class Layout:
    """What :func:`retouch.synthesis.layout.lay_out` found on one level, in torch.

    Attributes:
        number: of the level.
        guess: ``3×H×W``, in the hole a better guess than a smooth one.
        colours: ``3×H×W``, the level filled.
        sources: ``H×W``, the number of the pixel that each of the hole was taken from; -1 elsewhere.
    """

    number: int
    guess: Tensor
    colours: Tensor
    sources: Tensor

    def enlarged(self, level: Level, number: int) -> Tensor:
        """A level with the guess in its hole."""
        guess, factor = self.guess, float(2 ** (self.number - number))
        if factor > 1:
            guess = F.interpolate(guess[None], scale_factor=factor, mode="bilinear")[0]
        height, width = level.known.shape
        return torch.where(level.known, level.image, guess[:, :height, :width])

    def first_sources(self, level: Level, side: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Where the patches of its level begin; see :func:`laid_out_sources`."""
        grid = patch_grid(~level.known, level.readable, side)
        return laid_out_sources(grid, self.sources, generator)


def find_layout(
    levels: Sequence[Level], side: int, seed: int, other: NDArray[np.float32] | None = None
) -> Layout | None:
    """Find a layout on the coarsest level that is not too small; None if that is none, or too large.

    ``other`` is ``h×w×4`` of any size, another guess; see :func:`retouch.synthesis.layout.lay_out`.
    """
    large = [each for each in range(1, len(levels)) if min(levels[each].known.shape) >= _SHORTEST_LAYOUT]
    if not large:
        return None
    number = large[-1]
    level = levels[number]
    grid = patch_grid(~level.known, level.readable, side)
    pairs = len(grid.queries) * int(grid.sources.sum())
    too_large = min(level.known.shape) >= 2 * _SHORTEST_LAYOUT or pairs > _LARGEST_LAYOUT
    if too_large or not usable_patches(level, 5):
        return None
    find = lay_out if library() is None else laying_out.lay_out
    rows = [
        each.permute(1, 2, 0).cpu().numpy() for each in (level.image, smooth_fill(level.image, level.known))
    ]
    texture = None if level.texture is None else level.texture.permute(1, 2, 0).cpu().numpy()
    guess = (rows[1] * 255 + 0.5).clip(0, 255).astype(np.uint8)
    if other is not None:
        shape = level.known.shape
        other = cv2.resize(other, shape[::-1], interpolation=cv2.INTER_LINEAR).astype(np.float32, copy=False)
    certainty, readable = (each.cpu().numpy() for each in (level.certainty, level.readable))
    found = find(rows[0], certainty, readable, texture, None, guess, other, seed=seed)
    device = level.image.device
    better, colours, sources = (torch.from_numpy(np.ascontiguousarray(each)).to(device) for each in found)
    return Layout(number, better.permute(2, 0, 1), colours.permute(2, 0, 1) / 255, sources.long())
