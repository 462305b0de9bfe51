"""Maps that say, for each cell of a hole, which known cell to borrow from.

A cell is the square of ``scale × scale`` pixels that one pixel of a smaller picture stands for.
"""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor
from torch.nn import functional as F

BLOCK = 4
"""Side of the blocks of cells that :func:`in_blocks` lets borrow together."""
CHUNK = 2**20
"""Pixels carried over at once, to bound the memory that a large hole takes."""


def finer(sources: Tensor, factor: int) -> Tensor:
    """The same sources for cells ``1/factor`` as large: ``B×2×h×w`` to ``B×2×(h·factor)×(w·factor)`` int64.

    -1, which is no source, stays -1.
    """
    repeated = sources.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    row, column = (torch.arange(side, device=sources.device) % factor for side in repeated.shape[2:])
    within = torch.stack(torch.meshgrid(row, column, indexing="ij"))
    return torch.where(repeated >= 0, factor * repeated + within, -1)


def in_blocks(sources: Tensor, usable: Tensor) -> Tensor:
    """Let blocks of cells borrow from one place.

    In smooth areas the best matches of neighbouring cells jump about, and detail put together from single
    cells loses its grain. A patch covers its block and a margin, so its match stands for the whole block.

    Args:
        sources: ``2×h×w`` int64, -1 where there is no source.
        usable: ``h×w`` bool, where cells may be borrowed.
    """
    _, height, width = sources.shape
    below, right = -height % BLOCK, -width % BLOCK
    padded = F.pad(sources, (0, right, 0, below), value=-1)
    rows, columns = padded.shape[1] // BLOCK, padded.shape[2] // BLOCK
    cells = padded.reshape(2, rows, BLOCK, columns, BLOCK).permute(0, 1, 3, 2, 4).flatten(3)

    # The block follows its most central cell that has a source.
    place = torch.arange(BLOCK * BLOCK, device=sources.device)
    within = torch.stack([place // BLOCK, place % BLOCK])
    off_centre = (within - (BLOCK - 1) / 2).square().sum(0)
    leader = torch.where(cells[0] >= 0, off_centre, torch.inf).argmin(-1, keepdim=True)
    led = cells.gather(-1, leader.expand(2, -1, -1, -1)) - within[:, leader.squeeze(-1)][..., None]
    blocks = led + within[:, None, None, :]

    size = torch.tensor([height, width], device=sources.device)[:, None, None, None]
    inside = ((blocks >= 0) & (blocks < size)).all(0)
    row, column = (blocks[axis].clamp(0, int(size[axis]) - 1) for axis in (0, 1))
    follow = (cells[0] >= 0) & inside & usable[row, column]
    together = torch.where(follow, blocks, cells)
    together = together.reshape(2, rows, columns, BLOCK, BLOCK).permute(0, 1, 3, 2, 4)
    return together.reshape(2, rows * BLOCK, columns * BLOCK)[:, :height, :width]


def carry(values: Tensor, sources: Tensor, usable: Tensor, scale: int) -> None:
    """Carry values over into the cells that have a source, in place; no gradient flows.

    Each pixel follows the sources of its own cell and of the nearest neighbouring cells, and mixes their
    values with bilinear weights. Where the cells agree on an offset, this is a plain copy; elsewhere one
    fades into the next.

    Args:
        values: ``C×(h·scale)×(w·scale)``, contiguous.
        sources: ``2×h×w`` int64, -1 where there is no source; usable cells have none.
        usable: ``h×w`` bool, where cells may be borrowed.
        scale: pixels to a cell.
    """
    channels, (height, width) = len(values), usable.shape
    size = sources.new_tensor([height, width])
    blocks = values.detach().view(channels, height, scale, width, scale)
    shift = (torch.arange(scale, device=values.device) + 0.5) / scale - 0.5
    # Weights of the cell before a pixel's own, its own, and the one after.
    reach = {-1: (-shift).clamp(min=0), 0: 1 - shift.abs(), 1: shift.clamp(min=0)}
    cells = (sources[0] >= 0).nonzero()
    for part in torch.split(cells, max(1, CHUNK // scale**2)):
        total = values.new_zeros(len(part), channels, scale, scale)
        weights = values.new_zeros(len(part), 1, scale, scale)
        for down, across in product(reach, reach):
            step = part.new_tensor([down, across])
            near = part + step
            inside = ((near >= 0) & (near < size)).all(1)
            row, column = near.clamp(min=0).minimum(size - 1).unbind(1)
            theirs = sources[:, row, column].T
            # What the neighbour's offset means for this cell.
            source = theirs - step
            inside &= (theirs[:, 0] >= 0) & ((source >= 0) & (source < size)).all(1)
            row, column = source.clamp(min=0).minimum(size - 1).unbind(1)
            valid = (inside & usable[row, column])[:, None, None, None]
            weight = reach[down][:, None] * reach[across] * valid
            total += blocks[:, row, :, column] * weight
            weights += weight
        # In place: what is borrowed from never has a source, so nothing that was written is read.
        blocks[:, part[:, 0], :, part[:, 1]] = total / weights.clamp(min=1e-6)
