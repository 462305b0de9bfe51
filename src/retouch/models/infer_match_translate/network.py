"""The two networks of Infer, Match, Translate: from the photo to features, and from features to pixels.

Song, Yang, Lin, Liu, Huang, Li and Kuo, "Contextual-based Image Inpainting: Infer, Match, and Translate",
ECCV 2018 (arXiv 1711.08590), sections 3.2 and 3.4. Their layers were not published; these are our choice.

Features are those of relu3_1, one position for each cell of 4×4 pixels, divided by :data:`STRENGTH`.
Deviation from the paper: they are those of the anti-aliased VGG-16 that can be had as a package, where the
paper has VGG-19's.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retouch.errors import RetouchError
from retouch.networks.layers import ELU_GAIN, PaddingMode, convolution, scaled
from retouch.networks.vgg import Vgg

LAYER = "relu3_1"
"""The layer of VGG that is inferred, matched and translated."""
CHANNELS = 256
"""Channels of that layer."""
CELL = 4
"""Pixels along the side of one of its positions."""
STRENGTH = 0.045
"""Root mean square of that layer on photos, by which it is divided."""
DEEPEST = 8
"""Pixels along the side of a cell of the deepest features: sides must be multiples of it."""
HIDDEN = 0.5
"""What the pixels of a hole are before anything is known of them."""
PAPER = 1.0
"""The full width."""
LITE = 0.375
"""The width for laptops."""
REACH = 3
"""Cells around the hole whose features the hole still has a part in; beyond, it is less than a hundredth."""
_INFER = (256, 512)
_TRANSLATE = (256, 128, 64)
_DILATIONS = (1, 2, 4, 8)
_BLOCKS = 3
_convolution = partial(convolution, gain=ELU_GAIN)


class ImageToFeatures(nn.Module):
    """Infers the features of the completed photo from those of one with a hole (section 3.2).

    A dilated fully convolutional network. Deviations from the paper, whose network makes an image and takes
    the features of that: it gives the features themselves, so that where it cannot know, it says the mean of
    what might be there, and not what VGG sees in a blur; and it begins with VGG's features of what is known,
    so that it need not learn to see.
    """

    def __init__(self, width: float = PAPER) -> None:
        """Build it; ``width`` multiplies all channels but those of the features."""
        super().__init__()
        quarter, eighth = scaled(_INFER, width)
        self.reduce = nn.Sequential(_convolution(CHANNELS + 2, quarter, kernel=1), nn.ELU())
        self.halve = nn.Sequential(_convolution(quarter, eighth, stride=2), nn.ELU())
        self.reach = nn.Sequential(*(_Residual(eighth, rate) for rate in _DILATIONS))
        self.enlarge = nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=False)
        self.join = nn.Sequential(_convolution(eighth + quarter, quarter), nn.ELU(), _Residual(quarter))
        self.to_features = _convolution(quarter, CHANNELS, gain=0.1)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Infer the features of the cells that :func:`unknown_cells` names; those of others are of no use.

        Args:
            features: ``B×256×(H/4)×(W/4)``, of the photo with its hole hidden, H and W multiples of 8; those
                of cells with a part of the hole are not looked at.
            mask: ``B×1×H×W``, 1 = hole.

        Returns:
            ``B×256×(H/4)×(W/4)``; negative values mean 0.

        Raises:
            RetouchError: the sides do not fit.
        """
        if any(side % DEEPEST or not side for side in mask.shape[2:]):
            raise RetouchError(f"Height and width must be multiples of {DEEPEST}: {tuple(mask.shape[2:])}.")
        hole = F.max_pool2d(mask, CELL)
        known = torch.cat([features * (1 - hole), hole, unknown_cells(mask)], 1)
        shallow = self.reduce(known)
        deep = self.reach(self.halve(shallow))
        inferred: Tensor = self.to_features(self.join(torch.cat([self.enlarge(deep), shallow], 1)))
        return inferred


class FeaturesToImage(nn.Module):
    """Makes the image of which features are the features (section 3.4).

    Deviation from the paper, whose network is a U-Net: residual blocks at the features' own resolution, and
    no way around them. Features say what is where already, so what is missing is near.
    """

    def __init__(self, width: float = PAPER) -> None:
        """Build it; ``width`` multiplies all channels but those of the features."""
        super().__init__()
        quarter, half, whole = scaled(_TRANSLATE, width)
        layer = partial(_convolution, padding_mode="reflect")
        residual = partial(_Residual, padding_mode="reflect")
        self.layers = nn.Sequential(
            *(layer(CHANNELS, quarter), nn.ELU(), *(residual(quarter) for _ in range(_BLOCKS))),
            nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=False),
            *(layer(quarter, half), nn.ELU(), residual(half)),
            nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=False),
            *(layer(half, whole), nn.ELU(), layer(whole, whole), nn.ELU()),
            layer(whole, 3, gain=0.1),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Translate ``B×256×h×w`` features, h and w at least 2, to ``B×3×4h×4w``, about [-1, 1]."""
        image: Tensor = self.layers(features)
        return image


class InferMatchTranslateNetwork(nn.Module):
    """Both networks. They learn from different losses, and neither from the other."""

    def __init__(self, width: float = PAPER) -> None:
        """Build them; ``width`` as in either (:data:`PAPER`, :data:`LITE`)."""
        super().__init__()
        self.infer = ImageToFeatures(width)
        self.translate = FeaturesToImage(width)


def features_of(vgg: Vgg, image: Tensor) -> Tensor:
    """The features of ``B×3×H×W`` in [0, 1], sides multiples of 4: ``B×256×(H/4)×(W/4)``."""
    seen: Tensor = vgg(image, [LAYER])[0]
    return seen / STRENGTH


def unknown_cells(mask: Tensor) -> Tensor:
    """Which features the hole has a part in: ``B×1×(H/4)×(W/4)`` zeros and ones of ``B×1×H×W``."""
    hole = F.max_pool2d(mask, CELL)
    return F.max_pool2d(hole, 2 * REACH + 1, stride=1, padding=REACH)


class _Residual(nn.Module):
    """What is added to the features: two convolutions, the first of them dilated."""

    def __init__(self, channels: int, dilation: int = 1, padding_mode: PaddingMode = "zeros") -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(_convolution(channels, channels, dilation=dilation, padding_mode=padding_mode), nn.ELU()),
            _convolution(channels, channels, padding_mode=padding_mode, gain=0.1),
        )

    def forward(self, features: Tensor) -> Tensor:
        changed: Tensor = F.elu(features + self.layers(features))
        return changed
