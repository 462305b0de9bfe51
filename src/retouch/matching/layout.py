"""Maps as rows: one row for each cell, so that a step to a neighbour adds a constant to the row's number.

Each map gets a margin of half a patch on every side. Several maps lie one below the other, all as wide as the
widest. The number of a row is called its flat position; a patch is named by the flat position of its centre.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Layout:
    """Where the cells of one or several maps lie.

    Attributes:
        sizes: rows and columns of each map.
        margin: cells added on every side of each map.
    """

    sizes: tuple[tuple[int, int], ...]
    margin: int

    @cached_property
    def stride(self) -> int:
        """What a step down adds to a flat position."""
        return max(width for _, width in self.sizes) + 2 * self.margin

    @cached_property
    def tops(self) -> tuple[int, ...]:
        """The line, ``stride`` flat positions long, on which each map begins with its margin; and the end."""
        tops = [0]
        for height, _ in self.sizes:
            tops.append(tops[-1] + height + 2 * self.margin)
        return tuple(tops)

    @cached_property
    def first(self) -> int:
        """Flat position of the top left cell of the first map; at least as many follow the last cell."""
        return self.margin * self.stride + self.margin

    @cached_property
    def cells(self) -> int:
        """Number ``N`` of flat positions, margins included."""
        return self.stride * self.tops[-1]

    @property
    def several(self) -> bool:
        """Whether there is more than one map."""
        return len(self.sizes) > 1

    def rows(self, values: Sequence[Tensor], mode: str = "replicate") -> Tensor:
        """Lay out ``D×h×w`` values, one for each map, as ``N×D`` rows.

        The margins repeat the edge, or are 0 (mode "constant"). What lies to the right of a narrow map is 0.
        """
        padded = [
            F.pad(each[None], (self.margin,) * 4, mode=mode)[0] if self.margin else each for each in values
        ]
        if self.several:
            padded = [F.pad(each, (0, self.stride - each.shape[2])) for each in padded]
            return torch.cat([each.flatten(1) for each in padded], 1).t().contiguous()
        return padded[0].flatten(1).t().contiguous()

    def flat(self, row: Tensor, column: Tensor, index: Tensor | None = None) -> Tensor:
        """Flat positions of cells of the maps with these numbers; None for the first map."""
        if index is not None and self.several:
            row = row + self._of_maps(self.tops[:-1], index)
        return (row + self.margin) * self.stride + column + self.margin

    def place(self, flat: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Number of the map, row and column in that map, of flat positions."""
        line = torch.div(flat, self.stride, rounding_mode="floor")
        column = flat - line * self.stride - self.margin
        if not self.several:
            return torch.zeros_like(flat), line - self.margin, column
        inner = torch.tensor(self.tops[1:-1], device=flat.device)
        index = torch.bucketize(line, inner, right=True)
        return index, line - self._of_maps(self.tops[:-1], index) - self.margin, column

    def near(self, flat: Tensor, down: Tensor, right: Tensor) -> Tensor:
        """Flat positions so many rows and columns away, moved to the edge of the map where they leave it."""
        index, row, column = self.place(flat)
        if not self.several:
            (height, width) = self.sizes[0]
            return self.flat((row + down).clamp(0, height - 1), (column + right).clamp(0, width - 1))
        last_row, last_column = (
            self._of_maps([size[axis] - 1 for size in self.sizes], index) for axis in (0, 1)
        )
        row = (row + down).clamp_min(0).minimum(last_row)
        column = (column + right).clamp_min(0).minimum(last_column)
        return self.flat(row, column, index)

    def same_map(self, one: Tensor, other: Tensor) -> Tensor:
        """Whether two flat positions lie in the same map; positions outside all maps count to the nearest."""
        return self.place(one)[0] == self.place(other)[0]

    def square(self) -> list[int]:
        """Steps from a patch's centre to its cells, row by row."""
        reach = range(-self.margin, self.margin + 1)
        return [down * self.stride + right for down in reach for right in reach]

    @staticmethod
    def _of_maps(values: Sequence[int], index: Tensor) -> Tensor:
        return torch.tensor(values, device=index.device)[index]
