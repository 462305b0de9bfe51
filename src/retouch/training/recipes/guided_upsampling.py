"""How the networks of guided upsampling are trained. The paper (Zeng et al., ECCV 2020) gives no losses.

The shrunken photo stands in for the low-resolution fill, so the true content of the hole is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from retouch.contract import Fill
from retouch.errors import RetouchError
from retouch.matching.cells import attention_cells
from retouch.matching.correspondence import match
from retouch.models.pen_net.critic import SMALLEST, PenNetCritic
from retouch.ops.resize import enlarge, shrink, shrink_mask
from retouch.training.losses import hinge_critic, hinge_generator, masked_l1
from retouch.training.recipes.sample import Losses, Sample, Term, pasted, single_precision
from retouch.upsampling.guided import FEATURE_PATCH, alike, detailed, upsample
from retouch.upsampling.network import SOFTMAX_SCALE, GuidedUpsamplingNetwork, strength

AFFINITY = 4
"""The affinity learns from one in this many samples: comparing all cells takes longer than the rest."""


@dataclass(frozen=True)
class GuidedUpsamplingRecipe:
    """Networks and losses of guided upsampling.

    Attributes:
        scales: Whole factors to enlarge by; each part of a step draws one.
        critic_width: Multiplies the channels of PEN-Net's critic.
        affinity: Weight of the affinity loss: the difference between the amount of detail in the hole's cells
            and in the cells that the affinity selects as sources, in natural logarithms.
        hole: Weight of the absolute difference in the hole.
        detail: Weight of the difference between the amounts of detail in the fill and in the photo, in
            natural logarithms.
        adversarial: Weight of the adversarial loss.
        critic_steps: Critic steps per step of the networks.
        adversarial_from: First step at which the critic is trained and contributes to the loss.
    """

    scales: tuple[int, ...] = (2, 4)
    critic_width: float = 0.25
    affinity: float = 1.0
    hole: float = 1.0
    detail: float = 0.1
    adversarial: float = 0.01
    critic_steps: int = 1
    adversarial_from: int = 0

    def __post_init__(self) -> None:
        if not self.scales or not all(2 <= each <= 8 for each in self.scales):
            raise ValueError("scales must be whole numbers from 2 to 8")
        if not 0.01 <= self.critic_width <= 4 or self.critic_steps < 1:
            raise ValueError("critic_width must be from 0.01 to 4 and critic_steps at least 1")

    def check(self, size: int) -> None:
        """Raise :class:`RetouchError` if crops of ``size`` pixels do not fit the networks."""
        if size < SMALLEST or any(size % each or size // each < 16 for each in self.scales):
            factors = ", ".join(map(str, self.scales))
            raise RetouchError(
                f"data.size must be a multiple of each of {factors}, at least 16 times it, not {size}."
            )

    def generator(self) -> GuidedUpsamplingNetwork:
        """Build the networks."""
        return GuidedUpsamplingNetwork()

    def critic(self, size: int) -> PenNetCritic:
        """Build the critic. It scores patches, so crops may have any size."""
        return PenNetCritic(self.critic_width)

    def generator_losses(self, generator: nn.Module, critic: nn.Module | None, sample: Sample) -> Losses:
        """The affinity loss, the differences of image and detail, and the adversarial loss."""
        assert isinstance(generator, GuidedUpsamplingNetwork)
        image, scale = sample.image, self._scale(sample)
        hole, fill = shrink_mask(sample.mask, scale), shrink(image, scale)
        enlarged = enlarge(fill, scale)
        wanted = strength(image - enlarged, scale)
        few = slice(-(-len(image) // AFFINITY))
        # A picture without a fully known patch has no queries.
        asking, usable = attention_cells(sample.mask[few], None, scale, FEATURE_PATCH)
        # All in float32: the output and the distances of the search are small differences.
        with single_precision(image):
            found = match(
                generator.look(fill[few], scale),
                asking,
                patch=FEATURE_PATCH,
                similarity="squared-distance",
                top=None,
                softmax_scale=SOFTMAX_SCALE,
                allowed=usable,
            )
            foretold = found.transfer(wanted[few], patch=1)
            output = _made(generator, image, sample.mask, scale)
            there = strength(output - enlarged, scale)
            losses = {
                "affinity": Term(self.affinity, masked_l1(foretold, wanted[few], asking)),
                "hole": Term(self.hole, masked_l1(output, image, sample.mask)),
                "detail": Term(self.detail, masked_l1(there, wanted, hole)),
            }
            if critic is not None:
                says = critic(pasted(output, image, sample.mask) * 2 - 1)
                losses["adversarial"] = Term(self.adversarial, hinge_generator(says))
        return losses

    def critic_losses(self, generator: nn.Module, critic: nn.Module, sample: Sample) -> Losses:
        """The loss of telling generated detail from real detail."""
        assert isinstance(generator, GuidedUpsamplingNetwork)
        with single_precision(sample.image):
            with torch.no_grad():
                output = _made(generator, sample.image, sample.mask, self._scale(sample))
            fake = pasted(output, sample.image, sample.mask)
            # One call for both: every call takes a step of the power iteration for the spectral norms.
            real, made = critic(torch.cat([sample.image, fake]) * 2 - 1).chunk(2)
            return {"critic": Term(1.0, hinge_critic(real, made))}

    def stages(self, generator: nn.Module, image: Tensor, mask: Tensor) -> Mapping[str, Tensor]:
        """Return the enlarged fill, the fill with detail copied unchanged, and the networks' fill."""
        assert isinstance(generator, GuidedUpsamplingNetwork)
        scale = self.scales[-1]
        fill = Fill(shrink(image, scale))
        with single_precision(image):
            plain, made = (
                upsample(image, mask, fill, scale, network=each).image for each in (None, generator)
            )
        enlarged = enlarge(fill.image, scale).clamp(0, 1)
        named = {"enlarged": enlarged, "residual": plain, "fill": made}
        return {name: torch.where(mask > 0, each, image) for name, each in named.items()}

    def _scale(self, sample: Sample) -> int:
        return self.scales[int(sample.mix[0] * len(self.scales))]


def _made(network: GuidedUpsamplingNetwork, image: Tensor, mask: Tensor, scale: int) -> Tensor:
    """Rebuild the hole from the shrunken photo: ``B×3×H×W``."""
    hole, fill = shrink_mask(mask, scale), shrink(image, scale)
    with torch.no_grad():
        sources = alike(network.look(fill, scale), hole, 1 - hole, FEATURE_PATCH)
    return detailed(network, image, fill, hole, 1 - hole, sources, scale)
