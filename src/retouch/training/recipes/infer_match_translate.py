"""How Infer, Match, Translate is trained (Song et al., ECCV 2018, sections 3.2 and 3.4).

The two networks learn in one run, each from its own losses, and neither sees the other's output. The paper
trains them one after the other. One run computes the features once for both; ``networks`` can restrict it to
one network. The paper gives no weights for its losses; these are our choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retouch.errors import RetouchError
from retouch.matching.cells import attention_cells
from retouch.models.infer_match_translate.critics import ConditionalCritic, FeatureCritic
from retouch.models.infer_match_translate.network import (
    CELL,
    DEEPEST,
    HIDDEN,
    LAYER,
    PAPER,
    STRENGTH,
    InferMatchTranslateNetwork,
    features_of,
    unknown_cells,
)
from retouch.models.infer_match_translate.options import InferMatchTranslateOptions
from retouch.models.infer_match_translate.scales import complete
from retouch.models.infer_match_translate.swap import PATCH, swap
from retouch.networks.vgg import Vgg, shift_tolerant_vgg_on
from retouch.ops.resize import shrink
from retouch.training.losses import hinge_critic, hinge_generator, masked_mean
from retouch.training.recipes.perceptual import LAYERS, feature_difference, seen
from retouch.training.recipes.sample import Losses, Sample, Term, single_precision

assert LAYERS[-1] == LAYER  # so the perceptual loss computes the features of the truth too


@dataclass(frozen=True)
class InferMatchTranslateRecipe:
    """Networks and losses of Infer, Match, Translate.

    Attributes:
        width: Multiplies all channels of the networks and the critics; 1 is the full width.
        networks: The networks that learn: "both", "infer" or "translate".
        features: Weight of the squared difference of the features that the hole influences. Deviation from
            the paper, which counts all features: the others are known.
        infer_adversarial: Weight of the adversarial loss on features; 0 leaves it out.
        crop: Side of the crop that is translated, in pixels. The translation is local, and a crop costs less.
        swapped: Probability that the features of a crop's hole are swapped for those around before they are
            translated. Deviation from the paper, which translates true features only; it shows the network
            the seams of patches.
        absolute: Weight of the absolute difference of translated pixels.
        perceptual: Weight of the perceptual loss: squared differences of VGG features at three layers,
            relative to the squares of the true features.
        translate_adversarial: Weight of the adversarial loss on images; 0 leaves it out.
        critic_steps: Steps of the critics per step of the networks.
        adversarial_from: First step at which the critics are trained and contribute to the loss.
    """

    width: float = PAPER
    networks: Literal["both", "infer", "translate"] = "both"
    features: float = 1.0
    infer_adversarial: float = 0.1
    crop: int = 256
    swapped: float = 0.0
    absolute: float = 1.0
    perceptual: float = 1.0
    translate_adversarial: float = 0.02
    critic_steps: int = 1
    adversarial_from: int = 0

    def __post_init__(self) -> None:
        if not 0.01 <= self.width <= 4 or self.critic_steps < 1 or self.crop < 2 * DEEPEST:
            raise ValueError(
                f"width must be from 0.01 to 4, critic_steps at least 1 and crop at least {2 * DEEPEST}"
            )
        if not 0 <= self.swapped <= 1:
            raise ValueError("swapped must be from 0 to 1")

    def check(self, size: int) -> None:
        """Raise :class:`RetouchError` if crops of ``size`` pixels do not fit the networks."""
        if size % DEEPEST or size < 4 * DEEPEST:
            raise RetouchError(f"data.size must be 32, 40, 48 … pixels for this model, not {size}.")
        if self.crop % CELL or self.crop > size:
            raise RetouchError(f"recipe.crop must be a multiple of {CELL} up to data.size, not {self.crop}.")

    def generator(self) -> InferMatchTranslateNetwork:
        """Build both networks."""
        return InferMatchTranslateNetwork(self.width)

    def critic(self, size: int) -> nn.Module:
        """Build both critics: of inferred features, and of translated images."""
        return nn.ModuleDict({"infer": FeatureCritic(self.width), "translate": ConditionalCritic(self.width)})

    def generator_losses(self, generator: nn.Module, critic: nn.Module | None, sample: Sample) -> Losses:
        """The terms that both networks minimise."""
        vgg = shift_tolerant_vgg_on(sample.image.device)
        losses: Losses = {}
        if self.networks != "translate":
            truth, inferred, unknown = self._inferred(generator, vgg, sample)
            difference = masked_mean((inferred - truth).square(), unknown)
            losses["features"] = Term(self.features, difference)
            if critic is not None and self.infer_adversarial:
                with single_precision(sample.image):
                    says = _part(critic, "infer")(_completed(inferred, truth, unknown), unknown)
                    losses["adversarial_infer"] = Term(self.infer_adversarial, hinge_generator(says))
        if self.networks != "infer":
            image, truth_seen, features = self._to_translate(vgg, sample)
            translated = _part(generator, "translate")(features).float()
            losses["absolute"] = Term(self.absolute, F.l1_loss(translated, image))
            losses["perceptual"] = Term(
                self.perceptual, feature_difference(seen(vgg, translated), truth_seen)
            )
            if critic is not None and self.translate_adversarial:
                with single_precision(sample.image):
                    says = _part(critic, "translate")(translated, features)
                    losses["adversarial_translate"] = Term(self.translate_adversarial, hinge_generator(says))
        return losses

    def critic_losses(self, generator: nn.Module, critic: nn.Module, sample: Sample) -> Losses:
        """The losses of telling inferred features from true ones, and translated images from photos."""
        vgg = shift_tolerant_vgg_on(sample.image.device)
        losses: Losses = {}
        if self.networks != "translate" and self.infer_adversarial:
            with torch.no_grad():
                truth, inferred, unknown = self._inferred(generator, vgg, sample)
            fake = _completed(inferred, truth, unknown)
            with single_precision(sample.image):
                # One call for both: every call takes a step of the power iteration for the spectral norms.
                real, made = _part(critic, "infer")(
                    torch.cat([truth, fake]), unknown.repeat(2, 1, 1, 1)
                ).chunk(2)
                losses["critic_infer"] = Term(1.0, hinge_critic(real, made))
        if self.networks != "infer" and self.translate_adversarial:
            image, _, features = self._to_translate(vgg, sample)
            with torch.no_grad():
                translated = _part(generator, "translate")(features).float()
            with single_precision(sample.image):
                both = torch.cat([image, translated]), features.repeat(2, 1, 1, 1)
                real, made = _part(critic, "translate")(*both).chunk(2)
                losses["critic_translate"] = Term(1.0, hinge_critic(real, made))
        return losses

    def stages(self, generator: nn.Module, image: Tensor, mask: Tensor) -> Mapping[str, Tensor]:
        """Return the translations of the true and of the inferred features, and the fill."""
        assert isinstance(generator, InferMatchTranslateNetwork)
        vgg = shift_tolerant_vgg_on(image.device)
        truth = features_of(vgg, image)
        hidden = features_of(vgg, torch.where(mask > 0, HIDDEN, image))
        inferred = _completed(generator.infer(hidden, mask), truth, unknown_cells(mask))
        translated, guess = ((generator.translate(each).float() + 1) / 2 for each in (truth, inferred))
        fill, _ = complete(
            generator, vgg, image, mask, 1 - mask, InferMatchTranslateOptions(), scales=1, seed=0
        )
        return {
            "translated": translated,
            "inferred": torch.where(mask > 0, guess, image),
            "fill": torch.where(mask > 0, fill, image),
        }

    def _inferred(self, generator: nn.Module, vgg: Vgg, sample: Sample) -> tuple[Tensor, Tensor, Tensor]:
        """True features, inferred ones, and which of these count."""
        with torch.no_grad():
            both = torch.cat([sample.image, torch.where(sample.mask > 0, HIDDEN, sample.image)])
            truth, hidden = features_of(vgg, both).float().chunk(2)
        inferred: Tensor = _part(generator, "infer")(hidden, sample.mask)
        return truth, inferred.float(), unknown_cells(sample.mask)

    def _to_translate(self, vgg: Vgg, sample: Sample) -> tuple[Tensor, list[Tensor], Tensor]:
        """Return a square of each picture in [-1, 1], what VGG sees in it, and features to translate."""
        places, side = (sample.image.shape[-1] - self.crop) // CELL + 1, self.crop // CELL
        drawn = [mix * places**2 for mix in sample.mix.tolist()]
        corners = [divmod(int(each), places) for each in drawn]
        image = _crops(sample.image, corners, self.crop, CELL) * 2 - 1
        truth_seen = seen(vgg, image)
        features = truth_seen[-1] / STRENGTH
        hole = _crops(F.max_pool2d(sample.mask, CELL), corners, side, 1)
        # What is left of the number that drew the corner is a random number too.
        some = [item for item, each in enumerate(drawn) if each % 1 < self.swapped and bool(hole[item].any())]
        if some:
            swapped = _swapped(vgg, sample.image[some], sample.mask[some])
            swapped = _crops(swapped, [corners[item] for item in some], side, 1)
            features[some] = torch.where(hole[some] > 0, swapped, features[some])
        return image, truth_seen, features


def _part(network: nn.Module, name: str) -> nn.Module:
    return network.get_submodule(name)


def _crops(images: Tensor, corners: Sequence[tuple[int, int]], side: int, step: int) -> Tensor:
    """Crop a square from each item; its corner is given in units of ``step``."""
    places = [[slice(step * each, step * each + side) for each in corner] for corner in corners]
    return torch.stack(
        [image[:, rows, columns] for image, (rows, columns) in zip(images, places, strict=True)]
    )


@torch.no_grad()
def _swapped(vgg: Vgg, image: Tensor, mask: Tensor) -> Tensor:
    """Swap the features of the hole, where there is a patch to borrow.

    The true ones ask, not inferred ones as in a fill: what is borrowed is then like the photo that is to be
    made of it.
    """
    with single_precision(image):
        features = features_of(vgg, image)
        asking, sources = attention_cells(mask, None, CELL, PATCH)
        colours = shrink(image, CELL)
        found = swap(features, colours, asking, sources, InferMatchTranslateOptions(), None, seed=0)
        return found.transfer(features)


def _completed(inferred: Tensor, truth: Tensor, unknown: Tensor) -> Tensor:
    """Return inferred features where the hole influences them, and true ones elsewhere."""
    return torch.where(unknown > 0, inferred.float().clamp_min(0), truth)
