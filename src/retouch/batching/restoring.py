"""Restore one scan of a batch: what is told of it has the names that people know."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from retouch.batching.jobs import MASKS, Job

_SWITCHES = ("resize_mask", "trust_mask", "allow_huge")
_VALUES = ("sensitivity", "dilate", "seed")


def restore_job(job: Job, local: Mapping[str, str], target: Path) -> tuple[tuple[str, ...], dict[str, Path]]:
    """Restore a scan as :func:`retouch.restore` does.

    Args:
        job: the job.
        local: the files that it reads, by what they are, where they are now.
        target: the file to write; mask, record and report are written beside it.

    Returns:
        What you should know; and the files that were written, by the names they are to get.

    Raises:
        RetouchError: the scan cannot be restored.
    """
    import retouch
    from retouch import files
    from retouch.recording.record import as_json

    given = {name: job.options[name] for name in (*_VALUES, *_SWITCHES) if name in job.options}
    given |= {name: local[name] for name in ("protect", "infrared") if name in local}
    if job.options.get("infrared") == job.photo:  # behind a URL they are two copies
        given["infrared"] = local["photo"]
    staged = {
        "photo": target,
        "mask": target.with_name(f"{target.stem}-mask.png"),
        "record": target.with_suffix(".json"),
        "report": target.with_suffix(".html"),
    }
    report = staged["report"] if "report" in job.names else None
    made = retouch.restore(
        local["photo"],
        local.get("mask"),
        output=target,
        report=report,
        command=command_of(job),
        overwrite=True,
        **given,
    )
    names = {kind: PurePosixPath(name).name for kind, name in job.names.items()}
    record = made.record
    for part, name in (("original", _name(job.photo)), ("result", names["photo"]), ("mask", names["mask"])):
        record = record | {part: record[part] | {"file": name}}
    files.write_text(as_json(record), staged["record"], overwrite=True)
    return made.notes, {name: staged[kind] for kind, name in job.names.items()}


def command_of(job: Job) -> str:
    """The command that restores this scan alone, with the names of its files."""
    words = ["retouch", "restore", _name(job.photo)]
    words += ["--mask", _name(job.mask)] if job.mask is not None else []
    for name in (*(each for each in MASKS if each in job.options), *_VALUES):
        if name in job.options:
            value = job.options[name]
            words += [f"--{name}", _name(value) if name in MASKS else str(value)]
    words += [f"--{name.replace('_', '-')}" for name in _SWITCHES if job.options.get(name)]
    written = job.names
    words += ["--report", _name(written["report"])] if "report" in written else []
    return shlex.join([*words, "-o", _name(job.name)])


def _name(place: str) -> str:
    return PurePosixPath(place.replace(os.sep, "/")).name
