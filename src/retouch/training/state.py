"""All that a run has learned and must keep: networks, their average, optimizers, and how far it is."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from retouch.errors import RetouchError
from retouch.training.settings import Config, dump_config


@dataclass
class State:
    """A run between two steps.

    Attributes:
        generator: the network that fills.
        critic: the network that judges.
        average: the running average of the generator.
        optimizers: of "generator" and "critic".
        step: steps of the generator done.
        sample: number of the first sample that was not seen yet.
        seconds: trained so far.
        data: what was trained on: for each change of it the step, and the pictures.
        held_out: names of the pictures that are held out.
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
        """Networks with random weights, which the seed decides."""
        run, recipe = config.run, config.recipe
        # On the CPU, and alike on every device: the same seed gives the same weights wherever they train.
        torch.manual_seed(run.seed)
        generator, critic = recipe.generator().to(device), recipe.critic(run.data.size).to(device)
        average = deepcopy(generator).eval().requires_grad_(False)
        adam = {
            name: torch.optim.Adam(network.parameters(), lr=run.optimizer.lr, betas=run.optimizer.betas)
            for name, network in (("generator", generator), ("critic", critic))
        }
        return cls(generator, critic, average, adam)

    def follow(self, decay: float) -> None:
        """Let the average follow the generator, at first faster than ``decay`` says: it forgets the start."""
        decay = min(decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mine, its in zip(self.average.parameters(), self.generator.parameters(), strict=True):
                mine.lerp_(its, 1 - decay)
            # Statistics of batch normalisation are averages already.
            for kept, seen in zip(self.average.buffers(), self.generator.buffers(), strict=True):
                kept.copy_(seen)

    def dump(self, config: Config) -> dict[str, Any]:
        """All of it, for :func:`retouch.training.checkpoint.save_checkpoint`."""
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
        """Take over what :meth:`dump` returned.

        Raises:
            RetouchError: it comes from networks of another shape.
        """
        try:
            for name in ("generator", "critic", "average"):
                getattr(self, name).load_state_dict(content[name])
            for name, optimizer in self.optimizers.items():
                optimizer.load_state_dict(content["optimizers"][name])
        except (KeyError, RuntimeError, ValueError) as error:
            raise RetouchError(
                "The checkpoint does not fit the networks of this configuration; resume with the one that it "
                "was made with, config.yaml beside it."
            ) from error
        self.step, self.sample = content["step"], content["sample"]
        self.seconds, self.data = content["seconds"], content["data"]
        self.held_out = content["held_out"]
