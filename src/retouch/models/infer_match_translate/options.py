"""The options of Infer, Match, Translate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from retouch.errors import RetouchError

NEAR = 8
"""Distance from known pixels up to which features are inferred well, in pixels of the scale."""


@dataclass(frozen=True)
class InferMatchTranslateOptions:
    """How the hole is filled.

    Attributes:
        matching: "coherent" prefers similar patches whose neighbours borrow from neighbouring sources;
            "nearest" takes the most similar patch for each position, as the paper does.
        coherence: Cost of a neighbour that borrows from elsewhere, in medians of the patch distances.
        colours: Weight of the patches' mean colours in coherent matching. The colours of the hole are a
            smooth guess from the known surroundings, or those of the fill of the model before the +.
        band: Greatest distance of sources from the hole, in pixels of the full size; 0 allows all known
            pixels. The paper borrows from the boundary.
        scales: Number of scales, each half the size of the one before. 0 adds scales until the long side is
            no longer than the training pictures, or the hole's pixels are at most :data:`NEAR` from known
            ones, on average.
        swaps: Number of times that features are swapped and translated at each scale.
        pixels: "translated" makes pixels from the swapped features with the network; "swapped" copies the
            pixels of the known area along with the features.
    """

    matching: Literal["coherent", "nearest"] = "coherent"
    coherence: float = 0.5
    colours: float = 3.0
    band: int = 0
    scales: int = 0
    swaps: int = 1
    pixels: Literal["translated", "swapped"] = "translated"

    def __post_init__(self) -> None:
        if self.matching not in ("coherent", "nearest"):
            raise RetouchError(f"Matching is coherent or nearest, not {self.matching!r}.")
        if self.pixels not in ("translated", "swapped"):
            raise RetouchError(f"Pixels are translated or swapped, not {self.pixels!r}.")
        if min(self.coherence, self.colours, self.band) < 0:
            raise RetouchError(
                f"Coherence ({self.coherence}), colours ({self.colours}) and band ({self.band}) must not be "
                "negative."
            )
        if not 0 <= self.scales <= 6:
            raise RetouchError(f"Scales must be from 0 to 6, not {self.scales}.")
        if not 1 <= self.swaps <= 20:
            raise RetouchError(f"Swaps must be from 1 to 20, not {self.swaps}.")

    def count(self, height: int, width: int, trained: int, deep: float) -> int:
        """Return the number of scales for a picture.

        Thin holes get few: they do not need coarse scales, which leave few fully known patches between them.

        Args:
            height: Height of the picture, in pixels.
            width: Width of the picture, in pixels.
            trained: Long side of the training pictures, in pixels.
            deep: Mean distance of the hole's pixels from known ones, in pixels.
        """
        factor = min(max(height, width) / trained, deep / NEAR)
        return self.scales or 1 + max(0, math.ceil(math.log2(factor)))
