"""``restore``: find the damage of an old or scanned photo, and mend only that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar, Unpack

from retouch.api.arguments import completed, shows
from retouch.api.inpainting import fill
from retouch.api.shared import check_seed, target_file
from retouch.errors import RetouchError
from retouch.files import same_file
from retouch.finding import SENSITIVITY

if TYPE_CHECKING:
    import numpy as np

    from retouch.contract import Progress
    from retouch.imaging import Photo
    from retouch.pictures import Mask, Picture
    from retouch.restoration.record import FoundBy

Given = TypeVar("Given")

ENDING = "-restored"
"""Added to the name of a photo where the caller names no file."""
_MASK, _RECORD = "-mask.png", ".json"  # added to the name of the result


class RestoreArguments(TypedDict, total=False):
    """The keyword arguments of :func:`restore`.

    Attributes:
        sensitivity: from 0 (only what is certain) to 1 (whatever might be damage); None = 0.5. Not beside a
            ``mask``.
        protect: a picture; white = nothing is mended there.
        resize_mask: resize masks of another size, but the same shape, to the photo's size.
        trust_mask: accept masks that look like photos, and a ``mask`` that covers nearly everything.
        infrared: the infrared scan of the same frame, in which dust is dark. It says what is damage, instead
            of the photo. The path of the photo itself means its fourth channel.
        dilate: grow what was found, or the mask, by this many pixels, where a trace of damage remains.
        seed: the same seed gives the same fill.
        on_progress: called with a :class:`retouch.contract.Progress` as the work goes on.
        output: only for a path: the file to write, or a folder (one that exists, or text that ends in a
            slash). None = the photo's folder. In a folder, the file is called ``<stem>-restored<ext>``.
        report: an HTML file to write, which shows each mended place before and after.
        command: what the record says was called; None = this function.
        overwrite: replace files that exist; never the photo itself.
        allow_huge: read files with more pixels than the safety limit.
    """

    sensitivity: float | None
    protect: Picture | None
    resize_mask: bool
    trust_mask: bool
    infrared: Picture | None
    dilate: int
    seed: int
    on_progress: Callable[[Progress], None] | None
    output: str | Path | None
    report: str | Path | None
    command: str | None
    overwrite: bool
    allow_huge: bool


DEFAULTS: RestoreArguments = {
    "sensitivity": None,
    "protect": None,
    "resize_mask": False,
    "trust_mask": False,
    "infrared": None,
    "dilate": 0,
    "seed": 0,
    "on_progress": None,
    "output": None,
    "report": None,
    "command": None,
    "overwrite": False,
    "allow_huge": False,
}
"""The value of each argument that is not given."""


@dataclass(frozen=True)
class Restored(Generic[Given]):
    """A mended picture, and what was changed.

    Attributes:
        image: the mended picture, of the type that was handed over (for a path: the path written).
        changed: False if there was nothing to mend, so that the picture came back as it was.
        mask: ``H×W`` bool, what was mended.
        record: what the file beside the result holds: what was found, by kind; versions, seed and command.
        notes: what you should know, a sentence each.
    """

    image: Given
    changed: bool
    mask: np.ndarray[Any, np.dtype[np.bool_]] = field(repr=False)
    record: dict[str, Any] = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def kinds(self) -> dict[str, int]:
        """How many specks, hairs, scratches and larger areas were mended."""
        found: dict[str, int] = self.record["found"]["kinds"]
        return found


@shows(RestoreArguments, DEFAULTS)
def restore(image: Picture, mask: Picture | None = None, **given: Unpack[RestoreArguments]) -> Restored[Any]:
    """Find the damage of an old or scanned photo, and mend only that.

    Every other pixel comes back as it was, bit for bit (for JPEG files see docs/files.md), in the photo's own
    depth and kind. For a path, three files are written: the result, the mask of what was mended,
    and a record of both (``<stem>-restored.json``). The photo's own file is never replaced.

    Args:
        image: of any type that :func:`retouch.fill` takes.
        mask: a picture, white = mend this: what :func:`retouch.find_damage` found, looked at and corrected.
            None = find it now.
        **given: see :class:`RestoreArguments`.

    Raises:
        RetouchError: what was handed over cannot be used; the text says why and what to do.
    """
    from retouch import files, imaging, pictures
    from retouch.api.finding import protected
    from retouch.api.opened import LARGEST_SHARE, open_picture
    from retouch.ops.masks import dilate
    from retouch.recording.record import as_json, file_entry
    from retouch.restoration.mending import mending
    from retouch.restoration.record import record_of
    from retouch.restoration.report import report_page

    arguments = completed(given, DEFAULTS)
    check_seed(arguments["seed"])
    if arguments["dilate"] < 0:
        raise RetouchError(f"Damage cannot be grown by {arguments['dilate']} pixels; use 0 or more.")
    if mask is not None and arguments["sensitivity"] is not None:
        raise RetouchError(
            "A sensitivity says how to look for damage, and a mask says where it is; leave one of them out."
        )
    sensitivity = SENSITIVITY if arguments["sensitivity"] is None else arguments["sensitivity"]
    overwrite = arguments["overwrite"]
    target = target_file(image, arguments["output"], ENDING)
    report = None if arguments["report"] is None else Path(arguments["report"])
    masks = (mask, arguments["protect"], arguments["infrared"])
    beside = _beside(image, target, report, masks)
    if report is not None and report.suffix.lower() not in (".html", ".htm"):
        raise RetouchError(f"The report is a page for the browser; name it {report.stem or 'report'}.html.")
    opened = open_picture(image, target=target, overwrite=overwrite, allow_huge=arguments["allow_huge"])
    for each in beside:
        files.refuse_existing(each, overwrite=overwrite)
        files.check_folder(each)
    pictures.check_floats(image)
    resize, trust, huge = (arguments[each] for each in ("resize_mask", "trust_mask", "allow_huge"))
    kept, marked = None, None
    if arguments["protect"] is not None:
        kept = protected(arguments["protect"], opened.photo, resize=resize, trust=trust, allow_huge=huge)
    if mask is not None:
        marked = pictures.to_mask(mask, opened.photo, resize=resize, trust=trust, allow_huge=huge)
    hole, by = _damage(image, opened.photo, marked, kept, sensitivity, arguments)
    if by == "mask" and not trust and (share := float(hole.mean())) > LARGEST_SHARE:
        raise RetouchError(
            f"The mask covers {100 * share:.0f} % of the photo and may be inverted; give one that is white "
            "on what is damaged, or use --trust-mask (trust_mask=True in Python) to mend it as it is."
        )
    found = hole if kept is None else hole & ~kept  # never the caller's own array
    if arguments["dilate"]:
        hole = dilate(hole, arguments["dilate"])
    if kept is not None:
        hole = hole & ~kept
    if hole.all():
        raise RetouchError(
            "All of the photo counts as damaged, so nothing is left to mend it from; mark less, or grow less."
        )
    filled = fill(
        opened.photo,
        hole,
        model=mending(),
        seed=arguments["seed"],
        trust_mask=True,
        wrap="none",
        trace=False,
        in_place=opened.ours and report is None,
        on_progress=arguments["on_progress"],
    )
    source = image if isinstance(image, (str, Path, bytes)) else None
    record = record_of(
        opened.photo,
        source,
        found,
        by=by,
        sensitivity=None if by == "mask" else sensitivity,
        filled_by=filled.filled_by,
        seed=arguments["seed"],
        command=arguments["command"] or "retouch.restore",
    )
    result = opened.give_back(filled.image, changed=filled.changed)
    if target is not None:
        imaging.write_png(hole.astype("uint8") * 255, beside[0], overwrite=overwrite)
        record |= {"result": file_entry(target), "mask": file_entry(beside[0])}
        files.write_text(as_json(record), beside[1], overwrite=overwrite)
    if report is not None:
        page = report_page(opened.photo, filled.image, hole, record)
        files.write_text(page, report, overwrite=overwrite)
    return Restored(result, filled.changed, hole, record, opened.losses(filled.image, changed=filled.changed))


def _damage(
    image: Picture,
    photo: Photo,
    mask: Mask | None,
    kept: Mask | None,
    sensitivity: float,
    arguments: RestoreArguments,
) -> tuple[Mask, FoundBy]:
    """What is damaged, and what says so."""
    from retouch import pictures
    from retouch.finding.damage import find_damage
    from retouch.finding.infrared import find_dust, infrared_channel

    huge, infrared = arguments["allow_huge"], arguments["infrared"]
    if mask is not None:
        if infrared is not None:
            raise RetouchError("A mask and an infrared scan both say what is damaged; give one of them.")
        return mask, "mask"
    if infrared is not None:
        if _same_file(infrared, image):
            dark = infrared_channel(photo)
        else:
            dark = pictures.to_photo(infrared, allow_huge=huge)
        return find_dust(photo, dark, sensitivity=sensitivity), "infrared"
    progress = arguments["on_progress"]
    return find_damage(photo, sensitivity=sensitivity, protect=kept, progress=progress), "network"


def _same_file(one: Picture | None, other: Picture | None) -> bool:
    if not isinstance(one, (str, Path)) or not isinstance(other, (str, Path)):
        return False
    return same_file(Path(one), Path(other))


def _beside(
    image: Picture, target: Path | None, report: Path | None, masks: Sequence[Picture | None]
) -> list[Path]:
    """The files to write besides the result: mask, record, report. None of them may be one that is read."""
    found = []
    if target is not None:
        if not target.name:
            raise RetouchError("The result has no name; give one: -o restored.tif (output= in Python).")
        found = [target.with_name(target.stem + _MASK), target.with_suffix(_RECORD)]
    if report is not None:
        found.append(report)
    places = [place for place in (target, *found) if place is not None]
    if any(_same_file(image, place) for place in places):
        raise RetouchError("The scan itself is never replaced; name another file to write.")
    for place in places:
        if any(_same_file(mask, place) for mask in masks):
            raise RetouchError(
                f"{place.name} is read and would be replaced; copy it, or name another result to write."
            )
    if len({place.resolve() for place in places}) < len(places):
        raise RetouchError("Result, mask, record and report are different files; name them differently.")
    return found
