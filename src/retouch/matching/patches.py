"""Which patches of a map ask for sources, and which patches of the maps may be borrowed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.errors import RetouchError
from retouch.matching.layout import Layout

# Queries are visited tile by tile: neighbours share most of their cells, so a chunk stays compact.
_TILE = 8


@dataclass(frozen=True)
class PatchGrid:
    """The patches of one map that touch its hole, and the patches that they may borrow.

    Flat positions of queries belong to ``layout``, flat positions of sources to ``source_layout``. A map that
    is matched with itself has one layout for both. The properties and methods below describe ``layout``.

    Attributes:
        layout: of the map with the hole.
        source_layout: of the source maps.
        patch: odd side of a patch, in cells.
        hole: ``X`` flat positions of the hole's cells.
        queries: ``Q`` flat positions of the patches that touch the hole, in tile order.
        sources: booleans over all flat positions of ``source_layout``: the patch lies inside its map and
            wholly in the area that may be borrowed from.
        readable: for each source map, ``h×w`` booleans: the area that may be borrowed from.
    """

    layout: Layout
    source_layout: Layout
    patch: int
    hole: Tensor
    queries: Tensor
    sources: Tensor
    readable: tuple[Tensor, ...]

    @property
    def height(self) -> int:
        """Rows of the map."""
        return self.layout.sizes[0][0]

    @property
    def width(self) -> int:
        """Columns of the map."""
        return self.layout.sizes[0][1]

    @property
    def margin(self) -> int:
        """Cells added on every side."""
        return self.layout.margin

    @property
    def stride(self) -> int:
        """What a step down adds to a flat position."""
        return self.layout.stride

    @property
    def cells(self) -> int:
        """Number ``N`` of flat positions, margin included."""
        return self.layout.cells

    def rows(self, values: Tensor, mode: str = "replicate") -> Tensor:
        """Lay out ``D×H×W`` values as ``N×D`` rows; the margin repeats the edge, or is 0 ("constant")."""
        return self.layout.rows([values], mode)

    def flat(self, row: Tensor, column: Tensor) -> Tensor:
        """Flat positions of cells of the map."""
        return self.layout.flat(row, column)

    def row_column(self, flat: Tensor) -> tuple[Tensor, Tensor]:
        """Row and column, in the map, of flat positions."""
        return self.layout.place(flat)[1:]

    def ranks(self, queries: Tensor) -> Tensor:
        """``N`` numbers: which of ``queries`` lies at each flat position; their count where none does."""
        ranks = queries.new_full((self.cells,), len(queries))
        ranks[queries] = torch.arange(len(queries), device=queries.device)
        return ranks

    def square(self) -> list[int]:
        """Steps from a patch's centre to its cells, row by row."""
        return self.layout.square()


def patch_grid(
    hole: Tensor, readable: Tensor | None, patch: int, sources: Sequence[Tensor] | None = None
) -> PatchGrid:
    """Find the queries of a map, and the sources.

    Args:
        hole: ``H×W`` booleans.
        readable: ``H×W`` booleans, where patches of the map itself may be borrowed; False in the hole. Only
            used without ``sources``.
        patch: odd side of a patch.
        sources: for each map to borrow from, ``h×w`` booleans: where patches may be borrowed. None to borrow
            from the map itself.

    Raises:
        RetouchError: there is a hole, and no patch to fill it from.
    """
    height, width = hole.shape
    margin = patch // 2
    layout = Layout(((height, width),), margin)
    touching = F.max_pool2d(hole[None].float(), patch, stride=1, padding=margin)[0] > 0
    row, column = touching.nonzero().unbind(1)
    tile = (row // _TILE) * width + column // _TILE
    order = torch.argsort(tile, stable=True)
    queries = layout.flat(row, column)[order]

    if sources is None:
        assert readable is not None
        areas: tuple[Tensor, ...] = (readable,)
        source_layout = layout
    else:
        areas = tuple(sources)
        source_layout = Layout(tuple((each.shape[0], each.shape[1]) for each in areas), margin)
    # Outside counts as unreadable, so that a source never sticks out of its map.
    whole = []
    for area in areas:
        unreadable = F.pad(~area, (margin,) * 4, value=True)[None].float()
        whole.append(F.max_pool2d(unreadable, patch, stride=1) == 0)
    usable = source_layout.rows(whole, "constant")[:, 0]
    if len(queries) and not bool(usable.any()):
        raise RetouchError(
            f"No {patch}×{patch} patch is left to borrow from; "
            "allow more of the known area or use smaller patches."
        )
    row, column = hole.nonzero().unbind(1)
    return PatchGrid(layout, source_layout, patch, layout.flat(row, column), queries, usable, areas)
