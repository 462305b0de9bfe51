"""How alike two patches are, for all pairs or for given ones.

The inner product of two patches is a sum of inner products of cells, one for each step from the centre.
So the products of all *cells* are computed once, by one matrix product with inner size C, and
summed over the patch by shifting: a ninth of the arithmetic of unfolded 3×3 patches, and no unfolded
copy of the map in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

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
class PatchScores:
    """Similarities between the patches of one map.

    ``products(queries, …) · column + bias`` ranks the sources of a query; its similarity is that, times
    a positive factor of the query alone, plus a constant of the query alone.

    Attributes:
        grid: where the patches lie.
        similarity: the measure.
        rows: ``N×C`` features; their mean is taken out for squared distances, which it does not change,
            so that less is lost to rounding.
        operand: ``N×K`` what is multiplied: ``rows``, or patches unfolded along their rows.
        steps: shifts that sum products of ``operand`` to products of patches.
        energy: ``N`` sums of squares of the patches.
        column: ``N`` factors of the sources.
        bias: ``N`` constants of the sources.
    """

    grid: PatchGrid
    similarity: Similarity
    rows: Tensor
    operand: Tensor
    steps: list[int]
    energy: Tensor
    column: Tensor
    bias: Tensor

    def products(self, queries: Tensor, begin: int, end: int) -> Tensor:
        """Inner products, ``n×(end - begin)``, of queries with the patches from ``begin`` to ``end``."""
        margin = self.grid.first
        places = queries[:, None] + torch.tensor(self.steps, device=queries.device)
        cells, index = torch.unique(places, return_inverse=True)
        table = self.operand[cells] @ self.operand[begin - margin : end + margin].t()
        return shift_sum(table, index, self.steps, margin)

    def ranking(self, queries: Tensor, begin: int, end: int) -> Tensor:
        """What orders the patches at flat positions ``begin`` to ``end`` as sources of each query."""
        span = slice(begin, end)
        return torch.addcmul(self.bias[span], self.products(queries, begin, end), self.column[span])

    def factor(self, queries: Tensor) -> Tensor:
        """What turns differences of :meth:`ranking` into differences of similarity, ``n``."""
        energy = self.energy[queries]
        if self.similarity == "cosine":
            return 1 / _norm(energy)
        return torch.full_like(energy, 2 / (self.rows.shape[1] * self.grid.patch**2))

    def rounding(self, queries: Tensor) -> Tensor:
        """Differences of :meth:`ranking` too small to mean anything, ``n``."""
        energy = self.energy[queries]
        if self.similarity == "cosine":
            return 16 * torch.finfo(energy.dtype).eps * energy.sqrt()
        # A query may be almost nothing beside the sources it is compared with.
        sources = self.energy[self.grid.sources]
        return 16 * torch.finfo(energy.dtype).eps * (energy + (sources.mean() if len(sources) else 0))

    def pairs(self, queries: Tensor, sources: Tensor) -> Tensor:
        """Similarity of query to source patches, pair by pair, computed without cancellation.

        Args:
            queries: ``n`` flat positions.
            sources: ``n`` flat positions.

        Returns:
            ``n``: cosine in [-1, 1], or the negative mean squared difference.
        """
        total = self.rows.new_zeros(len(queries))
        for step in self.grid.square():
            query, source = self.rows[queries + step], self.rows[sources + step]
            if self.similarity == "cosine":
                total += (query * source).sum(1)
            else:
                total -= (query - source).square_().sum(1)
        if self.similarity == "cosine":
            norms = _norm(self.energy[queries]) * _norm(self.energy[sources])
            return (total / norms).clamp(-1, 1)
        return total / (self.rows.shape[1] * self.grid.patch**2)


def patch_scores(features: Tensor, grid: PatchGrid, similarity: Similarity) -> PatchScores:
    """Prepare to compare the patches of ``C×H×W`` features; patches that stick out repeat the map's edge."""
    if similarity == "squared-distance":
        # Only readable cells: the hole may hold anything.
        known = features.detach()[:, grid.readable]
        features = features - known.mean(1)[:, None, None] if known.shape[1] else features
    rows = grid.rows(features)
    squares = rows.square().sum(1)
    # At the ends rolling wraps around; only patches of the margin see it, and they are never asked for.
    energy = torch.stack([squares.roll(-step) for step in grid.square()]).sum(0)
    reach = range(-grid.margin, grid.margin + 1)
    if rows.shape[1] < _FEW_CHANNELS:
        operand = torch.cat([rows.roll(-right, 0) for right in reach], 1)
        steps = [down * grid.stride for down in reach]
    else:
        operand, steps = rows, grid.square()
    if similarity == "cosine":
        column, bias = 1 / _norm(energy), torch.zeros_like(energy)
    else:
        column, bias = torch.ones_like(energy), -energy / 2
    return PatchScores(grid, similarity, rows, operand, steps, energy, column, bias)


def _norm(energy: Tensor) -> Tensor:
    # Clamped before the root: the root's slope at 0 is infinite, and 0 times that is NaN.
    return energy.clamp_min(_SMALLEST_NORM**2).sqrt()
