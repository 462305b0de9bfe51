"""The settings of a training run: those that all recipes share, and those of the recipe."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from retouch.errors import RetouchError
from retouch.files import write_text
from retouch.options import build, dump
from retouch.training.damage import Damage
from retouch.training.masks import Mixture, Objects, Rectangles, Strokes
from retouch.training.recipes import RECIPES, Recipe

CONFIG = "config.yaml"
"""Name of the configuration file in the folder of a run."""


@dataclass(frozen=True)
class Data:
    """The training data.

    Attributes:
        size: Height and width of a crop, in pixels.
        scale: Least and greatest shorter side of the scaled picture, as a multiple of ``size``.
        masks: Sampler of the holes; or what damages the pictures, for a network that finds damage.
        held_out: Number of pictures kept for validation grids and figures, and never trained on.
    """

    size: int = 256
    scale: tuple[float, float] = (1.0, 2.0)
    masks: Rectangles | Strokes | Objects | Mixture | Damage = field(default_factory=Rectangles)
    held_out: int = 32

    def __post_init__(self) -> None:
        if self.held_out < 1 or self.size > 1024:
            raise ValueError("held_out must be at least 1, and size at most 1024")


@dataclass(frozen=True)
class Optimizer:
    """Adam, for the generator and for the critic (Kingma and Ba, ICLR 2015).

    Attributes:
        lr: Learning rate.
        betas: Decay of the running averages of the gradient and of its square.
        clip: The greatest norm of a gradient (Pascanu et al., ICML 2013): a longer one is shortened to it,
            for each network by itself. 0 leaves all as they are.
    """

    lr: float = 1e-4
    betas: tuple[float, float] = (0.5, 0.9)
    clip: float = 0.0

    def __post_init__(self) -> None:
        kept = 0 < self.lr < math.inf and 0 <= self.clip < math.inf
        if not kept or not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError("lr must be greater than 0, clip at least 0, and betas must lie in [0, 1)")


@dataclass(frozen=True)
class Schedule:
    """How the learning rate changes.

    Attributes:
        warmup: Number of steps over which it rises from 0.
        decay: How it falls after that, until the last step.
        final: Its value at the last step, as a fraction of ``lr``.
    """

    warmup: int = 0
    decay: Literal["none", "linear", "cosine"] = "none"
    final: float = 0.0

    def __post_init__(self) -> None:
        if self.warmup < 0 or not 0 <= self.final <= 1:
            raise ValueError("warmup must be at least 0, and final in [0, 1]")

    def factor(self, step: int, steps: int) -> float:
        """Return the factor on the learning rate at ``step`` (from 0) of ``steps``."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        if self.decay == "none":
            return 1.0
        part = min(1.0, (step - self.warmup) / max(1, steps - self.warmup))
        falling = 1 - part if self.decay == "linear" else (1 + math.cos(math.pi * part)) / 2
        return self.final + (1 - self.final) * falling


@dataclass(frozen=True)
class Watch:
    """How often something is written, in steps.

    Attributes:
        log_every: A line on the terminal, and figures in ``metrics.csv``.
        validate_every: A validation grid and the figures of the held-out pictures. The first grid is written
            before the first step, the last after the last step.
        checkpoint_every: A checkpoint. The end and every stop write one as well.
    """

    log_every: int = 100
    validate_every: int = 1000
    checkpoint_every: int = 500

    def __post_init__(self) -> None:
        if min(self.log_every, self.validate_every, self.checkpoint_every) < 1:
            raise ValueError("log_every, validate_every and checkpoint_every must be at least 1")


@dataclass(frozen=True)
class Run:
    """The settings that all recipes share.

    Attributes:
        model: The model whose networks are trained.
        steps: Total number of generator steps.
        batch: Samples per step, over all devices.
        accumulate: Number of parts into which a step's samples are split. More parts need less memory and
            give the same result, but for batch normalisation and what is drawn once for each part.
        seed: Seed of weights, samples and losses.
        average: Decay of the running average of the generator's weights. The average is what gets exported.
        data: The training data.
        optimizer: The optimizer of generator and critic.
        schedule: Schedule of the learning rate.
        watch: How often something is written.
    """

    model: str
    steps: int
    batch: int = 16
    accumulate: int = 1
    seed: int = 0
    average: float = 0.999
    data: Data = field(default_factory=Data)
    optimizer: Optimizer = field(default_factory=Optimizer)
    schedule: Schedule = field(default_factory=Schedule)
    watch: Watch = field(default_factory=Watch)

    def __post_init__(self) -> None:
        if min(self.steps, self.batch, self.accumulate) < 1:
            raise ValueError("steps, batch and accumulate must be at least 1")
        if not 0 <= self.seed < 2**63:
            raise ValueError("seed must be at least 0 and less than 2 to the 63rd")
        if not 0 <= self.average < 1:
            raise ValueError("average must lie in [0, 1)")


@dataclass(frozen=True)
class Config:
    """A whole configuration file: the shared settings, and the model's own under ``recipe``.

    Attributes:
        run: The shared settings.
        recipe: Networks and losses of ``run.model``.
    """

    run: Run
    recipe: Recipe


def build_config(content: Mapping[str, Any]) -> Config:
    """Make a configuration from the content of its file.

    Raises:
        RetouchError: A key or the model does not exist, or a value is of the wrong type.
    """
    shared = {key: value for key, value in content.items() if key != "recipe"}
    model = shared.get("model")
    if not isinstance(model, str) or model not in RECIPES:
        raise RetouchError(f"The setting model must be one of {', '.join(RECIPES)}, not {model!r}.")
    run = build(Run, shared)
    recipe = build(RECIPES[model], content.get("recipe", {}), "recipe")
    recipe.check(run.data.size)
    return Config(run, recipe)


def dump_config(config: Config) -> dict[str, Any]:
    """Return plain values from which :func:`build_config` makes the same configuration."""
    return {**dump(config.run), "recipe": dump(config.recipe)}


def write_config(folder: Path, config: Config) -> None:
    """Write :data:`CONFIG` atomically into the folder of a run."""
    content = yaml.safe_dump(dump_config(config), sort_keys=False)
    write_text(content, folder / CONFIG, overwrite=True)


def differences(one: Mapping[str, Any], other: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the settings that differ, by dotted name, each with both values; None stands for no value."""
    found: dict[str, Any] = {}
    for key in [*one, *(key for key in other if key not in one)]:
        before, after = one.get(key), other.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            found |= differences(before, after, f"{prefix}{key}.")
        elif before != after:
            found[prefix + key] = (before, after)
    return found
