"""What ``fill`` and ``stylize`` share. Nothing slow is imported here."""

from __future__ import annotations

from collections.abc import Mapping
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
        RetouchError: it cannot be loaded; or it is already loaded, and the other arguments would change it.
    """
    if isinstance(model, (str, Path)):
        specification = Specification.parse(model)
        return load(specification.refined() if refine else specification, device=device, options=options)
    if device != "auto":
        raise RetouchError("A model that is loaded already stays where it is; give device= to retouch.load.")
    if refine or options:
        raise RetouchError(
            "A model that is loaded already stays as it is; give options= to retouch.load, and for refine= "
            'its name, such as "exemplar+neural-patch".'
        )
    return model


def target_file(image: Picture, output: str | Path | None, ending: str) -> Path | None:
    """Return the file to write; None for what is handed back in memory.

    Args:
        image: the picture that was handed over.
        output: what the caller asked for, None for the name of :func:`beside`.
        ending: as in :func:`beside`.

    Raises:
        RetouchError: a file was asked for, and the picture did not come from one.
    """
    if isinstance(image, (str, Path)):
        return Path(output) if output is not None else beside(Path(image), ending)
    if output is not None:
        raise RetouchError("output= is for a picture given as a path; any other kind is handed back.")
    return None


def beside(photo: Path, ending: str) -> Path:
    """Return the name that what is made of a photo gets when the caller names none.

    Args:
        photo: the photo's own file.
        ending: what is added to its name, such as "-filled".
    """
    return photo.parent / f"{photo.stem}{ending}{photo.suffix}"
