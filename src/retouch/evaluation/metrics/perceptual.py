"""What LPIPS and ST-LPIPS share: a distance between deep features, as a map and as one number."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retouch.errors import RetouchError
from retouch.evaluation.arrays import Hole, Pixels
from retouch.evaluation.metrics.metric import as_tensor


class PerceptualNetwork(nn.Module, ABC):
    """A network whose feature maps of two pictures are compared level by level.

    Attributes:
        label: Its name in messages.
        smallest: The shortest side, in pixels, that it works with.
    """

    label: str
    smallest: int

    @abstractmethod
    def maps(self, image: Tensor) -> list[Tensor]:
        """The feature maps of ``image``, ``B×3×H×W`` in [0, 1]."""

    @abstractmethod
    def head(self, level: int) -> Tensor:
        """The weights of a level's channels, ``1×C×1×1``."""

    def features(self, image: Tensor) -> list[Tensor]:
        """The feature maps of ``image`` (``B×3×H×W`` in [0, 1]), with unit length over the channels.

        Raises:
            RetouchError: A side of the image is below ``smallest``.
        """
        if min(image.shape[2:]) < self.smallest:
            raise RetouchError(
                f"{self.label} needs pictures of at least {self.smallest} pixels a side, "
                f"not {image.shape[3]}×{image.shape[2]}; leave smaller ones out."
            )
        return [unit_length(each) for each in self.maps(image)]

    def scores(self, ones: list[Tensor], others: list[Tensor]) -> list[Tensor]:
        """The distance between two lists of features, ``B×1×h×w`` for each level."""
        return [
            F.conv2d((one - other) ** 2, self.head(level))
            for level, (one, other) in enumerate(zip(ones, others, strict=True))
        ]

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Distance map ``B×1×H×W`` between two ``B×3×H×W`` images in [0, 1]."""
        return upsampled(self.scores(self.features(first), self.features(second)), first.shape[2:])


@torch.inference_mode()
def perceptual(network: PerceptualNetwork, fill: Pixels, truth: Pixels, hole: Hole) -> tuple[float, float]:
    """A perceptual distance over the whole image, and in the hole.

    Both numbers use the features of the whole picture, so there is no crop and no margin to choose. The
    features of the last photo are kept: measure all fills of a photo one after another.

    Args:
        network: LPIPS or ST-LPIPS.
        fill: ``H×W×3`` uint8 sRGB.
        truth: ``H×W×3`` uint8 sRGB.
        hole: ``H×W`` bool, True = filled.

    Returns:
        The published number, which is the sum over levels of the mean distance; and the mean of the
        published map, which upsamples each level, over the pixels of the hole.
    """
    scores = network.scores(
        _features(network, truth.tobytes(), truth.shape), network.features(as_tensor(fill))
    )
    image = sum(score.double().mean().item() for score in scores)
    distances = upsampled(scores, torch.Size(hole.shape))[0, 0]
    return image, distances[torch.from_numpy(hole)].double().mean().item()


# Two entries, because there are two networks.
@lru_cache(maxsize=2)
def _features(network: PerceptualNetwork, data: bytes, shape: tuple[int, ...]) -> list[Tensor]:
    return network.features(as_tensor(np.frombuffer(data, np.uint8).reshape(shape)))


def unit_length(x: Tensor) -> Tensor:
    """Feature vectors of length 1 over the channels of ``B×C×H×W``; zero stays zero."""
    length: Tensor = torch.linalg.vector_norm(x, dim=1, keepdim=True)
    return x / (length + 1e-10)


def upsampled(scores: list[Tensor], size: torch.Size) -> Tensor:
    """The sum of the levels' ``B×1×h×w`` distances, each brought to ``size`` (height, width)."""
    maps = [F.interpolate(score, size, mode="bilinear", align_corners=False) for score in scores]
    return torch.stack(maps).sum(dim=0)
