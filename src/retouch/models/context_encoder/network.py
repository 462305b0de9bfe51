"""The content network of Neural Patch Synthesis: the paper's form, and a form for holes of any shape.

Yang, Lu, Lin, Shechtman, Wang and Li, "High-Resolution Image Inpainting Using Multi-Scale Neural Patch
Synthesis", CVPR 2017 (arXiv 1611.09969), section 3.2; after Pathak, Krähenbühl, Donahue, Darrell and Efros,
"Context Encoders", CVPR 2016. Images are in [-1, 1], as in the papers. Padding is zero. The connected form
has the layers of the public code, with ELU and the fully connected bottleneck of the paper.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retouch.errors import RetouchError
from retouch.networks.layers import ELU_GAIN, convolution, scaled

Form = Literal["connected", "convolutional"]
"""The paper's network for the middle of 128², or the network for any hole in images of any size."""
PAPER = 1.0
"""The published width, 64 channels in the first layer. Connected: 71,124,611 parameters, 0.7 GFLOP;
convolutional: 6,939,811 parameters, 1.6 GFLOP at 128²."""
LITE = 0.5
"""The width for laptops, 32 channels in the first layer. Connected: 17,785,667 parameters, 0.2 GFLOP;
convolutional: 1,736,659 parameters, 0.4 GFLOP at 128²."""
SIDE = 128
"""Side of the connected form's images, in pixels. It fills a square of half that side."""
DEEPEST = 32
"""Side, in pixels, of a cell of the deepest features. Sides of images are multiples of it."""
MIDDLE = slice(SIDE // 4, SIDE - SIDE // 4)
"""Rows and columns that the connected form fills."""
_CHANNELS = (64, 64, 128, 256, 512)
_BOTTLENECK = 4000
_MEAN = (117 / 127.5 - 1, 104 / 127.5 - 1, 123 / 127.5 - 1)  # the colour of hidden pixels


class ConnectedNetwork(nn.Module):
    """The paper's form: the middle 64×64 of 128×128, through a fully connected bottleneck.

    Deviation from both papers: their prediction overlaps the known area and is trained there too. Here known
    pixels are put back afterwards, so the prediction covers the hole only.
    """

    def __init__(self, width: float = PAPER) -> None:
        """Build it; ``width`` multiplies all channels, also of the bottleneck."""
        super().__init__()
        channels = scaled(_CHANNELS, width)
        (bottleneck,) = scaled((_BOTTLENECK,), width)
        layers: list[nn.Module] = [nn.Conv2d(3, channels[0], 4, 2, padding=1), nn.ELU()]
        for inputs, outputs in pairwise(channels):
            layers += _normalised(nn.Conv2d(inputs, outputs, 4, 2, padding=1, bias=False))
        layers += _normalised(nn.Conv2d(channels[-1], bottleneck, 4, bias=False))
        layers += _normalised(nn.ConvTranspose2d(bottleneck, channels[-1], 4, bias=False))
        for inputs, outputs in pairwise(channels[:0:-1]):
            layers += _normalised(nn.ConvTranspose2d(inputs, outputs, 4, 2, padding=1, bias=False))
        layers += [nn.ConvTranspose2d(channels[1], 3, 4, 2, padding=1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        for each in self.layers:
            if isinstance(each, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(each.weight, std=0.02)  # as in the code; normalisation keeps the strength
        self.mean: Tensor
        self.register_buffer("mean", torch.tensor(_MEAN).view(3, 1, 1), persistent=False)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """Fill the middle.

        In training mode, the items of a batch influence each other through batch normalisation.

        Args:
            image: ``B×3×128×128`` in [-1, 1]. The pixels of its middle 64×64 do not matter.
            mask: ``B×1×128×128``, 1 = hole; 0 outside of the middle.

        Returns:
            ``B×3×128×128`` in [-1, 1]: the middle, and 0 around it.

        Raises:
            RetouchError: The size differs, the hole reaches beyond the middle, or there is a single item in
                training mode.
        """
        around = mask.clone()
        around[..., MIDDLE, MIDDLE] = 0
        if image.shape[2:] != (SIDE, SIDE) or bool(around.any()):
            raise RetouchError(
                "The connected form of context-encoder fills holes in the middle 64×64 pixels of 128×128 and "
                "nothing else; crop or shrink the picture so that its hole lies there, or use weights of the "
                "convolutional form."
            )
        if self.training and len(image) == 1:
            raise RetouchError(
                "The connected form of context-encoder learns from two pictures at a time or more; set a "
                "larger batch."
            )
        hidden = image.clone()
        hidden[..., MIDDLE, MIDDLE] = self.mean
        return F.pad(self.layers(hidden), (MIDDLE.start,) * 4)


class ConvolutionalNetwork(nn.Module):
    """Holes of any shape in images of any size: the same encoder, without the bottleneck.

    Deviations from both papers, to use all known surroundings and to keep the items of a batch independent:

    - The mask is a fourth channel.
    - Dilated convolutions replace the bottleneck; at 128² each pixel depends on the whole image.
    - Skip connections give the decoder the features of cells of 16, 8 and 4 pixels.
    - There is no normalisation.
    - Bilinear doubling and 3×3 convolution replace transposed convolution, which leaves checkerboards.
    """

    def __init__(self, width: float = PAPER) -> None:
        """Build it; ``width`` multiplies all channels (:data:`PAPER`, :data:`LITE`)."""
        super().__init__()
        channels = scaled(_CHANNELS, width)
        fine = scaled((32, 16), width)
        self.encoder = nn.ModuleList(
            nn.Sequential(_convolution(inputs, outputs, kernel=4, stride=2), nn.ELU())
            for inputs, outputs in pairwise((4, *channels))
        )
        # In order of use, from deep to shallow.
        deep, *shallow = channels[:0:-1]
        self.decoder = nn.ModuleList(
            nn.Sequential(_convolution(inputs + outputs, outputs), nn.ELU())
            for inputs, outputs in pairwise((deep, *shallow))
        )
        # On cells of 16 pixels: at 128² the deepest map is 4×4, and many taps would see padding only.
        self.reach = nn.Sequential(
            *(
                nn.Sequential(_convolution(shallow[0], shallow[0], dilation=rate), nn.ELU())
                for rate in (1, 2, 4)
            )
        )
        self.enlarge = nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=False)
        to_image = _convolution(fine[1], 3)
        nn.init.normal_(to_image.weight, std=0.02)  # so that the first images are grey
        self.last = nn.Sequential(
            *(self.enlarge, _convolution(shallow[-1], fine[0]), nn.ELU()),
            *(self.enlarge, _convolution(fine[0], fine[1]), nn.ELU()),
            *(to_image, nn.Tanh()),
        )
        self.mean: Tensor
        self.register_buffer("mean", torch.tensor(_MEAN).view(3, 1, 1), persistent=False)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """Fill the holes.

        Args:
            image: ``B×3×H×W`` in [-1, 1], sides multiples of 32. Its pixels in the hole do not matter.
            mask: ``B×1×H×W``, 1 = hole.

        Returns:
            ``B×3×H×W`` in [-1, 1]; meaningless outside of the hole.

        Raises:
            RetouchError: The sides do not fit.
        """
        if any(side % DEEPEST or not side for side in image.shape[2:]):
            raise RetouchError(f"Height and width must be multiples of {DEEPEST}: {tuple(image.shape[2:])}.")
        values = torch.cat([torch.where(mask > 0, self.mean, image), mask], 1)
        encoded = []
        for layer in self.encoder:
            values = layer(values)
            encoded.append(values)
        for level, layer in enumerate(self.decoder):
            values = layer(torch.cat([self.enlarge(values), encoded[-2 - level]], 1))
            if level == 0:
                values = self.reach(values)
        filled: Tensor = self.last(values)
        return filled


def network(form: Form, width: float = PAPER) -> ConnectedNetwork | ConvolutionalNetwork:
    """Build the network of a form."""
    return ConnectedNetwork(width) if form == "connected" else ConvolutionalNetwork(width)


def _normalised(layer: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
    return [layer, nn.BatchNorm2d(layer.out_channels), nn.ELU()]


def _convolution(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, dilation: int = 1) -> nn.Conv2d:
    # Deviation from the code, which uses 0.02: without normalisation, signals would fade layer by layer.
    return convolution(inputs, outputs, kernel, stride, dilation, gain=ELU_GAIN)
