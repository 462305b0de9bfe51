"""How the generator of Iterative Confidence Feedback is trained (Zeng et al., ECCV 2020, section 3.1).

Of the losses the paper gives the form but not the weights; what is chosen here is written at each field.
Deviation: the plain difference in the hole is not weighted with the confidence, so that doubtful pixels go on
learning; the confidence learns from it what the difference is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
        width: multiplies all channels of the network and the critic; 1 is that of the paper's model.
        gates: "each" channel has a gate, or all channels of a layer have "one".
        hole: weight of the absolute difference in the hole.
        known: weight of the absolute difference on known pixels.
        coarse: weight of the first stage's difference in the hole.
        confidence: weight of what teaches the confidence: the difference, times the confidence, plus the
            penalty.
        doubt: the absolute difference, of colours in [0, 1], at which the confidence is to be a half: the
            squared lack of confidence is penalised so much that it falls from 1 in a straight line with the
            difference that is to be expected, and is a half there.
        adversarial: weight of what the critic says of the fill, mixed with the photo by the confidence.
        perceptual: weight of what VGG sees in the fill; not in the paper.
        passes: passes that training simulates: a sample is met after any number of earlier ones below this.
        threshold: confidence above which an earlier pass is trusted.
        critic_steps: steps of the critic before each of the generator.
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
        """Build the critic; it judges patches, of crops of any size."""
        return PenNetCritic(self.width)

    def generator_losses(self, generator: nn.Module, critic: nn.Module | None, sample: Sample) -> Losses:
        """Differences of both stages, what teaches the confidence, and what the critic says."""
        image = sample.image * 2 - 1
        given, mask = self._earlier(generator, image, sample)
        stages: Stages = generator(given, mask, allowed=1 - sample.mask)
        # Half the difference in [-1, 1] is that in [0, 1].
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
                says = critic(_mixed(stages, given, image, mask))
                losses["adversarial"] = Term(self.adversarial, hinge_generator(says))
        return losses

    def critic_losses(self, generator: nn.Module, critic: nn.Module, sample: Sample) -> Losses:
        """What tells fills, as far as they are trusted, from photos."""
        image = sample.image * 2 - 1
        with torch.no_grad():
            given, mask = self._earlier(generator, image, sample)
            stages: Stages = generator(given, mask, allowed=1 - sample.mask)
            fake = _mixed(stages, given, image, mask)
        with single_precision(image):
            # One call for both: each takes a step of the spectral norms' power iteration.
            real, made = critic(torch.cat([image, fake])).chunk(2)
            return {"critic": Term(1.0, hinge_critic(real, made))}

    def stages(self, generator: nn.Module, image: Tensor, mask: Tensor) -> Mapping[str, Tensor]:
        """The coarse image, the confidence of the first pass, and the fill after all passes."""
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
        """Picture and hole as some passes leave them, how many being drawn for each item."""
        given, hole = image.clone(), sample.mask.clone()
        earlier = (sample.mix * self.passes).long()
        for number in range(1, self.passes):
            chosen = earlier >= number
            if bool(chosen.any()):
                stages = generator(given[chosen], hole[chosen], allowed=1 - sample.mask[chosen])
                given[chosen], hole[chosen] = self._trusted(stages, given[chosen], hole[chosen])
        return given, hole

    def _trusted(self, stages: Stages, given: Tensor, hole: Tensor) -> tuple[Tensor, Tensor]:
        """Put what is trusted into the picture, and leave the rest as the hole; never nothing."""
        rest = hole * (stages.confidence <= self.threshold)
        left = rest.flatten(1).any(1)[:, None, None, None]
        rest = torch.where(left, rest, hole)
        return pasted(stages.fine, given, hole - rest), rest


def _mixed(stages: Stages, given: Tensor, image: Tensor, mask: Tensor) -> Tensor:
    """What the critic judges: the fill where it is trusted, the photo as far as it is not.

    What earlier passes filled stays as they filled it.
    """
    confidence = stages.confidence.float()
    return pasted(confidence * stages.fine.float() + (1 - confidence) * image, given, mask)
