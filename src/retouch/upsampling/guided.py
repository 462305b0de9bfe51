"""Bring a fill made at low resolution to the photo's own resolution.

After the guided upsampling of Zeng et al. ("High-Resolution Image Inpainting with Iterative Confidence
Feedback and Guided Upsampling", ECCV 2020, section 3.2). The low-resolution fill shows which part of the
known area looks like each part of the hole; detail is copied from there. There are two forms: with the
networks of :mod:`retouch.upsampling.network`, and without. Deviations from the paper:

* The *residual* is copied (the photo minus its own enlarged low resolution), not whole patches. It brings
  grain and sharpness without moving structure; whole patches leave scalloped borders. Features are computed
  from the residual where it lands: computing them for the whole photo would cost more than all the rest.
* Each cell has one source, instead of a softmax over many or an average of overlapping patches: averaging
  removes detail. (With a perfect fill of three photos at a quarter, ST-LPIPS was .15 .22 .02 with one
  source, .24 .25 .09 averaged, .37 .28 .11 without any detail.)
* A model that borrows reports its own sources. Patches are compared only for models that do not.
* Models that work on arrays have the form without networks in numpy (:mod:`retouch.upsampling.residual`).
* Sources are whole cells apart. Aligning them by thirds of a cell was tried on photos and gained nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.contract import Fill
from retouch.matching.cells import hole_window
from retouch.matching.correspondence import match
from retouch.matching.source_fields import carry, finer, in_blocks
from retouch.ops.resize import enlarge, shrink, shrink_mask
from retouch.upsampling.network import REACH, GuidedUpsamplingNetwork

PATCH = 7
"""Side of the patches whose colours are compared, in low-resolution pixels."""
FEATURE_PATCH = 3
"""Side of the patches of the network's features, in cells. Each feature depends on 11×11 cells."""
BAND = 2**18
"""Pixels decoded at once; bounds the memory that a large hole takes."""
STEP = 4
"""The networks were trained to enlarge by at most this factor; larger ones are split where possible."""


@dataclass(frozen=True)
class Upsampled:
    """What :func:`upsample` returns.

    Attributes:
        image: ``B×3×(h·scale)×(w·scale)`` in [0, 1], full resolution. Outside the hole's cells it is the
            photo up to rounding. Inside them it is fill, even where a cell is only partly hole.
        source_map: ``B×2×h×w`` int64, the cell that each cell's detail was taken from; -1 if there is none.
    """

    image: Tensor
    source_map: Tensor


def upsample(
    photo: Tensor,
    mask: Tensor,
    fill: Fill,
    scale: int,
    *,
    allowed: Tensor | None = None,
    seed: int = 0,
    network: GuidedUpsamplingNetwork | None = None,
) -> Upsampled:
    """Bring ``fill`` to the resolution of ``photo``.

    Detail is taken from the sources in the fill's own correspondence. If it has none, the fill is compared
    with the known area to find them: by colours, or with the network by features. A cell without a source
    gets no detail; neither does anything if no whole patch is known.

    Args:
        photo: ``B×3×(h·scale)×(w·scale)`` in [0, 1]; its hole is not looked at.
        mask: ``B×1×(h·scale)×(w·scale)``, 1 = hole.
        fill: a fill of ``shrink(photo, scale)`` with the hole ``shrink_mask(mask, scale)``.
        scale: photo pixels per pixel of the fill, along each side.
        allowed: the mask's shape, 1 where detail may be borrowed from (all known pixels when None).
        seed: randomness of the search for sources.
        network: compares, and makes the detail; None for the form without networks.
    """
    hole = shrink_mask(mask, scale)
    forbidden = mask if allowed is None else torch.maximum(mask, 1 - allowed)
    usable = 1 - shrink_mask(forbidden, scale)
    if fill.correspondence is not None:
        found = fill.correspondence.source_map().to(hole.device)
        sources = torch.where(hole > 0, found, -1)
    else:
        if network is None:
            features, patch = fill.image, PATCH
        else:
            features, patch = network.look(fill.image, scale), FEATURE_PATCH
        sources = alike(features, hole, usable, patch, seed)
    if network is not None:
        return Upsampled(_in_steps(network, photo, fill.image, hole, usable, sources, scale), sources)
    result = enlarge(fill.image, scale)
    result += _residual(photo, result, hole, usable, sources, scale)
    return Upsampled(result.clamp_(0, 1), sources)


def alike(features: Tensor, hole: Tensor, usable: Tensor, patch: int, seed: int = 0) -> Tensor:
    """Find the usable cell most like each cell of the hole: ``B×2×h×w``, row and column; -1 for none.

    Args:
        features: ``B×C×h×w``, in which patches of cells are compared.
        hole: ``B×1×h×w``, 1 = hole.
        usable: ``B×1×h×w``, 1 where may be borrowed from; 0 in the hole.
        patch: odd side of the patches.
        seed: randomness of the search.
    """
    found = hole.new_full((len(hole), 2, *hole.shape[2:]), -1, dtype=torch.long)
    for item in range(len(hole)):
        pick = slice(item, item + 1)
        if not bool(hole[pick].any()) or not _has_whole_patch(usable[pick], patch):
            continue
        matches = match(
            features[pick],
            hole[pick],
            patch=patch,
            similarity="squared-distance",
            allowed=usable[pick],
            method="approximate",
            seed=seed,
        )
        found[item] = in_blocks(matches.source_map()[0].to(hole.device), usable[item, 0] > 0)
    return found


