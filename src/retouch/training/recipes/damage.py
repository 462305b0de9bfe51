"""How the network that finds damage is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retouch.errors import RetouchError
from retouch.networks.damage import CELL, DEEPEST, DamageNetwork, Found
from retouch.training.recipes.critic_free import CriticFree
from retouch.training.recipes.sample import Losses, Sample, Term


@dataclass(frozen=True)
class DamageRecipe(CriticFree):
    """Losses of finder and scout; there is no critic.

    Attributes:
        networks: which learn: "both", or the "scout" alone, of a finder that is finished.
        entropy: weight of the cross-entropy of pixels.
        overlap: weight of one minus the overlap (Tversky, as Salehi et al., MLMI 2017) of found and true.
        false_alarm: what a pixel found in error costs in the overlap; a missed pixel costs the rest to 1.
        border: what pixels within one of damage cost, where nobody can say whether they are damaged.
        thin: what damaged pixels cost that are at most 3 from an edge: all of a scratch, the rim of a stain.
        inside: what other damaged pixels cost; stains have more of them than everything else.
        worth: weight of the scout's cross-entropy.
        foreseen: the scout learns which squares have a pixel that the finder thinks damaged with at least
            this probability; what the finder would not find is not worth a look, whatever the truth.
        missed: how many times as much it costs the scout to miss a square as to send for nothing.
    """

    networks: Literal["both", "scout"] = "both"
    entropy: float = 10.0
    overlap: float = 1.0
    false_alarm: float = 0.6
    border: float = 0.3
    thin: float = 2.0
    inside: float = 0.5
    worth: float = 0.3
    foreseen: float = 0.3
    missed: float = 6.0

    def __post_init__(self) -> None:
        if not (0 < self.false_alarm < 1 and 0 < self.foreseen < 1) or self.missed <= 0:
            raise ValueError("false_alarm and foreseen must lie between 0 and 1, and missed above 0")

    def check(self, size: int) -> None:
        """Raise :class:`RetouchError` if crops of ``size`` pixels do not fit the network."""
        if size % DEEPEST:
            raise RetouchError(f"data.size must be a multiple of {DEEPEST} for this model, not {size}.")

    def generator(self) -> DamageNetwork:
        """Build the networks. The loop calls what learns "generator"."""
        return DamageNetwork()

    def generator_losses(self, generator: nn.Module, critic: nn.Module | None, sample: Sample) -> Losses:
        """Cross-entropy and overlap of pixels, and the scout's cross-entropy."""
        image = sample.image
        if self.networks == "scout":
            assert isinstance(generator, DamageNetwork)
            for part in (generator.down, generator.across, generator.up, generator.last):
                part.eval()  # the loop lets all learn, and normalisations would go on with their averages
            with torch.no_grad():
                found = generator.find(image).float().sigmoid()
            return {"worth": self._worth(found, generator.scout(image - 0.5))}
        said: Found = generator(image)
        logits, truth = said.damage.float(), sample.mask
        weight = self._weights(sample.hole).to(truth.device)
        entropy = F.binary_cross_entropy_with_logits(logits, truth, weight)
        found = logits.sigmoid()
        right = (found * truth * weight).flatten(1).sum(1)
        wrong = (found * (1 - truth) * weight).flatten(1).sum(1)
        missed = ((1 - found) * truth * weight).flatten(1).sum(1)
        # The constant makes it gentle where there is little or no damage.
        overlap = (right + 50) / (right + 50 + self.false_alarm * wrong + (1 - self.false_alarm) * missed)
        return {
            "entropy": Term(self.entropy, entropy),
            "overlap": Term(self.overlap, (1 - overlap).mean()),
            "worth": self._worth(found.detach(), said.worth),
        }

    def _worth(self, found: Tensor, said: Tensor) -> Term:
        """The scout's cross-entropy."""
        squares = (F.max_pool2d(found, CELL) >= self.foreseen).float()
        weight = 1 + (self.missed - 1) * squares
        return Term(self.worth, F.binary_cross_entropy_with_logits(said.float(), squares, weight))

    def _weights(self, damaged: Tensor) -> Tensor:
        """What each pixel counts, of ``B×1×H×W`` bool on the CPU; OpenCV is much faster here than torch."""
        weights = np.empty(damaged.shape, np.float32)
        for weight, truth in zip(weights[:, 0], damaged[:, 0].numpy().view(np.uint8), strict=True):
            near, inside = cv2.dilate(truth, np.ones((3, 3))), cv2.erode(truth, np.ones((7, 7)))
            # 0 far away, 1 beside damage, 2 at its edge or in thin damage, 3 inside
            weight[:] = np.array([1, self.border, self.thin, self.inside], np.float32)[near + truth + inside]
        return torch.from_numpy(weights)

    def stages(self, generator: nn.Module, image: Tensor, mask: Tensor) -> Mapping[str, Tensor]:
        """The damaged photo, where it is worth looking, where damage is found, where it is, and errors.

        The last picture differs from the photo by one minus the overlap (intersection over union) of the
        whole item, so that the loop logs it as ``validation_l1_hole``; items without damage count as 0.
        """
        said: Found = generator(image)
        found = said.damage.float().sigmoid()
        worth = F.interpolate(said.worth.float().sigmoid(), scale_factor=float(CELL))
        both = (found * mask).flatten(1).sum(1)
        either = (found + mask - found * mask).flatten(1).sum(1).clamp_min(1)
        return {
            "photo": image,
            "worth": worth.expand_as(image),
            "found": found.expand_as(image),
            "damage": mask.expand_as(image),
            "wrong": image + (1 - both / either)[:, None, None, None],
        }
