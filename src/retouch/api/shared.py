"""What ``fill`` and ``stylize`` share. Nothing slow is imported here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retouch.errors import RetouchError
from retouch.models.loading import load
from retouch.models.specification import Specification

if TYPE_CHECKING:
    from retouch.contract import Model
    from retouch.pictures import Picture


def to_model(
    model: str | Path | Model,
    *,
    device: str,
    refine: bool = False,
    options: Mapping[str, Any] | None = None,
) -> Model:
    """Load a model given by name or file; a loaded model is returned as it is.

    Args:
        model: a name, a weights file, or what :func:`retouch.load` returned.
        device: as in :func:`retouch.load`.
        refine: refine the fill of the model with neural-patch.
        options: as in :func:`retouch.load`.

    Raises:
        RetouchError: it cannot be loaded; or it is already loaded, and the other arguments would change it;
            or it is no model.
    """
    from retouch.contract import Model

    if options is not None and not isinstance(options, Mapping):
        raise RetouchError(f"options= takes a dict, such as {{'patch': 7}}, not {options!r}.")
    if isinstance(model, (str, Path)):
        specification = Specification.parse(model)
        return load(specification.refined() if refine else specification, device=device, options=options)
    if not isinstance(model, Model):
        raise RetouchError(f"model= takes a name, a file or what retouch.load returned, not {model!r}.")
    if device != "auto":
        raise RetouchError("A model that is loaded already stays where it is; give device= to retouch.load.")
    if refine or options:
        raise RetouchError(
            "A model that is loaded already stays as it is; give options= to retouch.load, and for refine= "
            'its name, such as "exemplar+neural-patch".'
        )
    return model


def check_seed(seed: int) -> None:
    """Raise :class:`RetouchError` unless a seed is a whole number of 64 bits, from which torch can start."""
    if not isinstance(seed, Integral):
        raise RetouchError(f"The seed must be a whole number, not {seed!r}.")
    if not -(2**63) <= seed < 2**63:
        raise RetouchError(f"The seed {seed} is too large; use a whole number between -2⁶³ and 2⁶³ - 1.")


def target_file(image: Picture, output: str | Path | None, ending: str) -> Path | None:
    """Return the file to write; None for what is handed back in memory.

    Args:
        image: the picture that was handed over.
        output: the file or the folder that the caller asked for; None for the photo's folder.
        ending: as in :func:`output_file`.

    Raises:
        RetouchError: a file was asked for, and the picture did not come from one.
    """
    if isinstance(image, (str, Path)):
        return output_file(Path(image), output, ending)
    if output is not None:
        raise RetouchError("output= is for a picture given as a path; any other kind is handed back.")
    return None


def output_file(photo: Path, output: str | Path | None, ending: str) -> Path:
    """Return the file to write for a photo that was read from a file.

    Args:
        photo: the photo's own file.
        output: a file; or a folder, which exists or ends in a slash; None for the photo's folder.
        ending: what is added to the photo's name where the caller names a folder only, such as "-filled".
    """
    if output is not None and not is_folder(output):
        return Path(output)
    folder = photo.parent if output is None else Path(output)
    return folder / f"{photo.stem}{ending}{photo.suffix}"


def is_folder(output: str | Path) -> bool:
    """Whether a place to write to means a folder: one that exists, or text that ends in a slash."""
    return str(output).endswith(("/", os.sep)) or os.path.isdir(output)  # noqa: PTH112  # no error for long names
