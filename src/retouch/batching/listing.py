"""Jobs from a table, or from what Python hands over."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from retouch.batching import places
from retouch.batching.jobs import MASKS, Job, check_job, given_options, read_option
from retouch.batching.records import NAME
from retouch.batching.targets import check_targets, with_format
from retouch.errors import RetouchError

Item: TypeAlias = str | Path | Sequence[str | Path | None] | Mapping[str, Any]
"""A photo; a photo and its mask; or a mapping of ``photo``, ``mask``, ``output`` and options by name."""

_FIELDS = ("photo", "mask", "output")


def table_jobs(
    table: Path, *, format: str | None = None, options: Mapping[str, Any] | None = None
) -> list[Job]:
    """List the jobs of a CSV file, row by row.

    The first row names the columns: ``photo``; and, where wanted, ``mask``, ``output`` (the name of the
    result) and any option of a batch, spelled ``resize_mask`` or ``--resize-mask``. An empty cell is one that
    is not there. Paths are relative to the table's folder.

    Args:
        table: the file, UTF-8, with commas, semicolons or tabs between cells.
        format: as in :func:`~retouch.batching.pairing.folder_jobs`.
        options: options of all rows; a row's own go first.

    Raises:
        RetouchError: the table cannot be read, or a row is wrong; the sentence has its number.
    """
    try:
        text = table.read_bytes().decode("utf-8-sig")  # line ends in quoted cells stay as they are
    except OSError as error:
        raise RetouchError(f"{table} cannot be read ({error.strerror}); check its name.") from error
    except UnicodeDecodeError as error:
        raise RetouchError(f"{table} is no UTF-8 text; save the table as CSV in UTF-8.") from error
    if "\0" in text:
        raise RetouchError(f"{table} is no text; save the table as CSV in UTF-8.")
    head = text.partition("\n")[0]
    between = max(",;\t", key=head.count)
    reader = csv.DictReader(StringIO(text, newline=""), delimiter=between, strict=True)
    # As the command line spells them, or as Python does.
    columns = [str(each).strip().lstrip("-").replace("-", "_") for each in reader.fieldnames or ()]
    if "photo" not in columns:
        raise RetouchError(f"{table} has no column photo; name the columns in its first row.")
    twice = next((each for each in columns if each and columns.count(each) > 1), None)
    if twice is not None:
        raise RetouchError(f"{table} has the column {twice} twice; leave one out.")
    reader.fieldnames = columns
    jobs = []
    try:
        for row in reader:
            where = f"{table}, line {reader.line_num}"
            cells = {name: (cell or "").strip() for name, cell in row.items() if isinstance(name, str)}
            if None in row:
                raise RetouchError(
                    f"{where} has more cells than the first row; quote cells that hold {between!r}."
                )
            jobs.append(_row_job(cells, table.parent, format, options or {}, where))
    except csv.Error as error:
        raise RetouchError(f"{table}, line {reader.line_num} is no CSV ({error}); correct it.") from error
    check_targets(jobs)
    return jobs


def _row_job(
    cells: Mapping[str, str], folder: Path, format: str | None, options: Mapping[str, Any], where: str
) -> Job:
    given = {name: cell for name, cell in cells.items() if cell}
    if "photo" not in given:
        raise RetouchError(f"{where} names no photo; add it, or remove the row.")
    try:
        own = {name: read_option(name, cell) for name, cell in given.items() if name not in _FIELDS}
        own |= {name: _from(folder, own[name]) for name in MASKS if name in own}
        name = _name(given.get("output") or _relative(given["photo"], folder), given, format)
        mask = _from(folder, given["mask"]) if "mask" in given else None
        return check_job(Job(_from(folder, given["photo"]), mask, name, given_options({**options, **own})))
    except RetouchError as error:
        raise RetouchError(f"{where}: {error}") from error


def item_jobs(
    items: Iterable[Item], *, format: str | None = None, options: Mapping[str, Any] | None = None
) -> list[Job]:
    """List the jobs of what Python hands over; paths are relative to the current folder.

    Args:
        items: see :data:`Item`.
        format: as in :func:`~retouch.batching.pairing.folder_jobs`.
        options: options of all items; an item's own go first.

    Raises:
        RetouchError: an item is none, or two would be written to one file.
    """
    jobs = []
    for item in items:
        given = _fields(item)
        photo = os.fspath(given["photo"])
        mask = None if given.get("mask") is None else os.fspath(given["mask"])
        own = {name: value for name, value in given.items() if name not in _FIELDS}
        name = _name(given.get("output") or _relative(photo, Path()), given, format)
        jobs.append(check_job(Job(photo, mask, name, given_options({**(options or {}), **own}))))
    check_targets(jobs)
    return jobs


def _fields(item: Item) -> Mapping[str, Any]:
    given: Mapping[str, Any] = {}
    if isinstance(item, str | Path):
        given = {"photo": item}
    elif isinstance(item, Mapping):
        given = item
    elif isinstance(item, Sequence) and len(item) == 2:
        given = {"photo": item[0], "mask": item[1]}
    places_given = [given.get(name) for name in _FIELDS]
    if given.get("photo") and all(isinstance(each, str | Path | None) for each in places_given):
        return given
    raise RetouchError(
        f"An item of a batch is a photo's path, a photo and its mask, or a mapping with photo, not {item!r}."
    )


def _from(folder: Path, place: str) -> str:
    return place if places.is_url(place) else str(folder / place)


def _relative(photo: str, folder: Path) -> str:
    """The name of a photo's result: as it lies in the folder; else its whole path, without the root.

    A name that came from all photos together, such as from what they have in common, would change with them.
    """
    if places.is_url(photo):
        return photo.partition("://")[2]
    path, base = Path(os.path.abspath(folder / photo)), Path(os.path.abspath(folder))  # noqa: PTH100 # no links
    return path.relative_to(base if path.is_relative_to(base) else path.anchor).as_posix()


def _name(wanted: str, given: Mapping[str, Any], format: str | None) -> str:
    path = PurePosixPath(Path(wanted).as_posix())
    if path.is_absolute() or ".." in path.parts or not path.name or "\0" in wanted:
        raise RetouchError(f"The output {wanted} leaves the folder of the results; give a name inside it.")
    if path.parts[0].startswith((NAME, f".{NAME}")):
        raise RetouchError(f"{wanted} is a name for the journal; give the output another one.")
    return str(path) if given.get("output") else with_format(str(path), format)
