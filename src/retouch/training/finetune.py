"""Start a run from existing weights instead of random ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from retouch.errors import RetouchError
from retouch.files import file_digest
from retouch.training.settings import Config
from retouch.training.state import State
from retouch.weights import ENDING, Weights, read_weights, restore, shipped, shipped_names


def fitting(weights: str | Path, config: Config, option: str = "--from") -> Weights:
    """Read weights, and check that they fit a configuration.

    Args:
        weights: A file, or the name of one that ships with the package, such as "pen-net-lite".
        config: Configuration of the run.
        option: What the weights were given with, for error messages.

    Raises:
        RetouchError: There is no such file, or its network differs from the configuration's.
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
            f"give both of one model, or leave out {option}."
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
    """Load weights into the generator and its running average. The critic keeps its random weights.

    The first entry of ``state.data`` then records the file's digest, steps and data, and so will exports.
    """
    restore(state.generator, weights)
    restore(state.average, weights)
    state.data.append({"step": 0, "began_with": told(weights)})


def told(weights: Weights) -> dict[str, Any]:
    """Say which file weights are of, and what they learned from."""
    about, kept = weights.about, ("steps", "seconds", "data")
    named: dict[str, Any] = {"file": weights.path.name, "sha256": file_digest(weights.path)}
    return named | {name: about[name] for name in kept if name in about}
