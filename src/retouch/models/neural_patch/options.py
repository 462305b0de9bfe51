"""The options of Neural Patch Synthesis, and its named presets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from retouch.errors import RetouchError

_SHORTEST = 64  # pixels of the short side at the coarsest scale


@dataclass(frozen=True)
class NeuralPatchOptions:
    """How the fill of another model is refined.

    Attributes:
        matching: "coherent" paints the hole with known patches that look like it to VGG and agree with their
            neighbours, and optimises from there; "nearest" optimises from the content, as the paper does.
        guide: weight of VGG's features in that painting, beside colours, at the coarsest scale; finer scales
            have a quarter of it.
        coherence: price of a neighbour that borrows from elsewhere, in medians of the patch distances.
        layers: layers of VGG whose patches are compared.
        finest_layers: the same for the full scale, where deep layers cost most and help least.
        scales: number of scales, the full size included; each halves the one before. 0 = as many as leave
            64 pixels or more of the short side.
        iterations: about how often the objective is computed at each scale, from the full one to the
            coarsest; the last number stands for all coarser scales. 0 = the scale is only painted.
        rematch: computations between two searches for the nearest patches; 0 = one search a scale.
        content_weight: of the squared difference to what the optimiser starts from.
        texture_weight: of the difference to the known patches' features.
        smoothness_weight: of the squared differences of neighbouring pixels (the paper's total variation).
        channels: number of principal channels that the optimiser's search compares; 0 = all.
        rotations: degrees by which the picture is turned to find more patches for the optimiser.
        sizes: factors by which the picture is resized to find more patches.
    """

    matching: Literal["coherent", "nearest"] = "coherent"
    guide: float = 0.4
    coherence: float = 0.15
    layers: tuple[str, ...] = ("relu3_1",)
    finest_layers: tuple[str, ...] = ("relu3_1",)
    scales: int = 0
    iterations: tuple[int, ...] = (0, 8)
    rematch: int = 0
    content_weight: float = 100.0
    texture_weight: float = 1.0
    smoothness_weight: float = 0.0
    channels: int = 48
    rotations: tuple[float, ...] = ()
    sizes: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.matching not in ("coherent", "nearest"):
            raise RetouchError(f"Matching is coherent or nearest, not {self.matching!r}.")
        if not 0 <= self.scales <= 6:
            raise RetouchError(f"Scales must be from 0 to 6, not {self.scales}.")
        if not self.iterations or min(self.iterations) < 0:
            raise RetouchError(f"Iterations must be numbers from 0, one or more, not {self.iterations}.")
        if not self.layers or not self.finest_layers:
            raise RetouchError("At least one layer must be compared at each scale.")
        if self.rematch < 0 or self.channels < 0:
            raise RetouchError(
                f"Rematch ({self.rematch}) and channels ({self.channels}) must not be negative."
            )
        weights = (self.content_weight, self.texture_weight, self.smoothness_weight)
        if not all(each >= 0 for each in (*weights, self.guide, self.coherence)):
            raise RetouchError("Weights must not be negative.")
        if any(not 0.5 <= each <= 2 for each in self.sizes):
            raise RetouchError(f"Sizes must be from 0.5 to 2, not {self.sizes}.")

    def count(self, height: int, width: int) -> int:
        """Number of scales for a picture of this size."""
        return self.scales or max(1, (min(height, width) // _SHORTEST).bit_length())

    def searches(self, scale: int) -> list[int]:
        """For each search at a scale (0 = the full one), how often the objective may be computed after it."""
        total = self.iterations[min(scale, len(self.iterations) - 1)]
        step = self.rematch or max(total, 1)
        return [min(step, total - done) for done in range(0, total, step)]


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "fast": {"iterations": (0,)},
    "paper": {
        "matching": "nearest",
        "scales": 3,
        "layers": ("relu3_1", "relu4_1"),
        "finest_layers": ("relu3_1", "relu4_1"),
        "iterations": (100,),
        "content_weight": 10.0,
        "smoothness_weight": 0.3,
        "channels": 0,
        "rotations": (-7.5, 7.5),
        "sizes": (0.95, 1.05),
    },
}
"""For each preset, the options that differ from the defaults."""
