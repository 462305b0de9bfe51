"""How Contextual Attention is trained (Yu et al., CVPR 2018, sections 3 and 4.3; public code).

Deviations from the code, because holes here have any shape: each item's difference is averaged over its own
hole, where the code has one box for the whole batch; the local critic sees the square of half the image's
side that contains most of the hole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from retouch.errors import RetouchError
from retouch.models.contextual_attention.critics import global_critic, local_critic
from retouch.models.contextual_attention.network import PAPER, ContextualAttentionNetwork, Stages
from retouch.training.losses import discount_weights, gradient_penalty, masked_l1, wgan_critic, wgan_generator
from retouch.training.recipes.crops import hole_crops
from retouch.training.recipes.perceptual import perceptual_difference
from retouch.training.recipes.sample import Losses, Sample, Term, pasted, single_precision


@dataclass(frozen=True)
class ContextualAttentionRecipe:
    """Networks and losses of Contextual Attention; the defaults are the published ones.

    Attributes:
        width: Multiplies all channels of the network and the critics; 1 is the published width.
        hole: Weight of the discounted absolute difference in the hole.
        known: Weight of the absolute difference on known pixels.
        coarse: Weight of the first stage's differences, relative to the second's.
        gamma: Discount per pixel of distance from the known area: 0.99 in the paper, 0.9 in the code, both at
            256².
        adversarial: Weight of the adversarial loss.
        penalty: Weight of the critics' gradient penalty.
        perceptual: Weight of the perceptual loss; not in the paper.
        critic_steps: Steps of the critics per generator step.
        adversarial_from: First step at which the critics are trained and contribute to the loss.
    """

    width: float = PAPER
    hole: float = 1.2
    known: float = 1.2
    coarse: float = 1.2
    gamma: float = 0.99
    adversarial: float = 1e-3
    penalty: float = 10.0
    perceptual: float = 0.0
    critic_steps: int = 5
    adversarial_from: int = 0

    def __post_init__(self) -> None:
        if not 0.01 <= self.width <= 4 or self.critic_steps < 1 or not 0 < self.gamma <= 1:
            raise ValueError("width must be from 0.01 to 4, gamma in (0, 1] and critic_steps at least 1")

    def check(self, size: int) -> None:
        """Raise :class:`RetouchError` if crops of ``size`` pixels do not fit the networks."""
        # The local critic halves its crop four times; mirror padding at dilation 16 needs more than 64.
        if size % 32 or size <= 64:
            raise RetouchError(f"data.size must be 96, 128, 160 … pixels for this model, not {size}.")

    def generator(self) -> ContextualAttentionNetwork:
        """Build both stages."""
        return ContextualAttentionNetwork(self.width)

    def critic(self, size: int) -> nn.Module:
        """Build both critics: of the whole crop, and of the square of half its side around the hole."""
        whole, part = global_critic(size, self.width), local_critic(size // 2, self.width)
        return nn.ModuleDict({"global": whole, "local": part})

    def generator_losses(self, generator: nn.Module, critic: nn.Module | None, sample: Sample) -> Losses:
        """Section 3.2: discounted and plain differences of both stages, and the adversarial losses."""
        image = sample.image * 2 - 1
        stages: Stages = generator(image, sample.mask)
        weights = discount_weights(sample.hole.float(), self.gamma).to(image.device)
        losses = {}
        for name, output, factor in (("coarse_", stages.coarse, self.coarse), ("", stages.fine, 1.0)):
            hole = masked_l1(output, image, sample.mask, weights)
            known = masked_l1(output, image, 1 - sample.mask)
            losses[f"{name}hole"] = Term(factor * self.hole, hole)
            losses[f"{name}known"] = Term(factor * self.known, known)
        fake = pasted(stages.fine, image, sample.mask)
        if self.perceptual:
            losses["perceptual"] = Term(self.perceptual, perceptual_difference(fake, image, sample.hole))
        if critic is not None:
            with single_precision(image):
                for name, judge, view in _views(critic, sample.hole):
                    losses[f"adversarial_{name}"] = Term(self.adversarial, wgan_generator(judge(view(fake))))
        return losses

    def critic_losses(self, generator: nn.Module, critic: nn.Module, sample: Sample) -> Losses:
        """Section 3.2: Wasserstein loss and masked gradient penalty, of both critics."""
        image = sample.image * 2 - 1
        with torch.no_grad():
            fine = generator(image, sample.mask).fine
        fake = pasted(fine, image, sample.mask)
        losses = {}
        with single_precision(image):
            for name, judge, view in _views(critic, sample.hole):
                real, made, mask = view(image), view(fake), view(sample.mask)
                losses[f"critic_{name}"] = Term(1.0, wgan_critic(judge(real), judge(made)))
                penalty = gradient_penalty(judge, real, made, mask, sample.mix)
                losses[f"penalty_{name}"] = Term(self.penalty, penalty)
        return losses

    def stages(self, generator: nn.Module, image: Tensor, mask: Tensor) -> Mapping[str, Tensor]:
        """Return the coarse image and the fill."""
        stages: Stages = generator(image * 2 - 1, mask)
        fine = (stages.fine.float() + 1) / 2
        return {"coarse": (stages.coarse.float() + 1) / 2, "fill": torch.where(mask > 0, fine, image)}


def _views(critic: nn.Module, hole: Tensor) -> list[tuple[str, nn.Module, Any]]:
    """List each critic with its name and a function that crops a batch to what it sees."""
    assert isinstance(critic, nn.ModuleDict)
    local = hole_crops(hole, hole.shape[-1] // 2)
    return [("global", critic["global"], lambda batch: batch), ("local", critic["local"], local)]
