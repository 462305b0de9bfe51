"""How a hole is painted."""

from __future__ import annotations

from dataclasses import dataclass

from retouch.errors import RetouchError


@dataclass(frozen=True)
class PaintOptions:
    """How a hole is painted.

    Attributes:
        coherence: price of a neighbour that borrows from elsewhere, in medians of the patch distances.
        guidance: weight of the guess of the hole's colours and texture in a comparison, beside the patch.
        trust: weight of a painted pixel in a comparison; a known pixel has 1.
        fading: factor by which a patch's vote fades with each pixel of depth in the hole.
    """

    coherence: float = 0.15
    guidance: float = 0.4
    trust: float = 0.05
    fading: float = 0.35

    def __post_init__(self) -> None:
        if not (0 < self.trust <= 1 and 0 < self.fading <= 1):
            raise RetouchError(f"Trust ({self.trust}) and fading ({self.fading}) must lie in (0, 1].")
        if self.coherence < 0 or self.guidance < 0:
            raise RetouchError(
                f"Coherence ({self.coherence}) and guidance ({self.guidance}) must not be negative."
            )
