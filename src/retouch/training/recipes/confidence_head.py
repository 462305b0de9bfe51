"""How the confidence of any model is trained: frozen models fill, and the head learns how wrong they are.

Not in Zeng et al. (ECCV 2020), whose confidence is trained with its generator and against a critic: this
one is trained with the truth alone, so that it is a probability.
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
from retouch.training.recipes.sample import Losses, Sample, Term, single_precision


@dataclass(frozen=True)
class ConfidenceHeadRecipe:
    """Whose fills the head learns to judge.

    Attributes:
        models: names of models, which stay as they are.
        shares: of the samples that each of them fills; their sum is 1. Slow ones may have less.
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

    @property
    def critic_steps(self) -> int:
        """There is nothing to criticise."""
        return 0

    @property
    def adversarial_from(self) -> int:
        """See above."""
        return 0

    def check(self, size: int) -> None:
        """Raise :class:`RetouchError` if there is no such model, or crops are smaller than a cell."""
        known = [card.name for card in list_models()]
        for name in self.models:
            if name not in known:
                raise RetouchError(f"recipe.models has {name!r}; choose from {', '.join(known)}.")
        if size < DEEPEST:
            raise RetouchError(f"data.size must be at least {DEEPEST} pixels for this model, not {size}.")

    def generator(self) -> ConfidenceHead:
        """Build the head; it makes no pictures, but the loop calls whatever learns so."""
        return ConfidenceHead()

    def critic(self, size: int) -> nn.Module:
        """Nothing, in the form of a network that has parameters, as an optimizer must have some."""
        return nn.ParameterList([torch.zeros(0)])

    def generator_losses(self, generator: nn.Module, critic: nn.Module | None, sample: Sample) -> Losses:
        """Binary cross-entropy in the hole: least where the confidence is the probability of being right."""
        # Each item draws its model by its own random number, whatever batch it is in.
        bounds = list(accumulate(self.shares))[:-1]
        filled = self._filled(sample.image, sample.mask, [bisect(bounds, mix) for mix in sample.mix.tolist()])
        logits = generator(filled, sample.mask).float()
        entropy = F.binary_cross_entropy_with_logits(logits, right(filled, sample.image), reduction="none")
        return {"entropy": Term(1.0, masked_mean(entropy, sample.mask))}

    def critic_losses(self, generator: nn.Module, critic: nn.Module, sample: Sample) -> Losses:
        """None."""
        return {}

    def stages(self, generator: nn.Module, image: Tensor, mask: Tensor) -> Mapping[str, Tensor]:
        """Fills by the models in turn, where they are right, confidence, and the photo where that is wrong.

        The last is the photo, lighter by the squared error of the confidence: its difference to the photo,
        which the loop logs as ``validation_l1_hole``, is the Brier score, less for better confidence.
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
        """Fill each item by the model of the number that is chosen for it."""
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
    """A model of the package, loaded when it is first needed and outside the networks that learn."""
    return load(name)
