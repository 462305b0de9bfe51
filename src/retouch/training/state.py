"""The state of a run: networks, their running average, optimizers, and counters."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from retouch.errors import RetouchError
from retouch.training.data import layout
from retouch.training.settings import Config, dump_config


@dataclass
class State:
    """The state of a run between two steps.

    Attributes:
        generator: The network that fills.
        critic: The network that scores fills.
        average: Running average of the generator.
        optimizers: The optimizers of "generator" and "critic".
        step: Number of generator steps done.
        sample: Number of the next sample.
        seconds: Training time so far.
        data: The training data: an entry for each change, with the step and the pictures.
        held_out: Names of the held-out pictures.
    """

    generator: nn.Module
    critic: nn.Module
    average: nn.Module
    optimizers: dict[str, torch.optim.Adam]
    step: int = 0
    sample: int = 0
    seconds: float = 0.0
    data: list[dict[str, Any]] = field(default_factory=list)
    held_out: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, config: Config, device: torch.device) -> State:
        """Build the networks with random weights that depend on the seed alone."""
        run, recipe = config.run, config.recipe
        # Drawn on the CPU, so that a seed gives the same weights on every device.
        torch.manual_seed(run.seed)
        generator, critic = (
            network.to(device, memory_format=layout(device))  # type: ignore[call-overload]
            for network in (recipe.generator(), recipe.critic(run.data.size))
        )
        average = deepcopy(generator).eval().requires_grad_(False)
        adam = {
            name: torch.optim.Adam(
                network.parameters(), lr=run.optimizer.lr, betas=run.optimizer.betas, fused=True
            )
            for name, network in (("generator", generator), ("critic", critic))
        }
        return cls(generator, critic, average, adam)

    def follow(self, decay: float) -> None:
        """Update the running average; early in training it moves faster than ``decay`` says."""
        decay = min(decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mine, its in zip(self.average.parameters(), self.generator.parameters(), strict=True):
                mine.lerp_(its, 1 - decay)
            # The statistics of batch normalisation are averages already.
            for kept, seen in zip(self.average.buffers(), self.generator.buffers(), strict=True):
                kept.copy_(seen)

    def dump(self, config: Config) -> dict[str, Any]:
        """Return the whole state, for :func:`retouch.training.checkpoint.save_checkpoint`."""
        return {
            "config": dump_config(config),
            "step": self.step,
            "sample": self.sample,
            "seconds": self.seconds,
            "data": self.data,
            "held_out": self.held_out,
            "generator": self.generator.state_dict(),
            "critic": self.critic.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": {name: each.state_dict() for name, each in self.optimizers.items()},
        }

    def load(self, content: dict[str, Any]) -> None:
        """Restore the state that :meth:`dump` returned.

        Raises:
            RetouchError: It belongs to networks of another shape.
        """
        try:
            for name in ("generator", "critic", "average"):
                getattr(self, name).load_state_dict(content[name])
            for name, optimizer in self.optimizers.items():
                optimizer.load_state_dict(content["optimizers"][name])
                _as_parameters(optimizer)
        except (KeyError, RuntimeError, ValueError) as error:
            raise RetouchError(
                "The checkpoint does not fit the networks of this configuration; resume with the one that it "
                "was made with, config.yaml beside it."
            ) from error
        self.step, self.sample = content["step"], content["sample"]
        self.seconds, self.data = content["seconds"], content["data"]
        self.held_out = content["held_out"]


def _as_parameters(optimizer: torch.optim.Optimizer) -> None:
    """Lay the moments out in memory as their parameters are.

    A fused optimizer takes that for granted, and on a processor it does not check it: with another layout, as
    checkpoints had before networks were channels last, it would take the moments of other weights.
    """
    for parameter, moments in optimizer.state.items():
        for name, moment in moments.items():
            if moment.shape == parameter.shape:
                moments[name] = torch.empty_like(parameter, dtype=moment.dtype).copy_(moment)
