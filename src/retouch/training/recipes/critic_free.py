"""What the recipes without a critic share."""

from __future__ import annotations

import torch
from torch import nn

from retouch.training.recipes.sample import Losses, Sample


class CriticFree:
    """The parts of a recipe that concern a critic, where there is none."""

    @property
    def critic_steps(self) -> int:
        """There is no critic."""
        return 0

    @property
    def adversarial_from(self) -> int:
        """There is no critic."""
        return 0

    def critic(self, size: int) -> nn.Module:
        """Return an empty network; it has a parameter because the optimizer needs one."""
        return nn.ParameterList([torch.zeros(0)])

    def critic_losses(self, generator: nn.Module, critic: nn.Module, sample: Sample) -> Losses:
        """None."""
        return {}
