"""Style transfer: a photo's patches of features, each swapped for the most similar one of a style.

The second use of the decoder of Song et al., "Contextual-based Image Inpainting: Infer, Match, and
Translate", ECCV 2018 (arXiv 1711.08590). The swap is that of Chen and Schmidt, "Fast patch-based style
transfer of arbitrary style", 2016, section 3.1.

Deviation: both papers compare features as they are. Here the channels of either picture first get the same
mean and variance (as in Sheng et al., "Avatar-Net", CVPR 2018), so that the bright parts of a photo can find
the bright parts of a dark style. Otherwise few patches of a style are ever used. The features carried over
are the style's own, unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.errors import RetouchError
from retouch.matching.correspondence import SourceMap, match
from retouch.models.infer_match_translate.network import CELL, FeaturesToImage, features_of
from retouch.networks.vgg import Vgg

_AROUND = 6 * CELL  # more than features depend on; the network pads with black, which would look like an edge
_BAND = 96 * CELL  # rows that the network sees at once: its first maps take 64 numbers for each pixel
_SMALLEST_DEVIATION = 0.05  # of a channel; the features' root mean square is about 1


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation of each channel over all cells, ``1×C×1×1`` each."""

    mean: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, features: Tensor, usable: Tensor | None = None) -> Statistics:
        """The statistics of ``1×C×h×w`` features, where ``1×1×h×w`` is 1 if it is given."""
        cells = features.flatten(2) if usable is None else features[:, :, usable[0, 0] > 0]
        deviation, mean = torch.std_mean(cells[..., None], (2, 3), correction=0, keepdim=True)
        return cls(mean, deviation.clamp_min(_SMALLEST_DEVIATION))

    def remove(self, features: Tensor) -> Tensor:
        """Give ``1×C×h×w`` features mean 0 and deviation 1, if these are their statistics."""
        return (features - self.mean) / self.deviation


@dataclass(frozen=True)
class Style:
    """The style's features, to borrow from.

    Attributes:
        features: ``1×C×h×w``, one position for each cell of 4×4 pixels.
        usable: ``1×1×h×w``, 1 where features may be borrowed; at least one whole patch may be.
        patch: odd side of the patches, in cells.
        statistics: of the features.
    """

    features: Tensor
    usable: Tensor
    patch: int
    statistics: Statistics


def see(vgg: Vgg, image: Tensor) -> Tensor:
    """Compute the features of a picture, on the device of ``vgg``. Beyond its borders the picture continues.

    Args:
        vgg: the network that sees it.
        image: ``1×3×H×W`` in [0, 1]; sides are multiples of 4.

    Returns:
        ``1×256×(H/4)×(W/4)``.
    """
    image = image.to(vgg.get_buffer("mean").device)
    padded = F.pad(image, (_AROUND,) * 4, mode="replicate")
    tops = range(0, image.shape[2], _BAND)
    bands = [features_of(vgg, padded[..., top : top + _BAND + 2 * _AROUND, :]) for top in tops]
    inner = slice(_AROUND // CELL, -_AROUND // CELL)
    return torch.cat([each[..., inner, inner] for each in bands], 2)


def see_style(vgg: Vgg, image: Tensor, opaque: Tensor, patch: int) -> Style:
    """Compute the features of a style.

    Args:
        vgg: the network that sees it; the style goes to its device.
        image: ``1×3×H×W`` in [0, 1], of any size; a picture too small for a patch repeats its edge.
        opaque: ``1×1×H×W``, 1 where there is something to borrow.
        patch: odd side of the patches, in cells.

    Raises:
        RetouchError: no whole patch is opaque.
    """
    height, width = image.shape[2:]
    margins = (0, max(patch * CELL - width, -width % CELL), 0, max(patch * CELL - height, -height % CELL))
    image, opaque = (F.pad(each, margins, mode="replicate") for each in (image, opaque))
    features = see(vgg, image)
    usable = 1 - F.max_pool2d(1 - opaque, CELL).to(features)
    if bool(F.max_pool2d(1 - usable, patch, 1).min() > 0):
        raise RetouchError(
            "Too little of the style is opaque to borrow patches from; "
            "use one with less transparency, or smaller patches."
        )
    return Style(features, usable, patch, Statistics.of(features, usable))


def nearest(
    features: Tensor, statistics: Statistics, style: Style, start: Tensor | None = None, seed: int = 0
) -> Tensor:
    """Find, for each patch of a photo, the most similar patch of the style: the one of the greatest cosine.

    Args:
        features: ``1×C×h×w`` of the photo; patches that stick out repeat its edge.
        statistics: of the photo; those of the style if the photo is in that style already.
        style: the patches to borrow.
        start: ``2×h×w``, rows and columns in the style that an approximate search begins from; None compares
            all patches with all.
        seed: of the approximate search.

    Returns:
        ``2×h×w`` int64: for the patch around each cell, row and column of the middle of the style's patch.
    """
    photo = statistics.remove(features)
    everywhere = torch.ones_like(photo[:, :1])
    sources = [SourceMap(style.statistics.remove(style.features), style.usable)]
    if start is None:
        return match(photo, everywhere, patch=style.patch, sources=sources).field()[0]
    found = match(
        photo,
        everywhere,
        patch=style.patch,
        sources=sources,
        method="approximate",
        start=start[None],
        seed=seed,
    )
    return found.field()[0]


def borrow(style: Style, field: Tensor) -> Tensor:
    """Put patches of the style in the place of a photo's, overlaps averaged.

    Args:
        style: the patches to borrow.
        field: ``2×h×w``, see :func:`nearest`.

    Returns:
        ``1×C×h×w``.
    """
    reach = range(-(style.patch // 2), style.patch // 2 + 1)
    height, width = field.shape[1:]
    columns = style.features.shape[3]
    cells = style.features[0].flatten(1).t().contiguous()
    total, votes = cells.new_zeros(height, width, cells.shape[1]), cells.new_zeros(height, width, 1)
    for down, right in ((down, right) for down in reach for right in reach):
        (rows, of_rows), (places, of_places) = _shifted(height, down), _shifted(width, right)
        row, column = field[:, of_rows, of_places]
        total[rows, places] += cells[(row + down) * columns + column + right]
        votes[rows, places] += 1
    return (total / votes).permute(2, 0, 1)[None]


def translated(translate: FeaturesToImage, features: Tensor) -> Tensor:
    """Make the image of ``1×256×h×w`` features: ``1×3×4h×4w``, about [0, 1]."""
    image: Tensor = translate(features)
    return (image + 1) / 2


def mixed(translate: FeaturesToImage, vgg: Vgg, photo: Tensor, swapped: Tensor, strength: float) -> Tensor:
    """Make the image of features that are partly the photo's own.

    The details that translation loses come back in proportion to the photo's share, so the change goes to 0
    as the strength does.

    Args:
        translate: makes the image.
        vgg: sees the photo.
        photo: ``1×3×4h×4w`` in [0, 1].
        swapped: ``1×256×h×w``, the features that replace the photo's.
        strength: share of the swapped features, in [0, 1].

    Returns:
        ``1×3×4h×4w``, about [0, 1].
    """
    if strength == 1:
        return translated(translate, swapped)
    own = see(vgg, photo)
    lost = photo.to(own) - translated(translate, own)
    return translated(translate, torch.lerp(own, swapped, strength)) + (1 - strength) * lost


def _shifted(side: int, step: int) -> tuple[slice, slice]:
    """Where cells ``step`` away from the middle of a patch can lie, and where the middle lies then."""
    return slice(max(0, step), side + min(0, step)), slice(max(0, -step), side - max(0, step))
