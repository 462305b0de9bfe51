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
        form: "connected" is the paper's form, for the middle 64² of 128² only; "convolutional" is for any
            hole.
        width: Multiplies all channels of the network and the critic; 1 is the published width.
        difference: Difference to minimise in the hole: "squared" as in the paper, or "absolute".
        reconstruction: Weight of the difference in the hole, the paper's λ.
        adversarial: Weight of the adversarial loss, the paper's 1 - λ.
        ring: Width in pixels of the ring inside the hole, along its border, that counts more.
        ring_weight: Weight of the pixels in the ring.
        critic_steps: Critic steps per generator step.
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
        """Build the critic; it scores the middle, or patches, depending on the form."""
        return ContextEncoderCritic(self.form, self.width)

    def generator_losses(self, generator: nn.Module, critic: nn.Module | None, sample: Sample) -> Losses:
        """The difference in the hole, and the adversarial loss."""
        image = sample.image * 2 - 1
        filled: Tensor = generator(image, sample.mask)
        losses = {"reconstruction": Term(self.reconstruction, self._difference(filled, image, sample))}
        if critic is not None:
            with single_precision(image):
                says = critic(self._judged(pasted(filled, image, sample.mask)))
                losses["adversarial"] = Term(self.adversarial, non_saturating_generator(says))
        return losses

    def critic_losses(self, generator: nn.Module, critic: nn.Module, sample: Sample) -> Losses:
        """The loss of telling fills from photos."""
        image = sample.image * 2 - 1
        with torch.no_grad():
            fake = pasted(generator(image, sample.mask), image, sample.mask)
        with single_precision(image):
            both = self._judged(image), self._judged(fake)
            if self.form == "connected":
                # One call each: batch normalisation must see what it sees when the generator learns.
                real, made = (critic(each) for each in both)
            else:
                # One call for both: every call takes a step of the power iteration for the spectral norms.
                real, made = critic(torch.cat(both)).chunk(2)
            return {"critic": Term(1.0, non_saturating_critic(real, made))}

    def stages(self, generator: nn.Module, image: Tensor, mask: Tensor) -> Mapping[str, Tensor]:
        """Return the fill."""
        filled: Tensor = generator(image * 2 - 1, mask)
        return {"fill": torch.where(mask > 0, (filled.float() + 1) / 2, image)}

    def _judged(self, image: Tensor) -> Tensor:
        """Return the part of images that the critic sees."""
        return image[..., MIDDLE, MIDDLE] if self.form == "connected" else image

    def _difference(self, filled: Tensor, image: Tensor, sample: Sample) -> Tensor:
        """Mean over each item's hole; as in the code, not divided by the ring's weight."""
        found = (filled.float() - image).abs()
        if self.difference == "squared":
            found = found.square()
        counted = ring_weights(sample.hole, self.ring, self.ring_weight).to(image.device) * sample.mask
        sums = (found.mean(1, keepdim=True) * counted).flatten(1).sum(1)
        return (sums / sample.mask.flatten(1).sum(1).clamp(min=1)).mean()


def ring_weights(hole: Tensor, ring: int, weight: float) -> Tensor:
    """Return pixel weights: ``weight`` in a ring along the border of the hole, and 1 elsewhere.

    Deviation from both papers, where the ring lies in an overlap with the known area. Here it lies inside
    the hole, because known pixels are put back. The border of the image does not count as a border.

    Args:
        hole: ``B×1×H×W`` bool, on the CPU, with a known pixel in each item.
        ring: Greatest distance, in pixels, between the centre of a ring pixel and that of a known pixel.
        weight: Weight of the pixels in the ring.

    Returns:
        ``B×1×H×W`` float32.
    """
    deep = torch.stack([torch.from_numpy(depth(each[0].numpy())) for each in hole]).unsqueeze(1)
    return torch.where(deep <= ring, weight, 1.0)
