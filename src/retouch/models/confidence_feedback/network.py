"""The generator of Iterative Confidence Feedback: a coarse image, a fine one, and how far to trust it.

Zeng, Lin, Yang, Zhang, Shechtman and Lu, "High-Resolution Image Inpainting with Iterative Confidence Feedback
and Guided Upsampling", ECCV 2020, section 3.1. The authors never released code. The paper describes gated
convolutions in two stages, after Yu et al. ("Free-Form Image Inpainting with Gated Convolution", ICCV 2019),
and a second decoder for the confidence. Images are in [-1, 1]. Channels are those of Yu et al.

Deviations from Yu et al., where the paper is silent:

- The coarse stage works at half the resolution and has skip connections to its decoder. So it costs a quarter
  and reaches across the image.
- Attention feeds both decoders instead of a branch of its own.
- The lite width has one gate for all channels of a layer, which halves its cost (as Yi et al., "Contextual
  Residual Aggregation for Ultra High-Resolution Image Inpainting", CVPR 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retouch.errors import RetouchError
from retouch.matching.correspondence import SoftCorrespondence
from retouch.models.contextual_attention.network import attend
from retouch.networks.layers import convolution, doubled, normal, scaled

PAPER = 1.0
"""The width of Yu et al.: 48 channels at full resolution."""
LITE = 1 / 3
"""The width for laptops: 16 channels at full resolution."""
DEEPEST = 16
"""Side, in pixels, of a cell of the deepest features. Sides of images are multiples of it."""
SMALLEST = 5 * DEEPEST
"""The smallest side of an image that mirror padding at dilation 4 allows."""

Gates = Literal["each", "one"]
"""A gate for each channel of a layer, or one for all of them."""

# Keeps the strength of normally distributed values: E[ELU(x)²]·E[sigmoid(y)²] = 0.645·0.293.
_GAIN = (0.645 * 0.293) ** -0.5


@dataclass(frozen=True)
class Stages:
    """What the network returns.

    Attributes:
        coarse: ``B×3×H×W`` in [-1, 1], the first stage's image, enlarged.
        fine: ``B×3×H×W`` in [-1, 1], the second stage's image.
        confidence: ``B×1×H×W`` in (0, 1), the trust in ``fine``; meaningless outside the hole.
        correspondence: The sources of the attention, in cells of 8×8 pixels.
    """

    coarse: Tensor
    fine: Tensor
    confidence: Tensor
    correspondence: SoftCorrespondence


class ConfidenceFeedbackNetwork(nn.Module):
    """Both stages; ``width`` multiplies all channels (:data:`PAPER`, :data:`LITE`)."""

    def __init__(self, width: float = PAPER, gates: Gates = "each") -> None:
        super().__init__()
        self.coarse = _Coarse(width, gates)
        c1, c2, c4 = scaled((48, 96, 192), width, least=2)
        self.encoder = nn.Sequential(
            _Gated(4, c1, gates, kernel=5),
            *(_Gated(c1, c2, gates, stride=2), _Gated(c2, c2, gates)),
            *(_Gated(c2, c4, gates, stride=2), _Gated(c4, c4, gates)),
        )
        self.reach = nn.Sequential(*(_Gated(c4, c4, gates, dilation=rate) for rate in (1, 2, 4, 8)))
        self.joined = _Gated(2 * c4, c4, gates)
        double = nn.Upsample(scale_factor=2.0)
        self.image = nn.Sequential(
            *(double, _Gated(c4, c2, gates), _Gated(c2, c2, gates)),
            *(double, _Gated(c2, c1, gates), _Gated(c1, c1, gates), _to_image(c1, 3)),
        )
        self.confidence = nn.Sequential(
            *(_Gated(c4, c2, gates), double, _Gated(c2, c1, gates), _to_image(c1, 1)),
            # Confidence varies less from pixel to pixel than colour.
            *(nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=False), nn.Sigmoid()),
        )

    def forward(self, image: Tensor, mask: Tensor, allowed: Tensor | None = None) -> Stages:
        """Fill the holes once.

        Args:
            image: ``B×3×H×W`` in [-1, 1], sides multiples of 16 and at least 80. Its pixels in the hole do
                not matter.
            mask: ``B×1×H×W``, 1 = hole.
            allowed: ``B×1×H×W``, 1 where the attention may borrow; None for all known pixels.

        Raises:
            RetouchError: The sides do not fit.
        """
        if any(side % DEEPEST or side < SMALLEST for side in image.shape[2:]):
            raise RetouchError(
                f"Height and width must be multiples of {DEEPEST} from {SMALLEST} on: "
                f"{tuple(image.shape[2:])}."
            )
        known = torch.where(mask > 0, 0, image)
        coarse = doubled(self.coarse(torch.cat([known, mask], 1)).clamp(-1, 1))
        features = self.encoder(torch.cat([torch.where(mask > 0, coarse, image), mask], 1))
        attended, correspondence = attend(features, mask, allowed)
        joined = self.joined(torch.cat([self.reach(features), attended], 1))
        fine = (coarse + self.image(joined)).clamp(-1, 1)
        return Stages(coarse, fine, self.confidence(joined), correspondence)


class _Coarse(nn.Module):
    """The first stage. It works at half the resolution; its deepest cells are 16 pixels wide."""

    def __init__(self, width: float, gates: Gates) -> None:
        super().__init__()
        c1, c2, c4, c8 = scaled((48, 96, 192, 384), width, least=2)
        self.encoder = nn.ModuleList(
            [
                _Gated(4, c1, gates, kernel=5),
                nn.Sequential(_Gated(c1, c2, gates, stride=2), _Gated(c2, c2, gates)),
                nn.Sequential(_Gated(c2, c4, gates, stride=2), _Gated(c4, c4, gates)),
                nn.Sequential(
                    _Gated(c4, c8, gates, stride=2), *(_Gated(c8, c8, gates, dilation=r) for r in (1, 2, 4))
                ),
            ]
        )
        self.decoder = nn.ModuleList(
            [_Gated(c8 + c4, c4, gates), _Gated(c4 + c2, c2, gates), _Gated(c2 + c1, c1, gates)]
        )
        self.last = _to_image(c1, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map known colours and mask, ``B×4×H×W``, to an image, ``B×3×(H/2)×(W/2)``."""
        values, encoded = F.avg_pool2d(inputs, 2), []
        for layer in self.encoder:
            values = layer(values)
            encoded.append(values)
        for layer, beside in zip(self.decoder, encoded[-2::-1], strict=True):
            values = layer(torch.cat([doubled(values), beside], 1))
        image: Tensor = self.last(values)
        return image


class _Gated(nn.Module):
    """Gated convolution (Yu et al. 2019, section 3.1): features times a gate in (0, 1)."""

    def __init__(
        self, inputs: int, outputs: int, gates: Gates, kernel: int = 3, stride: int = 1, dilation: int = 1
    ) -> None:
        super().__init__()
        self.outputs = outputs
        count = outputs if gates == "each" else 1
        self.convolution = convolution(
            *(inputs, outputs + count, kernel, stride, dilation), padding_mode="reflect", gain=1.0
        )
        with torch.no_grad():
            self.convolution.weight[:outputs] *= _GAIN

    def forward(self, values: Tensor) -> Tensor:
        both = self.convolution(values)
        gated: Tensor = F.elu(both[:, : self.outputs]) * both[:, self.outputs :].sigmoid()
        return gated


def _to_image(inputs: int, outputs: int) -> nn.Conv2d:
    return normal(convolution(inputs, outputs, padding_mode="reflect"), 0.02)
