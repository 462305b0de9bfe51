"""Exemplar-based inpainting: the hole is put together from patches of the photo's own known area.

No network and no weights. From coarse to fine, patches that touch the hole look for sources that are alike
and coherent, the hole is painted with what they found, and the search begins anew on what was painted
(Wexler, Shechtman and Irani, "Space-time completion of video", PAMI 2007; Barnes et al., "PatchMatch",
SIGGRAPH 2009). What differs from them:

* Sources are chosen for coherence as well as for likeness (:mod:`retouch.synthesis.coherence`).
* A pixel that was painted counts less than a known one when patches are compared.
* A smooth guess of the hole's colours and texture guides the search, so that a large hole keeps the tone
  around it, and grass does not fade into haze (after Newson et al., "Video inpainting of complex scenes",
  SIAM J. Imaging Sciences 2014, section 3.2, who let texture be painted like colour).
* Coarse levels compare whole patches, large ones their principal components, one gathered row a candidate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.contract import Fill, Model, OnProgress, Progress
from retouch.errors import RetouchError
from retouch.matching.correspondence import HardCorrespondence
from retouch.matching.patches import PatchGrid, patch_grid
from retouch.synthesis.coherence import CoherentField
from retouch.synthesis.coherent_search import (
    finer_sources,
    first_sources,
    improve,
    largest_patch,
    usable_patches,
)
from retouch.synthesis.painting import Canvas
from retouch.synthesis.pyramid import Level, halve

# The coarsest level has at least so many pixels along its short side, and so many sources.
_SHORTEST, _FEWEST = 24, 30


@dataclass(frozen=True)
class ExemplarOptions:
    """How :class:`Exemplar` fills.

    Attributes:
        patch: odd side of the patches, in pixels; smaller ones serve where no such patch is known.
        rounds: of searching and painting, from the finest level to the coarsest; coarser ones take the last.
        coherence: price of a neighbour that borrows from elsewhere, in medians of the patch distances.
        guidance: how much the smooth guess of the hole's colours and texture counts, beside the patch itself.
        trust: what a painted pixel counts in a comparison, where a known one counts 1.
        fading: factor by which a patch's vote fades with each pixel of depth in the hole.
    """

    patch: int = 5
    rounds: tuple[int, ...] = (4, 6, 8, 12, 16)
    coherence: float = 0.15
    guidance: float = 0.4
    trust: float = 0.05
    fading: float = 0.35

    def __post_init__(self) -> None:
        if self.patch < 1 or self.patch % 2 == 0:
            raise RetouchError(f"The side of a patch must be odd, such as 5 or 7, not {self.patch}.")
        if not self.rounds or min(self.rounds) < 1:
            raise RetouchError(f"Each level needs at least one round, not {self.rounds}.")
        if not (0 < self.trust <= 1 and 0 < self.fading <= 1):
            raise RetouchError(f"Trust ({self.trust}) and fading ({self.fading}) must lie in (0, 1].")
        if self.coherence < 0 or self.guidance < 0:
            raise RetouchError(
                f"Coherence ({self.coherence}) and guidance ({self.guidance}) must not be negative."
            )


class Exemplar(Model):
    """Fills holes with patches of the known area; see the module's text."""

    name = "exemplar"

    def __init__(self, options: ExemplarOptions | None = None) -> None:
        self.options = options or ExemplarOptions()

    def infer(
        self, image: Tensor, mask: Tensor, allowed: Tensor, *, seed: int, on_progress: OnProgress
    ) -> Fill:
        """Fill each item of the batch on its own."""
        filled, grids, sources, similarities = [], [], [], []
        for item in range(len(image)):
            known = 1 - mask[item, 0]
            level = Level(image[item], known, (known > 0) & (allowed[item, 0] > 0))

            def report(done: int, total: int, item: int = item) -> None:
                # Items differ in their number of levels, so each counts 100.
                on_progress(Progress("fill", 100 * item + 100 * done // total, 100 * len(image)))

            painted, grid, field = _synthesise(level, self.options, seed, report)
            filled.append(painted)
            grids.append(grid)
            sources.append(field.sources[:, None])
            similarities.append(-field.distances)
        weights = [torch.ones_like(each, dtype=image.dtype) for each in sources]
        return Fill(torch.stack(filled), None, HardCorrespondence(grids, sources, weights, similarities))


def _synthesise(
    finest: Level, options: ExemplarOptions, seed: int, report: Callable[[int, int], None]
) -> tuple[Tensor, PatchGrid, CoherentField]:
    """Fill one image, ``3×H×W``; returns it with the patches of its finest level and their sources."""
    generator = torch.Generator(finest.image.device).manual_seed(seed)
    side = largest_patch(finest, options.patch)
    levels = [finest]
    while min(levels[-1].known.shape) >= 2 * _SHORTEST:
        coarser = halve(levels[-1])
        if bool(coarser.known.all()) or usable_patches(coarser, side) < _FEWEST:
            break
        levels.append(coarser)
    rounds = [options.rounds[min(number, len(options.rounds) - 1)] for number in range(len(levels))]
    # A level has four times the pixels of the next.
    costs = [count * 4 ** (len(levels) - number) for number, count in enumerate(rounds)]

    above: tuple[Canvas, CoherentField] | None = None
    for number in reversed(range(len(levels))):
        level = levels[number]
        grid = patch_grid(~level.known, level.readable, side)
        canvas = Canvas(
            level,
            grid,
            guidance=options.guidance,
            trust=options.trust,
            fading=options.fading,
            generator=generator,
        )
        if above is None:
            sources = first_sources(canvas, level, seed)
        else:
            coarse, coarse_field = above
            sources, unknown = finer_sources(coarse.grid, coarse_field, grid, generator)
            enlarged = F.interpolate(coarse.painted[None], scale_factor=2.0, mode="bilinear")[0]
            enlarged = enlarged[:, : grid.height, : grid.width]
            canvas.painted = torch.where(level.known, level.image, enlarged)
            canvas.paint(sources, unknown=unknown)
        field = CoherentField(grid, sources, options.coherence, 2 * canvas.share)
        for turn in range(rounds[number]):
            last = turn == rounds[number] - 1
            improve(canvas, field, generator, number == 0, above is None, last)
            canvas.paint(field.sources, field.distances)
            done = sum(costs[number + 1 :]) + costs[number] * (turn + 1) // rounds[number]
            report(done, sum(costs))
        above = (canvas, field)
    return canvas.painted, grid, field
