"""How the confidence head for any model is trained: frozen models fill, and the head learns their errors.

This is not in Zeng et al. (ECCV 2020), where the confidence is trained with the generator and a critic. The
head is trained on the true errors alone, so its output is a probability.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retouch.confidence.head import DEEPEST, ConfidenceHead, right
from retouch.contract import Model
from retouch.errors import RetouchError
from retouch.models.loading import list_models, load
from retouch.training.losses import masked_mean
from retouch.training.recipes.critic_free import CriticFree
from retouch.training.recipes.sample import Losses, Sample, Term, single_precision


@dataclass(frozen=True)
class ConfidenceHeadRecipe(CriticFree):
    """The models whose fills the head learns to judge.

    Attributes:
        models: Names of models. They are not trained.
        shares: Share of the samples that each model fills; the sum is 1. Slow models may get less.
    """

    models: tuple[str, ...] = (
        "contextual-attention",
        "pen-net",
        "context-encoder",
        "infer-match-translate",
        "exemplar",
        "telea",
    )
    shares: tuple[float, ...] = (0.2, 0.2, 0.15, 0.1, 0.2, 0.15)

    def __post_init__(self) -> None:
        if not self.models or len(set(self.models)) < len(self.models):
            raise ValueError("models must name at least one model, and each only once")
        if len(self.shares) != len(self.models) or min(self.shares) <= 0 or abs(sum(self.shares) - 1) > 1e-6:
            raise ValueError("shares must be a number greater than 0 for each of the models, 1 in all")

    def check(self, size: int) -> None:
        """Raise :class:`RetouchError` if there is no such model, or crops are smaller than a cell."""
        known = [card.name for card in list_models()]
        for name in self.models:
            if name not in known:
                raise RetouchError(f"recipe.models has {name!r}; choose from {', '.join(known)}.")
        if size < DEEPEST:
            raise RetouchError(f"data.size must be at least {DEEPEST} pixels for this model, not {size}.")

    def generator(self) -> ConfidenceHead:
        """Build the head. The loop calls the network that learns "generator"."""
        return ConfidenceHead()

    def generator_losses(self, generator: nn.Module, critic: nn.Module | None, sample: Sample) -> Losses:
        """Binary cross-entropy in the hole, least if the confidence is the probability of a right pixel."""
        # Each item draws its model with its own random number, so batches do not matter.
        bounds = list(accumulate(self.shares))[:-1]
        filled = self._filled(sample.image, sample.mask, [bisect(bounds, mix) for mix in sample.mix.tolist()])
        logits = generator(filled, sample.mask).float()
        entropy = F.binary_cross_entropy_with_logits(logits, right(filled, sample.image), reduction="none")
        return {"entropy": Term(1.0, masked_mean(entropy, sample.mask))}

    def stages(self, generator: nn.Module, image: Tensor, mask: Tensor) -> Mapping[str, Tensor]:
        """Return fills by the models in turn, where they are right, the confidence, and its errors.

        The last picture is the photo plus the squared error of the confidence. Its difference from the photo,
        which the loop logs as ``validation_l1_hole``, is the Brier score; lower is better.
        """
        assert isinstance(generator, ConfidenceHead)
        filled = self._filled(image, mask, [item % len(self.models) for item in range(len(image))])
        truth = torch.where(mask > 0, right(filled, image), 1.0)
        confidence = generator.confidence(filled, mask)
        return {
            "fill": filled,
            "right": truth.expand_as(image),
            "confidence": confidence.expand_as(image),
            "wrong": image + (confidence - truth).square(),
        }

    @torch.no_grad()
    def _filled(self, image: Tensor, mask: Tensor, chosen: Sequence[int]) -> Tensor:
        """Fill each item with its chosen model."""
        filled = image.clone()
        with single_precision(image):
            for number in sorted(set(chosen)):
                items = [item for item, each in enumerate(chosen) if each == number]
                model = _frozen(self.models[number])
                fill = model(image[items].to(model.device), mask[items].to(model.device))
                filled[items] = fill.image.to(image)
        return filled


@cache
def _frozen(name: str) -> Model:
    """Load a shipped model when it is first needed; it is no part of the networks that learn."""
    return load(name)
