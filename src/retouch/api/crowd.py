"""``clear_crowd``: take what moves out of a series of shots of one place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from retouch.api.arguments import completed, shows
from retouch.api.result import Result
from retouch.api.shared import check_seed, target_file, to_model
from retouch.errors import RetouchError
from retouch.files import refuse_existing, refuse_inputs

if TYPE_CHECKING:
    from retouch.contract import Model, Progress
    from retouch.engine.filled import PhotoFill
    from retouch.imaging import Photo
    from retouch.ops.masks import Mask
    from retouch.pictures import Picture
    from retouch.references.filling import Aligned

ENDING = "-empty"
"""Added to the name of a shot where the caller names no file."""
SECOND = "-2"
"""Added to the name of the second result."""


class CrowdArguments(TypedDict, total=False):
    """The keyword arguments of :func:`retouch.clear_crowd`.

    Attributes:
        frame: the number, from 1, of the shot whose frame, light and metadata the result has.
        model: fills what no other shot shows, as in :func:`retouch.fill`.
        device: where that model runs.
        seed: the same seed gives the same result.
        on_progress: called with a :class:`retouch.contract.Progress` as the work goes on; it may raise
            :class:`retouch.contract.Stop`.
        output: only for paths: the file to write, or a folder. None = the folder of the shot. The name of a
            second variant gets ``-2``.
        overwrite: replace files that exist.
        allow_huge: read files with more pixels than the safety limit.
    """

    frame: int
    model: str | Path | Model
    device: str
    seed: int
    on_progress: Callable[[Progress], None] | None
    output: str | Path | None
    overwrite: bool
    allow_huge: bool


DEFAULTS: CrowdArguments = {
    "frame": 1,
    "model": "auto",
    "device": "auto",
    "seed": 0,
    "on_progress": None,
    "output": None,
    "overwrite": False,
    "allow_huge": False,
}


@shows(CrowdArguments, DEFAULTS)
def clear_crowd(shots: Sequence[Picture], **given: Unpack[CrowdArguments]) -> list[Result[Any]]:
    """Take passers-by out of a series of shots, held in the hand or not, that show the same place.

    What moves is what one shot shows and most of the others do not. It is filled from the others; whatever
    does not move stays as it was, bit for bit.

    Args:
        shots: pictures of any type, at least two; three or more tell far better what moves.
        **given: see :class:`CrowdArguments`.

    Returns:
        One result. Of two shots there may be a second: the same with what either shot may show before the
        place filled as well.

    Raises:
        RetouchError: the shots do not show the same place, or nothing in them moves.
    """
    from retouch.api.opened import open_picture

    arguments = completed(given, DEFAULTS)
    check_seed(arguments["seed"])
    chosen, others = _frame_and_others(shots, arguments["frame"])
    target = target_file(chosen, arguments["output"], ENDING)
    again = second_file(target)
    inputs = {f"shot {number}": each for number, each in enumerate(shots, 1) if number != arguments["frame"]}
    if target is not None:
        refuse_inputs(target, inputs)
    model = to_model(arguments["model"], device=arguments["device"])
    options = {"overwrite": arguments["overwrite"], "allow_huge": arguments["allow_huge"]}
    opened = open_picture(chosen, target=target, **options)
    moving, aligned, notes = _find(opened.photo, others, arguments)
    if again is not None and moving.doubtful.any():
        refuse_inputs(again, inputs)
        refuse_existing(again, overwrite=arguments["overwrite"])  # before the first one is written
    results: list[Result[Any]] = []
    for file, hole in ((target, moving.sure), (again, moving.sure | moving.doubtful)):
        if results and not moving.doubtful.any():
            break
        if hole.all():
            raise RetouchError("Everything differs between the shots; use shots of the same place.")
        place = replace(opened, target=file)
        if results and file is not None:
            place = open_picture(chosen, target=file, **options)
        filled, told = _filled(opened.photo, hole, aligned, model, arguments)
        notes_of = (*notes, *told, *place.losses(filled.photo, changed=True))
        image = place.give_back(filled.photo, changed=bool(hole.any()))
        results.append(Result(image, bool(hole.any()), filled, notes_of))
    return results


def second_file(target: Path | None) -> Path | None:
    """The file of the second variant that two shots may have."""
    return None if target is None else target.with_name(f"{target.stem}{SECOND}{target.suffix}")


def is_result(path: Path, endings: str | tuple[str, ...] = ENDING) -> bool:
    """Whether a file is called like a result, which is no shot; ``endings`` are those of such names."""
    return path.stem.removesuffix(SECOND).endswith(endings)


def _frame_and_others(shots: Sequence[Picture], frame: int) -> tuple[Picture, list[Picture]]:
    if isinstance(shots, (str, bytes, Path)) or not isinstance(shots, Sequence) or len(shots) < 2:
        raise RetouchError("Passers-by are told by comparing shots; give at least two of the same place.")
    if not 1 <= frame <= len(shots):
        raise RetouchError(f"There is no shot {frame}; frame takes a number from 1 to {len(shots)}.")
    return shots[frame - 1], [each for number, each in enumerate(shots, 1) if number != frame]


def _find(
    photo: Photo, others: list[Picture], arguments: CrowdArguments
) -> tuple[Any, list[Aligned], tuple[str, ...]]:
    import numpy as np

    from retouch.api.referring import named
    from retouch.references.crowd import find_moving
    from retouch.references.filling import align

    given = named(others, None, allow_huge=arguments["allow_huge"])
    nothing = np.zeros(photo.pixels.shape[:2], np.bool_)
    aligned, notes = align(photo, nothing, given, arguments["on_progress"])
    if not aligned:
        raise RetouchError("The shots do not show the same place; use shots that overlap.")
    moving = find_moving(photo, aligned)
    if not (moving.sure | moving.doubtful).any():
        raise RetouchError("Nothing moves between the shots, so there is nothing to clear.")
    if len(aligned) == 1:
        notes.append("Two shots only show that something moves, not always in which; a third one tells.")
    return moving, aligned, tuple(notes)


def _filled(
    photo: Photo, hole: Mask, aligned: list[Aligned], model: Model, arguments: CrowdArguments
) -> tuple[PhotoFill, tuple[str, ...]]:
    from retouch.api import recorded
    from retouch.api.referring import completed_fill
    from retouch.engine.filled import filled_by
    from retouch.engine.pipeline import fill_photo
    from retouch.references.filling import fill_aligned

    listen, seed = arguments["on_progress"], arguments["seed"]

    def by_model(photo: Photo, hole: Mask) -> PhotoFill:
        return fill_photo(photo, hole, model, seed=seed, in_place=True, on_progress=listen)

    taken = fill_aligned(photo, hole, aligned, on_progress=listen)
    filled, notes = completed_fill(taken, hole, len(aligned), by_model, confidence=False)
    said = recorded.edited(filled_by(filled), seed, trained=model.by_network, when=None)
    return recorded.followed(filled, hole, said), notes
