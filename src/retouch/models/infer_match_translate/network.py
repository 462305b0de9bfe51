"""The two networks of Infer, Match, Translate: from the photo to features, and from features to pixels.

Song, Yang, Lin, Liu, Huang, Li and Kuo, "Contextual-based Image Inpainting: Infer, Match, and Translate",
ECCV 2018 (arXiv 1711.08590), sections 3.2 and 3.4. The layers were not published; these are our choice.

Features are those of relu3_1, one position per cell of 4×4 pixels, divided by :data:`STRENGTH`. Deviation
from the paper, which uses VGG-19: they come from the anti-aliased VGG-16, which is available as a package.
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
"""Side, in pixels, of the cell of a position of that layer."""
STRENGTH = 0.045
"""Root mean square of that layer on photos. Features are divided by it."""
DEEPEST = 8
"""Side, in pixels, of a cell of the deepest features. Sides of images are multiples of it."""
HIDDEN = 0.5
"""Value of the hole's pixels before anything is inferred."""
PAPER = 1.0
"""The full width."""
LITE = 0.375
"""The width for laptops."""
REACH = 3
"""Cells around the hole whose features the hole influences; beyond, by less than a hundredth."""
_INFER = (256, 512)
_TRANSLATE = (256, 128, 64)
_DILATIONS = (1, 2, 4, 8)
_BLOCKS = 3
_convolution = partial(convolution, gain=ELU_GAIN)


class ImageToFeatures(nn.Module):
    """Infers the features of the completed photo from those of the photo with a hole (section 3.2).

    It is a dilated, fully convolutional network. Deviations from the paper, whose network makes an image and
    then computes its features:

    - It outputs the features themselves. Where the content is uncertain, it predicts their mean, not the
      features of a blurred image.
    - It starts from the VGG features of the known pixels, so it need not learn to extract features.
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
        """Infer the features of the cells of :func:`unknown_cells`; those of other cells are meaningless.

        Args:
            features: ``B×256×(H/4)×(W/4)``, of the photo with its hole hidden; H and W are multiples of 8.
                Features of cells that contain pixels of the hole do not matter.
            mask: ``B×1×H×W``, 1 = hole.

        Returns:
            ``B×256×(H/4)×(W/4)``; negative values mean 0.

        Raises:
            RetouchError: The sides do not fit.
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
    """Translates features to the image that has them (section 3.4).

    Deviation from the paper, whose network is a U-Net: residual blocks at the resolution of the features,
    without skip connections. Features already say what is where, so the translation is local.
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
        """Translate ``B×256×h×w`` features, h and w at least 2, to ``B×3×4h×4w``, roughly in [-1, 1]."""
        image: Tensor = self.layers(features)
        return image


class InferMatchTranslateNetwork(nn.Module):
    """Both networks. They have separate losses, and neither learns from the other."""

    def __init__(self, width: float = PAPER) -> None:
        """Build both; ``width`` as for each (:data:`PAPER`, :data:`LITE`)."""
        super().__init__()
        self.infer = ImageToFeatures(width)
        self.translate = FeaturesToImage(width)


def features_of(vgg: Vgg, image: Tensor) -> Tensor:
    """Compute the features of ``B×3×H×W`` in [0, 1], sides multiples of 4: ``B×256×(H/4)×(W/4)``."""
    seen: Tensor = vgg(image, [LAYER])[0]
    return seen / STRENGTH


def unknown_cells(mask: Tensor) -> Tensor:
    """Mark the features that the hole influences: ``B×1×(H/4)×(W/4)`` zeros and ones of ``B×1×H×W``."""
    hole = F.max_pool2d(mask, CELL)
    return F.max_pool2d(hole, 2 * REACH + 1, stride=1, padding=REACH)


class _Residual(nn.Module):
    """A residual block: two convolutions, the first of them dilated."""

    def __init__(self, channels: int, dilation: int = 1, padding_mode: PaddingMode = "zeros") -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(_convolution(channels, channels, dilation=dilation, padding_mode=padding_mode), nn.ELU()),
            _convolution(channels, channels, padding_mode=padding_mode, gain=0.1),
        )

    def forward(self, features: Tensor) -> Tensor:
        changed: Tensor = F.elu(features + self.layers(features))
        return changed
