"""The generator of PEN-Net: a pyramid of features, filled from the deepest level to the shallowest.

Zeng, Fu, Chao and Guo, "Learning Pyramid-Context Encoder Network for High-Quality Image Inpainting",
CVPR 2019, section 3. Images are in [-1, 1], as in the paper. The layers are those of the public code: zero
padding, no normalisation, 10,231,538 parameters at full width (published: 10.23 M).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from retouch.errors import RetouchError
from retouch.matching.cells import attention_cells, hole_window, repeat_edge, without_margin
from retouch.matching.correspondence import SoftCorrespondence, match
from retouch.networks.layers import convolution, doubled

PAPER = 1.0
"""The published width: 32 channels in the first layer; 10,231,538 parameters."""
LITE = 0.5
"""The width for laptops: 16 channels in the first layer; 2,560,642 parameters, 0.7 GFLOP at 128²."""
LEVELS = 5
"""Levels that attention fills: cells of 64, 32, 16, 8 and 4 pixels."""
DEEPEST = 64
"""Side, in pixels, of a cell of the deepest level."""
_CHANNELS = (32, 64, 128, 256, 512, 512)

Window = tuple[slice, slice]


@dataclass(frozen=True)
class Output:
    """What the network returns.

    Attributes:
        image: ``B×3×H×W`` in [-1, 1].
        pyramid: The image of each level of the decoder, coarse to fine: ``B×3×h×w`` in [-1, 1], from a 32nd
            of the size to half. Empty if only a window was decoded.
        correspondences: The sources of each level, coarse to fine: cells of 64, 32, 16, 8 and 4 pixels; fewer
            if attention fills fewer levels.
    """

    image: Tensor
    pyramid: tuple[Tensor, ...]
    correspondences: tuple[SoftCorrespondence, ...]


class PenNetNetwork(nn.Module):
    """Encoder, attention transfer and decoder."""

    def __init__(self, width: float = PAPER, levels: int = LEVELS) -> None:
        """Build it.

        Args:
            width: Multiplies all channels, in steps of 4 (:data:`PAPER`, :data:`LITE`).
            levels: Number of levels, from the deepest up, that attention fills. The others decode the encoded
                features as they are. 1 is the paper's baseline.
        """
        super().__init__()
        self.levels = levels
        channels = [4 * max(1, round(width * each / 4)) for each in _CHANNELS]
        activations: list[nn.Module] = [*(nn.LeakyReLU(0.2) for _ in channels[:-1]), nn.ReLU()]
        self.encoder = nn.ModuleList(
            nn.Sequential(_convolution(inputs, outputs, stride=2), activation)
            for inputs, outputs, activation in zip([4, *channels[:-1]], channels, activations, strict=True)
        )
        # In order of use, from deep to shallow. The level above the deepest has no mixer.
        c1, *_, c5, c6 = channels
        shallow = channels[-3::-1]
        self.mixers = nn.ModuleList(_Mixer(each) for each in shallow)
        inputs = [c6, *(2 * each for each in (c5, *shallow[:-1]))]
        self.decoder = nn.ModuleList(
            nn.Sequential(_convolution(each, outputs), nn.ReLU())
            for each, outputs in zip(inputs, (c5, *shallow), strict=True)
        )
        self.heads = nn.ModuleList(
            nn.Sequential(_to_image(2 * each, kernel=1), nn.Tanh()) for each in (c5, *shallow)
        )
        self.last = nn.Sequential(_convolution(2 * c1, c1), nn.ReLU(), _to_image(c1), nn.Tanh())

    def forward(
        self, image: Tensor, mask: Tensor, allowed: Tensor | None = None, hole_only: bool = False
    ) -> Output:
        """Fill the holes.

        Args:
            image: ``B×3×H×W`` in [-1, 1], sides multiples of 64. Its pixels in the hole do not matter.
            mask: ``B×1×H×W``, 1 = hole.
            allowed: ``B×1×H×W``, 1 where the attention may borrow; None for all known pixels.
            hole_only: Decode only the bounding rectangle of all holes, to save time. The result is the same
                there, and 0 elsewhere.

        Raises:
            RetouchError: The sides do not fit, or features are not finite.
        """
        if any(side % DEEPEST or not side for side in image.shape[2:]):
            raise RetouchError(f"Height and width must be multiples of {DEEPEST}: {tuple(image.shape[2:])}.")
        deep, attended, correspondences = self.borrow(image, mask, allowed)
        window = hole_window(mask) if hole_only else None
        filled, pyramid = self.decode(deep, attended, window)
        return Output(filled, pyramid, correspondences)

    def borrow(
        self, image: Tensor, mask: Tensor, allowed: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...], tuple[SoftCorrespondence, ...]]:
        """Encode the image, and fill each level from the sources that the level below it finds (section 3.2).

        Args:
            image: As for :meth:`forward`.
            mask: As for :meth:`forward`.
            allowed: As for :meth:`forward`.

        Returns:
            The deepest features, the filled features of the other levels, and their sources, both coarse to
            fine.
        """
        values = torch.cat([torch.where(mask > 0, 1.0, image), mask], 1)
        encoded = []
        for layer in self.encoder:
            values = layer(values)
            encoded.append(values)
        *shallower, deep = encoded
        filled, correspondences = deep, []
        attended: list[Tensor] = []
        for level, values in enumerate(reversed(shallower)):
            if level < self.levels:
                filled, found = attend(filled, values, mask, allowed, patch=3 if level else 1)
                correspondences.append(found)
            else:
                filled = values
            if level:
                filled = self.mixers[level - 1](filled)
            attended.append(filled)
        return deep, tuple(attended), tuple(correspondences)

    def decode(
        self, deep: Tensor, attended: Sequence[Tensor], window: Window | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Decode the image, and the image of each level, coarse to fine (section 3.3).

        Args:
            deep: The deepest features.
            attended: The features of the other levels, coarse to fine.
            window: Rows and columns of the image to decode; the rest is 0, and the levels have no images.
                None for everything.
        """
        height, width = (2 * side for side in attended[-1].shape[2:])
        wanted = window or (slice(0, height), slice(0, width))
        around, *parts = _needed(wanted, [deep, *attended])
        joined, pyramid = deep[..., around[0], around[1]], []
        for layer, head, values, part in zip(self.decoder, self.heads, attended, parts, strict=True):
            # Deviation: the code aligns corners, so that the place of a pixel depends on the image's size.
            grown = _cut(layer(doubled(joined)), around, part)
            joined, around = torch.cat([grown, values[..., part[0], part[1]]], 1), part
            if window is None:
                pyramid.append(head(joined))
        made = _cut(self.last(doubled(joined)), around, wanted)
        image: Tensor = made.new_zeros(len(made), 3, height, width)
        image[..., wanted[0], wanted[1]] = made
        return image, tuple(pyramid)


