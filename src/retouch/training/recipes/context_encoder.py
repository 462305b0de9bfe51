"""How the content network of Neural Patch Synthesis is trained (Yang et al., CVPR 2017, section 3.2).

Losses as in Context Encoders (Pathak et al., CVPR 2016, section 3.2) and its public code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from retouch.errors import RetouchError
from retouch.models.context_encoder.critic import SMALLEST, ContextEncoderCritic
from retouch.models.context_encoder.network import (
    DEEPEST,
    MIDDLE,
    PAPER,
    SIDE,
    ConnectedNetwork,
    ConvolutionalNetwork,
    Form,
    network,
)
from retouch.ops.masks import depth
from retouch.training.losses import non_saturating_critic, non_saturating_generator
from retouch.training.recipes.sample import Losses, Sample, Term, pasted, single_precision


@dataclass(frozen=True)
class ContextEncoderRecipe:
    """Networks and losses of the content network; the defaults are the published ones.

    Attributes:
        form: "connected" is the paper's, for the middle 64² of 128² alone; "convolutional" is for any hole.
        width: multiplies all channels of the network and the critic; 1 is the published width.
        difference: what is lessened in the hole, "squared" as in the paper, or "absolute".
        reconstruction: weight of the difference in the hole, the paper's λ.
        adversarial: weight of what the critic says, the paper's 1 - λ.
        ring: so many pixels of the hole along its border count more.
        ring_weight: so much more.
        critic_steps: steps of the critic before each of the generator.
        adversarial_from: First step at which the critic is trained and contributes to the loss.
    """

    form: Form = "connected"
    width: float = PAPER
    difference: Literal["squared", "absolute"] = "squared"
    reconstruction: float = 0.999
    adversarial: float = 0.001
    ring: int = 7
    ring_weight: float = 10.0
    critic_steps: int = 1
    adversarial_from: int = 0

    def __post_init__(self) -> None:
        if not 0.01 <= self.width <= 4 or self.critic_steps < 1 or self.ring < 0:
            raise ValueError("width must be from 0.01 to 4, critic_steps at least 1 and ring at least 0")

    def check(self, size: int) -> None:
        """Raise :class:`RetouchError` if crops of ``size`` pixels do not fit the networks."""
        if self.form == "connected" and size != SIDE:
            raise RetouchError(f"data.size must be {SIDE} pixels for this form of the model, not {size}.")
        if size % DEEPEST or size < SMALLEST:
            raise RetouchError(f"data.size must be 64, 96, 128 … pixels for this model, not {size}.")

    def generator(self) -> ConnectedNetwork | ConvolutionalNetwork:
        """Build the network that fills."""
        return network(self.form, self.width)

    def critic(self, size: int) -> ContextEncoderCritic:
        """Build the critic, of the middle or of patches."""
        return ContextEncoderCritic(self.form, self.width)

    def generator_losses(self, generator: nn.Module, critic: nn.Module | None, sample: Sample) -> Losses:
        """The difference in the hole, and what the critic says."""
        image = sample.image * 2 - 1
        filled: Tensor = generator(image, sample.mask)
        losses = {"reconstruction": Term(self.reconstruction, self._difference(filled, image, sample))}
        if critic is not None:
            with single_precision(image):
                says = critic(self._judged(pasted(filled, image, sample.mask)))
                losses["adversarial"] = Term(self.adversarial, non_saturating_generator(says))
        return losses

    def critic_losses(self, generator: nn.Module, critic: nn.Module, sample: Sample) -> Losses:
        """What tells fills from photos."""
        image = sample.image * 2 - 1
        with torch.no_grad():
            fake = pasted(generator(image, sample.mask), image, sample.mask)
        with single_precision(image):
            both = self._judged(image), self._judged(fake)
            if self.form == "connected":
                # Each by itself: batch normalisation must see in each what it sees when the generator learns.
                real, made = (critic(each) for each in both)
            else:
                # One call for both: each takes a step of the spectral norms' power iteration.
                real, made = critic(torch.cat(both)).chunk(2)
            return {"critic": Term(1.0, non_saturating_critic(real, made))}

    def stages(self, generator: nn.Module, image: Tensor, mask: Tensor) -> Mapping[str, Tensor]:
        """The fill."""
        filled: Tensor = generator(image * 2 - 1, mask)
        return {"fill": torch.where(mask > 0, (filled.float() + 1) / 2, image)}

    def _judged(self, image: Tensor) -> Tensor:
        """The part of images that the critic sees."""
        return image[..., MIDDLE, MIDDLE] if self.form == "connected" else image

    def _difference(self, filled: Tensor, image: Tensor, sample: Sample) -> Tensor:
        """Mean over each item's own hole; as in the code, not divided by the ring's weight."""
        found = (filled.float() - image).abs()
        if self.difference == "squared":
            found = found.square()
        counted = ring_weights(sample.hole, self.ring, self.ring_weight).to(image.device) * sample.mask
        sums = (found.mean(1, keepdim=True) * counted).flatten(1).sum(1)
        return (sums / sample.mask.flatten(1).sum(1).clamp(min=1)).mean()


def ring_weights(hole: Tensor, ring: int, weight: float) -> Tensor:
    """Weights of the pixels of holes: the border's, and 1.

    Deviation from both papers, whose ring lies in an overlap with the known area: here it lies in the hole,
    along its border, because known pixels are put back; the border of the image is none.

    Args:
        hole: ``B×1×H×W`` bool, on the CPU, with a known pixel in each item.
        ring: a pixel belongs to it if its centre is at most this far from a known pixel's.
        weight: of a pixel of the ring.

    Returns:
        ``B×1×H×W`` float32.
    """
    deep = torch.stack([torch.from_numpy(depth(each[0].numpy())) for each in hole]).unsqueeze(1)
    return torch.where(deep <= ring, weight, 1.0)
