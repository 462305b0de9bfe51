"""Correspondence: for every patch that touches a hole, the patches of the known area most like it.

The operation that all models share. :func:`match` finds the sources, in whatever feature space;
``transfer`` of its result pastes their patches of any map on the same or a finer grid into the hole::

    colours = match(features, mask).transfer(image)                      # nearest patch, overlaps averaged
    attended = match(features, mask, top=None).transfer(finer, 2, patch=2)  # contextual attention's paste
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, overload

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from retouch.errors import RetouchError
from retouch.ops.patch_scores import PatchScores, Similarity, patch_scores, shift_sum
from retouch.ops.patch_search import search_exact, search_randomised
from retouch.ops.patches import Layer, PatchGrid, paste, patch_grid

# Soft weights: queries attended at once, at most, and rows of scores alive for each of them while the
# gradient is computed (cell products and pasted weights count four, and all have a gradient).
_QUERIES = 64
_COPIES = 28


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

        Reaches half a patch beyond the hole; it can start a later search.
        """
        fields = []
        for grid, sources in zip(self.grids, self.sources, strict=True):
            field = grid.queries.new_full((2, grid.height, grid.width), -1)
            row, column = grid.row_column(grid.queries)
            field[:, row, column] = torch.stack(grid.row_column(sources[:, 0]))
            fields.append(field)
        return torch.stack(fields)

    def source_map(self) -> Tensor:
        """Row and column of the best source of each cell of the hole, ``B×2×H×W`` int64; -1 elsewhere."""
        field = self.field()
        result = torch.full_like(field, -1)
        for item, grid in enumerate(self.grids):
            row, column = grid.row_column(grid.hole)
            result[item, :, row, column] = field[item, :, row, column]
        return result

    def similarity_map(self) -> Tensor:
        """Similarity of each query to its best source, ``B×1×H×W``; 0 elsewhere."""
        maps = []
        for grid, similarity in zip(self.grids, self.similarities, strict=True):
            each = similarity.new_zeros(1, grid.height, grid.width)
            row, column = grid.row_column(grid.queries)
            each[0, row, column] = similarity
            maps.append(each)
        return torch.stack(maps)

    def transfer(self, values: Tensor, scale: int = 1, patch: int | None = None) -> Tensor:
        """Paste the sources' patches of ``values`` into the hole, overlaps averaged.

        Args:
            values: ``B×D×(H·scale)×(W·scale)``, floating point.
            scale: pixels of ``values`` along the side of a cell of the features.
            patch: side of the pasted patch in cells of the features, at most that of the match (None:
                the same). It is centred on the cell where it can be; with an even side at an odd scale
                it lies half a pixel to the bottom right.

        Returns:
            ``values`` with new values in the hole; known ones are bit-identical.

        Raises:
            RetouchError: sizes do not fit.
        """
        return paste(values, self.grids, scale, patch, self._borrow)

    def _borrow(self, item: int, layers: list[Layer]) -> list[Tensor]:
        grid, sources, weights = self.grids[item], self.sources[item], self.weights[item]
        nobody = sources.new_zeros(1, sources.shape[1])
        sources = torch.cat([sources, nobody + grid.first])
        weights = torch.cat([weights, nobody])
        ranks = grid.ranks(grid.queries)
        sums = []
        for layer in layers:
            total = layer.rows.new_zeros(len(grid.hole), layer.rows.shape[1])
            for step in layer.steps:
                query = ranks[grid.hole - step]
                for source, weight in zip(sources.unbind(1), weights.unbind(1), strict=True):
                    carried = layer.rows.index_select(0, source[query] + step)
                    total = total + carried * weight[query].to(carried.dtype)[:, None]
            sums.append(total)
        return sums


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
    """

    features: Tensor
    grids: Sequence[PatchGrid]
    similarity: Similarity
    softmax_scale: float
    memory: int

    @cached_property
    def nearest(self) -> HardCorrespondence:
        """The source of the greatest weight for each query; searched when first asked for."""
        scores = [self._scores(item, self.features.detach()) for item in range(len(self.grids))]
        return _hard(scores, [search_exact(each, 1, self.memory) for each in scores], self.softmax_scale)

    def source_map(self) -> Tensor:
        """Row and column of the source of the greatest weight, ``B×2×H×W`` int64; -1 outside the hole."""
        return self.nearest.source_map()

    def transfer(self, values: Tensor, scale: int = 1, patch: int | None = None) -> Tensor:
        """Paste the weighted mean of the sources' patches; see :meth:`HardCorrespondence.transfer`."""
        return paste(values, self.grids, scale, patch, self._borrow)

    def _scores(self, item: int, features: Tensor) -> PatchScores:
        return patch_scores(features[item], self.grids[item], self.similarity)

    def _borrow(self, item: int, layers: list[Layer]) -> list[Tensor]:
        grid = self.grids[item]
        scores = self._scores(item, self.features)
        sums = [layer.rows.new_zeros(len(grid.hole), layer.rows.shape[1]) for layer in layers]
        places = grid.ranks(grid.hole)
        row_bytes = _COPIES * scores.rows.element_size() * grid.cells
        if self.memory < row_bytes:
            raise RetouchError(f"Soft matching of this map needs {row_bytes} bytes at least; raise memory.")
        for queries in torch.split(grid.queries, min(_QUERIES, self.memory // row_bytes)):
            reached = [_reached(queries, layer.steps, places, len(grid.hole)) for layer in layers]
            parts: list[Tensor] = checkpoint(
                self._attend, scores, queries, layers, reached, use_reentrant=False, preserve_rng_state=False
            )
            for total, cells, part in zip(sums, reached, parts, strict=True):
                total.index_add_(0, places[cells], part)
        return sums

    def _attend(
        self, scores: PatchScores, queries: Tensor, layers: list[Layer], reached: list[Tensor]
    ) -> list[Tensor]:
        """What ``queries`` paste onto the cells they reach, for each layer."""
        grid, margin = scores.grid, scores.grid.first
        span = slice(margin, grid.cells - margin)
        ranking = scores.ranking(queries, span.start, span.stop)
        logits = ranking * (scores.factor(queries) * self.softmax_scale)[:, None]
        weights = F.softmax(logits.masked_fill(~grid.sources[span], -torch.inf), 1)
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


def _reached(queries: Tensor, steps: list[int], places: Tensor, nowhere: int) -> Tensor:
    """Flat positions of the cells of the hole that ``queries`` paste to."""
    cells: Tensor = torch.unique(queries[:, None] + torch.tensor(steps, device=queries.device))
    return cells[places[cells] < nowhere]


@overload
def match(
    features: Tensor,
    mask: Tensor,
    *,
    patch: int = ...,
    similarity: Similarity = ...,
    top: int = ...,
    softmax_scale: float = ...,
    allowed: Tensor | None = ...,
    method: Literal["exact", "approximate"] = ...,
    start: Tensor | None = ...,
    memory: int = ...,
    seed: int = ...,
) -> HardCorrespondence: ...


@overload
def match(
    features: Tensor,
    mask: Tensor,
    *,
    patch: int = ...,
    similarity: Similarity = ...,
    top: None,
    softmax_scale: float = ...,
    allowed: Tensor | None = ...,
    method: Literal["exact", "approximate"] = ...,
    start: Tensor | None = ...,
    memory: int = ...,
    seed: int = ...,
) -> SoftCorrespondence: ...


def match(
    features: Tensor,
    mask: Tensor,
    *,
    patch: int = 3,
    similarity: Similarity = "cosine",
    top: int | None = 1,
    softmax_scale: float = 10.0,
    allowed: Tensor | None = None,
    method: Literal["exact", "approximate"] = "exact",
    start: Tensor | None = None,
    memory: int = 256 * 2**20,
    seed: int = 0,
) -> HardCorrespondence | SoftCorrespondence:
    """Find, for each patch that touches the hole, its sources among the patches of the known area.

    Queries are patches around any cell of the map that touch the hole; where they stick out of the map, its
    edge is repeated. Sources lie inside the map, wholly in the known and allowed area. Items of a batch
    are matched each on its own; one without a hole has no queries.

    Args:
        features: ``B×C×H×W``, finite; half precision is matched in float32.
        mask: ``B×1×H×W``, 1 = hole.
        patch: odd side of the patches, in cells.
        similarity: "cosine" of the patches, or "squared-distance", the negative mean squared difference.
        top: number of best sources to keep (fewer where there are fewer), or None for a softmax over all.
        softmax_scale: factor of the similarities in the softmax, over all or over the ``top`` ones.
        allowed: ``B×1×H×W``, above 0.5 where may be borrowed from; None for all that is known.
        method: "exact" compares all, "approximate" searches at random and by propagation (``top=1``).
        start: ``B×2×H×W`` rows and columns, -1 = none, that the approximate search begins from, such as
            an earlier result's ``field()``.
        memory: bytes that the scores and their companions may take at once. It bounds memory, not the result.
        seed: of the approximate search.

    Raises:
        RetouchError: shapes or options do not fit, or no source is left.

    References:
        Exemplar matching by inner products: Chen and Schmidt, "Fast patch-based style transfer", 2016; soft
        form: Yu et al., "Generative image inpainting with contextual attention", 2018, section 4.1.
    """
    _check(features, mask, patch, similarity, top, softmax_scale, allowed, method, start)
    if features.dtype in (torch.float16, torch.bfloat16):
        features = features.float()
    holes = mask[:, 0] > 0.5
    readable = ~holes if allowed is None else ~holes & (allowed[:, 0] > 0.5)
    grids = [patch_grid(hole, area, patch) for hole, area in zip(holes, readable, strict=True)]
    if top is None:
        return SoftCorrespondence(features, grids, similarity, softmax_scale, memory)
    found = []
    with torch.no_grad():
        scores = [patch_scores(each, grid, similarity) for each, grid in zip(features, grids, strict=True)]
        for item, each in enumerate(scores):
            if method == "exact":
                found.append(search_exact(each, top, memory))
                continue
            begin = None
            if start is not None:
                # Off the map becomes -1, which no source has.
                grid, (row, column) = grids[item], start[item].long()
                inside = (row >= 0) & (row < grid.height) & (column >= 0) & (column < grid.width)
                flat = torch.where(inside, grid.flat(row, column), -1)
                begin = grid.rows(flat[None], "constant")[:, 0]
            found.append(search_randomised(each, seed, begin)[:, None])
        return _hard(scores, found, softmax_scale)


def _hard(scores: Sequence[PatchScores], found: Sequence[Tensor], softmax_scale: float) -> HardCorrespondence:
    weights, best = [], []
    for each, sources in zip(scores, found, strict=True):
        queries = each.grid.queries
        columns = [each.pairs(queries, column) for column in sources.unbind(1)]
        alike = torch.stack(columns, 1) if columns else each.rows.new_zeros(0, 1)
        weights.append(F.softmax(alike * softmax_scale, 1))
        best.append(alike[:, 0])
    return HardCorrespondence([each.grid for each in scores], found, weights, best)


def _check(
    features: Tensor,
    mask: Tensor,
    patch: int,
    similarity: str,
    top: int | None,
    softmax_scale: float,
    allowed: Tensor | None,
    method: str,
    start: Tensor | None,
) -> None:
    if features.ndim != 4 or not features.is_floating_point() or 0 in features.shape:
        raise RetouchError(
            f"Features must be a floating point B×C×H×W tensor, not {features.dtype} {tuple(features.shape)}."
        )
    batch, _, height, width = features.shape
    for name, each, channels in (
        ("mask", mask, 1),
        ("map of allowed sources", allowed, 1),
        ("start", start, 2),
    ):
        expected = (batch, channels, height, width)
        if each is not None and each.shape != expected:
            raise RetouchError(f"The {name} must have the shape {expected}, not {tuple(each.shape)}.")
    if patch < 1 or patch % 2 == 0:
        raise RetouchError(f"The side of a patch must be odd, such as 3 or 7, not {patch}.")
    if top is not None and top < 1:
        raise RetouchError(f"At least one source must be kept (top=1), not {top}.")
    if softmax_scale <= 0:
        raise RetouchError(f"The softmax scale must be greater than 0, not {softmax_scale}.")
    if similarity not in ("cosine", "squared-distance"):
        raise RetouchError(f'The similarity must be "cosine" or "squared-distance", not "{similarity}".')
    if method not in ("exact", "approximate"):
        raise RetouchError(f'The method must be "exact" or "approximate", not "{method}".')
    if method == "approximate" and top != 1:
        raise RetouchError("The approximate search keeps one source; use top=1, or the exact method.")
    if start is not None and method != "approximate":
        raise RetouchError(
            'Only the approximate search has a start; use method="approximate" or leave it out.'
        )
    if not bool(torch.isfinite(features).all()):
        raise RetouchError("Features must be finite; they hold NaN or infinity.")
