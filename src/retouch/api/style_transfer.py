"""The Python door of style transfer: ``retouch.stylize``; what is slow to import is imported inside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retouch.api.shared import target_file, to_model
from retouch.errors import RetouchError

if TYPE_CHECKING:
    from retouch.contract import Model, Progress
    from retouch.models.infer_match_translate.model import InferMatchTranslate
    from retouch.pictures import Picture

LARGEST_PATCH = 9
ENDING = "-stylized"
"""Added to the name of a photo where the caller names no file."""


def stylize(
    image: Picture,
    style: Picture,
    *,
    strength: float = 1.0,
    patch: int = 3,
    model: str | Path | Model = "infer-match-translate",
    device: str = "auto",
    seed: int = 0,
    on_progress: Callable[[Progress], None] | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    allow_huge: bool = False,
) -> Any:
    """Give a picture the style of another: what it shows stays, made of patches of the other.

    Size, transparency, profile and metadata stay as they are; a grey picture stays grey. The input is never
    changed. docs/stylize.md says how it is done, and shows results.

    Args:
        image: of any kind that :func:`retouch.fill` takes.
        style: of any of these kinds, of any size. What is transparent in it is not borrowed.
        strength: in [0, 1], the share of the style; 0 gives the picture as it is.
        patch: side of the patches that are swapped, odd, from 1 to 9 cells of 4 pixels (at the size that is
            at work, from coarse to fine); a larger one keeps more of the style's structure and less of the
            picture's.
        model: "infer-match-translate", a file of its weights, or that model as :func:`retouch.load` gave it.
        device: where a model given by name or file runs; see :func:`retouch.load`.
        seed: the same seed gives the same picture on the same device.
        on_progress: called with a :class:`retouch.contract.Progress` as the work goes on.
        output: for a path only: the file to write. None = ``<stem>-stylized<ext>`` beside it.
        overwrite: replace ``output`` if it is there.
        allow_huge: read files of more pixels than is prudent.

    Returns:
        The picture, of the kind that was handed over (for a path: the path written).

    Raises:
        RetouchError: what was handed over cannot be used; the text says why and what to do.

    References:
        Song et al., "Contextual-based Image Inpainting: Infer, Match, and Translate", ECCV 2018.
    """
    import numpy as np

    from retouch import imaging, pictures
    from retouch.style.pipeline import stylize_photo

    if not 0 <= strength <= 1:  # also true of NaN
        raise RetouchError(f"The strength must lie between 0 and 1, not {strength:g}.")
    if patch not in range(1, LARGEST_PATCH + 1, 2):
        raise RetouchError(f"The side of a patch must be odd, from 1 to {LARGEST_PATCH}, not {patch}.")
    target = target_file(image, output, ENDING)
    able = _model(model, device)
    photo = pictures.to_photo(image, allow_huge=allow_huge)
    if isinstance(image, (str, Path, bytes)):
        imaging.check_target(target, overwrite=overwrite, photo=photo)
    everything = np.ones(photo.pixels.shape[:2], dtype=bool)
    pictures.check_floats(image, ~everything)
    other = pictures.to_photo(style, allow_huge=allow_huge)
    pictures.check_floats(style, np.zeros(other.pixels.shape[:2], dtype=bool))
    changed = strength > 0
    if changed:
        made = stylize_photo(
            photo,
            other,
            able.network.translate,
            able.vgg,
            strength=strength,
            patch=patch,
            seed=seed,
            on_progress=on_progress,
        )
    else:
        made = replace(photo, pixels=photo.pixels.copy())  # never the caller's own array
    if isinstance(image, (str, Path, bytes)):
        return pictures.save(image, made, target, changed=changed, overwrite=overwrite) or target
    return pictures.give_back(image, photo, made, everything & changed)


def _model(model: str | Path | Model, device: str) -> InferMatchTranslate:
    from retouch.models.infer_match_translate.model import InferMatchTranslate

    model = to_model(model, device=device)
    if not isinstance(model, InferMatchTranslate):
        raise RetouchError(
            f"The model {model.name} cannot transfer a style; use {InferMatchTranslate.name}, or a file of "
            "its weights."
        )
    return model
