"""The searches in torch: for every device, and the reference for any other one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from retouch.matching.coherence import CoherentField, Comparison
from retouch.matching.patch_scores import PatchScores
from retouch.matching.patch_search import search_exact, search_randomised


class TorchSearch:
    """The searches in torch; see :class:`~retouch.matching.search.PatchSearch`."""

    def exact(self, scores: PatchScores, top: int, memory: int) -> Tensor:
        """See :class:`~retouch.matching.search.PatchSearch`."""
        return search_exact(scores, top, memory)

    def approximate(self, scores: PatchScores, seed: int, start: Tensor | None) -> Tensor:
        """See :class:`~retouch.matching.search.PatchSearch`."""
        return search_randomised(scores, seed, start)

    def nearest(self, comparison: Comparison, sources: Tensor) -> Tensor:
        """See :class:`~retouch.matching.search.PatchSearch`."""
        return comparison.nearest(sources)

    def coherent(
        self, field: CoherentField, comparison: Comparison, radii: Sequence[int], generator: torch.Generator
    ) -> None:
        """See :class:`~retouch.matching.search.PatchSearch`."""
        field.propagate(comparison)
        for radius in radii:
            field.explore(comparison, radius, generator)
