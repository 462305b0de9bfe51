"""Few numbers that describe a patch: its principal directions."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.matching.layout import Layout
from retouch.matching.patch_scores import PatchScores

_CHANNELS = 24
_SAMPLE = 1024
_PRECISION = 2**20


def descriptors(scores: PatchScores, valid: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """``Q×d`` of the queries and ``N×d`` of the sources: patches in the principal directions of a sample.

    The sample is one of sources. For cosine, patches have unit length before they are projected.
    """
    grid, rows = scores.grid, scores.source_rows.rows
    factors = scores.column if scores.similarity == "cosine" else torch.ones_like(scores.column)
    draw = torch.randint(len(valid), (min(_SAMPLE, len(valid)),), generator=generator, device=valid.device)
    places = valid[draw]
    steps = torch.tensor(grid.source_layout.square(), device=valid.device)
    sample = (rows[places[:, None] + steps] * factors[places, None, None]).flatten(1)
    size = min(_CHANNELS, sample.shape[1])
    # Subspace iteration from random directions: a decomposition of C·patch² columns costs seconds. In double
    # precision and then rounded, because the number of threads changes the last bits of such sums.
    sample = sample.to("cpu", torch.float64)
    basis = torch.randn(sample.shape[1], size, generator=generator, device=rows.device).to(sample)
    for _ in range(3):
        basis = torch.linalg.qr(sample.t() @ (sample @ basis)).Q
    basis = basis.mul_(_PRECISION).round_().div_(_PRECISION).to(rows)
    kernel = basis.t().reshape(size, grid.patch, grid.patch, -1).permute(0, 3, 1, 2)
    sources = _projected(rows, kernel, grid.source_layout) * factors[:, None]
    if scores.query_rows is scores.source_rows:
        return sources[grid.queries], sources
    queries = _projected(scores.query_rows.rows, kernel, grid.layout)[grid.queries]
    if scores.similarity == "cosine":
        queries = queries * scores.factor(grid.queries)[:, None]
    return queries, sources


def _projected(rows: Tensor, kernel: Tensor, layout: Layout) -> Tensor:
    """``N×d`` patches of a layout's rows, projected by ``d×C×patch×patch`` kernels."""
    padded = rows.t().reshape(1, -1, layout.tops[-1], layout.stride)
    return F.pad(F.conv2d(padded, kernel)[0], (layout.margin,) * 4).flatten(1).t().contiguous()
