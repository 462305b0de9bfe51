"""A small network that knows structure: pretrained features, global attention, a light decoder.

It sees the whole window at 128² and says what colours the hole has in cells of 2 pixels, and how sure it is
of each. Texture is not its business. The encoder is EfficientNet-Lite0 (Tan and Le, ICML 2019); the middle
attends globally over the cells of an eighth, since the deepest levels decide the layout; the uncertainty is
the scale of a Laplace distribution (Kendall and Gal, "What uncertainties do we need", NeurIPS 2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retouch.networks.efficientnet import DEEPEST, TAPS, EfficientNetLite0, Features

CELL = 2
"""Pixels along the side of a cell of what it says."""
WIDTH = 160
"""Channels of the middle."""
BLOCKS = 2
"""Blocks of attention."""
HEADS = 2
_SCALES = (-5.0, 1.0)  # logarithm of the Laplace scale, of colours in [-1, 1]

__all__ = ["CELL", "DEEPEST", "Structure", "StructureNetwork"]


@dataclass(frozen=True)
class Structure:
    """What the network says, at half of the picture's size.

    Attributes:
        image: ``B×3×h×w``, about [-1, 1].
        scale: ``B×1×h×w``, the Laplace scale of its error: the mean absolute error to be expected.
    """

    image: Tensor
    scale: Tensor


class StructureNetwork(nn.Module):
    """Fills at half resolution; sides of the picture are multiples of 32."""

    def __init__(self) -> None:
        super().__init__()
        half, quarter, eighth, sixteenth, deepest = TAPS
        self.trunk = EfficientNetLite0(4)
        self.from_eighth = nn.Conv2d(eighth, WIDTH, 1)
        self.from_sixteenth = nn.Conv2d(sixteenth, WIDTH, 1)
        self.from_deepest = nn.Conv2d(deepest, WIDTH, 1)
        self.attention = nn.Sequential(*(_Block() for _ in range(BLOCKS)))
        self.up_quarter = _Up(WIDTH, quarter, 64)
        self.up_half = _Up(64, half, 32)
        self.last = nn.Conv2d(32, 4, 3, padding=1)
        # It begins with the smooth guess, and not very sure.
        nn.init.zeros_(self.last.weight)
        self.last.bias = nn.Parameter(torch.tensor([0.0, 0.0, 0.0, -1.0]))

    def forward(self, image: Tensor, mask: Tensor) -> Structure:
        """Say what the hole holds.

        Args:
            image: ``B×3×H×W`` in [-1, 1]; its hole is not looked at.
            mask: ``B×1×H×W``, 1 = hole; some of each item is known.
        """
        known = 1 - mask
        guess = smooth_guess(image, known)
        # Cells count as known by their known share: what is seen of the hole is only the guess.
        halves, quarters = (F.avg_pool2d(known, side) for side in (2, 4))
        seen: Features = self.trunk(torch.cat([guess, mask], 1))
        middle = self.from_eighth(seen.eighth) + _enlarged(self.from_sixteenth(seen.sixteenth), 2)
        middle = middle + _enlarged(self.from_deepest(seen.thirty_second), 4)
        middle = self.attention(middle)
        fine = self.up_quarter(middle, seen.quarter * quarters)
        fine = self.up_half(fine, seen.half * halves)
        said = self.last(fine)
        scale = said[:, 3:].clamp(*_SCALES).exp()
        return Structure(F.avg_pool2d(guess, CELL) + said[:, :3], scale)


def smooth_guess(image: Tensor, known: Tensor) -> Tensor:
    """Fill holes smoothly: averages of the known are pulled up a pyramid and pushed down again.

    Args:
        image: ``B×3×H×W``, sides powers of two times some number.
        known: ``B×1×H×W`` of ones and zeros, or shares of what is known.
    """
    height, width = image.shape[2:]
    if min(height, width) <= 2 or height % 2 or width % 2:
        mean = (image * known).sum((2, 3), keepdim=True) / known.sum((2, 3), keepdim=True).clamp_min(1e-6)
        return torch.where(known > 0, image, mean)
    weight = F.avg_pool2d(known, 2)
    coarse = F.avg_pool2d(image * known, 2) / weight.clamp_min(1e-6)
    pushed = _enlarged(smooth_guess(coarse, (weight > 0).to(known)), 2)
    return torch.where(known > 0, image, pushed)


class _Block(nn.Module):
    """Attention over all cells, then a perceptron for each; a convolution says where cells lie."""

    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Conv2d(WIDTH, WIDTH, 3, padding=1, groups=WIDTH)
        self.before_attention = nn.GroupNorm(1, WIDTH)
        self.asked = nn.Conv2d(WIDTH, 3 * WIDTH, 1)
        self.answered = nn.Conv2d(WIDTH, WIDTH, 1)
        self.perceptron = nn.Sequential(
            nn.GroupNorm(1, WIDTH), nn.Conv2d(WIDTH, 2 * WIDTH, 1), nn.GELU(), nn.Conv2d(2 * WIDTH, WIDTH, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.place(x)
        batch, _, height, width = x.shape
        asked = self.asked(self.before_attention(x)).view(batch, 3, HEADS, WIDTH // HEADS, height * width)
        query, key, value = asked.transpose(3, 4).contiguous().unbind(1)
        if torch.is_grad_enabled():  # the fused kernel's gradient is slower on a CPU
            weights = torch.softmax(query * query.shape[-1] ** -0.5 @ key.transpose(2, 3), -1)
            found = weights @ value
        else:
            found = F.scaled_dot_product_attention(query, key, value)
        x = x + self.answered(found.transpose(2, 3).reshape(batch, WIDTH, height, width))
        made: Tensor = x + self.perceptron(x)
        return made


class _Up(nn.Module):
    """Double the size, and join in finer features."""

    def __init__(self, channels: int, beside: int, made: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, made, 1)
        self.join = nn.Conv2d(made + beside, made, 3, padding=1)

    def forward(self, x: Tensor, finer: Tensor) -> Tensor:
        return F.gelu(self.join(torch.cat([_enlarged(self.reduce(x), 2), finer], 1)))


def _enlarged(values: Tensor, factor: int) -> Tensor:
    return F.interpolate(values, scale_factor=float(factor), mode="bilinear", align_corners=False)
