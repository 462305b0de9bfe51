"""How PEN-Net is trained (Zeng et al., CVPR 2019, section 3.3; public code).

Deviations from the code: each item's difference is averaged over its own hole, where the code averages over
all holes of a batch; the photo is shrunk for each level by averaging areas, where the code interpolates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retouch.errors import RetouchError
from retouch.models.pen_net.critic import PenNetCritic
from retouch.models.pen_net.network import DEEPEST, LEVELS, PAPER, Output, PenNetNetwork
from retouch.training.losses import (
    hinge_critic,
    hinge_generator,
    masked_l1,
    non_saturating_critic,
    non_saturating_generator,
)
from retouch.training.recipes.perceptual import perceptual_difference
from retouch.training.recipes.sample import Losses, Sample, Term, pasted, single_precision

_LOSSES = {
    "hinge": (hinge_critic, hinge_generator),
    "non-saturating": (non_saturating_critic, non_saturating_generator),
}


@dataclass(frozen=True)
class PenNetRecipe:
    """Networks and losses of PEN-Net; the defaults are the published ones.

    Attributes:
        width: Multiplies all channels of the network and the critic; 1 is the published width.
        levels: Number of levels, from the deepest up, that attention fills; 5 is the whole pyramid, 1 the
            paper's baseline.
        hole: Weight of the absolute difference in the hole.
        known: Weight of the absolute difference on known pixels.
        pyramid: Weight of the sum of the absolute differences of all levels' images.
        adversarial: Weight of the adversarial loss.
        perceptual: Weight of the perceptual loss; not in the paper.
        gan: The adversarial loss: "hinge", or "non-saturating" as for the paper's textures and facades.
        critic_steps: Critic steps per generator step.
        adversarial_from: First step at which the critic is trained and contributes to the loss.
    """

    width: float = PAPER
    levels: int = LEVELS
    hole: float = 6.0
    known: float = 1.0
    pyramid: float = 0.5
    adversarial: float = 0.1
    perceptual: float = 0.0
    gan: Literal["hinge", "non-saturating"] = "hinge"
    critic_steps: int = 1
    adversarial_from: int = 0

    def __post_init__(self) -> None:
        if not 0.01 <= self.width <= 4 or self.critic_steps < 1 or not 1 <= self.levels <= LEVELS:
            raise ValueError(
                f"width must be from 0.01 to 4, levels from 1 to {LEVELS} and critic_steps at least 1"
            )

    def check(self, size: int) -> None:
        """Raise :class:`RetouchError` if crops of ``size`` pixels do not fit the networks."""
        if size % DEEPEST or size < DEEPEST:
            raise RetouchError(f"data.size must be 64, 128, 192 … pixels for this model, not {size}.")

    def generator(self) -> PenNetNetwork:
        """Build the network that fills."""
        return PenNetNetwork(self.width, self.levels)

    def critic(self, size: int) -> PenNetCritic:
        """Build the critic. It scores patches, so crops may have any size."""
        return PenNetCritic(self.width)

    def generator_losses(self, generator: nn.Module, critic: nn.Module | None, sample: Sample) -> Losses:
        """Differences in the hole, on known pixels and at all levels, and the adversarial loss."""
        image = sample.image * 2 - 1
        filled: Output = generator(image, sample.mask)
        truths = [F.adaptive_avg_pool2d(image, (each.shape[2], each.shape[3])) for each in filled.pyramid]
        levels = [F.l1_loss(each.float(), truth) for each, truth in zip(filled.pyramid, truths, strict=True)]
        losses = {
            "hole": Term(self.hole, masked_l1(filled.image, image, sample.mask)),
            "known": Term(self.known, masked_l1(filled.image, image, 1 - sample.mask)),
            "pyramid": Term(self.pyramid, torch.stack(levels).sum()),
        }
        fake = pasted(filled.image, image, sample.mask)
        if self.perceptual:
            losses["perceptual"] = Term(self.perceptual, perceptual_difference(fake, image, sample.hole))
        if critic is not None:
            with single_precision(image):
                says = critic(fake)
                losses["adversarial"] = Term(self.adversarial, _LOSSES[self.gan][1](says))
        return losses

    def critic_losses(self, generator: nn.Module, critic: nn.Module, sample: Sample) -> Losses:
        """The loss of telling fills from photos."""
        image = sample.image * 2 - 1
        with torch.no_grad():
            filled: Output = generator(image, sample.mask)
            fake = pasted(filled.image, image, sample.mask)
        with single_precision(image):
            # One call for both: every call takes a step of the power iteration for the spectral norms.
            real, made = critic(torch.cat([image, fake])).chunk(2)
            return {"critic": Term(1.0, _LOSSES[self.gan][0](real, made))}

    def stages(self, generator: nn.Module, image: Tensor, mask: Tensor) -> Mapping[str, Tensor]:
        """Return the enlarged image of each level, and the fill."""
        filled: Output = generator(image * 2 - 1, mask)
        size = image.shape[2:]
        levels = [F.interpolate((each.float() + 1) / 2, size) for each in filled.pyramid]
        fine = (filled.image.float() + 1) / 2
        named = {f"level {number}": each for number, each in enumerate(levels, 1)}
        return {**named, "fill": torch.where(mask > 0, fine, image)}
