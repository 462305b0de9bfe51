"""The searches for patches, behind one interface: everything that looks for sources calls :data:`SEARCH`.

There are two: in torch, which runs on every device and is the reference; and a compiled one. That is used
where it was built, and leaves to torch what it does not serve.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from retouch.matching.coherence import CoherentField, Comparison
from retouch.matching.compiled_search import CompiledSearch
from retouch.matching.patch_scores import PatchScores
from retouch.matching.torch_search import TorchSearch
from retouch.native import library


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


SEARCH: PatchSearch = TorchSearch() if library() is None else CompiledSearch()
"""The search in use. This is the one place where it is chosen."""
