"""``fill`` and ``inpaint``: fill the holes of a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Unpack, overload

from retouch.api import recorded
from retouch.api.arguments import DEFAULTS, FillArguments, InpaintArguments, completed, shows
from retouch.api.result import Result
from retouch.api.shared import check_seed, target_file, to_model
from retouch.errors import RetouchError, needs_networks
from retouch.files import read_once, refuse_inputs

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image as PILImage

    from retouch.api.opened import Masks, Opened
    from retouch.engine.filled import PhotoFill
    from retouch.imaging import Photo
    from retouch.pictures import Picture

    Scalar = TypeVar("Scalar", bound=np.generic)

ENDING = "-filled"
"""Added to the name of a photo where the caller names no file."""
_MASKS: tuple[Literal["include", "avoid", "lines"], ...] = ("include", "avoid", "lines")


@overload
def fill(image: str | Path, mask: Picture | None = None, **given: Unpack[FillArguments]) -> Result[Path]: ...
@overload
def fill(image: bytes, mask: Picture | None = None, **given: Unpack[FillArguments]) -> Result[bytes]: ...
@overload
def fill(
    image: np.ndarray[Any, np.dtype[Scalar]],
    mask: Picture | None = None,
    **given: Unpack[FillArguments],
) -> Result[np.ndarray[Any, np.dtype[Scalar]]]: ...
@overload
def fill(
    image: PILImage, mask: Picture | None = None, **given: Unpack[FillArguments]
) -> Result[PILImage]: ...
@overload
def fill(image: Photo, mask: Picture | None = None, **given: Unpack[FillArguments]) -> Result[Photo]: ...
@shows(FillArguments, DEFAULTS)
def fill(image: Picture, mask: Picture | None = None, **given: Unpack[FillArguments]) -> Result[Any]:
    """Fill the holes of a picture and say what they were filled from.

    Every known pixel comes back as it was, bit for bit (for JPEG files see docs/files.md). The
    input is never changed.

    Args:
        image: a path; or a numpy array ``H×W``, ``H×W×1``, ``H×W×3`` or ``H×W×4`` (the fourth is alpha) of
            uint8, uint16, or float32/float64 of any range; or a PIL image (L, LA, RGB, RGBA, P, I;16). Arrays
            are taken as sRGB; OpenCV's BGR order works too. A palette image comes back as RGB or RGBA.
            For programs there are two more: the bytes of an image file, and a :class:`retouch.imaging.Photo`.
            A path may be that of a named pipe, here and wherever else a picture is read.
        mask: a picture of any of these types, whatever ``image`` is, or an array of any numbers; white (at
            least half) = fill this, and of two values the larger one, of numbers of classes all but 0. On a
            transparent layer the strokes are filled, in a copy of the photo what was erased. docs/masks.md
            has all rules; the result's ``notes`` say which was followed where that is not obvious. None =
            fill what is transparent, even in part. A picture that looks like a photo is refused; see
            ``trust_mask``.
        **given: see :class:`retouch.api.arguments.FillArguments`.

    Raises:
        RetouchError: the picture cannot be filled; the text says why and what to do.

    Example:
        >>> import numpy, retouch
        >>> image = numpy.full((48, 64, 3), 90, numpy.uint8)
        >>> mask = numpy.zeros((48, 64), numpy.uint8)
        >>> mask[20:28, 30:40] = 255
        >>> retouch.fill(image, mask, model="telea").image.shape
        (48, 64, 3)
    """
    return _fill(image, mask, completed(given, DEFAULTS))


@overload
def inpaint(image: str | Path, mask: Picture | None = None, **given: Unpack[InpaintArguments]) -> Path: ...
@overload
def inpaint(image: bytes, mask: Picture | None = None, **given: Unpack[InpaintArguments]) -> bytes: ...
@overload
def inpaint(
    image: np.ndarray[Any, np.dtype[Scalar]],
    mask: Picture | None = None,
    **given: Unpack[InpaintArguments],
) -> np.ndarray[Any, np.dtype[Scalar]]: ...
@overload
def inpaint(image: PILImage, mask: Picture | None = None, **given: Unpack[InpaintArguments]) -> PILImage: ...
@overload
def inpaint(image: Photo, mask: Picture | None = None, **given: Unpack[InpaintArguments]) -> Photo: ...
@shows(InpaintArguments, DEFAULTS)
def inpaint(image: Picture, mask: Picture | None = None, **given: Unpack[InpaintArguments]) -> Any:
    """Fill the holes of a picture and return it, as the same type that was handed over.

    This is ``fill(…, trace=False).image``; arguments and errors are those of :func:`fill`.
    """
    untraced: FillArguments = {**given, "trace": False}
    return _fill(image, mask, completed(untraced, DEFAULTS)).image


def fill_at(image: Photo, mask: Picture | None, when: str, **given: Unpack[FillArguments]) -> Result[Photo]:
    """Fill a photo as at another time, which its file and its record then name; else as :func:`fill`."""
    return _fill(image, mask, completed(given, DEFAULTS), when)


def _fill(
    image: Picture, mask: Picture | None, arguments: FillArguments, when: str | None = None
) -> Result[Any]:
    from retouch import pictures
    from retouch.api.opened import open_picture, read_masks
    from retouch.engine.filled import filled_by
    from retouch.engine.wrapping import fill_wrapping

    check_seed(arguments["seed"])
    target = target_file(image, arguments["output"], ENDING)
    identity = recorded.identity_of(arguments["sign"], arguments["tsa"])
    recorded.check_places(image, target, arguments)
    if target is not None:
        _check_inputs(image, mask, target, arguments)
    image, mask, arguments = read_once(image), read_once(mask), _pipes_read(arguments)
    model = to_model(
        arguments["model"],
        device=arguments["device"],
        refine=arguments["refine"],
        options=arguments["options"],
    )
    by_network = model.by_network
    if arguments["confidence"]:
        with needs_networks("Confidence"):
            from retouch.confidence.around import with_confidence

        model = with_confidence(model)
    opened = open_picture(
        image,
        target=target,
        overwrite=arguments["overwrite"],
        allow_huge=arguments["allow_huge"],
        in_place=arguments["in_place"],
    )
    if identity is not None:
        recorded.check_parent(opened.photo)
    masks = read_masks(mask, opened.photo, arguments)
    pictures.check_known(image, masks.hole)
    traced = arguments["trace"] or opened.photo.header.gain is not None

    def by_model(photo: Photo, hole: NDArray[np.bool_], *, ours: bool = True) -> PhotoFill:
        return fill_wrapping(
            photo,
            hole,
            model,
            edges=masks.edges,
            allowed=masks.allowed,
            lines=masks.lines,
            seed=arguments["seed"],
            working_size=arguments["working_size"],
            upsampling=arguments["upsampling"],
            in_place=ours,
            opaque=mask is None,
            trace=traced,
            on_progress=arguments["on_progress"],
        )

    told: tuple[str, ...] = ()
    hole = masks.hole
    if arguments["references"] is None:
        _check_alone(arguments)
        filled = by_model(opened.photo, hole, ours=opened.ours)
    else:
        filled, hole, told = _from_references(image, opened, masks, arguments, by_model)
    changed = bool(hole.any())
    wanted = arguments["record"] or identity is not None
    when = (when or recorded.now()) if wanted else None
    trained = by_network or any(each.refined for each in filled.regions)
    said = recorded.edited(filled_by(filled), arguments["seed"], trained=trained, when=when)
    if changed:
        filled = recorded.followed(filled, hole, said)
    if not arguments["trace"]:
        filled = replace(
            filled, regions=tuple(replace(each, sources=None, places=None) for each in filled.regions)
        )
    record = None
    if wanted:
        from retouch.recording.fills import record_of, with_result

        single = recorded.with_single_files(arguments, image, target)
        record = record_of(filled, hole, said, single, image=image, mask=mask, model=model)
    seal = recorded.seal_for(identity, image, opened.photo.format, record)
    lost = opened.losses(filled.photo, changed=changed, sealed=seal is not None)
    made = opened.give_back(filled.photo, changed=changed, seal=seal)
    if record is not None:
        record = with_result(record, made if target is None else target, DEFAULTS, signed=seal is not None)
        if target is not None and arguments["record"]:
            recorded.write(record, target, overwrite=arguments["overwrite"])
    return Result(made, changed, filled, (*masks.notes, *told, *lost), record)


def _check_inputs(image: Picture, mask: Picture | None, target: Path, arguments: FillArguments) -> None:
    """Raise :class:`RetouchError` if what is written would replace what is read; only the photo may be."""
    read: dict[str, object] = {"mask": mask, **{f"{name} mask": arguments[name] for name in _MASKS}}
    references = arguments["references"]
    if isinstance(references, Mapping):
        references = list(references.values())
    if isinstance(references, (list, tuple)):
        read |= {f"reference {number}": each for number, each in enumerate(references, 1)}
    refuse_inputs(target, read)
    if arguments["record"]:
        refuse_inputs(recorded.record_file(target), {"photo": image, **read})


def _pipes_read(arguments: FillArguments) -> FillArguments:
    """The arguments with the content of pipes, which the fill and its record both need."""
    found: FillArguments = {**arguments}
    for name in _MASKS:
        found[name] = read_once(arguments[name])
    references = arguments["references"]
    if isinstance(references, Mapping):
        found["references"] = {name: read_once(each) for name, each in references.items()}
    elif isinstance(references, (list, tuple)):
        found["references"] = [read_once(each) for each in references]
    return found


def _check_alone(arguments: FillArguments) -> None:
    for name in ("references_only", "any_light"):
        if arguments[name]:
            option = name.replace("_", "-")
            raise RetouchError(
                f"--{option} ({name}= in Python) is about references; name at least one with --from."
            )


def _from_references(
    image: Picture, opened: Opened, masks: Masks, arguments: FillArguments, by_model: Callable[..., PhotoFill]
) -> tuple[PhotoFill, NDArray[np.bool_], tuple[str, ...]]:
    """Fill from the references, and the rest by the model: the fill, what was filled, and notes."""
    from retouch.api.referring import completed_fill, named
    from retouch.references.filling import fill_from

    given = arguments["references"]
    assert given is not None
    references = named(given, image, allow_huge=arguments["allow_huge"], target=opened.target)
    taken = fill_from(
        opened.photo,
        masks.hole,
        references,
        allowed=masks.allowed,
        any_light=arguments["any_light"],
        in_place=opened.ours,
        on_progress=arguments["on_progress"],
    )
    only = arguments["references_only"]
    filled, notes = completed_fill(
        taken, masks.hole, len(references), None if only else by_model, confidence=arguments["confidence"]
    )
    return filled, masks.hole & ~taken.left if only else masks.hole, notes
