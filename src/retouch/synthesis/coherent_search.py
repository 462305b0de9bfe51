"""Coherent sources for one level of a pyramid: where they begin, and how they improve.

:func:`first_sources` or :func:`finer_sources` gives each query of a level a source to begin with.
:func:`improve` then looks for better ones, given what is painted now.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.matching.coherence import CoherentField
from retouch.matching.correspondence import match
from retouch.matching.patches import PatchGrid
from retouch.matching.search import SEARCH
from retouch.synthesis.painting import Canvas
from retouch.synthesis.pyramid import Level

# Where queries times sources are at most so many, all pairs are compared.
_ALL_PAIRS = 6_000_000
# More of them, nearly all within a pixel or two, find nothing that matters.
_EXPLORATIONS = 8
# How far the finest level looks around; coarser levels have decided what lies farther.
LAST_RADIUS = 8


def usable_patches(level: Level, side: int) -> int:
    """How many patches of a level may be borrowed."""
    if min(level.known.shape) < side:
        return 0
    return int((F.max_pool2d((~level.readable)[None].float(), side, 1) == 0).sum())


def largest_patch(level: Level, most: int) -> int:
    """The largest odd side of a patch, ``most`` or less, of which some may be borrowed; 1 if none."""
    return next(each for each in range(most, 0, -2) if each == 1 or usable_patches(level, each))


def first_sources(canvas: Canvas, level: Level, seed: int) -> Tensor:
    """Find the nearest sources for what is painted now, ``Q`` flat positions; for the coarsest level."""
    grid = canvas.grid
    if not len(grid.queries):
        return grid.queries
    if _all_pairs(grid):
        return SEARCH.nearest(canvas.compare(), grid.sources.nonzero()[:, 0])
    found = match(
        canvas.painted[None],
        (~level.known)[None, None].to(canvas.painted),
        patch=grid.patch,
        similarity="squared-distance",
        allowed=level.readable[None, None].to(canvas.painted),
        method="approximate",
        seed=seed,
    )
    return found.sources[0][:, 0]


def laid_out_sources(grid: PatchGrid, sources: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The sources of patches by a layout's; returns them, and which of them are only drawn at random.

    A query continues the source of the nearest filled pixel in its patch.

    Args:
        grid: the level's patches.
        sources: ``H×W``, the number of the pixel that each of the hole was taken from; -1 elsewhere.
        generator: draws for queries that continue no whole patch.
    """
    reach, width = grid.patch // 2, grid.width
    row, column = grid.row_column(grid.queries)
    found = torch.full_like(grid.queries, -1)
    steps = [(y, x) for y in range(-reach, reach + 1) for x in range(-reach, reach + 1)]
    for y, x in sorted(steps, key=lambda step: step[0] ** 2 + step[1] ** 2):
        inside = (row + y >= 0) & (row + y < grid.height) & (column + x >= 0) & (column + x < width)
        near = sources[(row + y).clamp(0, grid.height - 1), (column + x).clamp(0, width - 1)]
        there, beside = near // width - y, near % width - x
        inside &= (near >= 0) & (there >= 0) & (there < grid.height) & (beside >= 0) & (beside < width)
        candidate = grid.flat(there.clamp(0, grid.height - 1), beside.clamp(0, width - 1))
        found = torch.where((found < 0) & inside & grid.sources[candidate], candidate, found)
    missing = found < 0
    valid = grid.sources.nonzero()[:, 0]
    draw = torch.randint(len(valid), found.shape, generator=generator, device=valid.device)
    return torch.where(missing, valid[draw], found), missing


def finer_sources(
    coarse: PatchGrid, field: CoherentField, grid: PatchGrid, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Carry sources to the next finer level; returns them, and which of them are only drawn at random."""
    row, column = grid.row_column(grid.queries)
    row, column = row.clamp(0, grid.height - 1), column.clamp(0, grid.width - 1)
    ranks = coarse.ranks(coarse.queries)[coarse.flat(row // 2, column // 2)]
    missing = ranks == len(coarse.queries)
    source_row, source_column = coarse.row_column(field.sources[ranks.masked_fill(missing, 0)])
    source_row = (source_row * 2 + row % 2).clamp_(0, grid.height - 1)
    source_column = (source_column * 2 + column % 2).clamp_(0, grid.width - 1)
    sources = grid.flat(source_row, source_column)
    missing |= ~grid.sources[sources]
    valid = grid.sources.nonzero()[:, 0]
    draw = torch.randint(len(valid), sources.shape, generator=generator, device=valid.device)
    return torch.where(missing, valid[draw], sources), missing


def improve(
    canvas: Canvas,
    field: CoherentField,
    generator: torch.Generator,
    *,
    last: bool,
    radius: int | None,
    kept: Tensor | None = None,
) -> None:
    """Improve the field for the present painting.

    Args:
        canvas: what is painted now.
        field: the sources; they are changed.
        generator: draws the random candidates.
        last: whether this is the level's last round, which is for coherence.
        radius: how far from its source a query looks; 0 to look at its neighbours' only, None for half of the
            level.
        kept: ``Q`` booleans, queries that do not compare all sources; None if all do.
    """
    grid = canvas.grid
    comparison = canvas.compare()
    if not last and _all_pairs(grid):
        nearest = SEARCH.nearest(comparison, grid.sources.nonzero()[:, 0])
        field.sources = nearest if kept is None else torch.where(kept, field.sources, nearest)
    if radius is None:
        radius = max(grid.height, grid.width) // 2
    radii = [max(1, radius // 3**each) for each in range(_EXPLORATIONS if radius else 0)]
    field.judge(comparison)
    SEARCH.coherent(field, comparison, radii, generator)


def _all_pairs(grid: PatchGrid) -> bool:
    return len(grid.queries) * int(grid.sources.sum()) <= _ALL_PAIRS
