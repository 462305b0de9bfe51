"""The target of a hole's features: the known patches most like them.

Yang et al., "High-Resolution Image Inpainting Using Multi-Scale Neural Patch Synthesis", CVPR 2017, section
3.3, after Li and Wand, "Combining Markov Random Fields and Convolutional Neural Networks", CVPR 2016.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.matching.cells import attention_cells
from retouch.matching.correspondence import HardCorrespondence, SourceMap, match
from retouch.networks.vgg import Vgg
from retouch.ops.principal_components import principal_directions
from retouch.ops.resize import shrink_mask

PATCH = 3
"""Side of the patches that are compared, in cells."""


class Texture:
    """One layer's part of the objective, at one scale.

    Each patch of the hole is drawn to its nearest known patch. Where patches overlap, drawing each cell to
    the mean of their targets has the same gradient, so the mean is computed once.
    """

    def __init__(
        self,
        features: Tensor,
        mask: Tensor,
        usable: Tensor,
        window: tuple[slice, slice],
        side: int,
        channels: int,
        others: Sequence[tuple[Tensor, Tensor]] = (),
    ) -> None:
        """Prepare to compare.

        Args:
            features: ``1×C×h×w``, of the whole picture.
            mask: ``1×1×H×W``, 1 = hole.
            usable: ``1×1×H×W``, 1 where patches may be borrowed.
            window: rows and columns that are optimised, in pixels, whole cells.
            side: pixels along the side of a cell.
            channels: number of principal channels of the known features to compare; 0 = all.
            others: features and usable pixels of other pictures to borrow from, such as the picture turned or
                resized.
        """
        self.side = side
        self.window = tuple(slice(each.start // side, each.stop // side) for each in window)
        self._hole, free = attention_cells(mask, usable, side, PATCH)
        # The first map is the picture itself.
        self._maps = [features, *(values for values, _ in others)]
        self._free = [free, *(1 - shrink_mask(1 - pixels, side) for _, pixels in others)]
        self.hole = self._cut(self._hole)
        known = features.square().sum(1, keepdim=True)[free > 0]
        self._energy = float(known.mean()) if len(known) else 1.0
        self._basis = _principal(self._maps, self._free, channels)
        self.target = self._cut(features)
        self.found: HardCorrespondence | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do: no whole patch may be borrowed, or no cell is hole."""
        return not bool(self.hole.any())

    def aim(self, features: Tensor) -> None:
        """Find the patches nearest to the window's ``features``, and make them the target."""
        part = self._cut(self._maps[0])
        part.copy_(torch.where(self.hole > 0, features.detach(), part))
        compared = self._maps
        if self._basis is not None:
            compared = [torch.einsum("bchw,cd->bdhw", each, self._basis) for each in self._maps]
        sources = [SourceMap(each, free) for each, free in zip(compared, self._free, strict=True)]
        self.found = match(compared[0], self._hole, patch=PATCH, sources=sources)
        self.target = self._cut(self.found.transfer(self._maps[0], sources=self._maps))

    def loss(self, features: Tensor) -> Tensor:
        """Squared difference to the target per cell of the hole, relative to the known features' energy."""
        squares = ((features - self.target).square() * self.hole).sum()
        return squares / (self.hole.sum() * self._energy)

    def _cut(self, values: Tensor) -> Tensor:
        return values[..., self.window[0], self.window[1]]


def _principal(maps: Sequence[Tensor], free: Sequence[Tensor], channels: int) -> Tensor | None:
    """``C×channels``, a basis that keeps most of the inner products of features that may be borrowed."""
    if not 0 < channels < maps[0].shape[1]:
        return None
    usable = [each[0][:, area[0, 0] > 0].t() for each, area in zip(maps, free, strict=True)]
    return principal_directions(torch.cat(usable), channels)


def textures(
    vgg: Vgg,
    layers: Sequence[str],
    image: Tensor,
    mask: Tensor,
    usable: Tensor,
    window: tuple[slice, slice],
    channels: int,
    others: Sequence[tuple[Tensor, Tensor]] = (),
) -> dict[str, Texture]:
    """Prepare the parts of the objective, by layer; layers with nothing to do are left out.

    Args:
        vgg: the network that sees the features.
        layers: the layers to compare.
        image: ``1×3×H×W`` in [0, 1].
        mask: ``1×1×H×W``, 1 = hole.
        usable: ``1×1×H×W``, 1 where patches may be borrowed.
        window: rows and columns that are optimised.
        channels: see :class:`Texture`.
        others: the picture turned or resized, and which of its pixels may be borrowed.
    """
    seen = vgg(image, layers)
    turned = [(vgg(each, layers), free) for each, free in others]
    made = {
        layer: Texture(
            features,
            mask,
            usable,
            window,
            vgg.cell(layer),
            channels,
            [(values[number], free) for values, free in turned],
        )
        for number, (layer, features) in enumerate(zip(layers, seen, strict=True))
    }
    return {layer: each for layer, each in made.items() if not each.empty}


def turned(
    image: Tensor, usable: Tensor, rotations: Sequence[float], sizes: Sequence[float]
) -> Iterator[tuple[Tensor, Tensor]]:
    """Turn and resize the picture about its middle; yields it with the pixels that may be borrowed.

    Args:
        image: ``1×3×H×W``.
        usable: ``1×1×H×W`` of zeros and ones.
        rotations: degrees, besides 0.
        sizes: factors, besides 1; each is combined with each rotation.
    """
    height, width = image.shape[2:]
    for degrees in (0.0, *rotations):
        for factor in (1.0, *sizes):
            if degrees == 0 and factor == 1:
                continue
            cosine, sine = (each(math.radians(degrees)) / factor for each in (math.cos, math.sin))
            # Grids run from -1 to 1 on both axes, whatever the sides are.
            turn = [[cosine, -sine * height / width, 0], [sine * width / height, cosine, 0]]
            grid = F.affine_grid(
                torch.tensor([turn], device=image.device), [1, 1, height, width], align_corners=False
            )
            picture = F.grid_sample(image, grid, padding_mode="border", align_corners=False)
            # A pixel that mixes in a pixel that may not be borrowed may not be borrowed either.
            free = F.grid_sample(usable, grid, align_corners=False)
            yield picture, (free > 0.999).to(usable)
