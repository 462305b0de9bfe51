"""How the generator of Iterative Confidence Feedback is trained (Zeng et al., ECCV 2020, section 3.1).

The paper gives the form of the losses but not their weights; the fields below say what is chosen here.
Deviation: the plain difference in the hole is not weighted with the confidence, so doubtful pixels keep
learning. The confidence learns from the size of that difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from retouch.errors import RetouchError
from retouch.models.confidence_feedback.network import (
    DEEPEST,
    PAPER,
    SMALLEST,
    ConfidenceFeedbackNetwork,
    Gates,
    Stages,
)
from retouch.models.pen_net.critic import PenNetCritic
from retouch.training.losses import hinge_critic, hinge_generator, masked_l1, masked_mean
from retouch.training.recipes.perceptual import perceptual_difference
from retouch.training.recipes.sample import Losses, Sample, Term, pasted, single_precision


@dataclass(frozen=True)
class ConfidenceFeedbackRecipe:
    """Networks and losses of the generator.

    Attributes:
        width: Multiplies all channels of the network and the critic; 1 is the paper's width.
        gates: A gate for "each" channel, or "one" for all channels of a layer.
        hole: Weight of the absolute difference in the hole.
        known: Weight of the absolute difference on known pixels.
        coarse: Weight of the first stage's absolute difference in the hole.
        confidence: Weight of the confidence loss: confidence times difference, plus a penalty on the squared
            lack of confidence.
        doubt: Absolute difference, of colours in [0, 1], at which the best confidence is 0.5. It sets the
            weight of the penalty; the best confidence falls linearly from 1 with the expected difference.
        adversarial: Weight of the adversarial loss.
        judged: What the critic sees: the fill as far as it is "trusted", blended with the photo by the
            confidence, as in the paper; or the "whole" fill.
        perceptual: Weight of the perceptual loss; not in the paper.
        passes: Number of passes that training simulates. A sample has been through 0 to ``passes - 1``
            earlier ones.
        threshold: Pixels of an earlier pass are kept above this confidence.
        critic_steps: Critic steps per generator step.
        adversarial_from: First step at which the critic is trained and contributes to the loss.
    """

    width: float = PAPER
    gates: Gates = "each"
    hole: float = 1.0
    known: float = 0.2
    coarse: float = 1.0
    confidence: float = 0.5
    doubt: float = 0.1
    adversarial: float = 0.02
    judged: Literal["trusted", "whole"] = "trusted"
    perceptual: float = 0.0
    passes: int = 2
    threshold: float = 0.5
    critic_steps: int = 1
    adversarial_from: int = 0

    def __post_init__(self) -> None:
        if not 0.01 <= self.width <= 4 or self.critic_steps < 1 or not 1 <= self.passes <= 8:
            raise ValueError("width must be from 0.01 to 4, passes from 1 to 8 and critic_steps at least 1")
        if not 0 < self.doubt <= 1 or not 0 <= self.threshold < 1:
            raise ValueError("doubt must lie in (0, 1], and threshold in [0, 1)")

    def check(self, size: int) -> None:
        """Raise :class:`RetouchError` if crops of ``size`` pixels do not fit the networks."""
        if size % DEEPEST or size < SMALLEST:
            raise RetouchError(f"data.size must be 80, 96, 112 … pixels for this model, not {size}.")

    def generator(self) -> ConfidenceFeedbackNetwork:
        """Build both stages."""
        return ConfidenceFeedbackNetwork(self.width, self.gates)

    def critic(self, size: int) -> PenNetCritic:
        """Build the critic. It scores patches, so crops may have any size."""
        return PenNetCritic(self.width)

    def generator_losses(self, generator: nn.Module, critic: nn.Module | None, sample: Sample) -> Losses:
        """Differences of both stages, the confidence loss, and the adversarial loss."""
        image = sample.image * 2 - 1
        given, mask = self._earlier(generator, image, sample)
        stages: Stages = generator(given, mask, allowed=1 - sample.mask)
        # A difference in [-1, 1] is twice that in [0, 1].
        difference = (stages.fine - image).abs().mean(1, keepdim=True) / 2
        lack = 1 - stages.confidence
        taught = stages.confidence * difference.detach() + self.doubt * lack.square()
        losses = {
            "hole": Term(self.hole, masked_mean(difference, mask)),
            "known": Term(self.known, masked_l1(stages.fine, given, 1 - mask) / 2),
            "coarse": Term(self.coarse, masked_l1(stages.coarse, image, mask) / 2),
            "confidence": Term(self.confidence, masked_mean(taught, mask)),
        }
        if self.perceptual:
            fake = pasted(stages.fine, given, mask)
            losses["perceptual"] = Term(self.perceptual, perceptual_difference(fake, image, sample.hole))
        if critic is not None:
            with single_precision(image):
                says = critic(self._judged(stages, given, image, mask))
                losses["adversarial"] = Term(self.adversarial, hinge_generator(says))
        return losses

    def critic_losses(self, generator: nn.Module, critic: nn.Module, sample: Sample) -> Losses:
        """The loss of telling fills from photos."""
        image = sample.image * 2 - 1
        with torch.no_grad():
            given, mask = self._earlier(generator, image, sample)
            stages: Stages = generator(given, mask, allowed=1 - sample.mask)
            fake = self._judged(stages, given, image, mask)
        with single_precision(image):
            # One call for both: every call takes a step of the power iteration for the spectral norms.
            real, made = critic(torch.cat([image, fake])).chunk(2)
            return {"critic": Term(1.0, hinge_critic(real, made))}

    def stages(self, generator: nn.Module, image: Tensor, mask: Tensor) -> Mapping[str, Tensor]:
        """Return the coarse image, the confidence of the first pass, and the fill after all passes."""
        stages: Stages = generator(image * 2 - 1, mask)
        confidence = torch.where(mask > 0, stages.confidence.float(), 1.0)
        given, hole = image * 2 - 1, mask
        for _ in range(self.passes - 1):
            given, hole = self._trusted(generator(given, hole, allowed=1 - mask), given, hole)
        last: Stages = generator(given, hole, allowed=1 - mask)
        fine = (pasted(last.fine, given, hole) + 1) / 2
        return {
            "coarse": (stages.coarse.float() + 1) / 2,
            "confidence": confidence.expand_as(image),
            "fill": torch.where(mask > 0, fine, image),
        }

    @torch.no_grad()
    def _earlier(self, generator: nn.Module, image: Tensor, sample: Sample) -> tuple[Tensor, Tensor]:
        """Return picture and remaining hole after a random number of passes, drawn for each item."""
        given, hole = image.clone(), sample.mask.clone()
        earlier = (sample.mix * self.passes).long()
        for number in range(1, self.passes):
            chosen = earlier >= number
            if bool(chosen.any()):
                stages = generator(given[chosen], hole[chosen], allowed=1 - sample.mask[chosen])
                given[chosen], hole[chosen] = self._trusted(stages, given[chosen], hole[chosen])
        return given, hole

    def _trusted(self, stages: Stages, given: Tensor, hole: Tensor) -> tuple[Tensor, Tensor]:
        """Paste the trusted pixels, and return the rest as the hole; the hole never becomes empty."""
        rest = hole * (stages.confidence <= self.threshold)
        left = rest.flatten(1).any(1)[:, None, None, None]
        rest = torch.where(left, rest, hole)
        return pasted(stages.fine, given, hole - rest), rest

    def _judged(self, stages: Stages, given: Tensor, image: Tensor, mask: Tensor) -> Tensor:
        """Return the critic's input. Pixels that earlier passes filled stay as they are."""
        fine = stages.fine.float()
        if self.judged == "trusted":
            confidence = stages.confidence.float()
            fine = confidence * fine + (1 - confidence) * image
        return pasted(fine, given, mask)
