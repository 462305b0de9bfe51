"""The input and the output of a recipe's losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from retouch.training.data import Batch, uniforms


class Term(NamedTuple):
    """A term of a loss. It contributes ``weight`` times ``value``; ``value`` is logged."""

    weight: float
    value: Tensor


Losses = dict[str, Term]


def single_precision(image: Tensor) -> torch.autocast:
    """Context in which critics run in float32 under autocast: penalties and margins need the precision."""
    return torch.autocast(image.device.type, enabled=False)


def pasted(output: Tensor, image: Tensor, mask: Tensor) -> Tensor:
    """Paste a network's output into the hole of the photo: ``B×3×H×W``, float32."""
    return torch.where(mask > 0, output.float(), image)


@dataclass(frozen=True)
class Sample:
    """A batch on its device.

    Attributes:
        image: ``B×3×H×W`` in [0, 1].
        mask: ``B×1×H×W``, 1 = hole.
        hole: The mask on the CPU, ``B×1×H×W`` bool.
        mix: ``B`` random numbers in [0, 1). Each depends on its sample alone, not on the device or batch.
    """

    image: Tensor
    mask: Tensor
    hole: Tensor
    mix: Tensor

    @classmethod
    def of(cls, batch: Batch, seed: int, device: torch.device) -> Sample:
        """Send a batch to ``device``."""
        image, mask = batch.pair(device)
        mix = uniforms(seed, batch.number, len(batch.images)).to(device)
        return cls(image, mask, batch.masks, mix)
