"""How the structure network is trained: a Laplace likelihood, coarse differences, and pretrained features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retouch.errors import RetouchError
from retouch.models.structure.network import CELL, DEEPEST, Structure, StructureNetwork
from retouch.networks.efficientnet import EfficientNetLite0
from retouch.training.data import layout
from retouch.training.losses import masked_mean
from retouch.training.recipes.critic_free import CriticFree
from retouch.training.recipes.sample import Losses, Sample, Term
from retouch.weights.efficientnet import efficientnet_lite0

COARSE = 4
"""Cells along the side of a square whose mean colour is compared: 8 pixels."""


@dataclass(frozen=True)
class StructureRecipe(CriticFree):
    """The network and its losses; there is no critic.

    Attributes:
        pretrained: begin with ImageNet weights in the trunk instead of random ones.
        likelihood: weight of the Laplace likelihood of the colours in the hole.
        coarse: weight of the absolute difference of mean colours over squares of 8 pixels.
        perceptual: weight of what the trunk of ImageNet sees in the fill; half of each batch is looked at.
    """

    pretrained: bool = True
    likelihood: float = 1.0
    coarse: float = 1.0
    perceptual: float = 0.5

    def check(self, size: int) -> None:
        """Raise :class:`RetouchError` if crops of ``size`` pixels do not fit the network."""
        if size % (2 * DEEPEST):
            raise RetouchError(f"data.size must be 64, 128, 192 … pixels for this model, not {size}.")

    def generator(self) -> StructureNetwork:
        """Build the network."""
        network = StructureNetwork()
        if self.pretrained:
            network.trunk.take(efficientnet_lite0())
        return network

    def generator_losses(self, generator: nn.Module, critic: nn.Module | None, sample: Sample) -> Losses:
        """Likelihood, coarse differences, and what the pretrained trunk sees."""
        image = sample.image * 2 - 1
        said: Structure = generator(image, sample.mask)
        truth, hole = F.avg_pool2d(image, CELL), F.max_pool2d(sample.mask, CELL)
        difference = (said.image.float() - truth).abs().mean(1, keepdim=True)
        scale = said.scale.float()
        squares = [F.avg_pool2d(each, COARSE) for each in ((said.image.float() - truth) * hole, hole)]
        losses = {
            "likelihood": Term(self.likelihood, masked_mean(difference / scale + scale.log(), hole)),
            "coarse": Term(self.coarse, masked_mean(squares[0].abs(), (squares[1] > 0).to(hole))),
        }
        chosen = sample.mix < 0.5  # half of the items: what a second network sees costs as much as the first
        if self.perceptual:
            # A term of nothing where none is chosen: the processes of a run must have the same terms.
            fake = torch.where(hole > 0, said.image.float(), truth)[chosen]
            seen = _seen_difference(fake, truth[chosen]) if len(fake) else fake
            losses["perceptual"] = Term(self.perceptual, 2 * seen.sum() / len(chosen))
        return losses

    def stages(self, generator: nn.Module, image: Tensor, mask: Tensor) -> Mapping[str, Tensor]:
        """How unsure it is, black where sure, and the fill."""
        said: Structure = generator(image * 2 - 1, mask)
        unsure, fill = (
            F.interpolate(each.float(), scale_factor=float(CELL), mode="bilinear")
            for each in (said.scale, said.image)
        )
        return {
            "unsure": (mask * unsure).clamp(0, 1).expand_as(image),
            "fill": torch.where(mask > 0, ((fill + 1) / 2).clamp(0, 1), image),
        }


def _seen_difference(fake: Tensor, truth: Tensor) -> Tensor:
    """Relative absolute difference of the trunk's features, mean over four scales: ``B``."""
    trunk = _frozen(fake.device)
    with torch.no_grad():
        wanted = trunk(truth)
    found = trunk(fake)
    parts = [
        (one - two).abs().flatten(1).mean(1) / two.abs().flatten(1).mean(1).clamp_min(1e-6)
        for one, two in zip(found[:4], wanted[:4], strict=True)
    ]
    return torch.stack(parts).mean(0)


@cache
def _frozen(device: torch.device) -> EfficientNetLite0:
    trunk = EfficientNetLite0()
    trunk.take(efficientnet_lite0())
    trunk.to(device, memory_format=layout(device))  # type: ignore[call-overload]
    return trunk.eval().requires_grad_(False)
