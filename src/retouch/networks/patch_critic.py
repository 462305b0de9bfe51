"""What critics that score patches share."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from retouch.errors import RetouchError


class PatchCritic(nn.Module):
    """Layers, and one more that makes the scores.

    Attributes:
        smallest: the smallest side, in pixels, of which a score is left.
        layers: made by the subclass, like ``score``.
    """

    smallest: ClassVar[int]
    layers: nn.Module
    score: nn.Module

    def forward(self, image: Tensor) -> Tensor:
        """Score ``B×3×H×W`` in [-1, 1], sides of at least ``smallest``: ``B×1×h×w``."""
        if image.ndim != 4 or image.shape[1] != 3 or min(image.shape[2:]) < self.smallest:
            raise RetouchError(
                f"This critic wants B×3×H×W with sides of at least {self.smallest}, not {tuple(image.shape)}."
            )
        scores: Tensor = self.score(self.layers(image))
        return scores
