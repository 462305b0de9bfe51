"""Correspondence: for every patch that touches a hole, the patches of the known area most like it.

The operation that all models share. :func:`match` finds the sources, in whatever feature space;
``transfer`` of its result pastes their patches of any map on the same or a finer grid into the hole::

    colours = match(features, mask).transfer(image)                      # nearest patch, overlaps averaged
    attended = match(features, mask, top=None).transfer(finer, 2, patch=2)  # contextual attention's paste

The ``similarity`` "correlation" and ``propagation=3`` make the latter the published layer.
"""

from __future__ import annotations

from typing import Literal, overload

import torch
from torch import Tensor

from retouch.errors import RetouchError
from retouch.matching.hard_correspondence import HardCorrespondence, weigh
from retouch.matching.patch_scores import Similarity, patch_scores
from retouch.matching.patch_search import search_exact, search_randomised
from retouch.matching.patches import patch_grid
from retouch.matching.soft_correspondence import SoftCorrespondence
from retouch.matching.soft_scores import SoftSimilarity

__all__ = ["HardCorrespondence", "SoftCorrespondence", "match"]


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
    """Find, for each patch that touches the hole, its sources among the patches of the known area.

    Queries are patches around any cell of the map that touch the hole; where they stick out of the map, its
    edge is repeated. Sources lie inside the map, wholly in the known and allowed area. Items of a batch
    are matched each on its own; one without a hole has no queries.

    Args:
        features: ``B×C×H×W``, finite; half precision is matched in float32.
        mask: ``B×1×H×W``, 1 = hole.
        patch: odd side of the patches, in cells.
        similarity: "cosine" of the patches, "squared-distance", the negative mean squared difference, or,
            for a softmax over all, "correlation", the inner product with the source at unit length.
        top: number of best sources to keep (fewer where there are fewer), or None for a softmax over all.
        softmax_scale: factor of the similarities in the softmax, over all or over the ``top`` ones.
        allowed: ``B×1×H×W``, above 0.5 where may be borrowed from; None for all that is known.
        method: "exact" compares all, "approximate" searches at random and by propagation (``top=1``).
        start: ``B×2×H×W`` rows and columns, -1 = none, that the approximate search begins from, such as
            an earlier result's ``field()``.
        memory: bytes that the scores and their companions may take at once. It bounds memory, not the result.
        seed: of the approximate search.
        propagation: odd side, at most ``patch``, of a square of joint shifts of query and source over which
            similarities are summed before the softmax over all; 1 = none. Neighbours then tend to borrow
            from neighbours.

    Raises:
        RetouchError: shapes or options do not fit, or no source is left.

    References:
        Exemplar matching by inner products: Chen and Schmidt, "Fast patch-based style transfer", 2016; soft
        form: Yu et al., "Generative image inpainting with contextual attention", 2018, section 4.1.
    """
    _check(features, mask, patch, similarity, top, softmax_scale, allowed, method, start, propagation)
    if features.dtype in (torch.float16, torch.bfloat16):
        features = features.float()
    holes = mask[:, 0] > 0.5
    readable = ~holes if allowed is None else ~holes & (allowed[:, 0] > 0.5)
    grids = [patch_grid(hole, area, patch) for hole, area in zip(holes, readable, strict=True)]
    if top is None:
        return SoftCorrespondence(features, grids, similarity, softmax_scale, memory, propagation)
    assert similarity != "correlation"  # _check has refused it
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
        return weigh(scores, found, softmax_scale)


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
    propagation: int,
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
    kinds = (
        ("cosine", "squared-distance") if top is not None else ("cosine", "squared-distance", "correlation")
    )
    if similarity not in kinds:
        names = '" or "'.join(kinds)
        raise RetouchError(f'The similarity must be "{names}", not "{similarity}".')
    if propagation < 1 or propagation % 2 == 0 or propagation > patch:
        raise RetouchError(f"Propagation must be odd and at most the patch's {patch}, not {propagation}.")
    if propagation > 1 and top is not None:
        raise RetouchError("Propagation needs the softmax over all sources; use top=None, or propagation=1.")
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
