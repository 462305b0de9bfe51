"""Where the square patches of a map lie, and how patches are pasted into its hole.

Maps are laid out as rows: a margin of half a patch is added on every side and the grid is flattened, so
that one row holds the channels of one cell and a step to a neighbour is a constant added to the row's
number ("flat position"). All patches are named by the flat position of their centre.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.errors import RetouchError

# Queries are visited tile by tile: neighbours share most of their cells, so a chunk stays compact.
_TILE = 8


@dataclass(frozen=True)
class PatchGrid:
    """The patches of one map with one hole.

    Attributes:
        height: rows of the map.
        width: columns of the map.
        patch: odd side of a patch, in cells.
        hole: ``X`` flat positions of the hole's cells.
        queries: ``Q`` flat positions of the patches that touch the hole, in tile order.
        sources: ``N`` booleans over all flat positions: the patch lies inside the map and wholly in the
            area that may be borrowed from.
        readable: ``H×W`` booleans, the area that may be borrowed from.
    """

    height: int
    width: int
    patch: int
    hole: Tensor
    queries: Tensor
    sources: Tensor
    readable: Tensor

    @property
    def margin(self) -> int:
        """Cells added on every side."""
        return self.patch // 2

    @property
    def stride(self) -> int:
        """What a step down adds to a flat position."""
        return self.width + 2 * self.margin

    @property
    def first(self) -> int:
        """Flat position of the top left cell; as many positions follow the bottom right cell."""
        return self.margin * self.stride + self.margin

    @property
    def cells(self) -> int:
        """Number ``N`` of flat positions, margin included."""
        return self.stride * (self.height + 2 * self.margin)

    def rows(self, values: Tensor, mode: str = "replicate") -> Tensor:
        """Lay out ``D×H×W`` values as ``N×D`` rows; the margin repeats the edge, or is 0 ("constant")."""
        padded = F.pad(values[None], (self.margin,) * 4, mode=mode)[0] if self.margin else values
        return padded.flatten(1).t().contiguous()

    def flat(self, row: Tensor, column: Tensor) -> Tensor:
        """Flat positions of cells of the map."""
        return (row + self.margin) * self.stride + column + self.margin

    def row_column(self, flat: Tensor) -> tuple[Tensor, Tensor]:
        """Row and column, in the map, of flat positions."""
        row = torch.div(flat, self.stride, rounding_mode="floor")
        return row - self.margin, flat - row * self.stride - self.margin

    def ranks(self, queries: Tensor) -> Tensor:
        """``N`` numbers: which of ``queries`` lies at each flat position; their count where none does."""
        ranks = queries.new_full((self.cells,), len(queries))
        ranks[queries] = torch.arange(len(queries), device=queries.device)
        return ranks

    def square(self) -> list[int]:
        """Steps from a patch's centre to its cells, row by row."""
        reach = range(-self.margin, self.margin + 1)
        return [down * self.stride + right for down in reach for right in reach]


