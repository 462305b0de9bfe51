"""Paste patches of one or several maps into a hole, overlaps averaged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from retouch.errors import RetouchError
from retouch.matching.patches import PatchGrid


def paste_spans(patch: int, scale: int) -> dict[tuple[int, ...], list[int]]:
    """How the pixels of a cell are covered, along one axis, by pasted patches of neighbouring cells.

    A patch of ``patch`` cells at ``scale`` pixels a cell begins ``(patch - 1)·scale // 2`` pixels before
    its cell: centred on the cell where that is possible, and half a pixel towards the bottom right
    where it is not (even ``patch``, odd ``scale``).

    Returns:
        For each set of cell steps from the centre of a patch, the pixels (0 … scale - 1) of a cell that
        exactly these steps reach. There is one entry where ``patch`` is odd, at most two where it is even.
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
        rows: values of these pixels of the sources, laid out as ``source_layout`` says.
        steps: flat steps from a query's centre to the cells it pastes to.
        source_steps: the same steps in ``source_layout``.
    """

    rows: Tensor
    steps: list[int]
    source_steps: list[int]


Borrow = Callable[[int, list[Layer]], list[Tensor]]


def paste(
    values: Tensor,
    grids: Sequence[PatchGrid],
    scale: int,
    patch: int | None,
    borrow: Borrow,
    sources: Sequence[Tensor] | None = None,
) -> Tensor:
    """Fill the holes of ``values`` with pasted patches, overlaps averaged.

    Args:
        values: ``B×D×(H·scale)×(W·scale)``, floating point.
        grids: one for each item of the batch.
        scale: pixels of ``values`` along the side of a cell.
        patch: side of the pasted patch in cells, at most the side in the grids; None for the same.
        borrow: given an item and its layers, the sum of what all queries paste onto each cell of the
            hole, ``X×D'`` for each layer.
        sources: for each source map, its values, ``B×D×(h·scale)×(w·scale)``; None where the map was matched
            with itself.

    Returns:
        ``values`` with new values in the hole, shape and dtype kept.

    Raises:
        RetouchError: sizes do not fit.
    """
    lent = _checked(values, grids, scale, patch, sources)
    height, width = grids[0].height, grids[0].width
    result = values.clone(memory_format=torch.contiguous_format)
    if values.shape[1] == 0:
        return result
    for item, grid in enumerate(grids):
        if not len(grid.hole):
            continue
        spans = paste_spans(grid.patch if patch is None else min(patch, grid.patch), scale).items()
        maps = []
        for each, (rows_of, columns_of), readable in zip(
            lent, grid.source_layout.sizes, grid.readable, strict=True
        ):
            # What may not be borrowed is 0: its weight is 0 too, and 0 times NaN would be NaN.
            cells = each[item].reshape(-1, rows_of, scale, columns_of, scale)
            maps.append(cells.masked_fill(~readable[:, None, :, None], 0))
        layers, pixels = [], []
        for down, rows in spans:
            for right, columns in spans:
                parts = [each[:, :, rows][..., columns].permute(2, 4, 0, 1, 3) for each in maps]
                flat = [each.reshape(-1, *each.shape[3:]) for each in parts]
                steps, source_steps = (
                    [y * stride + x for y in down for x in right]
                    for stride in (grid.stride, grid.source_layout.stride)
                )
                layers.append(Layer(grid.source_layout.rows(flat, "constant"), steps, source_steps))
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


def _checked(
    values: Tensor,
    grids: Sequence[PatchGrid],
    scale: int,
    patch: int | None,
    sources: Sequence[Tensor] | None,
) -> Sequence[Tensor]:
    """The values of the source maps, or an error that says what does not fit."""
    grid = grids[0]
    if scale < 1 or (patch is not None and not 1 <= patch <= grid.patch):
        raise RetouchError(f"Transfer needs a scale of at least 1 and a patch of 1 to {grid.patch} cells.")
    expected = (len(grids), grid.height * scale, grid.width * scale)
    if values.ndim != 4 or (values.shape[0], *values.shape[2:]) != expected:
        raise RetouchError(
            f"Values to transfer must be B×D×H×W with B, H, W = {expected}, not {tuple(values.shape)}."
        )
    if not values.is_floating_point():
        raise RetouchError(f"Values to transfer must be floating point, not {values.dtype}.")
    if grid.source_layout is grid.layout:
        if sources is not None:
            raise RetouchError("The map was matched with itself; leave out the values of other sources.")
        return [values]
    if sources is None or len(sources) != len(grid.source_layout.sizes):
        raise RetouchError(
            f"Transfer needs the values of the {len(grid.source_layout.sizes)} source maps that were matched."
        )
    for each, (height, width) in zip(sources, grid.source_layout.sizes, strict=True):
        shape = (*values.shape[:2], height * scale, width * scale)
        if each.shape != shape or each.dtype != values.dtype:
            raise RetouchError(
                f"Values of this source map must be {values.dtype} {shape}, "
                f"not {each.dtype} {tuple(each.shape)}."
            )
    return sources
