"""The lines of journals: where they are, how they are read, and whether what they say still holds."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retouch.batching import places
from retouch.batching.places import Stamp
from retouch.errors import RetouchError

Record = dict[str, Any]
"""A line; docs/batch.md has its fields."""

NAME = "retouch-batch"
"""What the names of journals begin with."""


def journals(out: str) -> list[str]:
    """The journals in a folder of results, those of all shards."""
    if not places.is_url(out) and not os.path.isdir(out):  # noqa: PTH112 # takes long names
        return []
    names = places.files_below(out, recursive=False)
    return [places.join(out, name) for name in names if name.startswith(NAME) and name.endswith(".jsonl")]


def lines_of(place: str) -> list[Record]:
    """The lines of a journal, without one that a kill cut off."""
    data = places.read_bytes(place)
    lines = data[: data.rfind(b"\n") + 1].splitlines()
    found: list[Record] = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(_checked(json.loads(line)))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise RetouchError(
                f"Line {number} of {place} is damaged, or of another version; remove it, then start with "
                "--overwrite."
            ) from error
    return found


def _checked(record: Record) -> Record:
    """Raise KeyError, TypeError or AttributeError if what is read of a line is not there."""
    "".join([*(record[key] for key in ("name", "ended", "outcome", "error")), *record["notes"]])
    record["seconds"], record["options"].keys()
    for each in (*record["inputs"].values(), *record["files"].values()):
        each["size"], each["changed"], each["sha256"]
    for each in record["files"].values():
        each["staged"].encode()
    return record


def open_locked(path: Path) -> int:
    """Open a journal for this process alone, and remove a line that a kill cut off."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)
    try:
        _lock(file)
        if os.fstat(file).st_nlink == 0:
            raise BlockingIOError("another batch has just removed it")
    except BlockingIOError as error:
        os.close(file)
        raise RetouchError(
            f"Another batch writes to {path.parent}; wait for it, or give each one a --shard of its own."
        ) from error
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
    return file


def _lock(file: int) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return  # storage without locks, as Lustre is often mounted


def unchanged(record: Mapping[str, Any], inputs: Mapping[str, str]) -> bool:
    """Whether the files that a job reads are those of a line."""
    return record.keys() == inputs.keys() and all(
        _same_input(record[kind], place) for kind, place in inputs.items()
    )


def _same_input(record: Mapping[str, Any], place: str) -> bool:
    now = places.stamp(place)
    if now is None or record["sha256"] is None:  # it could not be read, and cannot be compared
        return now == (None if record["size"] is None else Stamp(record["size"], record["changed"]))
    return same_file(record, place, now)


def same_file(record: Mapping[str, Any], place: str, now: Stamp) -> bool:
    """Whether a file is the one of a line. It is read only where its time is another."""
    if now.size != record["size"]:
        return False
    if now.changed == record["changed"]:
        return True
    try:
        return bool(places.digest(place) == record["sha256"])
    except OSError:  # what cannot be read may be anything; filling it says why
        return False
