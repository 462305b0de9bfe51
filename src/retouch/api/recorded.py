"""What a fill says of itself: in the file's XMP, in a record beside it, and in a signature."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from retouch.api.arguments import FillArguments, InpaintArguments
from retouch.errors import RetouchError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from retouch.engine.filled import PhotoFill
    from retouch.imaging import Edited, Photo
    from retouch.pictures import Picture
    from retouch.recording.record import Record
    from retouch.recording.signing import Identity


def edited(by: Mapping[str, int], seed: int, *, trained: bool, when: str | None) -> Edited:
    """What a file says of a fill.

    Args:
        by: how many pixels what filled.
        seed: the fill was made with.
        trained: whether a trained network took part.
        when: the time; None to leave it out, so that the same input gives the same file.
    """
    from retouch.imaging import Edited
    from retouch.references.filling import BY

    trained = trained and set(by) != {BY}  # the model had nothing to do
    how = f"filled {sum(by.values())} pixels with {' and '.join(by)}, seed {seed}"
    return Edited(trained, agent(), how, when, elsewhere=BY in by)


def followed(fill: PhotoFill, hole: NDArray[np.bool_], said: Edited) -> PhotoFill:
    """A fill whose file follows it: the gain map is filled, and what was removed is no longer named.

    Args:
        fill: its photo has the header of the photo from before.
        hole: ``H×W``, what was filled.
        said: is written into the file if a network took part, or if the time is told.
    """
    from retouch.engine.filled import borrowed_pixels
    from retouch.imaging import follow_fill, mark_edited

    borrowed = None if fill.photo.header.gain is None else borrowed_pixels(fill)
    after = follow_fill(fill.photo, hole, borrowed)
    return replace(fill, photo=mark_edited(after, said) if said.trained or said.when else after)


def with_single_files(arguments: FillArguments, image: object, target: Path | None) -> FillArguments:
    """The arguments with the photos of folders of references, one by one."""
    from retouch.api.referring import files_of, results_and, unseen

    given = arguments["references"]
    if given is None or isinstance(given, Mapping):  # what has names are no folders
        return arguments
    picture = image if isinstance(image, (str, Path)) else None
    found: list[Picture] = []
    seen: set[Path] = set()
    for each in given:
        if isinstance(each, (str, Path)):
            found += unseen(files_of(each, picture, passed=results_and(target)), seen)
        else:
            found.append(each)
    return {**arguments, "references": found}


def agent() -> str:
    """The name and version of this program."""
    from importlib.metadata import version  # takes half as long to import as all of retouch

    return f"retouch {version('retouch')}"


def now() -> str:
    """The time in UTC, to the second, as ISO 8601 has it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def identity_of(sign: tuple[str | Path, str | Path] | None, tsa: str | None) -> Identity | None:
    """Read who signs, before the work; None if nobody does."""
    if sign is None:
        if tsa is not None:
            raise RetouchError("--tsa (tsa= in Python) adds the time to a signature; add --sign CERT KEY.")
        return None
    from retouch.recording.signing import read_identity

    return read_identity(*sign, tsa)


def seal_for(
    identity: Identity | None, source: object, format: str, record: Record | None
) -> Callable[[bytes, str], bytes] | None:
    """What signs a result, with the photo's file as its parent; None if nobody signs.

    Args:
        identity: who signs.
        source: the photo's file, or its bytes.
        format: of that file, such as "jpeg".
        record: of the fill.
    """
    if identity is None or record is None:
        return None
    assert isinstance(source, (str, Path, bytes))  # as check_places and the command line see to
    from retouch.recording.signing import seal_of

    trained, when = record["model"]["trained"], record["when"]
    said = edited(record["filled_by"], record["seed"], trained=trained, when=when)
    return seal_of(identity, source, format, said)


def write(record: Record, target: Path, *, overwrite: bool) -> None:
    """Write the record of a result beside it."""
    from retouch import files
    from retouch.recording.record import as_json

    files.write_text(as_json(record), record_file(target), overwrite=overwrite)


def record_file(target: Path) -> Path:
    """Where the record of a result is written."""
    return target.with_suffix(".json")


def check_places(image: object, target: Path | None, arguments: InpaintArguments) -> None:
    """Raise :class:`RetouchError` if the record could not be written, or nothing can be signed."""
    if arguments["sign"] is not None and not isinstance(image, (str, Path, bytes)):
        raise RetouchError("sign= signs files; it is for a picture given as a path, or as a file's bytes.")
    if target is not None and arguments["record"]:
        check_record_file(target, overwrite=arguments["overwrite"])


def check_record_file(target: Path, *, overwrite: bool) -> None:
    """Raise :class:`RetouchError` if the record of a result could not be written."""
    from retouch import files

    files.refuse_existing(record_file(target), overwrite=overwrite)
    files.check_folder(record_file(target))


def check_parent(photo: Photo) -> None:
    """Raise :class:`RetouchError` unless the photo's file can be named as the parent in a signature."""
    from retouch.recording.signing import check_parent

    check_parent(photo.format)
