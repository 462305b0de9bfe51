"""Sources that are similar *and* coherent: neighbours borrow from neighbours.

If every patch borrows its own nearest patch, the overlaps average into a blur. A fill stays sharp where
neighbouring patches agree on where they borrow from, because their overlaps then show the same pixels. So a
source costs its distance plus a price for each of its four neighbours that disagrees. The search lowers the
sum by trying what continues the neighbours' sources (Barnes et al., "PatchMatch", SIGGRAPH 2009, section 3.2;
the price is a Potts model, as in Pritch et al., "Shift-map image editing", ICCV 2009).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from retouch.matching.patches import PatchGrid

# Scores compared at once in the exact search.
_BLOCK = 4 * 2**20


@dataclass(frozen=True)
class Comparison:
    """Distances between the patches of the queries and those of the map.

    Attributes:
        queries: ``Q×d``, one row for each query of the grid.
        table: ``N×d``, one row for each flat position of the grid's sources.
        weights: ``Q×d``, the weight of each number of a query; None if all weigh the same.
    """

    queries: Tensor
    table: Tensor
    weights: Tensor | None = None

    def distance(self, rows: Tensor | None, sources: Tensor) -> Tensor:
        """Weighted squared distance of queries (by row number; None for all) to one source each."""
        queries = self.queries if rows is None else self.queries.index_select(0, rows)
        difference = (queries - self.table.index_select(0, sources)).square_()
        if self.weights is None:
            return difference.sum(1)
        weights = self.weights if rows is None else self.weights.index_select(0, rows)
        return difference.mul_(weights).sum(1)

    def nearest(self, sources: Tensor) -> Tensor:
        """Find the nearest of ``sources`` (flat positions) for each query, by trying all."""
        if not len(self.queries):
            return sources[:0]
        table = self.table[sources]
        squares = table.square()
        found = []
        for start in range(0, len(self.queries), size := max(1, _BLOCK // len(sources))):
            queries = self.queries[start : start + size]
            if self.weights is None:
                energy: Tensor = squares.sum(1)
            else:
                weights = self.weights[start : start + size]
                queries, energy = queries * weights, weights @ squares.t()
            found.append((energy - 2 * queries @ table.t()).argmin(1))
        return sources[torch.cat(found)]


class CoherentField:
    """A source for each query of a grid, and the ways to improve them.

    Attributes:
        sources: ``Q`` flat positions.
        distances: ``Q`` distances of the queries to them.
        prices: ``Q``, of each neighbour that disagrees; 0 until :meth:`judge` sets them.
        grid: where queries and sources lie.
    """

    def __init__(self, grid: PatchGrid, sources: Tensor, price: float, doubt: Tensor) -> None:
        """Begin from ``sources``.

        Args:
            grid: where queries and sources lie.
            sources: ``Q`` flat positions, each a source of the grid.
            price: of a neighbour that disagrees, in medians of the distances.
            doubt: ``Q`` factors of the price; a patch that is mostly known needs no agreement.
        """
        self.sources = sources
        self.distances = sources.new_zeros(len(sources), dtype=doubt.dtype)
        self.prices = torch.zeros_like(self.distances)
        self.grid, self._price, self._doubt = grid, price, doubt
        stride = grid.source_layout.stride
        self._steps = (1, -1, stride, -stride)
        row, column = grid.row_column(grid.queries)
        ranks = grid.ranks(grid.queries)
        # The number of queries stands for no neighbour: beside the field, and outside the map.
        self._neighbours = []
        for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            beside_row, beside_column = row + down, column + right
            there = grid.flat(beside_row.clamp(0, grid.height - 1), beside_column.clamp(0, grid.width - 1))
            inside = (
                (beside_row >= 0)
                & (beside_row < grid.height)
                & (beside_column >= 0)
                & (beside_column < grid.width)
            )
            self._neighbours.append(torch.where(inside, ranks[there], len(sources)))
        odd = (row + column) % 2
        self._colours = [(odd == colour).nonzero()[:, 0] for colour in (0, 1)]

    def judge(self, comparison: Comparison) -> None:
        """Measure the present sources anew, and set the price by their distances."""
        self.distances = comparison.distance(None, self.sources)
        self.prices = self._price * self.distances.median() * self._doubt

    def propagate(self, comparison: Comparison) -> None:
        """Let every query try what would continue its neighbours' sources.

        First the black squares of a chessboard, then the white ones, so that no two neighbours move at once.
        """
        for rows in self._colours:
            near = self._continued(rows)
            for candidates in near:
                self._try(comparison, rows, candidates, near)

    def explore(self, comparison: Comparison, radius: int, generator: torch.Generator) -> None:
        """Let every query try one random source at most ``radius`` rows and columns from its own."""
        reach = torch.randint(
            -radius, radius + 1, (2, len(self.sources)), generator=generator, device=self.sources.device
        )
        candidates = self.grid.source_layout.near(self.sources, *reach)
        for rows in self._colours:
            self._try(comparison, rows, candidates[rows], self._continued(rows))

    def _continued(self, rows: Tensor) -> list[Tensor]:
        """For each of the four neighbours, the source that would continue it; negative for none."""
        layout = self.grid.source_layout
        # Far enough below zero that no step leads back into the map.
        sources = torch.cat([self.sources, self.sources.new_full((1,), -layout.cells)])
        continued = []
        for neighbour, step in zip(self._neighbours, self._steps, strict=True):
            theirs = sources[neighbour[rows]]
            mine = theirs - step
            if layout.several:  # nothing continues from one map into another
                mine = torch.where(layout.same_map(mine, theirs), mine, -layout.cells)
            continued.append(mine)
        return continued

    def _try(self, comparison: Comparison, rows: Tensor, candidates: Tensor, near: list[Tensor]) -> None:
        """Let queries (by row number) change to their candidates where this lowers distance plus price."""
        present = self.sources[rows]
        cells = self.grid.source_layout.cells
        valid = (candidates >= 0) & (candidates < cells)
        valid &= self.grid.sources[candidates.clamp(0, cells - 1)]
        # Where neighbours agree there is nothing to try, and in a coherent field most agree.
        place = (valid & (candidates != present)).nonzero()[:, 0]
        rows, candidates, present = rows[place], candidates[place], present[place]
        distances = comparison.distance(rows, candidates)
        saved = torch.zeros_like(distances)
        for each in near:
            continued = each[place]
            saved += (continued == candidates).to(saved) - (continued == present).to(saved)
        better = (distances - self.prices[rows] * saved < self.distances[rows]).nonzero()[:, 0]
        rows = rows[better]
        self.sources[rows] = candidates[better]
        self.distances[rows] = distances[better]
