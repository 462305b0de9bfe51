"""The one loop of a batch: what is done already, what is given to the workers, and what the journal says."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal

import retouch
from retouch.batching import places
from retouch.batching.jobs import Job
from retouch.batching.journal import Journal
from retouch.batching.pool import Reply, Workers
from retouch.batching.records import Record


@dataclass(frozen=True)
class Outcome:
    """What became of a photo.

    Attributes:
        photo: its path.
        mask: that of its mask; None if there is none.
        output: that of the result.
        outcome: "filled" now; "done" before, and unchanged since; "unmasked": it has no mask; or "failed",
            now or before.
        error: why it failed, one sentence; "" if it did not.
        notes: as in :class:`retouch.Result`.
        seconds: how long it took.
    """

    photo: str
    mask: str | None
    output: str
    outcome: Literal["filled", "done", "unmasked", "failed"]
    error: str = ""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


def look(job: Job, journal: Journal, out: str, *, overwrite: bool, retry_failed: bool) -> Outcome | None:
    """What is known of a job without filling it; None if it is to be filled."""
    output = places.join(out, job.name)
    if job.problem:
        return Outcome(job.photo, job.mask, output, "unmasked" if job.unmasked else "failed", job.problem)
    state = journal.state(job, overwrite=overwrite)
    if state == "foreign":
        return _foreign(job, output)
    if state == "done" or (state == "failed" and not retry_failed):
        return _outcome(journal.record(job.name), job, output, "done" if state == "done" else "failed")
    return None


def run(
    jobs: Iterable[Job | None],
    journal: Journal,
    out: str,
    start: Callable[[], Workers],
    *,
    overwrite: bool = False,
    retry_failed: bool = False,
) -> Generator[Outcome]:
    """Fill what is not filled yet, and yield what becomes of each job, as it happens.

    Args:
        jobs: the jobs; None where there is none at the moment.
        journal: the open journal of the results.
        out: the folder of the results.
        start: starts the workers, when the first job needs them.
        overwrite: replace files that the journal does not know.
        retry_failed: fill what failed before once more.
    """
    workers: Workers | None = None
    flying: set[str] = set()

    def ended(wait: bool) -> list[Outcome]:
        assert workers is not None
        found = workers.take(wait=wait)
        flying.difference_update(job.name for job, _ in found)
        return _commit(found, journal, out, overwrite=overwrite)

    try:
        for job in jobs:
            if job is not None:
                known = look(job, journal, out, overwrite=overwrite, retry_failed=retry_failed)
                if known is not None:
                    yield known
                    continue
                workers = workers or start()
                while job.name in flying:  # a watched photo that changed while it is filled
                    yield from ended(wait=True)
                flying.add(job.name)
                workers.give(job)
            if workers is not None:
                yield from ended(wait=workers.waiting >= workers.room)
        while workers is not None and workers.waiting:
            yield from ended(wait=True)
    finally:
        if workers is not None:
            workers.close()


def _commit(ended: list[tuple[Job, Reply]], journal: Journal, out: str, *, overwrite: bool) -> list[Outcome]:
    """Write the lines of jobs that ended, then give their results their names."""
    # What somebody put there meanwhile stays. Without a line, the photo is filled once it is moved away.
    came = [] if overwrite else [job for job, _ in ended if journal.foreign(job)]
    outcomes = [_foreign(job, places.join(out, job.name)) for job in came]
    ended = [each for each in ended if each[0] not in came]
    if not ended:
        return outcomes
    before = {job.name: journal.files(job.name) for job, _ in ended}
    records = [_record(job, reply) for job, reply in ended]
    for record in records:
        if record["outcome"] == "failed":
            record["files"] = before[record["name"]]  # what an earlier fill left is still known
    journal.append(records)
    for (job, _), record in zip(ended, records, strict=True):
        output = places.join(out, job.name)
        try:
            for name, file in record["files"].items() if record["outcome"] == "filled" else ():
                places.move(places.join(out, file["staged"]), places.join(out, name))
        except OSError as error:
            sentence = (
                f"{output} cannot be written ({error.strerror}); make room for it, then --retry-failed."
            )
            record |= {"outcome": "failed", "error": sentence, "files": before[job.name]}
            journal.append([record])
        outcomes.append(_outcome(record, job, output, record["outcome"]))
    return outcomes


def _record(job: Job, reply: Reply) -> Record:
    return {
        "name": job.name,
        "ended": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "outcome": reply["outcome"],
        "error": reply["error"],
        "seconds": reply["seconds"],
        "version": _version(),
        "options": dict(job.options),
        "inputs": reply["inputs"],
        "files": reply["files"],
        "notes": reply["notes"],
    }


def _foreign(job: Job, output: str) -> Outcome:
    error = f"{output} exists, and is not what this batch wrote; move it away, or use --overwrite."
    return Outcome(job.photo, job.mask, output, "failed", error)


@cache
def _version() -> str:
    return retouch.__version__  # which looks it up each time


def _outcome(record: Record, job: Job, output: str, outcome: Any) -> Outcome:
    notes = tuple(record["notes"])
    return Outcome(job.photo, job.mask, output, outcome, record["error"], notes, record["seconds"])
