"""The compiled searches; what they do not serve is left to torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from retouch.matching.coherence import CoherentField, Comparison
from retouch.matching.descriptors import descriptors
from retouch.matching.patch_scores import PatchScores
from retouch.matching.patch_search import beginning
from retouch.matching.patches import PatchGrid
from retouch.matching.torch_search import TorchSearch
from retouch.native.feature_search import Task, search_patches, search_rows

# About as many as finds sources as good as the search in torch does, or better.
_ROUNDS = 12
# So few sources cannot be described by their principal components; all of them are compared.
_FEW, _MEMORY = 32, 2**26


class CompiledSearch(TorchSearch):
    """Random search and propagation in C++, where all is float32 on the CPU and needs no gradient.

    Comparing all pairs is a matrix product, which torch does best. See
    :class:`~retouch.matching.search.PatchSearch`.
    """

    def approximate(self, scores: PatchScores, seed: int, start: Tensor | None) -> Tensor:
        """See :class:`~retouch.matching.search.PatchSearch`."""
        grid = scores.grid
        if not len(grid.queries) or not _served(scores.query_rows.rows, scores.source_rows.rows):
            return super().approximate(scores, seed, start)
        valid = grid.sources.nonzero()[:, 0]
        if len(valid) <= _FEW:
            return self.exact(scores, 1, _MEMORY)[:, 0]
        generator = torch.Generator().manual_seed(seed)
        sources = beginning(grid, valid, start, generator)
        radii, radius = [], max(max(size) for size in grid.source_layout.sizes)
        while radius >= 1:
            radii.append(radius)
            radius //= 2
        task = _task(grid, sources, torch.empty(len(sources)), radii, generator)
        anywhere = _numpy(valid if grid.source_layout.several else valid[:0])
        # Most sources are ruled out by few numbers; whole patches decide between those that are left.
        mine, theirs = descriptors(scores, valid, generator)
        described = replace(task, rounds=_ROUNDS, exploring=_ROUNDS, anywhere=anywhere)
        search_rows(described, _numpy(mine), _numpy(theirs), None)
        factors = None
        if scores.similarity == "cosine":
            # A source of no length is as far as one at a right angle.
            bias = (1 - scores.source_rows.energy * scores.column.square()).clamp_min(0)
            factors = (_numpy(scores.factor(grid.queries)), _numpy(scores.column), _numpy(bias))
        search_patches(task, _numpy(scores.query_rows.rows), _numpy(scores.source_rows.rows), factors)
        return sources

    def coherent(
        self, field: CoherentField, comparison: Comparison, radii: Sequence[int], generator: torch.Generator
    ) -> None:
        """See :class:`~retouch.matching.search.PatchSearch`."""
        compared = (comparison.queries, comparison.table, comparison.weights)
        if not _served(*compared, field.distances, field.prices):
            super().coherent(field, comparison, radii, generator)
            return
        field.sources, field.distances = field.sources.clone(), field.distances.clone()
        task = _task(field.grid, field.sources, field.distances, radii, generator)
        # Back and forth, so that a source can spread through the whole field.
        task = replace(task, rounds=2, exploring=1, prices=_numpy(field.prices))
        queries, table, weights = (None if each is None else _numpy(each) for each in compared)
        assert queries is not None
        assert table is not None
        search_rows(task, queries, table, weights)


def _task(
    grid: PatchGrid,
    sources: Tensor,
    values: Tensor,
    radii: Sequence[int],
    generator: torch.Generator,
) -> Task:
    """A task of one round without random sources."""
    layout = grid.source_layout
    maps = [(top, *size) for top, size in zip(layout.tops, layout.sizes, strict=False)]
    return Task(
        queries=_numpy(grid.queries),
        sources=sources.numpy(),
        values=values.numpy(),
        size=grid.layout.sizes[0],
        margin=grid.margin,
        stride=grid.stride,
        allowed=_numpy(grid.sources),
        maps=np.array(maps, np.int32),
        source_stride=layout.stride,
        rounds=1,
        exploring=0,
        radii=radii,
        anywhere=np.empty(0, np.int64),
        seed=int(torch.randint(2**62, (), generator=generator)),
        threads=torch.get_num_threads(),
    )


def _served(*tensors: Tensor | None) -> bool:
    return all(
        each is None or (each.dtype == torch.float32 and each.device.type == "cpu" and not each.requires_grad)
        for each in tensors
    )


def _numpy(tensor: Tensor) -> np.ndarray[Any, Any]:
    return tensor.contiguous().numpy()
