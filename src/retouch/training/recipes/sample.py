"""What the losses of a recipe are made of and what they return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from retouch.training.data import Batch, uniforms


class Term(NamedTuple):
    """A part of a loss: ``weight`` times ``value`` counts, ``value`` is logged."""

    weight: float
    value: Tensor


Losses = dict[str, Term]


def single_precision(image: Tensor) -> torch.autocast:
    """Within, critics stay in float32 under autocast: penalties and margins are small differences."""
    return torch.autocast(image.device.type, enabled=False)


def pasted(output: Tensor, image: Tensor, mask: Tensor) -> Tensor:
    """What a network made, on the hole; the photo elsewhere. ``B×3×H×W``, float32."""
    return torch.where(mask > 0, output.float(), image)


@dataclass(frozen=True)
class Sample:
    """A batch on its device.

    Attributes:
        image: ``B×3×H×W`` in [0, 1].
        mask: ``B×1×H×W``, 1 = hole.
        hole: the mask on the CPU, ``B×1×H×W`` bool, for what is computed there.
        mix: ``B`` in [0, 1), random; of each item alone, however samples are spread over devices.
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
