"""How alike two patches are, for all pairs or for given ones.

The inner product of two patches is a sum of inner products of cells, one for each step from the centre.
So one matrix product with inner size C computes the products of all *cells*, and shifting sums them over the
patch. This takes a ninth of the arithmetic of unfolded 3×3 patches, and no unfolded copy of the map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.matching.layout import Layout
from retouch.matching.patches import PatchGrid

Similarity = Literal["cosine", "squared-distance"]

# With fewer channels a matrix product of cells is so short that the shifting would dominate; the patch
# is then unfolded along its rows, and shifted along its columns only.
_FEW_CHANNELS = 16
_SMALLEST_NORM = 1e-8


class _ShiftSum(torch.autograd.Function):
    """:func:`shift_sum`, with a backward that keeps one gradient instead of one for each step."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, index: Tensor, steps: Sequence[int], margin: int) -> Tensor:
        ctx.save_for_backward(index)
        ctx.steps, ctx.margin, ctx.shape = steps, margin, table.shape
        length = table.shape[1] - 2 * margin
        total = table.narrow(1, margin + steps[0], length).index_select(0, index[:, 0])
        for place, step in enumerate(steps[1:], 1):
            total += table.narrow(1, margin + step, length).index_select(0, index[:, place])
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        (gradient,) = gradients
        (index,) = ctx.saved_tensors
        count, length = gradient.shape
        table = gradient.new_zeros(ctx.shape)
        # Gathered, not scattered: many times as fast on a CPU, and the same from run to run on a GPU. For
        # each row and step, which row of the result took it: a row of zeros if none did.
        takers = index.new_full((ctx.shape[0], index.shape[1]), count)
        takers.scatter_(0, index, torch.arange(count, device=index.device)[:, None].expand_as(index))
        takers[-1] = count
        padded = F.pad(gradient, (0, 0, 0, 1))
        last = (index == ctx.shape[0] - 1).to(gradient).t() @ gradient
        for place, step in enumerate(ctx.steps):
            columns = table.narrow(1, ctx.margin + step, length)
            columns += padded.index_select(0, takers[:, place])
            columns[-1] += last[place]
        return table, None, None, None


def shift_sum(table: Tensor, index: Tensor, steps: Sequence[int], margin: int) -> Tensor:
    """Sum rows of a table, each shifted: ``out[i, j] = Σ_k table[index[i, k], margin + j + steps[k]]``.

    Args:
        table: ``R×M``.
        index: ``n×k`` row numbers; a column of it names no row twice, but for the last.
        steps: ``k`` shifts, none beyond ``±margin``.
        margin: columns of the table left out on either side.

    Returns:
        ``n×(M - 2·margin)``, differentiable with respect to ``table``.
    """
    total: Tensor = _ShiftSum.apply(table, index, steps, margin)  # type: ignore[no-untyped-call]
    return total


@dataclass(frozen=True)
class PatchRows:
    """The features of one layout, ready to be compared.

    Attributes:
        rows: ``N×C`` features.
        operand: ``N×K`` what is multiplied: ``rows``, or patches unfolded along their rows.
        steps: shifts that sum products of ``operand`` to products of patches.
        energy: ``N`` sums of squares of the patches.
    """

    rows: Tensor
    operand: Tensor
    steps: list[int]
    energy: Tensor


