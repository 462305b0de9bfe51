"""Where a fill was taken from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Correspondence(Protocol):
    """Where a fill was taken from: for each pixel of the hole, its source in the known area."""

    def source_map(self) -> Tensor:
        """Row and column each pixel was taken from, ``B×2×H×W`` int64; -1 where nothing was borrowed.

        Where several sources were mixed, this is the one with the greatest weight.
        """
        ...

    def transfer(self, values: Tensor, scale: int = 1) -> Tensor:
        """Copy ``values`` (``B×C×(H·scale)×(W·scale)``) from the sources into the hole."""
        ...


@dataclass(frozen=True)
class SourceMap:
    """A correspondence where each pixel has one source.

    Attributes:
        sources: ``B×2×H×W`` int64, row and column each pixel was taken from; -1 where nothing was borrowed.
    """

    sources: Tensor

    def source_map(self) -> Tensor:
        """See :class:`Correspondence`."""
        return self.sources

    def transfer(self, values: Tensor, scale: int = 1) -> Tensor:
        """See :class:`Correspondence`."""
        import torch

        found = self.sources.to(values.device).repeat_interleave(scale, 2).repeat_interleave(scale, 3)
        down, across = (torch.arange(side, device=values.device) % scale for side in values.shape[2:])
        places = (found[:, 0] * scale + down[:, None]) * values.shape[3] + found[:, 1] * scale + across
        borrowed = found[:, :1] >= 0
        places = torch.where(borrowed, places[:, None], 0).flatten(2)
        carried = values.flatten(2).gather(2, places.expand(-1, values.shape[1], -1)).view_as(values)
        return torch.where(borrowed, carried, values)


@dataclass(frozen=True)
class CroppedCorrespondence:
    """The correspondence of a padded picture, cropped to the picture without its padding.

    Attributes:
        padded: the correspondence of the padded picture. It has no source in the padding.
        below: rows that were added at the bottom.
        right: columns that were added at the right.
    """

    padded: Correspondence
    below: int
    right: int

    def source_map(self) -> Tensor:
        """See :class:`Correspondence`."""
        found = self.padded.source_map()
        return found[..., : found.shape[2] - self.below, : found.shape[3] - self.right]

    def transfer(self, values: Tensor, scale: int = 1) -> Tensor:
        """See :class:`Correspondence`."""
        from torch.nn import functional as F

        height, width = values.shape[2:]
        margins = (0, self.right * scale, 0, self.below * scale)
        carried = self.padded.transfer(F.pad(values, margins, mode="replicate"), scale)
        return carried[..., :height, :width]


def crop_correspondence(found: Correspondence, below: int, right: int) -> Correspondence:
    """Undo a padding: crop ``below`` rows and ``right`` columns from a correspondence."""
    return CroppedCorrespondence(found, below, right) if below or right else found
