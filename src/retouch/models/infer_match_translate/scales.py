"""From a coarse scale to the full one: infer, match, translate; then match and translate again.

Song et al. 2018, section 3.5: features are inferred at the coarsest scale only. The translated picture is
enlarged, and its VGG features are matched at the next scale.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.matching.cells import attention_cells, hole_window
from retouch.matching.hard_correspondence import HardCorrespondence
from retouch.matching.source_fields import finer
from retouch.models.infer_match_translate.network import (
    CELL,
    HIDDEN,
    InferMatchTranslateNetwork,
    features_of,
    unknown_cells,
)
from retouch.models.infer_match_translate.options import InferMatchTranslateOptions
from retouch.models.infer_match_translate.swap import PATCH, swap
from retouch.networks.vgg import Vgg
from retouch.ops.blend import blend
from retouch.ops.resize import enlarge, shrink, shrink_mask
from retouch.synthesis.pyramid import smooth_fill

_FEATHER = 4  # pixels over which tones are made to meet at the border
_TONE = 8  # pixels around which the tone of what was translated is that of what was borrowed
_DEPENDS = 12  # cells around the hole that its translated pixels depend on


def complete(
    network: InferMatchTranslateNetwork,
    vgg: Vgg,
    photo: Tensor,
    hole: Tensor,
    usable: Tensor,
    options: InferMatchTranslateOptions,
    *,
    guess: Tensor | None = None,
    scales: int,
    seed: int,
    report: Callable[[int], None] = lambda done: None,
) -> tuple[Tensor, HardCorrespondence]:
    """Fill the holes.

    Args:
        network: infers and translates.
        vgg: the network that sees the features.
        photo: ``B×3×H×W`` in [0, 1], sides multiples of 8 at the coarsest scale; its hole is ignored.
        hole: ``B×1×H×W``, 1 = hole.
        usable: ``B×1×H×W``, 1 where patches may be borrowed.
        options: how it is done.
        guess: like the photo; the colours of its hole are to be expected. None for smooth ones.
        scales: number of scales, the full size included; each halves the one before.
        seed: of random candidates.
        report: called with the number of swaps done.

    Returns:
        The filled photo, and the correspondence at the full size, in cells.
    """
    made: Tensor | None = None
    found: HardCorrespondence | None = None
    for number in reversed(range(scales)):
        scale = 2**number
        small, mask = shrink(photo, scale), shrink_mask(hole, scale)
        before = torch.full_like(small, HIDDEN) if made is None else enlarge(made, 2).clamp(0, 1)
        small = torch.where(mask > 0, before, small)
        features = features_of(vgg, small)
        if made is None:
            inferred = network.infer(features, mask).clamp_min(0)
            features = torch.where(unknown_cells(mask) > 0, inferred, features)
        asking, sources = _cells(mask, 1 - shrink_mask(1 - usable, scale), options.band / scale)
        expected = (
            _smooth(small, mask) if guess is None else torch.where(mask > 0, shrink(guess, scale), small)
        )
        colours = shrink(expected, CELL)
        start = None if found is None else finer(found.field(), 2)
        for turn in range(options.swaps):
            if turn:
                assert made is not None
                features = features_of(vgg, made)
            found = swap(features, colours, asking, sources, options, start, seed)
            if options.pixels == "swapped":
                said = found.transfer(small, CELL)
            else:
                said = _translated(network, found.transfer(features), mask)
                said = _toned(said, found.transfer(small, CELL))
            made = blend(small, said, mask, _FEATHER)
            report((scales - 1 - number) * options.swaps + turn + 1)
    assert made is not None  # there is at least one scale, and one swap
    assert found is not None
    return made, found


def _cells(hole: Tensor, usable: Tensor, band: float) -> tuple[Tensor, Tensor]:
    """Which cells are queries, and which may be borrowed: ``B×1×h×w`` zeros and ones each.

    Cells beyond the band (in pixels; 0 = no band) may not be borrowed, if a patch is left without them.
    """
    asking, sources = attention_cells(hole, usable, CELL, PATCH)
    if band > 0:
        reach = -int(-band // CELL)
        near = F.max_pool2d(F.max_pool2d(hole, CELL), 2 * reach + 1, stride=1, padding=reach)
        sources = _narrowed(sources, near)
    return asking, sources


def _smooth(photo: Tensor, hole: Tensor) -> Tensor:
    """Fill the hole smoothly from around it; a photo without any known pixel stays as it is."""
    filled = photo.clone()
    for item, known in enumerate(hole[:, 0] == 0):
        if bool(known.any()):
            filled[item] = smooth_fill(photo[item], known)
    return filled


def _narrowed(sources: Tensor, to: Tensor) -> Tensor:
    """Keep only sources within an area, in items of the batch that have a whole patch there."""
    narrow = sources * to
    if min(narrow.shape[2:]) < PATCH:
        return sources
    whole = (F.max_pool2d(1 - narrow, PATCH, stride=1) == 0).flatten(1).any(1)
    return torch.where(whole[:, None, None, None], narrow, sources)


def _toned(translated: Tensor, borrowed: Tensor) -> Tensor:
    """Give translated pixels the mean colours, around each, of the borrowed ones.

    This is not in the paper. Features say little about colours, so translation misses them slightly.
    """
    difference = F.pad(borrowed - translated, (_TONE,) * 4, mode="replicate")
    return (translated + F.avg_pool2d(difference, 2 * _TONE + 1, 1)).clamp(0, 1)


def _translated(network: InferMatchTranslateNetwork, features: Tensor, mask: Tensor) -> Tensor:
    """Translate features to pixels in [0, 1], in the hole and beside it; 0 elsewhere."""
    window = hole_window(mask, CELL)
    height, width = mask.shape[2:]
    image = features.new_zeros(len(features), 3, height, width)
    if window is None:
        return image
    # The tone needs a known pixel too.
    cells = [
        slice(max(0, each.start - _DEPENDS - 1), min(side, each.stop + _DEPENDS + 1))
        for each, side in zip(window, features.shape[2:], strict=True)
    ]
    pixels = [slice(CELL * each.start, CELL * each.stop) for each in cells]
    image[..., pixels[0], pixels[1]] = (network.translate(features[..., cells[0], cells[1]]) + 1) / 2
    return image.clamp(0, 1)
