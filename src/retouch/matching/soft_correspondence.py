"""A correspondence with softmax weights over all sources for each query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from retouch.errors import RetouchError
from retouch.matching.hard_correspondence import HardCorrespondence, weigh
from retouch.matching.patch_scores import patch_scores, shift_sum
from retouch.matching.patch_search import search_exact
from retouch.matching.patches import Layer, PatchGrid, paste
from retouch.matching.soft_scores import SoftScores, SoftSimilarity, soft_scores

# Queries attended at once on a CPU, at most, and rows of scores alive for each of them while the gradient is
# computed (cell products and pasted weights count four, and all have a gradient).
_QUERIES = 64
_COPIES = 28


def _reached(queries: Tensor, steps: list[int], places: Tensor, nowhere: int) -> Tensor:
    """Flat positions of the cells of the hole that ``queries`` paste to."""
    cells: Tensor = torch.unique(queries[:, None] + torch.tensor(steps, device=queries.device))
    return cells[places[cells] < nowhere]


@dataclass(frozen=True)
class SoftCorrespondence:
    """Softmax weights over all sources for each query, recomputed chunk by chunk whenever they are needed.

    Differentiable with respect to features and transferred values, in bounded memory.

    Attributes:
        features: ``B×C×H×W``.
        grids: for each item of the batch, where its queries lie.
        similarity: the measure.
        softmax_scale: what similarities are multiplied by before the softmax.
        memory: bytes that weights and their companions may take.
        propagation: side of the square of joint shifts that similarities are summed over.
    """

    features: Tensor
    grids: Sequence[PatchGrid]
    similarity: SoftSimilarity
    softmax_scale: float
    memory: int
    propagation: int = 1

    @cached_property
    def nearest(self) -> HardCorrespondence:
        """The source of the greatest weight for each query; searched when first asked for."""
        features = self.features.detach()
        if self.similarity == "correlation" or self.propagation > 1:
            found = [self._greatest(self._scores(item, features)) for item in range(len(self.grids))]
            sources, weights, best = zip(*found, strict=True)
            return HardCorrespondence(self.grids, sources, weights, best)
        kind = self.similarity
        scores = [patch_scores(each, grid, kind) for each, grid in zip(features, self.grids, strict=True)]
        return weigh(scores, [search_exact(each, 1, self.memory) for each in scores], self.softmax_scale)

    def source_map(self) -> Tensor:
        """Row and column of the source of the greatest weight, ``B×2×H×W`` int64; -1 outside the hole."""
        return self.nearest.source_map()

    def transfer(self, values: Tensor, scale: int = 1, patch: int | None = None) -> Tensor:
        """Paste the weighted mean of the sources' patches; see :meth:`HardCorrespondence.transfer`."""
        return paste(values, self.grids, scale, patch, self._borrow)

    def _scores(self, item: int, features: Tensor) -> SoftScores:
        return soft_scores(features[item], self.grids[item], self.similarity, self.propagation)

    def _chunks(self, scores: SoftScores) -> tuple[Tensor, ...]:
        grid, rows = scores.scores.grid, scores.scores.rows
        row_bytes = (_COPIES + scores.copies) * rows.element_size() * grid.cells
        if self.memory < row_bytes:
            raise RetouchError(f"Soft matching of this map needs {row_bytes} bytes at least; raise memory.")
        size = self.memory // row_bytes
        # A GPU has no cache to stay in, and wants few large steps.
        return torch.split(grid.queries, min(_QUERIES, size) if rows.device.type == "cpu" else size)

    def _greatest(self, scores: SoftScores) -> tuple[Tensor, Tensor, Tensor]:
        """Flat positions, weights and logits of the best source of each query."""
        queries = scores.scores.grid.queries
        if not len(queries):
            return queries[:, None], scores.scores.rows.new_ones(0, 1), scores.scores.rows.new_zeros(0)
        found = [scores.logits(each).max(1) for each in self._chunks(scores)]
        sources = torch.cat([each.indices for each in found])[:, None] + scores.scores.grid.first
        return sources, torch.ones_like(sources, dtype=self.features.dtype), torch.cat([v for v, _ in found])

    def _borrow(self, item: int, layers: list[Layer]) -> list[Tensor]:
        grid = self.grids[item]
        scores = self._scores(item, self.features)
        sums = [layer.rows.new_zeros(len(grid.hole), layer.rows.shape[1]) for layer in layers]
        places = grid.ranks(grid.hole)
        for queries in self._chunks(scores):
            reached = [_reached(queries, layer.steps, places, len(grid.hole)) for layer in layers]
            parts: list[Tensor] = checkpoint(
                self._attend, scores, queries, layers, reached, use_reentrant=False, preserve_rng_state=False
            )
            for total, cells, part in zip(sums, reached, parts, strict=True):
                total.index_add_(0, places[cells], part)
        return sums

    def _attend(
        self, scores: SoftScores, queries: Tensor, layers: list[Layer], reached: list[Tensor]
    ) -> list[Tensor]:
        """What ``queries`` paste onto the cells they reach, for each layer."""
        grid = scores.scores.grid
        margin = grid.first
        span = slice(margin, grid.cells - margin)
        weights = F.softmax(scores.logits(queries) * self.softmax_scale, 1)
        # The last row, of zeros, is the weights of a cell where no query of this chunk lies.
        weights = F.pad(weights, (margin, margin, 0, 1))
        ranks = grid.ranks(queries)
        parts = []
        for layer, cells in zip(layers, reached, strict=True):
            # Overlapping patches put on a cell what lies at the same step from their sources, so their
            # weights are summed with that shift before the one product with the values.
            back = [-step for step in layer.steps]
            index = ranks[cells[:, None] + torch.tensor(back, device=cells.device)]
            summed = shift_sum(weights, index, back, margin)
            parts.append(torch.matmul(summed.to(layer.rows.dtype), layer.rows[span]))
        return parts
