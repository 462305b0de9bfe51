"""Patch-swap: the features of a hole become those of known patches (Song et al. 2018, section 3.3)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.matching.coherence import CoherentField, Comparison
from retouch.matching.correspondence import HardCorrespondence, match
from retouch.matching.patches import PatchGrid, patch_grid
from retouch.matching.search import SEARCH
from retouch.models.infer_match_translate.options import InferMatchTranslateOptions
from retouch.ops.masks import depth
from retouch.ops.principal_components import principal_directions

PATCH = 3
"""Side of the patches, in cells."""
_CHANNELS, _COMPONENTS = 48, 48  # principal ones
_TRUST, _DEEPEST = 0.7, 10  # factor of inferred features for each cell of depth, and the greatest depth
_FAINT = 3.0  # length below which patches count less and less
_SAMPLE = 4096  # sources that principal directions are found in
_ROUNDS = 4  # of propagation and of random candidates


def swap(
    features: Tensor,
    colours: Tensor,
    hole: Tensor,
    usable: Tensor,
    options: InferMatchTranslateOptions,
    start: Tensor | None,
    seed: int,
) -> HardCorrespondence:
    """Find a known patch of features for each that touches the hole.

    Deviations from the paper by default: sources also agree with their neighbours, because nearest patches
    that are found each by itself differ from cell to cell, and their mean is a blur. Colours are compared
    too, because the features say little about them.

    Args:
        features: ``B×C×h×w``, inferred in the hole.
        colours: ``B×3×h×w`` in [0, 1], guessed in the hole; only coherent matching compares them.
        hole: ``B×1×h×w``, 1 = hole.
        usable: ``B×1×h×w``, 1 where patches may be borrowed, 0 in the hole.
        options: of the matching.
        start: ``B×2×h×w`` rows and columns that coherent matching begins from, -1 = none; None compares all
            with all.
        seed: of its random candidates.

    Raises:
        RetouchError: there is a hole, and no patch to borrow.
    """
    if options.matching == "nearest":
        return match(features, hole, patch=PATCH, allowed=usable)
    grids = [patch_grid(one > 0, free > 0, PATCH) for one, free in zip(hole[:, 0], usable[:, 0], strict=True)]
    fields = []
    for item, grid in enumerate(grids):
        begin = None if start is None else start[item]
        fields.append(_coherent(features[item], colours[item], hole[item], grid, options, begin, seed))
    return HardCorrespondence(
        grids,
        [each.sources[:, None] for each in fields],
        [torch.ones_like(each.distances)[:, None] for each in fields],
        # Cosines, less the difference of colours.
        [1 - each.distances / 2 for each in fields],
    )


def _coherent(
    features: Tensor,
    colours: Tensor,
    hole: Tensor,
    grid: PatchGrid,
    options: InferMatchTranslateOptions,
    start: Tensor | None,
    seed: int,
) -> CoherentField:
    """Find the sources of one picture."""
    if not len(grid.queries):
        return CoherentField(grid, grid.queries, 0, features.new_zeros(0))
    generator = torch.Generator(features.device).manual_seed(seed)
    means = F.avg_pool2d(_padded(colours, grid), PATCH, 1)[0]
    described = _described(features, grid, generator)
    table = torch.cat([described, options.colours * grid.rows(means)], 1)
    deep = torch.from_numpy(depth(hole[0].cpu().numpy() > 0)).to(features)
    trust = _TRUST ** (grid.rows(deep[None])[grid.queries] - 1).clamp(0, _DEEPEST)
    weights = torch.cat([trust.expand(-1, described.shape[1]), trust.new_ones(len(trust), 3)], 1)
    comparison = Comparison(table[grid.queries], table, weights)
    # A patch that is mostly known needs no agreement.
    share = grid.rows(F.avg_pool2d(_padded(hole, grid), PATCH, 1)[0])[grid.queries, 0]
    field = CoherentField(grid, _begin(comparison, grid, start), options.coherence, 2 * share)
    field.judge(comparison)
    radii, radius = [], max(grid.height, grid.width) // 2
    while radius:
        radii.append(radius)
        radius //= 3
    for _ in range(_ROUNDS):
        SEARCH.coherent(field, comparison, radii, generator)
    SEARCH.coherent(field, comparison, [], generator)
    return field


def _begin(comparison: Comparison, grid: PatchGrid, start: Tensor | None) -> Tensor:
    """For each query the source that ``start`` names; the nearest where it names none."""
    valid = grid.sources.nonzero()[:, 0]
    if start is None:
        return SEARCH.nearest(comparison, valid)
    row, column = grid.row_column(grid.queries)
    begun = start[:, row.clamp(0, grid.height - 1), column.clamp(0, grid.width - 1)]
    inside = (begun >= 0).all(0) & (begun[0] < grid.height) & (begun[1] < grid.width)
    sources = torch.where(inside, grid.flat(begun[0], begun[1]), 0)
    missing = ~grid.sources[sources]
    if bool(missing.any()):
        assert comparison.weights is not None
        part = Comparison(comparison.queries[missing], comparison.table, comparison.weights[missing])
        sources[missing] = SEARCH.nearest(part, valid)
    return sources


def _described(features: Tensor, grid: PatchGrid, generator: torch.Generator) -> Tensor:
    """Describe all patches, at about unit length, in the principal directions of the sources: ``N×d``.

    Only the direction of a feature counts, relative to the mean of the known ones. So faint textures count as
    much as strong ones, and so do the small differences of inferred features, which all lie near the mean.
    Patches that hardly differ from the mean stay short, so that the noise of a plain sky tells nothing apart.
    """
    features = F.normalize(features, dim=0)
    features = features - features[:, grid.readable[0]].mean(1)[:, None, None]
    energy = F.avg_pool2d(_padded(features.square().sum(0, keepdim=True), grid), PATCH, 1)[0]
    lengths = (PATCH**2 * grid.rows(energy) + _FAINT**2).sqrt()
    valid = grid.sources.nonzero()[:, 0]
    places = valid[torch.randint(len(valid), (_SAMPLE,), generator=generator, device=valid.device)]
    # First of channels, then of patches: patches of all channels would take seconds.
    rows = grid.rows(features)
    rows = rows @ principal_directions(rows[places] / lengths[places], _CHANNELS)
    steps = torch.tensor(grid.square(), device=valid.device)
    sample = rows[places[:, None] + steps].flatten(1) / lengths[places]
    basis = principal_directions(sample - sample.mean(0), _COMPONENTS)
    kernel = basis.t().reshape(-1, PATCH, PATCH, rows.shape[1]).permute(0, 3, 1, 2)
    few = rows.t().reshape(1, -1, grid.height + 2 * grid.margin, grid.stride)
    return grid.rows(F.conv2d(few, kernel)[0]) / lengths


def _padded(values: Tensor, grid: PatchGrid) -> Tensor:
    """Pad ``D×h×w`` by the grid's margin, repeating the edge; returns ``1×D×…``."""
    return F.pad(values[None], (grid.margin,) * 4, mode="replicate")
