"""Photos that arrive in a folder, once they are complete."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from retouch.batching import places
from retouch.batching.jobs import Job
from retouch.batching.places import Stamp

Seen = tuple[Stamp | None, ...]


def arrivals(
    find: Callable[[], list[Job]], *, every: float = 1.0, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Job | None]:
    """Yield each job once its photo and mask are there and have not changed between two looks; without end.

    A photo that changes later comes again. One without its mask is waited for.

    Args:
        find: lists all jobs of the folder.
        every: seconds between two looks.
        sleep: waits so long.

    Yields:
        A job; or None after each look, so that the caller can do something else.
    """
    before: dict[str, Seen] = {}
    given: dict[str, Seen] = {}
    while True:
        now = {}
        for job in find():
            if job.unmasked:
                continue
            seen = tuple(places.stamp(place) for place in job.inputs().values())
            now[job.photo] = seen
            if None not in seen and before.get(job.photo) == seen != given.get(job.photo):
                given[job.photo] = seen
                yield job
        before = now
        yield None
        sleep(every)
