"""Recipes: the networks and losses of each model, one file per model.

A recipe is a frozen dataclass. Its fields are the ``recipe`` part of the configuration file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor, nn

from retouch.training.recipes.confidence_feedback import ConfidenceFeedbackRecipe
from retouch.training.recipes.confidence_head import ConfidenceHeadRecipe
from retouch.training.recipes.context_encoder import ContextEncoderRecipe
from retouch.training.recipes.contextual_attention import ContextualAttentionRecipe
from retouch.training.recipes.damage import DamageRecipe
from retouch.training.recipes.guided_upsampling import GuidedUpsamplingRecipe
from retouch.training.recipes.infer_match_translate import InferMatchTranslateRecipe
from retouch.training.recipes.pen_net import PenNetRecipe
from retouch.training.recipes.sample import Losses, Sample
from retouch.training.recipes.structure import StructureRecipe

__all__ = ["RECIPES", "Recipe"]


class Recipe(Protocol):
    """What :mod:`retouch.training.loop` needs to train a model."""

    @property
    def critic_steps(self) -> int:
        """Critic steps per generator step."""
        ...

    @property
    def adversarial_from(self) -> int:
        """First step at which the critic is trained and contributes to the loss."""
        ...

    def check(self, size: int) -> None:
        """Raise :class:`RetouchError` if crops of ``size`` pixels do not fit the networks."""
        ...

    def generator(self) -> nn.Module:
        """Build the network that fills."""
        ...

    def critic(self, size: int) -> nn.Module:
        """Build the network that scores crops of ``size`` pixels."""
        ...

    def generator_losses(self, generator: nn.Module, critic: nn.Module | None, sample: Sample) -> Losses:
        """The terms that the generator minimises; ``critic`` is None before ``adversarial_from``."""
        ...

    def critic_losses(self, generator: nn.Module, critic: nn.Module, sample: Sample) -> Losses:
        """The terms that the critic minimises."""
        ...

    def stages(self, generator: nn.Module, image: Tensor, mask: Tensor) -> Mapping[str, Tensor]:
        """Return pictures for the validation grid by name, ``B×3×H×W`` in [0, 1]. The last is the fill."""
        ...


RECIPES: dict[str, type[Recipe]] = {
    "contextual-attention": ContextualAttentionRecipe,
    "pen-net": PenNetRecipe,
    "context-encoder": ContextEncoderRecipe,
    "infer-match-translate": InferMatchTranslateRecipe,
    "confidence-feedback": ConfidenceFeedbackRecipe,
    "guided-upsampling": GuidedUpsamplingRecipe,
    "confidence-head": ConfidenceHeadRecipe,
    "structure": StructureRecipe,
    "damage": DamageRecipe,
}
