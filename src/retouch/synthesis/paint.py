"""Paint the hole of one resolution: search sources, show what they hold, and search again for what is shown.

Painting one level after another, from coarse to fine, is exemplar-based synthesis (Wexler, Shechtman and
Irani, "Space-time completion of video", PAMI 2007; Barnes et al., "PatchMatch", SIGGRAPH 2009).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.matching.coherence import CoherentField
from retouch.matching.correspondence import HardCorrespondence
from retouch.matching.patches import PatchGrid, patch_grid
from retouch.synthesis.coherent_search import LAST_RADIUS, finer_sources, first_sources, improve
from retouch.synthesis.options import PaintOptions
from retouch.synthesis.painting import Canvas
from retouch.synthesis.pyramid import Level


@dataclass(frozen=True)
class Painting:
    """One level with its hole painted.

    Attributes:
        image: ``3×H×W``.
        grid: its patches.
        field: their sources.
    """

    image: Tensor
    grid: PatchGrid
    field: CoherentField


def paint(
    level: Level,
    side: int,
    options: PaintOptions,
    *,
    rounds: int,
    coarser: Painting | None,
    finest: bool,
    generator: torch.Generator,
    report: Callable[[Tensor], bool],
    guess: Tensor | None = None,
    guide: Tensor | None = None,
    begin: Tensor | None = None,
    sources: tuple[Tensor, Tensor] | None = None,
) -> Painting:
    """Paint the hole of one level with known patches.

    Args:
        level: the image and its hole.
        side: odd side of the patches.
        options: how it is done.
        rounds: how often sources are searched and the hole is painted.
        coarser: the level of half the resolution, painted; None for the coarsest level.
        finest: whether this is the finest level.
        generator: the one source of randomness.
        report: called after each round with the level as it is painted now, ``3×H×W``, which stays as it is
            when the painting goes on. Returns True to stop.
        guess: ``3×H×W``, the level with a guess in its hole; None for a smooth guess.
        guide: ``D×H×W``, of the guess, what guides the search beside its colours; None for the level's
            texture.
        begin: ``3×H×W``, the level with what painting begins from in its hole. None for the coarser level's
            painting, or the guess.
        sources: for a level without a coarser one, the sources to begin with, ``Q`` flat positions, and which
            of them are drawn at random only; None to search for them.

    Raises:
        RetouchError: there is a hole, and no patch to borrow.
    """
    grid = patch_grid(~level.known, level.readable, side)
    canvas = Canvas(
        level,
        grid,
        guidance=options.guidance,
        trust=options.trust,
        fading=options.fading,
        generator=generator,
        guess=guess,
        guide=guide,
    )
    laid_out = coarser is None and sources is not None
    if coarser is not None:
        sources = finer_sources(coarser.grid, coarser.field, grid, generator)
        if begin is None:
            begin = F.interpolate(coarser.image[None], scale_factor=2.0, mode="bilinear")[0]
            begin = begin[:, : grid.height, : grid.width]
    if begin is not None:
        canvas.painted = torch.where(level.known, level.image, begin)
    if sources is None:
        found = first_sources(canvas, level, generator.initial_seed())
    else:
        found, unknown = sources
        canvas.paint(found, unknown=unknown)
    field = CoherentField(grid, found, options.coherence, 2 * canvas.share)
    for turn in range(rounds):
        improve(
            canvas,
            field,
            generator,
            last=turn == rounds - 1,
            # Propagation is enough where all pairs were compared.
            radius=0 if coarser is None and not laid_out else LAST_RADIUS if finest else None,
            kept=canvas.deep if laid_out else None,
        )
        canvas.paint(field.sources, field.distances)
        if report(canvas.painted):
            break
    return Painting(canvas.painted, grid, field)


def correspondence_of(paintings: Sequence[Painting]) -> HardCorrespondence:
    """The sources of a batch of paintings, one painting for each item."""
    fields = [each.field for each in paintings]
    return HardCorrespondence(
        [each.grid for each in paintings],
        [each.sources[:, None] for each in fields],
        [torch.ones_like(each.distances)[:, None] for each in fields],
        [-each.distances for each in fields],
    )
