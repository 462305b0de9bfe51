"""How Infer, Match, Translate is done: its options."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from retouch.errors import RetouchError

NEAR = 8
"""So far from what is known features are inferred well, in pixels of the scale."""


@dataclass(frozen=True)
class InferMatchTranslateOptions:
    """How the hole is filled.

    Attributes:
        matching: "coherent" wants patches of features that are alike and whose neighbours borrow from
            neighbours; "nearest" takes for each the one most alike, as the paper does.
        coherence: price of a neighbour that borrows from elsewhere, in medians of the patch distances.
        colours: weight, in coherent matching, of the mean colours of patches; those of the hole are a smooth
            guess from what is known around it.
        band: so far from the hole may be borrowed, in pixels of the full size; 0 = from all that is known.
            The paper borrows from the boundary.
        scales: the full size, and so many less one halvings of it; 0 = as many as it takes until the long
            side is no longer than the pictures the network was trained with, or pixels of the hole are at
            most :data:`NEAR` from what is known, on average.
        swaps: how often features are swapped and translated at each scale.
        pixels: where those of the fill come from: "translated" from the swapped features by the network, or
            "swapped" with them from the known area, without it.
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
        """Number of scales for a picture.

        Coarse ones have few whole patches to borrow between thin holes, and thin holes need none.

        Args:
            height: of the picture, in pixels.
            width: likewise.
            trained: the long side of the pictures the network was trained with.
            deep: how far pixels of the hole lie from what is known, on average.
        """
        factor = min(max(height, width) / trained, deep / NEAR)
        return self.scales or 1 + max(0, math.ceil(math.log2(factor)))