@dataclass(frozen=True)
class PatchScores:
    """Similarities between the patches of a map and the patches it may borrow.

    ``products(queries, …) · column + bias`` ranks the sources of a query. The similarity is that, times
    a positive factor of the query alone, plus a constant of the query alone.

    Attributes:
        grid: where the patches lie.
        similarity: the measure.
        query_rows: features of the map with the hole. For squared distances the mean of the known features
            is taken away first; this changes no distance, and less is lost to rounding.
        source_rows: features of the source maps; the same object where the map is matched with itself.
        column: ``N`` factors of the sources.
        bias: ``N`` constants of the sources.
    """

    grid: PatchGrid
    similarity: Similarity
    query_rows: PatchRows
    source_rows: PatchRows
    column: Tensor
    bias: Tensor

    def products(self, queries: Tensor, begin: int, end: int) -> Tensor:
        """Inner products, ``n×(end - begin)``, of queries with the sources from ``begin`` to ``end``."""
        margin = self.grid.source_layout.first
        places = queries[:, None] + torch.tensor(self.query_rows.steps, device=queries.device)
        cells, index = torch.unique(places, return_inverse=True)
        table = self.query_rows.operand[cells] @ self.source_rows.operand[begin - margin : end + margin].t()
        return shift_sum(table, index, self.source_rows.steps, margin)

    def ranking(self, queries: Tensor, begin: int, end: int) -> Tensor:
        """What orders the patches at flat positions ``begin`` to ``end`` as sources of each query."""
        span = slice(begin, end)
        return torch.addcmul(self.bias[span], self.products(queries, begin, end), self.column[span])

    def factor(self, queries: Tensor) -> Tensor:
        """What turns differences of :meth:`ranking` into differences of similarity, ``n``."""
        energy = self.query_rows.energy[queries]
        if self.similarity == "cosine":
            return 1 / _norm(energy)
        return torch.full_like(energy, 2 / (self.query_rows.rows.shape[1] * self.grid.patch**2))

    def rounding(self, queries: Tensor) -> Tensor:
        """Differences of :meth:`ranking` too small to mean anything, ``n``."""
        energy = self.query_rows.energy[queries]
        if self.similarity == "cosine":
            return 16 * torch.finfo(energy.dtype).eps * energy.sqrt()
        # A query may be almost nothing beside the sources it is compared with.
        sources = self.source_rows.energy[self.grid.sources]
        return 16 * torch.finfo(energy.dtype).eps * (energy + (sources.mean() if len(sources) else 0))

    def pairs(self, queries: Tensor, sources: Tensor) -> Tensor:
        """Similarity of query to source patches, pair by pair, computed without cancellation.

        Args:
            queries: ``n`` flat positions.
            sources: ``n`` flat positions.

        Returns:
            ``n``: cosine in [-1, 1], or the negative mean squared difference.
        """
        query_rows, source_rows = self.query_rows, self.source_rows
        total = query_rows.rows.new_zeros(len(queries))
        steps = zip(self.grid.square(), self.grid.source_layout.square(), strict=True)
        for query_step, source_step in steps:
            query, source = query_rows.rows[queries + query_step], source_rows.rows[sources + source_step]
            if self.similarity == "cosine":
                total += (query * source).sum(1)
            else:
                total -= (query - source).square_().sum(1)
        if self.similarity == "cosine":
            norms = _norm(query_rows.energy[queries]) * _norm(source_rows.energy[sources])
            return (total / norms).clamp(-1, 1)
        return total / (query_rows.rows.shape[1] * self.grid.patch**2)


def patch_scores(
    features: Tensor, grid: PatchGrid, similarity: Similarity, sources: Sequence[Tensor] | None = None
) -> PatchScores:
    """Prepare to compare patches; where they stick out, the map's edge is repeated.

    Args:
        features: ``C×H×W``, of the map with the hole.
        grid: where the patches lie.
        similarity: the measure.
        sources: ``C×h×w`` for each source map; None where the map is matched with itself.
    """
    maps = [features] if sources is None else list(sources)
    if similarity == "squared-distance":
        # Only readable cells: the hole may hold anything.
        pairs = zip(maps, grid.readable, strict=True)
        known = torch.cat([each.detach()[:, readable] for each, readable in pairs], 1)
        if known.shape[1]:
            mean = known.mean(1)[:, None, None]
            features, maps = features - mean, [each - mean for each in maps]
    query_rows = _patch_rows([features], grid.layout)
    source_rows = query_rows if sources is None else _patch_rows(maps, grid.source_layout)
    if similarity == "cosine":
        column, bias = 1 / _norm(source_rows.energy), torch.zeros_like(source_rows.energy)
    else:
        column, bias = torch.ones_like(source_rows.energy), -source_rows.energy / 2
    return PatchScores(grid, similarity, query_rows, source_rows, column, bias)


def _patch_rows(maps: Sequence[Tensor], layout: Layout) -> PatchRows:
    rows = layout.rows(maps)
    squares = rows.square().sum(1)
    # At the ends rolling wraps around; only patches of the margin see it, and nobody asks for them.
    energy = torch.stack([squares.roll(-step) for step in layout.square()]).sum(0)
    if rows.shape[1] >= _FEW_CHANNELS:
        return PatchRows(rows, rows, layout.square(), energy)
    reach = range(-layout.margin, layout.margin + 1)
    operand = torch.cat([rows.roll(-right, 0) for right in reach], 1)
    return PatchRows(rows, operand, [down * layout.stride for down in reach], energy)


def _norm(energy: Tensor) -> Tensor:
    # Clamped before the root: the root's slope at 0 is infinite, and 0 times that is NaN.
    return energy.clamp_min(_SMALLEST_NORM**2).sqrt()
