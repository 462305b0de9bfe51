"""Correspondence: for every patch that touches a hole, the patches most like it that may be borrowed.

This is the operation that all models share. :func:`match` finds the sources, in whatever feature space.
``transfer`` of its result pastes their patches, of any map on the same or a finer grid, into the hole::

    colours = match(features, mask).transfer(image)                      # nearest patch, overlaps averaged
    attended = match(features, mask, top=None).transfer(finer, 2, patch=2)  # contextual attention's paste

The ``similarity`` "correlation" and ``propagation=3`` make the latter the published layer.

Sources may also lie in other maps, such as a style, another photo or a mirrored copy::

    others = [SourceMap(style_features, opaque), SourceMap(features, known)]
    found = match(features, mask, sources=others)
    colours = found.transfer(image, sources=[style, image])
    found.source_index(), found.source_map()                             # which map; row and column in it
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, overload

import torch
from torch import Tensor

from retouch.matching.checks import SourceMap, check_maps, check_options
from retouch.matching.hard_correspondence import HardCorrespondence, weigh
from retouch.matching.patch_scores import Similarity, patch_scores
from retouch.matching.patches import PatchGrid, patch_grid
from retouch.matching.search import SEARCH
from retouch.matching.soft_correspondence import SoftCorrespondence
from retouch.matching.soft_scores import SoftSimilarity

__all__ = ["HardCorrespondence", "SoftCorrespondence", "SourceMap", "match"]


@overload
def match(
    features: Tensor,
    mask: Tensor,
    *,
    sources: Sequence[SourceMap] | None = ...,
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
    sources: Sequence[SourceMap] | None = ...,
    patch: int = ...,
    similarity: SoftSimilarity = ...,
    top: None,
    softmax_scale: float = ...,
    allowed: Tensor | None = ...,
    method: Literal["exact", "approximate"] = ...,
    start: Tensor | None = ...,
    memory: int = ...,
    seed: int = ...,
    propagation: int = ...,
) -> SoftCorrespondence: ...


def match(
    features: Tensor,
    mask: Tensor,
    *,
    sources: Sequence[SourceMap] | None = None,
    patch: int = 3,
    similarity: SoftSimilarity = "cosine",
    top: int | None = 1,
    softmax_scale: float = 10.0,
    allowed: Tensor | None = None,
    method: Literal["exact", "approximate"] = "exact",
    start: Tensor | None = None,
    memory: int = 256 * 2**20,
    seed: int = 0,
    propagation: int = 1,
) -> HardCorrespondence | SoftCorrespondence:
    """Find, for each patch that touches the hole, its sources among the patches that may be borrowed.

    Queries are the patches around any cell of the map that touch the hole. Where they stick out of the map,
    its edge is repeated. Sources lie wholly inside their map and wholly in the area that may be
    borrowed from. Each item of a batch is matched on its own; an item without a hole has no queries.

    Args:
        features: ``B×C×H×W``, finite; half precision is matched in float32.
        mask: ``B×1×H×W``, 1 = hole.
        sources: the maps to borrow from, of any sizes. None to borrow from the known and allowed area of the
            map itself. To borrow from the map itself as well, list it, with an ``allowed`` that
            leaves out the hole.
        patch: odd side of the patches, in cells.
        similarity: "cosine" of the patches; "squared-distance", the negative mean squared difference; or,
            for a softmax over all, "correlation", the inner product with the source at unit length.
        top: number of best sources to keep (fewer where there are fewer), or None for a softmax over all.
        softmax_scale: factor of the similarities in the softmax, over all or over the ``top`` ones.
        allowed: ``B×1×H×W``, above 0.5 where the map itself may be borrowed from; None for all that is known.
            Cannot be given with ``sources``, which say this themselves.
        method: "exact" compares all, "approximate" searches at random and by propagation (``top=1``).
        start: where the approximate search begins, such as the result of an earlier search: ``B×2×H×W``
            rows and columns in the first map (``field()``), or ``B×3×H×W`` with the number of the source map
            before them (``field_index()``). -1 = nowhere.
        memory: bytes that the scores and their companions may take at once. It bounds memory, not the result.
        seed: of the approximate search.
        propagation: odd side, at most ``patch``, of a square of joint shifts of query and source over which
            similarities are summed before the softmax over all; 1 = none. Neighbours then tend to borrow
            from neighbours.

    Raises:
        RetouchError: shapes or options do not fit, or there is no source.

    References:
        Exemplar matching by inner products: Chen and Schmidt, "Fast patch-based style transfer", 2016; soft
        form: Yu et al., "Generative image inpainting with contextual attention", 2018, section 4.1.
    """
    check_options(patch, similarity, top, softmax_scale, method, start, propagation)
    check_maps(features, mask, sources, allowed, start)
    features = _full(features)
    maps = None if sources is None else [_full(each.features) for each in sources]
    holes = mask[:, 0] > 0.5
    readable = ~holes if allowed is None else ~holes & (allowed[:, 0] > 0.5)
    grids = []
    for item, hole in enumerate(holes):
        areas = None if sources is None else [each.allowed[item, 0] > 0.5 for each in sources]
        grids.append(patch_grid(hole, readable[item], patch, areas))
    if top is None:
        return SoftCorrespondence(features, grids, similarity, softmax_scale, memory, propagation, maps)
    assert similarity != "correlation"  # check_options has refused it
    found = []
    with torch.no_grad():
        scores = [
            patch_scores(features[item], grid, similarity, maps and [each[item] for each in maps])
            for item, grid in enumerate(grids)
        ]
        for item, each in enumerate(scores):
            if method == "exact":
                found.append(SEARCH.exact(each, top, memory))
                continue
            begin = None if start is None else _begin(grids[item], start[item])
            found.append(SEARCH.approximate(each, seed, begin)[:, None])
        return weigh(scores, found, softmax_scale)


def _full(features: Tensor) -> Tensor:
    return features.float() if features.dtype in (torch.float16, torch.bfloat16) else features


def _begin(grid: PatchGrid, start: Tensor) -> Tensor:
    """For each flat position of the queries, the source named by ``2×H×W`` or ``3×H×W``; -1 for none."""
    layout = grid.source_layout
    row, column = start[-2:].long()
    index = start[0].long() if len(start) == 3 else torch.zeros_like(row)
    inside = (index >= 0) & (index < len(layout.sizes))
    index = torch.where(inside, index, 0)
    heights, widths = (torch.tensor(each, device=start.device) for each in zip(*layout.sizes, strict=True))
    inside &= (row >= 0) & (row < heights[index]) & (column >= 0) & (column < widths[index])
    # Off its map becomes -1, which is no source.
    flat = torch.where(inside, layout.flat(row, column, index), -1)
    return grid.rows(flat[None], "constant")[:, 0]
