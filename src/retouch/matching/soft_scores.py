"""Softmax logits of queries over all sources, with propagation of scores between neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.matching.patch_scores import PatchScores, Similarity, patch_scores, shift_sum
from retouch.matching.patches import PatchGrid

SoftSimilarity = Similarity | Literal["correlation"]

# Yu et al. 2018, code: shorter source patches are not brought to unit length.
_SMALLEST_SOURCE = 1e-4


@dataclass(frozen=True)
class SoftScores:
    """Scores ``p(q, s)`` of queries and sources, summed over a square of joint shifts.

    ``p(q, s) = Σ_d similarity(q + d, s + d)`` over all ``d`` of a ``propagation × propagation`` square for
    which ``q + d`` lies in the map: the two passes of Yu et al. 2018, section 4.1 ("attention propagation"),
    along columns and rows, at once. The sum takes in all places of the maps: a shifted query need not touch
    the hole, and a shifted source may. A shifted source always lies in its own map, because its whole patch
    does.

    Deviation: the published convolution runs over the flattened map, where the beginning of a row follows the
    end of the row before. Here nothing lies beyond the map's edge.

    Attributes:
        scores: how alike single patches are.
        scaled: whether similarities are scaled by a factor of the query (not with "correlation").
        propagation: odd side of the square of shifts, at most the side of the patches; 1 = none.
    """

    scores: PatchScores
    scaled: bool
    propagation: int

    @property
    def copies(self) -> int:
        """Rows of scores that propagation keeps alive for each query, at most."""
        # For a query on its own: every shifted query has products, similarities, their padded table and the
        # cells around it; all have a gradient.
        return 13 * self.propagation**2 if self.propagation > 1 else 0

    def logits(self, queries: Tensor) -> Tensor:
        """``p(q, s)`` up to a constant of each query, for the flat positions inside the grid's outer margin.

        Args:
            queries: ``n`` flat positions.

        Returns:
            ``n×(N - 2·first)``; minus infinity where there is no source.
        """
        grid = self.scores.grid
        span = _span(grid)
        alike = self._propagated(queries) if self.propagation > 1 else self._similarities(queries)
        return alike.masked_fill(~grid.sources[span], -torch.inf)

    def _similarities(self, queries: Tensor) -> Tensor:
        grid = self.scores.grid
        span = _span(grid)
        ranking = self.scores.ranking(queries, span.start, span.stop)
        return ranking * self.scores.factor(queries)[:, None] if self.scaled else ranking

    def _propagated(self, queries: Tensor) -> Tensor:
        grid = self.scores.grid
        reach = range(-(self.propagation // 2), self.propagation // 2 + 1)
        steps, source_steps = (
            [down * stride + right for down in reach for right in reach]
            for stride in (grid.stride, grid.source_layout.stride)
        )
        places = queries[:, None] + torch.tensor(steps, device=queries.device)
        near: Tensor = torch.unique(places)
        row, column = grid.row_column(near)
        near = near[(row >= 0) & (row < grid.height) & (column >= 0) & (column < grid.width)]
        # The last row, of zeros, stands for the places outside the map; sources never reach the margins.
        margin = grid.source_layout.first
        table = F.pad(self._similarities(near), (margin, margin, 0, 1))
        return shift_sum(table, grid.ranks(near)[places], source_steps, margin)


def _span(grid: PatchGrid) -> slice:
    """The flat positions of sources inside the outer margin."""
    return slice(grid.source_layout.first, grid.source_layout.cells - grid.source_layout.first)


def soft_scores(
    features: Tensor,
    grid: PatchGrid,
    similarity: SoftSimilarity,
    propagation: int,
    sources: Sequence[Tensor] | None = None,
) -> SoftScores:
    """Prepare to compare the patches of ``C×H×W`` features; see :func:`~retouch.matching.match`.

    ``sources`` has the features of the source maps, ``C×h×w`` each; None if the map is matched with itself.
    """
    if similarity != "correlation":
        return SoftScores(patch_scores(features, grid, similarity, sources), True, propagation)
    scores = patch_scores(features, grid, "cosine", sources)
    column = 1 / scores.source_rows.energy.clamp_min(_SMALLEST_SOURCE**2).sqrt()
    return SoftScores(replace(scores, column=column), False, propagation)
