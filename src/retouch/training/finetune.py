"""To begin a run with weights that were learned before, ours or the user's, instead of random ones."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from retouch.errors import RetouchError
from retouch.training.settings import Config
from retouch.training.state import State
from retouch.weights import ENDING, Weights, read_weights, restore, shipped, shipped_names


def fitting(weights: str | Path, config: Config) -> Weights:
    """Read weights, and make sure that a run of this configuration can begin with them.

    Args:
        weights: a file, or the name of one that is part of the package, such as "pen-net-lite".
        config: of the run.

    Raises:
        RetouchError: there is no such file, or its network is not that of the configuration.
    """
    path = Path(weights)
    if not path.is_file():
        if str(weights) not in (names := shipped_names()):
            raise RetouchError(
                f"There is no weights file {weights}; name one of yours, or one of {', '.join(names)}."
            )
        path = shipped(f"{weights}{ENDING}")
    given = read_weights(path)
    if given.model != config.run.model:
        raise RetouchError(
            f"{path.name} holds weights of {given.model}, and the configuration is for {config.run.model}; "
            "give a configuration of that model, or leave out --from."
        )
    try:
        restore(config.recipe.generator(), given)
    except RetouchError as error:
        raise RetouchError(
            f"{path.name} does not fit the network of this configuration; its settings must be those it was "
            f"trained with, such as recipe.width: {given.about.get('config', {}).get('recipe', {})}."
        ) from error
    return given


def begin_with(state: State, weights: Weights) -> None:
    """Give the generator and its running average these weights; the critic begins anew.

    What the run is exported with says where it began: ``data`` opens with the file's digest, steps and data.
    """
    restore(state.generator, weights)
    restore(state.average, weights)
    began: dict[str, Any] = {
        "file": weights.path.name,
        "sha256": hashlib.sha256(weights.path.read_bytes()).hexdigest(),
    }
    began |= {name: weights.about[name] for name in ("steps", "seconds", "data") if name in weights.about}
    state.data.append({"step": 0, "began_with": began})
