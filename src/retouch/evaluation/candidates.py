"""What can be measured: this package's models, weights files, and other tools."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import NamedTuple

from retouch.errors import RetouchError, missing_extra
from retouch.files import file_digest

# Other tools, and the module that each needs.
BASELINES = {"pypatchmatch": "patchmatch", "biharmonic": "skimage"}


class WeightsFile(NamedTuple):
    """A weights file to measure.

    Attributes:
        path: The file's path, perhaps followed by the model that refines its fill.
        sha256: The digest of its content; see :func:`~retouch.files.file_digest`.
    """

    path: str
    sha256: str


def check_models(models: Sequence[str], device: str = "auto") -> dict[str, WeightsFile | None]:
    """Check before measuring that every model works, and find its name in the report.

    Args:
        models: Names of models or other tools, and paths of weights files.
        device: Where the models are to run.

    Returns:
        In the same order, each model's name in the report (a weights file's stem) and its file, if it is one.

    Raises:
        RetouchError: There is no such model, file or device, two models share a name, or a tool is not
            installed.
    """
    from retouch.models import AUTO, CARDS
    from retouch.models.loading import check_device, load
    from retouch.models.specification import JOIN, Specification

    found: dict[str, WeightsFile | None] = {}
    for model in models:
        specification = Specification.parse(model)
        file = specification.file
        first = model.partition(JOIN)[0] if file is None else file.stem
        if file is None and first not in (*BASELINES, *(card.name for card in CARDS)):
            known = [*(card.name for card in CARDS if card.ready), *BASELINES]
            hint = f" The default model, auto, is {AUTO}." if first == "auto" else ""
            raise RetouchError(
                f"There is no model {first!r} to measure; choose from {', '.join(known)}, "
                f"or give a weights file.{hint}"
            )
        if file is None and first in BASELINES and specification.around:
            raise RetouchError(
                f"{specification.around[-1]} refines fills of this package's models, not of {first}."
            )
        name = model if file is None else JOIN.join((first, *specification.around))
        if models.count(model) > 1:
            raise RetouchError("A model is named twice; name each one once.")
        if name in found:
            raise RetouchError(f"Two models would be called {name} in the report; rename the file of one.")
        if name in BASELINES and file is None:
            if find_spec(BASELINES[name]) is None:
                raise missing_extra("evaluate", name)
        else:
            load(model, device="cpu")  # says what is wrong with its weights
        found[name] = WeightsFile(model, file_digest(file)) if file is not None else None
    check_device(device)
    return found
