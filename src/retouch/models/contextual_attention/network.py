"""The generator of Contextual Attention: two stages, and the attention layer in the second.

Yu, Lin, Yang, Shen, Lu and Huang, "Generative Image Inpainting with Contextual Attention", CVPR 2018,
sections 3 and 4. Images are in [-1, 1], as in the paper. All layers have mirror padding and ELU, without
normalisation. The layers are those of the public code: 3,601,542 parameters at full width.

Deviations from the code: mirror padding as in the paper, where the code pads with zeros; 3×3 stride-2 layers
are padded by one on every side, where the code's 'same' padding adds only at the bottom and at the right.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from retouch.errors import RetouchError
from retouch.matching import cells
from retouch.matching.correspondence import SoftCorrespondence, match
from retouch.networks.layers import convolution, scaled

PAPER = 1.0
"""The published width: 32 channels in the first layer; 3,601,542 parameters."""
LITE = 0.375
"""The width for laptops: 12 channels in the first layer; 1.7 GFLOP at 128²."""
CELL = 8
"""Side, in pixels, of the cells that attention matches: features are at a quarter, matched at half that."""
_FEATURES = 4  # pixels along the side of a feature
_REACH = 4  # the hole's decoded pixels depend on so many features around it: 15 pixels at three resolutions


@dataclass(frozen=True)
class Stages:
    """What the network returns.

    Attributes:
        coarse: ``B×3×H×W`` in [-1, 1], the first stage's image.
        fine: ``B×3×H×W`` in [-1, 1], the second stage's image.
        correspondence: The sources of the attention, in cells of :data:`CELL` pixels.
    """

    coarse: Tensor
    fine: Tensor
    correspondence: SoftCorrespondence


class ContextualAttentionNetwork(nn.Module):
    """Both stages; ``width`` multiplies all channels (:data:`PAPER`, :data:`LITE`)."""

    def __init__(self, width: float = PAPER) -> None:
        super().__init__()
        c1, c2, c4 = scaled((32, 64, 128), width, least=2)
        # Stage 1, section 3. Resolutions: full, half, quarter; then up again in `_decoder`.
        self.coarse = nn.Sequential(
            _layer(5, c1, kernel=5),
            *(_layer(c1, c2, stride=2), _layer(c2, c2)),
            *(_layer(c2, c4, stride=2), _layer(c4, c4), _layer(c4, c4)),
            *(_layer(c4, c4, dilation=rate) for rate in (2, 4, 8, 16)),
        )
        self.coarse_decoder = _decoder(c4, c4, c2, c1)
        # Stage 2, section 4.2: one branch imagines, the other attends.
        self.imagine = nn.Sequential(
            _layer(5, c1, kernel=5),
            *(_layer(c1, c1, stride=2), _layer(c1, c2)),
            *(_layer(c2, c2, stride=2), _layer(c2, c4), _layer(c4, c4)),
            *(_layer(c4, c4, dilation=rate) for rate in (2, 4, 8, 16)),
        )
        self.look = nn.Sequential(
            _layer(5, c1, kernel=5),
            *(_layer(c1, c1, stride=2), _layer(c1, c2)),
            *(_layer(c2, c4, stride=2), _layer(c4, c4), _layer(c4, c4, activation=nn.ReLU)),
        )
        self.after_attention = nn.Sequential(_layer(c4, c4), _layer(c4, c4))
        self.fine_decoder = _decoder(2 * c4, c4, c2, c1)

    def forward(
        self, image: Tensor, mask: Tensor, allowed: Tensor | None = None, hole_only: bool = False
    ) -> Stages:
        """Fill the holes.

        Args:
            image: ``B×3×H×W`` in [-1, 1], sides multiples of 8 and greater than 64 (mirror padding at
                dilation 16). Its pixels in the hole do not matter.
            mask: ``B×1×H×W``, 1 = hole.
            allowed: ``B×1×H×W``, 1 where the attention may borrow; None for all known pixels.
            hole_only: Decode only the bounding rectangle of all holes, to save time. The result is the same
                there, and 0 elsewhere.
        """
        if any(side % CELL or side <= 64 for side in image.shape[2:]):
            raise RetouchError(f"Height and width must be multiples of {CELL} above 64: {image.shape[2:]}.")
        window = hole_window(mask) if hole_only else None
        coarse = self.first(image, mask, window)
        fine, correspondence = self.second(image, mask, coarse, allowed, window)
        return Stages(coarse, fine, correspondence)

    def first(self, image: Tensor, mask: Tensor, window: tuple[slice, slice] | None = None) -> Tensor:
        """Compute the coarse image; arguments as for :meth:`forward`."""
        return _decode(self.coarse_decoder, self.coarse(_inputs(image * (1 - mask), mask)), window)

    def second(
        self,
        image: Tensor,
        mask: Tensor,
        coarse: Tensor,
        allowed: Tensor | None = None,
        window: tuple[slice, slice] | None = None,
    ) -> tuple[Tensor, SoftCorrespondence]:
        """Compute the fine image from the coarse one pasted into the hole; return it and the sources."""
        inputs = _inputs(torch.where(mask > 0, coarse, image), mask)
        attended, correspondence = attend(self.look(inputs), mask, allowed)
        joined = torch.cat([self.imagine(inputs), self.after_attention(attended)], 1)
        return _decode(self.fine_decoder, joined, window), correspondence


def attend(
    features: Tensor, mask: Tensor, allowed: Tensor | None = None
) -> tuple[Tensor, SoftCorrespondence]:
    """The contextual attention layer (section 4.1): fill the hole with features of known patches.

    The layer takes every second feature and compares 3×3 patches of the hole with known patches of unit
    length. It propagates the scores, applies a softmax of scale 10, and pastes 4×4 patches of the full
    features at stride 2.

    Deviations from the code:

    - Features of known cells do not change (the code rebuilds them too, nearly unchanged).
    - Sources that touch the hole are left out of the softmax (in the code they stay in with score 0, so the
      weights sum to less than 1).
    - All patches lie inside the map (the code pads with zeros).
    - A cell is hole if any of its pixels is (the code tests the top left pixel, and misses thin holes).
    - Overlaps are averaged at the edge of the map too (the code divides by 4 there).
    - Without known 3×3 cells the features do not change (the code makes them 0).

    Args:
        features: ``B×C×(H/4)×(W/4)``.
        mask: ``B×1×H×W``, 1 = hole.
        allowed: ``B×1×H×W``, 1 where the attention may borrow.

    Returns:
        The features, and the sources of the hole's cells.
    """
    hole, usable = cells.attention_cells(mask, allowed, CELL, 3)
    # In float32 even under autocast: scores are in the hundreds, and small differences matter.
    with torch.autocast(features.device.type, enabled=False):
        values = features.float()
        correspondence = match(
            values[..., ::2, ::2],
            hole,
            similarity="correlation",
            top=None,
            softmax_scale=10.0,
            allowed=usable,
            propagation=3,
        )
        attended = correspondence.transfer(values, 2, patch=2)
    return attended.to(features.dtype), correspondence


def hole_window(mask: Tensor) -> tuple[slice, slice] | None:
    """Return rows and columns, in features, of the bounding rectangle of all holes; None without a hole."""
    return cells.hole_window(mask, _FEATURES)


def _inputs(image: Tensor, mask: Tensor) -> Tensor:
    """Stack image, ones and mask. With padding, the ones show the edge of the image."""
    return torch.cat([image, torch.ones_like(mask), mask], 1)


def _decode(decoder: nn.Module, features: Tensor, window: tuple[slice, slice] | None) -> Tensor:
    """Decode all features, or a window with the surroundings it depends on; clip as in the code."""
    if window is None:
        decoded: Tensor = decoder(features)
        return decoded.clamp(-1, 1)
    rows, columns = (slice(max(0, each.start - _REACH), each.stop + _REACH) for each in window)
    part = decoder(features[..., rows, columns]).clamp(-1, 1)
    height, width = (_FEATURES * side for side in features.shape[2:])
    image: Tensor = part.new_zeros(len(features), 3, height, width)
    top, left = _FEATURES * rows.start, _FEATURES * columns.start
    image[..., top : top + part.shape[2], left : left + part.shape[3]] = part
    return image


def _layer(
    inputs: int,
    outputs: int,
    kernel: int = 3,
    stride: int = 1,
    dilation: int = 1,
    activation: type[nn.Module] | None = nn.ELU,
) -> nn.Sequential:
    made = convolution(inputs, outputs, kernel, stride, dilation, padding_mode="reflect")
    # As the framework of the code initialises.
    nn.init.xavier_uniform_(made.weight)
    assert made.bias is not None
    nn.init.zeros_(made.bias)
    return nn.Sequential(made) if activation is None else nn.Sequential(made, activation())


def _decoder(inputs: int, c4: int, c2: int, c1: int) -> nn.Sequential:
    return nn.Sequential(
        *(_layer(inputs, c4), _layer(c4, c4), nn.Upsample(scale_factor=2)),
        *(_layer(c4, c2), _layer(c2, c2), nn.Upsample(scale_factor=2)),
        *(_layer(c2, c1), _layer(c1, max(1, c1 // 2)), _layer(max(1, c1 // 2), 3, activation=None)),
    )
