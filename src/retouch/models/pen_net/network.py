"""The generator of PEN-Net: a pyramid of features, filled from its deepest level up to its shallowest.

Zeng, Fu, Chao and Guo, "Learning Pyramid-Context Encoder Network for High-Quality Image Inpainting",
CVPR 2019, section 3. Images are in [-1, 1] here, as in the paper. Layers as in the public code: zero padding,
no normalisation, 10,231,538 parameters at full width (published: 10.23 M).
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
"""Levels that are filled by attention: cells of 64, 32, 16, 8 and 4 pixels."""
DEEPEST = 64
"""Pixels along the side of a cell of the deepest level."""
_CHANNELS = (32, 64, 128, 256, 512, 512)

Window = tuple[slice, slice]


@dataclass(frozen=True)
class Output:
    """What the network returns.

    Attributes:
        image: ``B×3×H×W`` in [-1, 1].
        pyramid: the image as each level of the decoder sees it, coarse to fine: ``B×3×h×w`` in [-1, 1], from
            a 32nd of the size to half; empty when only a window was decoded.
        correspondences: what each level borrowed, coarse to fine: cells of 64, 32, 16, 8 and 4 pixels; fewer
            if fewer levels are filled by attention.
    """

    image: Tensor
    pyramid: tuple[Tensor, ...]
    correspondences: tuple[SoftCorrespondence, ...]


class PenNetNetwork(nn.Module):
    """Encoder, attention transfer and decoder."""

    def __init__(self, width: float = PAPER, levels: int = LEVELS) -> None:
        """Build it.

        Args:
            width: multiplies all channels, in steps of 4 (:data:`PAPER`, :data:`LITE`).
            levels: so many levels, from the deepest on, are filled by attention; the others decode what was
                encoded. 1 is what the paper compares its pyramid with.
        """
        super().__init__()
        self.levels = levels
        channels = [4 * max(1, round(width * each / 4)) for each in _CHANNELS]
        activations: list[nn.Module] = [*(nn.LeakyReLU(0.2) for _ in channels[:-1]), nn.ReLU()]
        self.encoder = nn.ModuleList(
            nn.Sequential(_convolution(inputs, outputs, stride=2), activation)
            for inputs, outputs, activation in zip([4, *channels[:-1]], channels, activations, strict=True)
        )
        # From here on deep to shallow, as they are used. What the deepest level guides is not mixed.
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
            image: ``B×3×H×W`` in [-1, 1], sides multiples of 64; its hole is not looked at.
            mask: ``B×1×H×W``, 1 = hole.
            allowed: ``B×1×H×W``, 1 where the attention may borrow from; None for all that is known.
            hole_only: decode only the rectangle around all holes: there the result is the same, elsewhere it
                is 0, and the time for it is saved.

        Raises:
            RetouchError: the sides do not fit, or features are not finite.
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
        """Encode, and fill each level with what the level below it borrows (section 3.2).

        Args:
            image: as for :meth:`forward`.
            mask: as for :meth:`forward`.
            allowed: as for :meth:`forward`.

        Returns:
            The deepest features; the filled features of the other levels and what they borrowed, coarse to
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
        """The image, and that of each level, coarse to fine (section 3.3).

        Args:
            deep: the deepest features.
            attended: the features of the other levels, coarse to fine.
            window: rows and columns of the image that are wanted; the rest is 0 then, and there are no images
                of the levels. None for everything.
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
    """Attention transfer (section 3.2): fill a level's hole as the level below it finds its like.

    Patches of the hole of ``deep`` are compared with known ones at unit length, softmax at scale 10; the
    4×4 patches of ``shallow`` at the same places are pasted at stride 2, overlaps averaged.

    Deviation from the paper, as in the code: only known patches are brought to unit length, not the hole's.
    Deviations from the code: features of known cells stay as they are (it rebuilds them too); sources that
    touch the hole have no part in the softmax (it leaves them in with score 0, so that weights sum to less
    than 1); a cell is hole if any of its pixels is (it looks at the mask between the cells' centres and so
    misses thin holes); beyond its edge the map goes on by repeating it, and patches are pasted from there too
    (it has zeros there, and divides by 4 where fewer patches overlap); single cells (``patch=1``) are pasted
    as 2×2 patches, which are their own features (it pastes 4×4, which reach from a known cell into the
    hole). Where nothing known is left to compare with, features stay as they are (it makes them nearly 0).

    Args:
        deep: ``B×C×h×w``.
        shallow: ``B×D×2h×2w``.
        mask: ``B×1×H×W``, 1 = hole.
        allowed: ``B×1×H×W``, 1 where may be borrowed from.
        patch: odd side of the patches that are compared.

    Returns:
        ``shallow`` with its hole filled, and the correspondence, of the map with ``patch // 2`` more cells on
        every side.
    """
    margin = patch // 2
    hole, usable = attention_cells(mask, allowed, mask.shape[2] // deep.shape[2], patch, margin)
    # In single precision also under autocast: differences of scores count, however large these are.
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
    """Four parallel convolutions of growing reach, a quarter of the channels each (section 3.2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(
            nn.Sequential(_convolution(channels, channels // 4, dilation=rate), nn.ReLU())
            for rate in (1, 2, 4, 8)
        )

    def forward(self, values: Tensor) -> Tensor:
        """``B×C×h×w`` to the same."""
        return torch.cat([part(values) for part in self.parts], 1)


def _convolution(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, dilation: int = 1) -> nn.Conv2d:
    made = convolution(inputs, outputs, kernel, stride, dilation)
    # Deviation from the code, which draws all weights with 0.02: there signals fade from layer to layer, the
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
    """The part of each map, coarse to fine, that a window of the image depends on, as the decoder cuts it.

    A cell more on every side holds what doubling and one convolution look at; the last step has two
    convolutions and so needs two cells.
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
    """``part`` of a map of which ``grown`` holds what twice the window ``around`` covers."""
    rows, columns = (
        slice(inner.start - 2 * outer.start, inner.stop - 2 * outer.start)
        for outer, inner in zip(around, part, strict=True)
    )
    return grown[..., rows, columns]
