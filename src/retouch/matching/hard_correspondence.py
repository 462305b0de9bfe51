"""A correspondence with one source, or a few, for each query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.matching.paste import Layer, paste
from retouch.matching.patch_scores import PatchScores
from retouch.matching.patches import PatchGrid


def weigh(scores: Sequence[PatchScores], found: Sequence[Tensor], softmax_scale: float) -> HardCorrespondence:
    """Turn the sources found, ``Q×k`` for each item, into a correspondence with softmax weights."""
    weights, best = [], []
    for each, sources in zip(scores, found, strict=True):
        queries = each.grid.queries
        columns = [each.pairs(queries, column) for column in sources.unbind(1)]
        alike = torch.stack(columns, 1) if columns else each.source_rows.rows.new_zeros(0, 1)
        weights.append(F.softmax(alike * softmax_scale, 1))
        best.append(alike[:, 0])
    return HardCorrespondence([each.grid for each in scores], found, weights, best)


@dataclass(frozen=True)
class HardCorrespondence:
    """One source, or a few, for each query. Differentiable with respect to transferred values.

    Attributes:
        grids: for each item of the batch, where its ``Q`` queries lie.
        sources: for each item, ``Q×k`` flat positions, best first.
        weights: for each item, ``Q×k``, summing to 1.
        similarities: for each item, ``Q`` similarities of the best source.
    """

    grids: Sequence[PatchGrid]
    sources: Sequence[Tensor]
    weights: Sequence[Tensor]
    similarities: Sequence[Tensor]

    def field(self) -> Tensor:
        """Row and column of the best source of *every* query, ``B×2×H×W`` int64; -1 elsewhere.

        They count within the source's own map. The field reaches half a patch beyond the hole, and can start
        a later search.
        """
        return self._places(every=True)[:, 1:]

    def field_index(self) -> Tensor:
        """Number of the source map that :meth:`field` means, ``B×1×H×W`` int64; -1 elsewhere."""
        return self._places(every=True)[:, :1]

    def source_map(self) -> Tensor:
        """Row and column of the best source of each cell of the hole, ``B×2×H×W`` int64; -1 elsewhere.

        They count within the source's own map.
        """
        return self._places(every=False)[:, 1:]

    def source_index(self) -> Tensor:
        """Number of the source map that :meth:`source_map` means, ``B×1×H×W`` int64; -1 elsewhere.

        It is 0 wherever the map was matched with itself.
        """
        return self._places(every=False)[:, :1]

    def similarity_map(self) -> Tensor:
        """Similarity of each query to its best source, ``B×1×H×W``; 0 elsewhere."""
        maps = []
        for grid, similarity in zip(self.grids, self.similarities, strict=True):
            each = similarity.new_zeros(1, grid.height, grid.width)
            row, column = grid.row_column(grid.queries)
            each[0, row, column] = similarity
            maps.append(each)
        return torch.stack(maps)

    def transfer(
        self,
        values: Tensor,
        scale: int = 1,
        patch: int | None = None,
        sources: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """Paste the sources' patches into the hole, overlaps averaged.

        Args:
            values: ``B×D×(H·scale)×(W·scale)``, floating point.
            scale: pixels of ``values`` along the side of a cell of the features.
            patch: side of the pasted patch in cells of the features, at most that of the match (None:
                the same). It is centred on the cell where it can be; with an even side at an odd scale
                it lies half a pixel to the bottom right.
            sources: for each source map that was matched, its values, ``B×D×(h·scale)×(w·scale)``. None where
                the map was matched with itself: the patches are then those of ``values``.

        Returns:
            ``values`` with new values in the hole; known ones are bit-identical.

        Raises:
            RetouchError: sizes do not fit.
        """
        return paste(values, self.grids, scale, patch, self._borrow, sources)

    def _places(self, every: bool) -> Tensor:
        """Map, row and column of the best source, ``B×3×H×W``, of every query or of the hole only."""
        places = []
        for grid, sources in zip(self.grids, self.sources, strict=True):
            place = grid.queries.new_full((3, grid.height, grid.width), -1)
            if len(grid.queries):  # else there may be no source either
                row, column = grid.row_column(grid.queries)
                place[:, row, column] = torch.stack(grid.source_layout.place(sources[:, 0]))
            if not every:
                row, column = grid.row_column(grid.hole)
                inside = torch.full_like(place, -1)
                inside[:, row, column] = place[:, row, column]
                place = inside
            places.append(place)
        return torch.stack(places)

    def _borrow(self, item: int, layers: list[Layer]) -> list[Tensor]:
        grid, sources, weights = self.grids[item], self.sources[item], self.weights[item]
        nobody = sources.new_zeros(1, sources.shape[1])
        sources = torch.cat([sources, nobody + grid.source_layout.first])
        weights = torch.cat([weights, nobody])
        ranks = grid.ranks(grid.queries)
        sums = []
        for layer in layers:
            total = layer.rows.new_zeros(len(grid.hole), layer.rows.shape[1])
            for step, source_step in zip(layer.steps, layer.source_steps, strict=True):
                query = ranks[grid.hole - step]
                for source, weight in zip(sources.unbind(1), weights.unbind(1), strict=True):
                    carried = layer.rows.index_select(0, source[query] + source_step)
                    total = total + carried * weight[query].to(carried.dtype)[:, None]
            sums.append(total)
        return sums
