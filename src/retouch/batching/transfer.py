"""The files of one job, as the process that fills it has them: what is read, and what is written where."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from retouch.batching import places
from retouch.batching.jobs import Job
from retouch.errors import RetouchError


def inputs_of(job: Job, *, read: bool) -> dict[str, Any]:
    """What the journal says of the files that a job reads.

    Args:
        job: the job.
        read: also read them, for their digests.
    """
    found = {}
    for kind, place in job.inputs().items():
        entry = _entry(place)  # before it is read: what changes meanwhile is seen as changed later
        if read:
            with suppress(OSError):
                entry["sha256"] = places.digest(place)
        found[kind] = {"path": place, **entry}
    return found


def result_of(out: str, place: str) -> dict[str, Any]:
    """What the journal says of a result; its place is relative to the folder of the results, ``out``."""
    entry = {**_entry(place), "sha256": places.digest(place)}
    if places.is_url(out):
        return {"staged": place.removeprefix(out.rstrip("/") + "/"), **entry}
    return {"staged": Path(os.path.relpath(place, out)).as_posix(), **entry}


def _entry(place: str) -> dict[str, Any]:
    now = places.stamp(place)
    size, changed = (None, None) if now is None else (now.size, now.changed)
    return {"size": size, "changed": changed, "sha256": None}


def fetched(place: str, kind: str, temporary: str) -> str:
    """The path of a file; of a URL, that of a copy in the temporary folder.

    Raises:
        RetouchError: it cannot be read.
    """
    if not places.is_url(place):
        return place
    target = Path(temporary, kind + PurePosixPath(place).suffix)
    try:
        places.remote(place).get_file(place, str(target))
    except OSError as error:
        raise RetouchError(f"{place} cannot be read ({error}); check its name.") from error
    return str(target)


def sent(path: Path, staging: str) -> str:
    """The place of a result that was written; it is sent to ``staging`` if that is a URL."""
    if not places.is_url(staging):
        return str(path)
    target = f"{staging}/{path.name}"
    places.send(path, target)
    return target
