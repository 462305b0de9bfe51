"""The files that a command reads and writes; any of them may be a pipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from retouch.api.shared import is_folder, output_file
from retouch.cli.terminal import PIPE, check_pipe, read_pipe
from retouch.errors import RetouchError
from retouch.files import read_once, same_file

if TYPE_CHECKING:
    from retouch.imaging import Photo


def target_file(photo: str, output: str | None, ending: str) -> Path | None:
    """Return the file to write; None for standard output.

    Without ``output``, a photo from a pipe goes to standard output, and a photo from a file into its own
    folder. A folder as ``output`` means into that folder.

    Args:
        photo: the photo's file, or "-".
        output: what follows -o; None if it is left out.
        ending: what is added to the photo's name where no file is named, such as "-filled".
    """
    if output == PIPE or (output is None and photo == PIPE):
        return None
    if photo == PIPE and output is not None and is_folder(output):
        raise RetouchError(f"A photo from the pipe has no name; add the name of a file in {output} after -o.")
    return output_file(Path(photo), output, ending)


def check_one_pipe(photo: str, other: str | None, name: str) -> None:
    """Raise :class:`RetouchError` if both the photo and ``other``, called ``name``, come from the pipe."""
    if photo == PIPE and other == PIPE:
        raise RetouchError(f"Only one of PHOTO and {name} can come from the pipe; give the other as a file.")


def check_apart(one: str, place: Path, other: str, other_place: Path) -> None:
    """Raise :class:`RetouchError` if two files are the same one; ``one`` and ``other`` are their options."""
    if same_file(place, other_place):
        raise RetouchError(f"{one} and {other} are the same file, {place.name}; give them different names.")


def check_names(
    photo: str, masks: dict[str, str | None], target: Path | None, extra: dict[str, str | None]
) -> None:
    """Raise :class:`RetouchError` if a file would be two things.

    Args:
        photo: the photo's file, or "-".
        masks: the masks' files by option, "-" for the pipe, None for a mask that is left out.
        target: the file to write; None for standard output.
        extra: the pictures to draw, by option.
    """
    # -o may be the photo itself (with --overwrite). Nothing else that is written may replace what is read.
    places = {option: Path(name) for option, name in masks.items() if name not in (None, PIPE)}
    if target is not None:
        for option, place in places.items():
            check_apart("-o", target, option, place)
        places["-o"] = target
    places["PHOTO"] = Path(photo)
    for option, name in extra.items():
        if name is None:
            continue
        for other, place in places.items():
            check_apart(option, Path(name), other, place)
        places[option] = Path(name)


def open_photo(
    photo: str, target: Path | None, *, overwrite: bool, allow_huge: bool
) -> tuple[Path | bytes, Photo]:
    """Read the photo, and check that the result can be written.

    Returns:
        The file, or the bytes that came from a pipe, with or without a name; and the photo in it.
    """
    from retouch import imaging

    if target is None:
        check_pipe()
    source = read_pipe("photo") if photo == PIPE else read_once(Path(photo))
    opened = imaging.read_photo(source, allow_huge=allow_huge)
    imaging.check_target(target, overwrite=overwrite, photo=opened)
    return source, opened


def where(target: Path | None) -> str:
    """Return the name of the place that a photo is written to."""
    return "standard output" if target is None else str(target)


def report(target: Path | None, seconds: float) -> None:
    """Tell the user what was written."""
    typer.echo(f"wrote {where(target)} in {seconds:.1f} s", err=True)
