"""Where a refined fill was taken from, if some of its holes are the content's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from retouch.contract import Correspondence


@dataclass(frozen=True)
class MixedCorrespondence:
    """One correspondence in some of the holes, another one elsewhere.

    Attributes:
        where: ``B×1×H×W`` bool, True where ``one`` counts.
        one: a correspondence of pictures of this size.
        other: another.
    """

    where: Tensor
    one: Correspondence
    other: Correspondence

    def source_map(self) -> Tensor:
        """See :class:`~retouch.contract.Correspondence`."""
        return torch.where(self.where, self.one.source_map(), self.other.source_map())

    def transfer(self, values: Tensor, scale: int = 1) -> Tensor:
        """See :class:`~retouch.contract.Correspondence`."""
        where = self.where.repeat_interleave(scale, 2).repeat_interleave(scale, 3)
        return torch.where(where, self.one.transfer(values, scale), self.other.transfer(values, scale))


@dataclass(frozen=True)
class BatchCorrespondence:
    """The correspondences of the items of a batch, one by one.

    Attributes:
        items: for each item, the correspondence of a batch of one.
    """

    items: Sequence[Correspondence]

    def source_map(self) -> Tensor:
        """See :class:`~retouch.contract.Correspondence`."""
        return torch.cat([each.source_map() for each in self.items])

    def transfer(self, values: Tensor, scale: int = 1) -> Tensor:
        """See :class:`~retouch.contract.Correspondence`."""
        carried = [each.transfer(values[item : item + 1], scale) for item, each in enumerate(self.items)]
        return torch.cat(carried)