def attend(
    deep: Tensor, shallow: Tensor, mask: Tensor, allowed: Tensor | None = None, patch: int = 3
) -> tuple[Tensor, SoftCorrespondence]:
    """Attention transfer (section 3.2): the level below finds the sources that fill a level's hole.

    Patches of the hole of ``deep`` are compared with known patches of unit length, with a softmax of scale
    10. The 4×4 patches of ``shallow`` at the same places are pasted at stride 2, and overlaps averaged.

    Deviation from the paper, as in the code: only known patches have unit length, not those of the hole.

    Deviations from the code:

    - Features of known cells do not change (the code rebuilds them too).
    - Sources that touch the hole are left out of the softmax (in the code they stay in with score 0, so the
      weights sum to less than 1).
    - A cell is hole if any of its pixels is (the code samples the mask between the cells' centres, and misses
      thin holes).
    - Beyond its edge the map repeats its outermost cells, and patches are pasted from there too (the code has
      zeros there, and divides by 4 where fewer patches overlap).
    - Single cells (``patch=1``) are pasted as 2×2 patches, which are their own features (the code pastes 4×4
      patches, which reach from a known cell into the hole).
    - Without known patches the features do not change (the code makes them nearly 0).

    Args:
        deep: ``B×C×h×w``.
        shallow: ``B×D×2h×2w``.
        mask: ``B×1×H×W``, 1 = hole.
        allowed: ``B×1×H×W``, 1 where the attention may borrow.
        patch: Odd side of the patches that are compared.

    Returns:
        ``shallow`` with its hole filled, and the correspondence on the map with ``patch // 2`` more cells on
        every side.
    """
    margin = patch // 2
    hole, usable = attention_cells(mask, allowed, mask.shape[2] // deep.shape[2], patch, margin)
    # In float32 even under autocast: small differences between large scores matter.
    with torch.autocast(deep.device.type, enabled=False):
        correspondence = match(
            repeat_edge(deep.float(), margin),
            hole,
            patch=patch,
            similarity="correlation",
            top=None,
            softmax_scale=10.0,
            allowed=usable,
        )
        continued = repeat_edge(shallow.float(), 2 * margin)
        attended = correspondence.transfer(continued, 2, patch=min(2, patch))
    return without_margin(attended, 2 * margin).to(shallow.dtype), correspondence


class _Mixer(nn.Module):
    """Four parallel convolutions of growing dilation, a quarter of the channels each (section 3.2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(
            nn.Sequential(_convolution(channels, channels // 4, dilation=rate), nn.ReLU())
            for rate in (1, 2, 4, 8)
        )

    def forward(self, values: Tensor) -> Tensor:
        """Map ``B×C×h×w`` to the same shape."""
        return torch.cat([part(values) for part in self.parts], 1)


def _convolution(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, dilation: int = 1) -> nn.Conv2d:
    made = convolution(inputs, outputs, kernel, stride, dilation)
    # Deviation from the code, which uses 0.02 for all weights: signals then fade from layer to layer, the
    # attention is nearly uniform at first, and short runs learn much more slowly.
    nn.init.kaiming_normal_(made.weight, nonlinearity="relu")
    assert made.bias is not None
    nn.init.zeros_(made.bias)
    return made


def _to_image(inputs: int, kernel: int = 3) -> nn.Conv2d:
    made = _convolution(inputs, 3, kernel)
    nn.init.normal_(made.weight, std=0.02)  # so that the first images are grey
    return made


def _needed(wanted: Window, maps: Sequence[Tensor]) -> list[Window]:
    """Return the part of each map, coarse to fine, that a window of the image depends on.

    Doubling and one convolution need one more cell on every side. The last step has two convolutions, so it
    needs two cells.
    """
    parts: list[Window] = []
    margin = 2
    for each in reversed(maps):
        rows, columns = (
            slice(max(0, part.start // 2 - margin), min(side, -(-part.stop // 2) + margin))
            for part, side in zip(wanted, each.shape[2:], strict=True)
        )
        wanted, margin = (rows, columns), 1
        parts.append(wanted)
    return parts[::-1]


def _cut(grown: Tensor, around: Window, part: Window) -> Tensor:
    """Cut the window ``part`` of a map out of ``grown``, which covers twice the window ``around``."""
    rows, columns = (
        slice(inner.start - 2 * outer.start, inner.stop - 2 * outer.start)
        for outer, inner in zip(around, part, strict=True)
    )
    return grown[..., rows, columns]
