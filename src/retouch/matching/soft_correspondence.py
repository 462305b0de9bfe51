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
from retouch.matching.paste import Layer, paste
from retouch.matching.patch_scores import patch_scores, shift_sum
from retouch.matching.patches import PatchGrid
from retouch.matching.search import SEARCH
from retouch.matching.soft_scores import SoftScores, SoftSimilarity, soft_scores

# Scores computed at once on a CPU, so that they stay in its cache; but this many queries at least. And rows
# of scores alive for each query while the gradient is computed (cell products and pasted weights count four,
# and all have a gradient).
_SCORES = 2**18
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
        sources: features of the source maps, ``B×C×h×w`` each; None if the map is matched with itself.
    """

    features: Tensor
    grids: Sequence[PatchGrid]
    similarity: SoftSimilarity
    softmax_scale: float
    memory: int
    propagation: int = 1
    sources: Sequence[Tensor] | None = None

    @cached_property
    def nearest(self) -> HardCorrespondence:
        """The source of the greatest weight for each query; searched when first asked for."""
        items = range(len(self.grids))
        with torch.no_grad():
            if self.similarity == "correlation" or self.propagation > 1:
                found = [self._greatest(self._scores(item)) for item in items]
                sources, weights, best = zip(*found, strict=True)
                return HardCorrespondence(self.grids, sources, weights, best)
            kind = self.similarity
            scores = [
                patch_scores(self.features[item], self.grids[item], kind, self._of_item(item))
                for item in items
            ]
            return weigh(scores, [SEARCH.exact(each, 1, self.memory) for each in scores], self.softmax_scale)

    def source_map(self) -> Tensor:
        """Row and column of the source of the greatest weight, ``B×2×H×W`` int64; -1 outside the hole."""
        return self.nearest.source_map()

    def source_index(self) -> Tensor:
        """Number of the source map that :meth:`source_map` means, ``B×1×H×W`` int64; -1 outside the hole."""
        return self.nearest.source_index()

    def transfer(
        self,
        values: Tensor,
        scale: int = 1,
        patch: int | None = None,
        sources: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """Paste the weighted mean of the sources' patches; see :meth:`HardCorrespondence.transfer`."""
        return paste(values, self.grids, scale, patch, self._borrow, sources)

    def _of_item(self, item: int) -> list[Tensor] | None:
        return None if self.sources is None else [each[item] for each in self.sources]

    def _scores(self, item: int) -> SoftScores:
        grid = self.grids[item]
        return soft_scores(self.features[item], grid, self.similarity, self.propagation, self._of_item(item))

    def _chunks(self, scores: SoftScores) -> tuple[Tensor, ...]:
        grid, row_bytes = scores.scores.grid, self._row_bytes(scores)
        if self.memory < row_bytes:
            raise RetouchError(f"Soft matching of this map needs {row_bytes} bytes at least; raise memory.")
        size = self.memory // row_bytes
        if grid.queries.device.type == "cpu":  # a GPU has no cache to stay in, and wants few large steps
            size = min(size, max(_QUERIES, _SCORES // grid.source_layout.cells))
        return torch.split(grid.queries, size)

    def _row_bytes(self, scores: SoftScores) -> int:
        """Bytes that the scores of one query and their companions take while the gradient is computed."""
        rows = scores.scores.source_rows.rows
        return (_COPIES + scores.copies) * rows.element_size() * scores.scores.grid.source_layout.cells

    def _greatest(self, scores: SoftScores) -> tuple[Tensor, Tensor, Tensor]:
        """Flat positions, weights and logits of the best source of each query."""
        queries = scores.scores.grid.queries
        if not len(queries):
            rows = scores.scores.source_rows.rows
            return queries[:, None], rows.new_ones(0, 1), rows.new_zeros(0)
        found = [scores.logits(each).max(1) for each in self._chunks(scores)]
        sources = torch.cat([each.indices for each in found])[:, None]
        sources = sources + scores.scores.grid.source_layout.first
        return sources, torch.ones_like(sources, dtype=self.features.dtype), torch.cat([v for v, _ in found])

    def _borrow(self, item: int, layers: list[Layer]) -> list[Tensor]:
        grid = self.grids[item]
        scores = self._scores(item)
        sums = [layer.rows.new_zeros(len(grid.hole), layer.rows.shape[1]) for layer in layers]
        places = grid.ranks(grid.hole)
        # Where all scores fit into memory, they are kept for the gradient; elsewhere they are computed again.
        again = len(grid.queries) * len(self.grids) * self._row_bytes(scores) > self.memory
        for queries in self._chunks(scores):
            reached = [_reached(queries, layer.steps, places, len(grid.hole)) for layer in layers]
            given = (scores, queries, layers, reached)
            parts = (
                checkpoint(self._attend, *given, use_reentrant=False, preserve_rng_state=False)
                if again
                else self._attend(*given)
            )
            for total, cells, part in zip(sums, reached, parts, strict=True):
                total.index_add_(0, places[cells], part)
        return sums

    def _attend(
        self, scores: SoftScores, queries: Tensor, layers: list[Layer], reached: list[Tensor]
    ) -> list[Tensor]:
        """What ``queries`` paste onto the cells they reach, for each layer."""
        grid = scores.scores.grid
        margin = grid.source_layout.first
        span = slice(margin, grid.source_layout.cells - margin)
        weights = F.softmax(scores.logits(queries) * self.softmax_scale, 1)
        # The last row, of zeros, is the weights of a cell where no query of this chunk lies.
        weights = F.pad(weights, (margin, margin, 0, 1))
        ranks = grid.ranks(queries)
        parts = []
        for layer, cells in zip(layers, reached, strict=True):
            # Overlapping patches put on a cell what lies at the same step from their sources, so their
            # weights are summed with that shift before the one product with the values.
            back, source_back = ([-step for step in steps] for steps in (layer.steps, layer.source_steps))
            index = ranks[cells[:, None] + torch.tensor(back, device=cells.device)]
            summed = shift_sum(weights, index, source_back, margin)
            parts.append(torch.matmul(summed.to(layer.rows.dtype), layer.rows[span]))
        return parts
