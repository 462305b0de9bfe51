"""ST-LPIPS, a perceptual distance that tolerates small shifts (Ghildyal & Liu, ECCV 2022)."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retouch.errors import RetouchError
from retouch.networks.antialiasing import blur_down, dense_maximum
from retouch.weights.vgg import shift_tolerant


def unit_length(x: Tensor) -> Tensor:
    """Feature vectors of length 1 over the channels of ``B×C×H×W``; zero stays zero."""
    length: Tensor = torch.linalg.vector_norm(x, dim=1, keepdim=True)
    return x / (length + 1e-10)


def upsampled(scores: list[Tensor], size: torch.Size) -> Tensor:
    """The sum of the levels' ``B×1×h×w`` distances, each brought to ``size`` (height, width)."""
    maps = [F.interpolate(score, size, mode="bilinear", align_corners=False) for score in scores]
    return torch.stack(maps).sum(dim=0)


class STLPIPS(nn.Module):
    """ST-LPIPS with its anti-aliased AlexNet, from the weights that ``stlpips-pytorch`` carries.

    Every stride is taken by a reflect-padded 3-tap blur instead of by the convolution or the pooling
    (section 4 of the paper), and the padding is as wide as the published code has it.
    """

    smallest = 21  # pixels a side; below, a feature map is too small to be reflected

    def __init__(self) -> None:
        super().__init__()
        for name, value in shift_tolerant("alex").items():
            self.register_buffer(name.replace(".", "_"), value)

    def _blur_down(self, x: Tensor, name: str) -> Tensor:
        return blur_down(x, self.get_buffer(f"net_{name}_filt"))

    def _convolve(self, x: Tensor, name: str, padding: int) -> Tensor:
        return F.conv2d(
            x, self.get_buffer(f"net_{name}_weight"), self.get_buffer(f"net_{name}_bias"), padding=padding
        )

    def features(self, image: Tensor) -> list[Tensor]:
        """The five feature maps of ``image`` (``B×3×H×W`` in [0, 1]), unit length over the channels.

        Raises:
            RetouchError: If a side of the image is below ``smallest``.
        """
        if min(image.shape[2:]) < self.smallest:
            raise RetouchError(
                f"ST-LPIPS needs pictures of at least {self.smallest} pixels a side, "
                f"not {image.shape[3]}×{image.shape[2]}; leave smaller ones out."
            )
        shift, scale = self.get_buffer("scaling_layer_shift"), self.get_buffer("scaling_layer_scale")
        x = (2 * image - 1 - shift) / scale
        x = F.relu(self._blur_down(self._convolve(x, "slice1_0", 2), "slice1_1"))
        maps = [x]
        x = self._blur_down(dense_maximum(x, 3), "slice2_4")
        x = F.relu(self._convolve(x, "slice2_5", 2))
        maps.append(x)
        x = self._blur_down(dense_maximum(x, 3), "slice3_8")
        for name in ("slice3_9", "slice4_11", "slice5_13"):
            x = F.relu(self._convolve(x, name, 1))
            maps.append(x)
        return [unit_length(each) for each in maps]

    def scores(self, ones: list[Tensor], others: list[Tensor]) -> list[Tensor]:
        """The distance of two lists of features, ``B×1×h×w`` for each level."""
        return [
            F.conv2d((one - other) ** 2, self.get_buffer(f"lin{level}_model_1_weight"))
            for level, (one, other) in enumerate(zip(ones, others, strict=True))
        ]

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Distance map ``B×1×H×W`` between two ``B×3×H×W`` images in [0, 1]; its mean is the metric."""
        return upsampled(self.scores(self.features(first), self.features(second)), first.shape[2:])


@cache
def st_lpips() -> STLPIPS:
    """The metric, loaded once."""
    return STLPIPS().eval()