def patch_grid(hole: Tensor, readable: Tensor, patch: int) -> PatchGrid:
    """Find queries and sources of a map.

    Args:
        hole: ``H×W`` booleans.
        readable: ``H×W`` booleans, where patches may be borrowed from; False in the hole.
        patch: odd side of a patch.

    Raises:
        RetouchError: there is a hole, and no patch to fill it from.
    """
    height, width = hole.shape
    margin = patch // 2
    stride = width + 2 * margin
    touching = F.max_pool2d(hole[None].float(), patch, stride=1, padding=margin)[0] > 0
    row, column = touching.nonzero().unbind(1)
    tile = (row // _TILE) * width + column // _TILE
    order = torch.argsort(tile, stable=True)
    queries = ((row + margin) * stride + column + margin)[order]

    # Outside counts as unreadable, so that a source never sticks out of the map.
    unreadable = F.pad(~readable, (margin,) * 4, value=True)[None].float()
    sources = F.pad(F.max_pool2d(unreadable, patch, stride=1)[0] == 0, (margin,) * 4).flatten()
    if len(queries) and not bool(sources.any()):
        raise RetouchError(
            f"No {patch}×{patch} patch is left to borrow from; "
            "allow more of the known area or use smaller patches."
        )
    row, column = hole.nonzero().unbind(1)
    flat_hole = (row + margin) * stride + column + margin
    return PatchGrid(height, width, patch, flat_hole, queries, sources, readable)


def paste_spans(patch: int, scale: int) -> dict[tuple[int, ...], list[int]]:
    """How the pixels of a cell are covered, along one axis, by pasted patches of neighbouring cells.

    A patch of ``patch`` cells at ``scale`` pixels a cell begins ``(patch - 1)·scale // 2`` pixels before
    its cell: centred on the cell wherever that is possible, and half a pixel towards the bottom right
    where it is not (even ``patch``, odd ``scale``).

    Returns:
        For each set of cell steps from the centre of a patch, the pixels (0 … scale - 1) of a cell that
        are reached by just these steps. One entry where ``patch`` is odd, two or less where it is even.
    """
    before = (patch - 1) * scale // 2
    spans: dict[tuple[int, ...], list[int]] = {}
    for pixel in range(scale):
        steps = tuple(
            (place - pixel) // scale
            for place in range(-before, patch * scale - before)
            if (place - pixel) % scale == 0
        )
        spans.setdefault(steps, []).append(pixel)
    return spans


@dataclass(frozen=True)
class Layer:
    """One part of the values to carry over: the pixels of each cell that share their paste steps.

    Attributes:
        rows: ``N×D'`` values of these pixels.
        steps: flat steps from a patch's centre to the cells it pastes to.
    """

    rows: Tensor
    steps: list[int]


Borrow = Callable[[int, list[Layer]], list[Tensor]]


def paste(
    values: Tensor, grids: Sequence[PatchGrid], scale: int, patch: int | None, borrow: Borrow
) -> Tensor:
    """Fill the holes of ``values`` with pasted patches, overlaps averaged.

    Args:
        values: ``B×D×(H·scale)×(W·scale)``, floating point.
        grids: one for each item of the batch.
        scale: pixels of ``values`` along the side of a cell.
        patch: side of the pasted patch in cells, at most that of the grids; None for the same.
        borrow: given an item and its layers, the sum of what all queries paste onto each cell of the
            hole, ``X×D'`` for each layer.

    Returns:
        ``values`` with new values in the hole, shape and dtype kept.

    Raises:
        RetouchError: sizes do not fit.
    """
    height, width, side = grids[0].height, grids[0].width, grids[0].patch
    if scale < 1 or (patch is not None and not 1 <= patch <= side):
        raise RetouchError(f"Transfer needs a scale of at least 1 and a patch of 1 to {side} cells.")
    expected = (len(grids), height * scale, width * scale)
    if values.ndim != 4 or (values.shape[0], *values.shape[2:]) != expected:
        raise RetouchError(
            f"Values to transfer must be B×D×H×W with B, H, W = {expected}, not {tuple(values.shape)}."
        )
    if not values.is_floating_point():
        raise RetouchError(f"Values to transfer must be floating point, not {values.dtype}.")

    result = values.clone(memory_format=torch.contiguous_format)
    if values.shape[1] == 0:
        return result
    for item, grid in enumerate(grids):
        if not len(grid.hole):
            continue
        spans = paste_spans(grid.patch if patch is None else min(patch, grid.patch), scale).items()
        # What may not be borrowed is 0: its weight is 0 too, and 0 times NaN would be NaN.
        cells = values[item].reshape(-1, height, scale, width, scale)
        cells = cells.masked_fill(~grid.readable[:, None, :, None], 0)
        layers, pixels = [], []
        for down, rows in spans:
            for right, columns in spans:
                part = cells[:, :, rows][..., columns].permute(2, 4, 0, 1, 3)
                steps = [y * grid.stride + x for y in down for x in right]
                layers.append(Layer(grid.rows(part.reshape(-1, height, width), "constant"), steps))
                pixels.append((rows, columns))
        row, column = (each[:, None, None] for each in grid.row_column(grid.hole))
        is_query = grid.ranks(grid.queries) < len(grid.queries)
        blocks = result.view(len(grids), -1, height, scale, width, scale)[item]
        for layer, (rows, columns), total in zip(layers, pixels, borrow(item, layers), strict=True):
            back = grid.hole[:, None] - torch.tensor(layer.steps, device=values.device)
            votes = is_query[back].sum(1, keepdim=True)
            inner_row = torch.tensor(rows, device=values.device)[:, None]
            inner_column = torch.tensor(columns, device=values.device)
            mean = (total / votes).reshape(len(grid.hole), len(rows), len(columns), -1)
            blocks[:, row, inner_row, column, inner_column] = mean.permute(3, 0, 1, 2)
    return result
