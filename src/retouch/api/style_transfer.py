"""``stylize``: give a picture the style of another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack, overload

from retouch.api.arguments import completed, shows
from retouch.api.shared import check_seed, target_file, to_model
from retouch.errors import RetouchError, needs_networks
from retouch.files import refuse_inputs

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image as PILImage

    from retouch.contract import Model, Progress
    from retouch.imaging import Photo
    from retouch.models.infer_match_translate.model import InferMatchTranslate
    from retouch.pictures import Picture

    Scalar = TypeVar("Scalar", bound=np.generic)

LARGEST_PATCH = 9
ENDING = "-stylized"
"""Added to the name of a photo where the caller names no file."""


class StylizeArguments(TypedDict, total=False):
    """The keyword arguments of :func:`stylize`.

    Attributes:
        strength: in [0, 1], the share of the style; 0 gives the picture as it is.
        patch: side of the patches that are swapped, odd, from 1 to 9 cells of 4 pixels (at the size being
            worked on, from coarse to fine). A larger one keeps more of the style's structure and less of the
            picture's.
        model: "infer-match-translate", a file of its weights, or that model as :func:`retouch.load` gave it.
        device: where a model given by name or file runs; see :func:`retouch.load`.
        seed: the same seed gives the same picture on the same device.
        on_progress: called with a :class:`retouch.contract.Progress` as the work goes on.
        output: only for a path: the file to write, or a folder (one that exists, or text that ends in a
            slash). None = the photo's folder. In a folder, the file is called ``<stem>-stylized<ext>``.
        overwrite: replace ``output`` if it exists.
        allow_huge: read files with more pixels than the safety limit.
    """

    strength: float
    patch: int
    model: str | Path | Model
    device: str
    seed: int
    on_progress: Callable[[Progress], None] | None
    output: str | Path | None
    overwrite: bool
    allow_huge: bool


DEFAULTS: StylizeArguments = {
    "strength": 1.0,
    "patch": 3,
    "model": "infer-match-translate",
    "device": "auto",
    "seed": 0,
    "on_progress": None,
    "output": None,
    "overwrite": False,
    "allow_huge": False,
}
"""The value of each argument that is not given."""


@overload
def stylize(image: str | Path, style: Picture, **given: Unpack[StylizeArguments]) -> Path: ...
@overload
def stylize(image: bytes, style: Picture, **given: Unpack[StylizeArguments]) -> bytes: ...
@overload
def stylize(
    image: np.ndarray[Any, np.dtype[Scalar]], style: Picture, **given: Unpack[StylizeArguments]
) -> np.ndarray[Any, np.dtype[Scalar]]: ...
@overload
def stylize(image: PILImage, style: Picture, **given: Unpack[StylizeArguments]) -> PILImage: ...
@overload
def stylize(image: Photo, style: Picture, **given: Unpack[StylizeArguments]) -> Photo: ...
@shows(StylizeArguments, DEFAULTS)
def stylize(image: Picture, style: Picture, **given: Unpack[StylizeArguments]) -> Any:
    """Give a picture the style of another: what it shows stays, made of patches of the other.

    Size, transparency, profile and metadata stay as they are; a grey picture stays grey. The input is never
    changed. docs/stylize.md says how it is done, and shows results.

    Args:
        image: of any type that :func:`retouch.fill` takes.
        style: of any of these types, of any size. What is transparent in it is not borrowed.
        **given: see :class:`StylizeArguments`.

    Returns:
        The picture, of the type that was handed over (for a path: the path written).

    Raises:
        RetouchError: what was handed over cannot be used; the text says why and what to do.

    References:
        Song et al., "Contextual-based Image Inpainting: Infer, Match, and Translate", ECCV 2018.
    """
    from retouch import imaging, pictures
    from retouch.api.opened import open_picture
    from retouch.api.recorded import agent

    with needs_networks("Style transfer"):
        from retouch.style.pipeline import stylize_photo

    arguments = completed(given, DEFAULTS)
    strength, patch = arguments["strength"], arguments["patch"]
    if isinstance(strength, bool) or not isinstance(strength, Real) or not 0 <= strength <= 1:  # also NaN
        raise RetouchError(f"The strength must be a number between 0 and 1, not {strength!r}.")
    if patch not in range(1, LARGEST_PATCH + 1, 2):
        raise RetouchError(f"The side of a patch must be odd, from 1 to {LARGEST_PATCH}, not {patch}.")
    check_seed(arguments["seed"])
    target = target_file(image, arguments["output"], ENDING)
    if target is not None:
        refuse_inputs(target, {"style": style})
    model = _model(arguments["model"], arguments["device"])
    opened = open_picture(
        image, target=target, overwrite=arguments["overwrite"], allow_huge=arguments["allow_huge"]
    )
    other = pictures.to_photo(style, allow_huge=arguments["allow_huge"])
    pictures.check_floats(image)
    pictures.check_floats(style)
    if strength == 0:
        same = replace(opened.photo, pixels=opened.photo.pixels.copy())  # never the caller's own array
        return opened.give_back(same, changed=False)

    made = stylize_photo(
        opened.photo,
        other,
        model.network.translate,
        model.vgg,
        strength=strength,
        patch=patch,
        seed=arguments["seed"],
        on_progress=arguments["on_progress"],
    )
    how = f"given the style of another picture with {model.name}, seed {arguments['seed']}"
    made = imaging.mark_edited(imaging.without_gain_map(made), imaging.Edited(True, agent(), how))
    return opened.give_back(made, changed=True)


def _model(model: str | Path | Model, device: str) -> InferMatchTranslate:
    with needs_networks("Style transfer"):
        from retouch.models.infer_match_translate.model import InferMatchTranslate

    model = to_model(model, device=device)
    if not isinstance(model, InferMatchTranslate):
        raise RetouchError(
            f"The model {model.name} cannot transfer a style; use {InferMatchTranslate.name}, or a file of "
            "its weights."
        )
    return model
