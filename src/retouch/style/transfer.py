"""Style transfer: a photo's patches of features, each swapped for the most similar one of a style.

The second use of the decoder of Song et al., "Contextual-based Image Inpainting: Infer, Match, and
Translate", ECCV 2018 (arXiv 1711.08590). The swap is that of Chen and Schmidt, "Fast patch-based style
transfer of arbitrary style", 2016, section 3.1.

Deviation from both, who compare features as they are: here the channels of either picture first get the same
mean and variance (as Sheng et al., "Avatar-Net", CVPR 2018, do), so that what is bright in the photo may
find what is bright in a dark style. Otherwise few patches of a style are ever used. What is carried over are
the style's features as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.errors import RetouchError
from retouch.matching.correspondence import match
from retouch.models.infer_match_translate.network import CELL, FeaturesToImage, features_of
from retouch.networks.vgg import Vgg

_AROUND = 6 * CELL  # more than features depend on; the network pads with black, which would look like an edge
_BAND = 96 * CELL  # rows that the network sees at once: its first maps take 64 numbers for each pixel
_SMALLEST_DEVIATION = 0.05  # of a channel; the features' root mean square is about 1


@dataclass(frozen=True)
class Statistics:
    """Of each channel over all cells: mean and standard deviation, ``1×C×1×1`` each."""

    mean: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, features: Tensor) -> Statistics:
        """Those of ``1×C×h×w`` features."""
        deviation, mean = torch.std_mean(features, (2, 3), correction=0, keepdim=True)
        return cls(mean, deviation.clamp_min(_SMALLEST_DEVIATION))

    def remove(self, features: Tensor) -> Tensor:
        """Give ``1×C×h×w`` features mean 0 and deviation 1, if these are their statistics."""
        return (features - self.mean) / self.deviation


@dataclass(frozen=True)
class Style:
    """What is borrowed from.

    Attributes:
        features: ``1×C×h×w``, one position for each cell of 4×4 pixels.
        usable: ``1×1×h×w``, 1 where may be borrowed from; it holds a whole patch at least.
        patch: odd side of the patches, in cells.
        statistics: of the features.
    """

    features: Tensor
    usable: Tensor
    patch: int
    statistics: Statistics


def see(vgg: Vgg, image: Tensor) -> Tensor:
    """The features of ``1×3×H×W`` in [0, 1], sides multiples of 4, where ``vgg`` lies: ``1×256×(H/4)×(W/4)``.

    Beyond its borders the picture is taken to continue.
    """
    image = image.to(vgg.get_buffer("mean").device)
    padded = F.pad(image, (_AROUND,) * 4, mode="replicate")
    tops = range(0, image.shape[2], _BAND)
    bands = [features_of(vgg, padded[..., top : top + _BAND + 2 * _AROUND, :]) for top in tops]
    inner = slice(_AROUND // CELL, -_AROUND // CELL)
    return torch.cat([each[..., inner, inner] for each in bands], 2)


def see_style(vgg: Vgg, image: Tensor, opaque: Tensor, patch: int) -> Style:
    """Take the features of a style.

    Args:
        vgg: what sees it; the style goes where it lies.
        image: ``1×3×H×W`` in [0, 1], of any size; one too small for a patch is taken to continue.
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
    return Style(features, usable, patch, Statistics.of(features))


def nearest(
    features: Tensor, statistics: Statistics, style: Style, start: Tensor | None = None, seed: int = 0
) -> Tensor:
    """Find the patch of the style most like each of a photo's: that of the greatest cosine.

    Args:
        features: ``1×C×h×w`` of the photo; patches that stick out repeat its edge.
        statistics: of the photo; of the style for what is in that style already.
        style: what is borrowed from.
        start: ``2×h×w``, rows and columns in the style that an approximate search begins from; None compares
            all patches with all.
        seed: of the approximate search.

    Returns:
        ``2×h×w`` int64: for the patch around each cell, row and column in the style of the other's middle.
    """
    height, width = features.shape[2:]
    columns = style.features.shape[3]
    # In one map, one below the other so that the sources lie together, and so far apart that no patch
    # around a cell of one sees the other.
    apart = style.patch - 1
    side = max(width + apart, columns)
    photo = F.pad(statistics.remove(features), (0, side - width, 0, apart), mode="replicate")
    known = F.pad(style.statistics.remove(style.features), (0, side - columns))
    both = torch.cat([photo, known], 2)
    hole, usable = torch.zeros_like(both[:, :1]), torch.zeros_like(both[:, :1])
    hole[..., :height, :width] = 1
    usable[..., height + apart :, :columns] = style.usable
    down = torch.tensor([height + apart, 0], device=both.device)[:, None, None]
    if start is None:
        found = match(both, hole, patch=style.patch, allowed=usable)
    else:
        begin = F.pad(start + down, (0, side - width, 0, both.shape[2] - height), value=-1)[None]
        found = match(
            both, hole, patch=style.patch, allowed=usable, method="approximate", start=begin, seed=seed
        )
    return found.field()[0, :, :height, :width] - down


def borrow(style: Style, field: Tensor) -> Tensor:
    """Put patches of the style in the place of a photo's, overlaps averaged.

    Args:
        style: what is borrowed from.
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
    """The image of ``1×256×h×w`` features: ``1×3×4h×4w``, about [0, 1]."""
    image: Tensor = translate(features)
    return (image + 1) / 2


def mixed(translate: FeaturesToImage, vgg: Vgg, photo: Tensor, swapped: Tensor, strength: float) -> Tensor:
    """The image of features that are partly a photo's own.

    What the translation loses of the photo comes back in the same share, so that with the strength the
    change goes to 0.

    Args:
        translate: makes the image.
        vgg: sees the photo.
        photo: ``1×3×4h×4w`` in [0, 1].
        swapped: ``1×256×h×w``, what its features were swapped for.
        strength: their share, in [0, 1].

    Returns:
        ``1×3×4h×4w``, about [0, 1].
    """
    if strength == 1:
        return translated(translate, swapped)
    own = see(vgg, photo)
    lost = photo.to(own) - translated(translate, own)
    return translated(translate, torch.lerp(own, swapped, strength)) + (1 - strength) * lost


def _shifted(side: int, step: int) -> tuple[slice, slice]:
    """The cells that a patch's cell ``step`` from its middle can lie on; and where its middle is then."""
    return slice(max(0, step), side + min(0, step)), slice(max(0, -step), side - max(0, step))
