"""The files a verb reads and writes; any of them may be a pipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from retouch.api.shared import beside
from retouch.cli.terminal import PIPE, check_pipe, read_pipe
from retouch.errors import RetouchError

if TYPE_CHECKING:
    from retouch.imaging import Photo


def target_file(photo: str, output: str | None, ending: str) -> Path | None:
    """Return the file to write; None for standard output.

    Where none is named, a photo from a pipe goes there too, and a file is written beside a file: ``ending``,
    such as "-filled", is added to its name.
    """
    if output == PIPE or (output is None and photo == PIPE):
        return None
    return Path(output) if output is not None else beside(Path(photo), ending)


def check_one_pipe(photo: str, other: str | None, name: str) -> None:
    """Raise :class:`RetouchError` if both the photo and ``other``, called ``name``, come from the pipe."""
    if photo == PIPE and other == PIPE:
        raise RetouchError(f"Only one of PHOTO and {name} can come from the pipe; give the other as a file.")


def check_apart(one: str, place: Path, other: str, other_place: Path) -> None:
    """Raise :class:`RetouchError` if two files, named as the user knows them, are the same one."""
    if place.resolve() == other_place.resolve() or (
        place.exists() and other_place.exists() and place.samefile(other_place)
    ):
        raise RetouchError(f"{one} and {other} are the same file, {place.name}; give them different names.")


def open_photo(
    photo: str, target: Path | None, *, overwrite: bool, allow_huge: bool
) -> tuple[Path | bytes, Photo]:
    """Read the photo, and find out what would keep the result from being written.

    Returns:
        The file, or the bytes that came from the pipe; and the photo in it.
    """
    from retouch import imaging

    if target is None:
        check_pipe()
    source = read_pipe("photo") if photo == PIPE else Path(photo)
    opened = imaging.read_photo(source, allow_huge=allow_huge)
    imaging.check_target(target, overwrite=overwrite, photo=opened)
    return source, opened


def where(target: Path | None) -> str:
    """Say where a photo goes."""
    return "standard output" if target is None else str(target)


def report(target: Path | None, seconds: float) -> None:
    """Tell the user what was written."""
    typer.echo(f"wrote {where(target)} in {seconds:.1f} s", err=True)
