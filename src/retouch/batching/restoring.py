"""Restore one scan of a batch: what is told of it has the names that people know."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from retouch.batching.jobs import MASKS, Job
from retouch.batching.places import name_of
from retouch.recording.command import option_words

_SWITCHES = ("resize_mask", "trust_mask", "allow_huge")
_VALUES = ("sensitivity", "dilate", "seed")


def restore_job(job: Job, local: Mapping[str, str], waiting: Mapping[str, Path]) -> tuple[str, ...]:
    """Restore a scan as :func:`retouch.restore` does.

    Args:
        job: the job.
        local: the files that it reads, by what they are, where they are now.
        waiting: the files to write, by what they are; they lie beside each other.

    Returns:
        What you should know.

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
    made = retouch.restore(
        local["photo"],
        local.get("mask"),
        output=waiting["photo"],
        report=waiting.get("report"),
        command=command_of(job),
        overwrite=True,
        **given,
    )
    record = made.record
    for part, place in (("original", job.photo), ("result", job.name), ("mask", job.names["mask"])):
        record = record | {part: record[part] | {"file": name_of(place)}}
    files.write_text(as_json(record), waiting["record"], overwrite=True)
    return made.notes


def command_of(job: Job) -> str:
    """The command that restores this scan alone, with the names of its files."""
    words = ["retouch", "restore", name_of(job.photo)]
    words += ["--mask", name_of(job.mask)] if job.mask is not None else []
    for name in (*MASKS, *_VALUES, *_SWITCHES):
        if name in job.options:
            value = job.options[name]
            words += option_words(name, {"file": name_of(value)} if name in MASKS else value)
    written = job.names
    words += ["--report", name_of(written["report"])] if "report" in written else []
    return shlex.join([*words, "-o", name_of(job.name)])
