"""Searching the most similar source of every query: all of them tried, or few of them cleverly."""

from __future__ import annotations

import torch
from torch import Tensor

from retouch.errors import RetouchError
from retouch.matching.descriptors import descriptors
from retouch.matching.patch_scores import PatchScores
from retouch.matching.patches import PatchGrid

# Queries and source columns compared at once, at most: such a block of scores stays in a CPU's cache.
_QUERIES = 128
_COLUMNS = 32768
# Rows of scores alive at once for a query: cell products (a chunk has under 4 cells a query), temporaries.
_COPIES = 8

_ROUNDS = 10
_JUMPS = (4, 1)


def search_exact(scores: PatchScores, top: int, memory: int) -> Tensor:
    """Compare every query with every source.

    Args:
        scores: how alike patches are.
        top: number of sources wanted for each query.
        memory: bytes that the block of scores and its companions may take.

    Returns:
        ``Q×k`` flat positions, best first, k = ``top`` or the number of sources if that is less. Of
        sources alike within rounding the first in reading order wins, whatever ``memory`` is.

    Raises:
        RetouchError: ``memory`` is too little for a single row.
    """
    grid, rows = scores.grid, scores.source_rows.rows
    margin, cells = grid.source_layout.first, grid.source_layout.cells
    numbers = memory // (rows.element_size() * _COPIES)
    # A block of columns needs a halo of the margin on both sides; four margins keep that affordable.
    smallest = min(4 * margin + 1, cells)
    if numbers < smallest:
        least = smallest * rows.element_size() * _COPIES
        raise RetouchError(f"Matching this map needs {least} bytes at least; raise memory ({memory}).")
    size = min(_QUERIES, numbers // smallest)
    width = min(_COLUMNS, numbers // size - 2 * margin)

    top = min(top, int(grid.sources.sum()))
    bias = scores.bias.masked_fill(~grid.sources, -torch.inf)
    last = cells - margin
    spans = [slice(begin, min(begin + width, last)) for begin in range(margin, last, width)]
    spans = [span for span in spans if bool(grid.sources[span].any())]
    found = grid.queries.new_empty(len(grid.queries), top)
    for start in range(0, len(grid.queries), size):
        queries = grid.queries[start : start + size]
        slack = scores.rounding(queries)[:, None]
        best = rows.new_empty(len(queries), 0)
        places = queries.new_empty(len(queries), 0)
        for span in spans:
            products = scores.products(queries, span.start, span.stop)
            block = torch.addcmul(bias[span], products, scores.column[span])
            block_best, block_places = _first_best(block, top, slack)
            best, order = _first_best(torch.cat([best, block_best], 1), top, slack)
            places = torch.cat([places, block_places + span.start], 1).gather(1, order)
        found[start : start + size] = places
    return found


def _first_best(scores: Tensor, top: int, slack: Tensor) -> tuple[Tensor, Tensor]:
    """The ``top`` best of each row, in order; of those within ``slack`` the first. Overwrites ``scores``."""
    best, places = [], []
    for _ in range(min(top, scores.shape[1])):
        bound = scores.amax(1, keepdim=True) - slack
        place = (scores >= bound).view(torch.uint8).argmax(1, keepdim=True)
        best.append(scores.gather(1, place))
        places.append(place)
        if top > 1:
            scores.scatter_(1, place, -torch.inf)
    return torch.cat(best, 1), torch.cat(places, 1)


def search_randomised(scores: PatchScores, seed: int, start: Tensor | None = None) -> Tensor:
    """Try random sources, and sources beside those of neighbouring queries (PatchMatch).

    After Barnes et al., "PatchMatch", SIGGRAPH 2009, sections 3.1-3.2, with two changes. All queries move at
    once, so sources spread by jumps of 4 and of 1 cell (Rong and Tan, "Jump flooding", 2006)
    instead of a scan. And candidates are judged in the first principal directions of the patches, one
    gathered row each; only the last round judges whole patches.

    The sources of neighbours never lead from one map into another. With several maps each round also tries a
    source drawn from all of them.

    Args:
        scores: how alike patches are.
        seed: the same seed gives the same result on the same device.
        start: for each flat position of the queries' map, the flat position of the source to begin from;
            a random one takes its place if it is no source.

    Returns:
        ``Q`` flat positions.
    """
    grid, layout = scores.grid, scores.grid.source_layout
    queries = grid.queries
    if not len(queries):
        return queries
    generator = torch.Generator(device=queries.device).manual_seed(seed)
    valid = grid.sources.nonzero()[:, 0]
    field = valid.new_full((grid.cells,), -1)
    field[queries] = beginning(grid, valid, start, generator)

    mine, theirs = descriptors(scores, valid, generator)
    # |q - s|² orders sources as q·s - |s|²/2 does.
    halves = theirs.square().sum(1) / 2
    best = (mine * theirs[field[queries]]).sum(1) - halves[field[queries]]

    def consider(candidates: Tensor) -> None:
        candidates = candidates.clamp(0, layout.cells - 1)
        rows = (grid.sources[candidates] & (candidates != field[queries])).nonzero()[:, 0]
        candidates = candidates[rows]
        score = (mine[rows] * theirs[candidates]).sum(1) - halves[candidates]
        better = score > best[rows]
        rows = rows[better]
        best[rows] = score[better]
        field[queries[rows]] = candidates[better]

    for _ in range(_ROUNDS):
        for jump in _JUMPS:
            for down, right in ((0, jump), (0, -jump), (jump, 0), (-jump, 0)):
                consider(_beside(grid, field, down, right))
        if layout.several:
            draw = torch.randint(len(valid), queries.shape, generator=generator, device=queries.device)
            consider(valid[draw])
        radius = max(max(size) for size in layout.sizes)
        while radius >= 1:
            spread = torch.rand(2, len(queries), generator=generator, device=queries.device) * 2 - 1
            down, right = (spread * radius).round().long()
            consider(layout.near(field[queries], down, right))
            radius //= 2
    return _settle(scores, field)


def beginning(grid: PatchGrid, valid: Tensor, start: Tensor | None, generator: torch.Generator) -> Tensor:
    """The source that each query begins from, ``Q``: its own of ``start``, else one drawn from ``valid``."""
    draw = torch.randint(len(valid), grid.queries.shape, generator=generator, device=valid.device)
    if start is None:
        return valid[draw]
    begun = start[grid.queries].clamp(0, grid.source_layout.cells - 1)
    return torch.where(grid.sources[begun], begun, valid[draw])


def _beside(grid: PatchGrid, field: Tensor, down: int, right: int) -> Tensor:
    """The source that continues the source of the query so far away; -1 or less where there is none."""
    layout = grid.source_layout
    neighbours = (grid.queries + down * grid.stride + right).clamp(0, len(field) - 1)
    sources = field[neighbours]
    continued = sources - (down * layout.stride + right)
    if layout.several:  # the neighbour's own source, where its continuation lies in another map
        continued = torch.where(layout.same_map(continued, sources), continued, sources)
    return torch.where(sources >= 0, continued, sources)


def _settle(scores: PatchScores, field: Tensor) -> Tensor:
    """A last round of propagation between direct neighbours, judged by whole patches."""
    grid = scores.grid
    queries, sources = grid.queries, field[grid.queries]
    best = scores.pairs(queries, sources)
    for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        candidates = _beside(grid, field, down, right).clamp(0, grid.source_layout.cells - 1)
        rows = (grid.sources[candidates] & (candidates != sources)).nonzero()[:, 0]
        score = scores.pairs(queries[rows], candidates[rows])
        better = score > best[rows]
        rows, chosen = rows[better], candidates[rows][better]
        best[rows], sources[rows] = score[better], chosen
    return sources
