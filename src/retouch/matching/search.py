"""The searches for patches, behind one interface: everything that looks for sources calls :data:`SEARCH`.

The implementation here is in torch. It runs on every device and is the reference for any other one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from retouch.matching.coherence import CoherentField, Comparison
from retouch.matching.patch_scores import PatchScores
from retouch.matching.patch_search import search_exact, search_randomised


class PatchSearch(Protocol):
    """What a search must do.

    Queries and sources are flat positions of a :class:`~retouch.matching.patches.PatchGrid`. A source that is
    returned always is one of the grid's sources. The same seed gives the same result on the same device.
    """

    def exact(self, scores: PatchScores, top: int, memory: int) -> Tensor:
        """The ``top`` most similar sources of each query, best first, by comparing all pairs: ``Q×k``.

        ``memory`` bounds the bytes it takes and never changes the result. Of sources that are equally similar
        within rounding, the first in reading order wins.
        """
        ...

    def approximate(self, scores: PatchScores, seed: int, start: Tensor | None) -> Tensor:
        """A similar source for each query, ``Q``, found at random and by propagation between neighbours.

        ``start`` has, for each flat position of the queries' map, a source to begin from; -1 for none.
        """
        ...

    def nearest(self, comparison: Comparison, sources: Tensor) -> Tensor:
        """The nearest of ``sources`` for each query of a comparison, by comparing all pairs: ``Q``."""
        ...

    def coherent(
        self, field: CoherentField, comparison: Comparison, radii: Sequence[int], generator: torch.Generator
    ) -> None:
        """One sweep over a field that never raises the sum of its distances and prices; changes the field.

        Every query tries what continues its neighbours' sources; then, for each radius, one random source at
        most so many rows and columns from its own, drawn from ``generator``.
        """
        ...


class TorchSearch:
    """The searches in torch; see :class:`PatchSearch`."""

    def exact(self, scores: PatchScores, top: int, memory: int) -> Tensor:
        """See :class:`PatchSearch`."""
        return search_exact(scores, top, memory)

    def approximate(self, scores: PatchScores, seed: int, start: Tensor | None) -> Tensor:
        """See :class:`PatchSearch`."""
        return search_randomised(scores, seed, start)

    def nearest(self, comparison: Comparison, sources: Tensor) -> Tensor:
        """See :class:`PatchSearch`."""
        return comparison.nearest(sources)

    def coherent(
        self, field: CoherentField, comparison: Comparison, radii: Sequence[int], generator: torch.Generator
    ) -> None:
        """See :class:`PatchSearch`."""
        field.propagate(comparison)
        for radius in radii:
            field.explore(comparison, radius, generator)


SEARCH: PatchSearch = TorchSearch()
"""The search in use. This is the one place where it is chosen."""
