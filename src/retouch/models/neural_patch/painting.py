"""Painting a hole with known patches that look like the content to VGG: what the optimiser starts from.

This is not in the paper (Yang et al., CVPR 2017), whose optimiser starts from the content itself and finds
each feature patch its own nearest one: neighbours then ask for different things, and their mean is speckle.
Here colours and VGG's features are compared together, pixel by pixel, sources are chosen for coherence too,
and the colours themselves are carried over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.matching.patches import PatchGrid, patch_grid
from retouch.models.exemplar import ExemplarOptions
from retouch.networks.vgg import Vgg
from retouch.ops.principal_components import principal_directions
from retouch.synthesis.coherence import CoherentField
from retouch.synthesis.coherent_search import finer_sources, first_sources, improve, largest_patch
from retouch.synthesis.painting import Canvas
from retouch.synthesis.pyramid import Level

PATCH = ExemplarOptions.patch
"""Side of the patches whose colours are compared, in pixels; less where no such patch is known."""
CHANNELS = 24
"""Principal channels of the features that are compared."""
_ROUNDS = (3, 4, 5, 6)  # of searching and painting, from the finest scale to the coarsest
_EXEMPLAR = ExemplarOptions()  # what a guess of the hole counts, a painted pixel, how fast votes fade
# Of unit vectors about their mean; less than this tells nothing apart.
_LEAST_SPREAD = 1e-3


@dataclass(frozen=True)
class Painting:
    """One scale's hole, painted.

    Attributes:
        image: ``3×H×W``.
        grid: its patches.
        field: their sources.
    """

    image: Tensor
    grid: PatchGrid
    field: CoherentField


def rounds(number: int) -> int:
    """How often a scale, counted from the finest, is searched and painted."""
    return _ROUNDS[min(number, len(_ROUNDS) - 1)]


def paint(
    level: Level,
    start: Tensor,
    features: Tensor,
    coarser: Painting | None,
    coherence: float,
    generator: torch.Generator,
    number: int,
    report: Callable[[], bool],
) -> Painting:
    """Paint the hole of one scale with known patches.

    Args:
        level: the picture at this scale.
        start: ``3×H×W``, the picture with the content in its hole.
        features: ``D×H×W``, see :func:`pixel_features`, of ``start``.
        coarser: how the scale of half the resolution was painted; None for the coarsest.
        coherence: price of a neighbour that borrows from elsewhere, in medians of the patch distances.
        generator: the one source of randomness.
        number: of the scale, 0 is the finest.
        report: called after each round; True to stop.
    """
    side = largest_patch(level, PATCH)
    grid = patch_grid(~level.known, level.readable, side)
    canvas = Canvas(
        level,
        grid,
        guidance=_EXEMPLAR.guidance,
        trust=_EXEMPLAR.trust,
        fading=_EXEMPLAR.fading,
        generator=generator,
        guess=start,
        guide=features,
    )
    if coarser is None:
        sources = first_sources(canvas, level, generator.initial_seed())
    else:
        sources, unknown = finer_sources(coarser.grid, coarser.field, grid, generator)
        canvas.paint(sources, unknown=unknown)
    field = CoherentField(grid, sources, coherence, 2 * canvas.share)
    total = rounds(number)
    for turn in range(total):
        improve(canvas, field, generator, number == 0, coarser is None, turn == total - 1)
        canvas.paint(field.sources, field.distances)
        if report():
            break
    return Painting(canvas.painted, grid, field)


def pixel_features(vgg: Vgg, layers: Sequence[str], image: Tensor, known: Tensor, weight: float) -> Tensor:
    """What VGG sees around each pixel: its directions only, so that dark and faint textures count as much.

    Args:
        vgg: what sees the features.
        layers: its layers that count.
        image: ``1×3×H×W`` in [0, 1], sides multiples of the layers' cells.
        known: ``1×1×H×W``, 1 outside the hole.
        weight: root mean square of what is returned, per layer, about its mean over the known area.

    Returns:
        ``D×H×W``; of no channels where too little is known, or all that is known looks alike.
    """
    found = [image[0, :0]]
    for layer, features in zip(layers, vgg(image, layers), strict=True):
        cell = vgg.cell(layer)
        unit = F.normalize(features, dim=1)
        sample = unit[0][:, F.avg_pool2d(known, cell)[0, 0] == 1].t()
        if len(sample) < 2:
            continue
        centred = sample - sample.mean(0)
        spread = centred.square().sum(1).mean().sqrt()
        if spread < _LEAST_SPREAD:
            continue
        basis = principal_directions(centred, CHANNELS)
        seen = torch.einsum("bchw,cd->bdhw", unit, basis) * (weight / spread)
        found.append(F.interpolate(seen, image.shape[2:], mode="bilinear", align_corners=False)[0])
    return torch.cat(found)
