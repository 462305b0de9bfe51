"""Attention over the cells of a picture: which cells are hole, and what they borrowed, in pixels.

A cell is the square of pixels that one position of a network's features stands for.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.matching.hard_correspondence import HardCorrespondence
from retouch.matching.soft_correspondence import SoftCorrespondence


def attention_cells(
    mask: Tensor, allowed: Tensor | None, side: int, patch: int, margin: int = 0
) -> tuple[Tensor, Tensor]:
    """Find the cells that ask, and the cells that may be borrowed.

    Args:
        mask: ``B×1×H×W``, 1 = hole.
        allowed: ``B×1×H×W``, 1 where pixels may be borrowed; None for all that is known.
        side: pixels along the side of a cell; divides H and W.
        patch: cells along the side of the patches that are compared.
        margin: cells by which the map is continued beyond each of its edges, by repeating the edge.

    Returns:
        Two maps ``B×1×h×w`` of zeros and ones, margin included. A cell asks if any of its pixels is hole
        and its picture has a patch to borrow. It may be borrowed if all its pixels are known and allowed.
    """
    hole = F.max_pool2d(mask, side)
    usable = 1 - hole if allowed is None else (1 - hole) * (1 - F.max_pool2d(1 - allowed, side))
    hole, usable = repeat_edge(hole, margin), repeat_edge(usable, margin)
    if min(usable.shape[2:]) < patch:
        return torch.zeros_like(hole), usable
    whole = F.max_pool2d(1 - usable, patch, stride=1) == 0
    return hole * whole.flatten(1).any(1)[:, None, None, None], usable


def hole_window(mask: Tensor, side: int = 1) -> tuple[slice, slice] | None:
    """Rows and columns, in cells, of the rectangle around all holes of a batch; None without a hole."""
    hole = F.max_pool2d(mask, side).amax((0, 1)) > 0
    if not bool(hole.any()):
        return None
    rows, columns = (hole.any(axis).nonzero()[:, 0] for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def repeat_edge(values: Tensor, margin: int) -> Tensor:
    """Continue ``B×C×H×W`` by ``margin`` on every side."""
    return F.pad(values, (margin,) * 4, mode="replicate") if margin else values


def without_margin(values: Tensor, margin: int) -> Tensor:
    """Undo :func:`repeat_edge`."""
    height, width = values.shape[2:]
    return values[..., margin : height - margin, margin : width - margin]


@dataclass(frozen=True)
class PixelCorrespondence:
    """A correspondence of cells, in pixels.

    Attributes:
        cells: the correspondence, of a map of square cells.
        mask: ``B×1×H×W``, 1 = hole, in pixels.
        margin: cells by which that map continues beyond each edge of the picture; none of them is a source.
        patch: side of the patches that the network pastes, in cells; at most the side that was matched.
    """

    cells: SoftCorrespondence | HardCorrespondence
    mask: Tensor
    margin: int = 0
    patch: int = 2

    @property
    def side(self) -> int:
        """Pixels along the side of a cell."""
        return self.mask.shape[2] // (self.cells.grids[0].height - 2 * self.margin)

    def source_map(self) -> Tensor:
        """Row and column each pixel borrowed from most, ``B×2×H×W`` int64; -1 where nothing was borrowed."""
        coarse = without_margin(self.cells.source_map(), self.margin)
        sources = coarse.repeat_interleave(self.side, 2).repeat_interleave(self.side, 3)
        height, width = sources.shape[2:]
        row = torch.arange(height, device=sources.device)[:, None] % self.side
        column = torch.arange(width, device=sources.device) % self.side
        within = torch.stack([row.expand(height, width), column.expand(height, width)])
        pixels = (sources - self.margin) * self.side + within
        return torch.where((sources >= 0) & (self.mask > 0), pixels, -1)

    def transfer(self, values: Tensor, scale: int = 1) -> Tensor:
        """Carry ``B×C×(H·scale)×(W·scale)`` values into the hole, with the network's weights."""
        size = self.side * scale
        patch = min(self.patch, self.cells.grids[0].patch)
        continued = repeat_edge(values, self.margin * size)
        carried = without_margin(self.cells.transfer(continued, size, patch=patch), self.margin * size)
        hole = F.interpolate(self.mask, scale_factor=float(scale)) > 0
        return torch.where(hole, carried, values)
