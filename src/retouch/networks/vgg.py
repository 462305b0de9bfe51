"""VGG networks trained on ImageNet, whose features compare textures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retouch.errors import RetouchError
from retouch.networks.antialiasing import blur_down, dense_maximum
from retouch.weights.vgg import shift_tolerant, torchvision_vgg19

# Index of each convolution in the published files, block by block; the blurs come before blocks 2 to 5.
_VGG16 = ((0, 2), (6, 8), (12, 14, 16), (20, 22, 24), (28, 30, 32))
_BLURS = (5, 11, 19, 27)
_VGG19 = ((0, 2), (5, 7), (10, 12, 14, 16), (19, 21, 23, 25), (28, 30, 32, 34))


class Vgg(nn.Module):
    """The convolutions of a VGG network (Simonyan and Zisserman, ICLR 2015), not trainable.

    Layers have their published names: ``relu3_1`` is the first layer of the third block. A feature of block
    ``b`` stands for a cell of ``2^(b-1)`` by ``2^(b-1)`` pixels.
    """

    def __init__(
        self,
        blocks: Sequence[Sequence[tuple[Tensor, Tensor]]],
        mean: Tensor,
        deviation: Tensor,
        blurs: Sequence[Tensor] = (),
    ) -> None:
        """Build it.

        Args:
            blocks: Weight and bias of each convolution, block by block.
            mean: ``1×3×1×1``, mean colour of images in [0, 1].
            deviation: ``1×3×1×1``, standard deviation of the colours.
            blurs: ``C×1×3×3`` for each halving of an anti-aliased network; empty for a plain one.
        """
        super().__init__()
        self.depths = [len(block) for block in blocks]
        self.blurred = bool(blurs)
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        for block, layers in enumerate(blocks, 1):
            for number, (weight, bias) in enumerate(layers, 1):
                self.register_buffer(f"weight{block}_{number}", weight)
                self.register_buffer(f"bias{block}_{number}", bias)
        for block, blur in enumerate(blurs, 2):
            self.register_buffer(f"blur{block}", blur)

    def cell(self, layer: str) -> int:
        """Return the side of a layer's cells, in pixels.

        Raises:
            RetouchError: There is no such layer.
        """
        found = re.fullmatch(r"relu(\d)_(\d)", layer)
        block, number = map(int, found.groups()) if found else (0, 0)
        if not (1 <= block <= len(self.depths) and 1 <= number <= self.depths[block - 1]):
            last = f"relu{len(self.depths)}_{self.depths[-1]}"
            raise RetouchError(f"There is no layer {layer!r}; layers are called relu1_1 to {last}.")
        return int(2 ** (block - 1))

    def forward(self, image: Tensor, layers: Sequence[str]) -> list[Tensor]:
        """Compute features, one position per cell.

        Args:
            image: ``B×3×H×W`` in [0, 1], sides multiples of the layers' cells.
            layers: Names of the layers.

        Returns:
            ``B×C×h×w`` for each layer, in the order of ``layers``.

        Raises:
            RetouchError: There is no such layer, or the sides do not fit.
        """
        height, width = image.shape[2:]
        cells = [self.cell(layer) for layer in layers]
        if any(height % cell or width % cell for cell in cells):
            raise RetouchError(f"Sides of {width}×{height} pixels are no multiples of the layers' cells.")
        # Blurred maps have one position more, because their positions are the corners of cells. Without the
        # first one, each position is one pixel off the centre of its cell.
        found = zip(self.maps(image, layers), cells, strict=True)
        return [each[..., -(height // cell) :, -(width // cell) :] for each, cell in found]

    def maps(self, image: Tensor, layers: Sequence[str]) -> list[Tensor]:
        """Like :meth:`forward`, but for images of any size, and with the network's own positions."""
        deepest = max(map(self.cell, layers), default=0).bit_length()
        x = (image - self.get_buffer("mean")) / self.get_buffer("deviation")
        found: dict[str, Tensor] = {}
        for block, depth in enumerate(self.depths[:deepest], 1):
            if block > 1:
                blur = self.get_buffer(f"blur{block}") if self.blurred else None
                x = F.max_pool2d(x, 2) if blur is None else blur_down(dense_maximum(x, 2), blur)
            for number in range(1, depth + 1):
                if len(found) == len(set(layers)):
                    break
                weight, bias = (self.get_buffer(f"{each}{block}_{number}") for each in ("weight", "bias"))
                x = F.relu(F.conv2d(x, weight, bias, padding=1))
                if (name := f"relu{block}_{number}") in layers:
                    found[name] = x
        return [found[each] for each in layers]


@cache
def shift_tolerant_vgg() -> Vgg:
    """Return the anti-aliased VGG-16 of ST-LPIPS (Ghildyal & Liu, ECCV 2022), on the CPU."""
    weights = shift_tolerant("vgg")
    blocks = [
        [_layer(weights, f"net.slice{block}.{each}") for each in layers]
        for block, layers in enumerate(_VGG16, 1)
    ]
    # The published values are for images in [-1, 1].
    mean, deviation = (1 + weights["scaling_layer.shift"]) / 2, weights["scaling_layer.scale"] / 2
    blurs = [weights[f"net.slice{block}.{each}.filt"] for block, each in enumerate(_BLURS, 2)]
    return Vgg(blocks, mean, deviation, blurs)


@cache
def shift_tolerant_vgg_on(device: torch.device) -> Vgg:
    """Return :func:`shift_tolerant_vgg` on a device."""
    return vgg_on(shift_tolerant_vgg(), device)


def vgg_on(vgg: Vgg, device: torch.device) -> Vgg:
    """Return the network if it is on the device, else a copy there."""
    return vgg if vgg.get_buffer("mean").device == device else deepcopy(vgg).to(device)


def vgg19(path: Path) -> Vgg:
    """Read VGG-19, which the papers use, from torchvision's file; on the CPU.

    Raises:
        RetouchError: There is no such file, or it holds something else.
    """
    weights = torchvision_vgg19(path)
    blocks = [[_layer(weights, f"features.{each}") for each in layers] for layers in _VGG19]
    mean, deviation = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[..., None, None]
    return Vgg(blocks, mean[None], deviation[None])


def _layer(weights: dict[str, Tensor], name: str) -> tuple[Tensor, Tensor]:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]