def detailed(
    network: GuidedUpsamplingNetwork,
    photo: Tensor,
    fill: Tensor,
    hole: Tensor,
    usable: Tensor,
    sources: Tensor,
    scale: int,
) -> Tensor:
    """Make detail for the hole's cells with the network. Returns ``B×3×H×W``; elsewhere it is the photo.

    Args:
        network: decodes the detail.
        photo: ``B×3×H×W`` in [0, 1]; its hole is not looked at.
        fill: ``B×3×h×w``, at low resolution.
        hole: ``B×1×h×w``, the hole's cells.
        usable: ``B×1×h×w``, cells that may be borrowed from.
        sources: ``B×2×h×w``, the cell that each cell borrows from; -1 = none.
        scale: pixels per cell.
    """
    window = hole_window(hole)
    if window is None:
        return photo
    enlarged = enlarge(fill, scale)
    carried = _residual(photo, enlarged, hole, usable, sources, scale)
    # How far the cell that detail comes from differs in colour from the cell it goes to.
    unlike = torch.where(sources[:, :1] >= 0, _at(fill, sources) - fill, 0)
    result = photo.clone()
    rows, columns = window
    margin = -(-REACH // scale)
    band = max(1, BAND // (scale**2 * (columns.stop - columns.start)))
    for top in range(rows.start, rows.stop, band):
        # Decode only what this part of the hole depends on.
        down, inner_down = _around(top, min(top + band, rows.stop), margin)
        across, inner_across = _around(columns.start, columns.stop, margin)
        pixels = (..., _times(down, scale), _times(across, scale))
        inside = F.interpolate(hole[..., down, across], scale_factor=float(scale))
        small = enlarge(unlike[..., down, across], scale, "bilinear")
        made = network.decode(enlarged[pixels], carried[pixels], small, inside, scale)
        made = torch.where(inside > 0, made, photo[pixels])
        inner = (..., _times(inner_down, scale), _times(inner_across, scale))
        result[pixels][inner] = made[inner]
    return result


def steps(scale: int) -> list[int]:
    """Split a scale into the factors that the networks enlarge by, of at most :data:`STEP` where possible."""
    for factor in range(STEP, 1, -1):
        if scale > STEP and scale % factor == 0:
            return [factor, *steps(scale // factor)]
    return [scale]


def _in_steps(
    network: GuidedUpsamplingNetwork,
    photo: Tensor,
    image: Tensor,
    hole: Tensor,
    usable: Tensor,
    sources: Tensor,
    scale: int,
) -> Tensor:
    """Enlarge ``image`` step by step, with the sources of the first step (the paper compares again)."""
    left = scale
    for step in steps(scale):
        left //= step
        image = detailed(network, shrink(photo, left), image, hole, usable, sources, step)
        hole, usable = (F.interpolate(each, scale_factor=float(step)) for each in (hole, usable))
        sources = finer(sources, step)
    return image.clamp(0, 1)


def _residual(
    photo: Tensor, enlarged: Tensor, hole: Tensor, usable: Tensor, sources: Tensor, scale: int
) -> Tensor:
    """The detail that shrinking removes from the photo, copied into the hole's cells."""
    # In known cells the low-resolution fill is the shrunken photo, so this is the residual.
    residual = (photo - enlarged).detach()
    for item in range(len(photo)):
        inside = F.interpolate(hole[item : item + 1], scale_factor=float(scale))[0]
        residual[item].masked_fill_(inside > 0, 0)
        carry(residual[item], sources[item], usable[item, 0] > 0, scale)
    return residual


def _around(start: int, stop: int, margin: int) -> tuple[slice, slice]:
    """A range of cells grown by ``margin``, without negative cells; and the range's place in it."""
    first = max(0, start - margin)
    return slice(first, stop + margin), slice(start - first, stop - first)


def _times(cells: slice, scale: int) -> slice:
    return slice(scale * cells.start, scale * cells.stop)


def _at(values: Tensor, places: Tensor) -> Tensor:
    """Gather ``B×C×h×w`` values at ``B×2×h×w`` rows and columns. Places below 0 give arbitrary values."""
    flat = (places[:, :1] * values.shape[3] + places[:, 1:]).clamp(min=0).flatten(2)
    return values.flatten(2).gather(2, flat.expand(-1, values.shape[1], -1)).view_as(values)


def _has_whole_patch(usable: Tensor, patch: int) -> bool:
    if min(usable.shape[2:]) < patch:
        return False
    return bool((F.max_pool2d(1 - usable, patch, stride=1) == 0).any())
