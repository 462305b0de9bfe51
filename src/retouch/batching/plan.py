"""A whole batch, set up: which jobs it has, and what runs them."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from retouch.batching import memory as room
from retouch.batching import places
from retouch.batching.jobs import MASKS, Job, given_options, in_shard, read_shard
from retouch.batching.journal import Journal
from retouch.batching.listing import Item, item_jobs, table_jobs
from retouch.batching.pairing import folder_jobs
from retouch.batching.pool import Pool, Workers
from retouch.batching.running import Outcome, look, run
from retouch.batching.targets import check_unread
from retouch.batching.watching import arrivals
from retouch.errors import RetouchError
from retouch.native.threads import cores

FORMATS = ("jpg", "png", "webp", "tif", "avif", "heic")
"""The endings that all results can be given."""


@dataclass(frozen=True)
class Batch:
    """A batch that is set up; nothing is read or written before it is asked to.

    Attributes:
        photos: a folder, a CSV file, or items.
        masks: a folder of masks, or one mask for all photos of a folder; None = what is transparent.
        output: the folder of the results.
        options: see :data:`~retouch.batching.jobs.OPTIONS`; for all photos.
        recursive, format, shard, workers, memory, cluster, overwrite, retry_failed: as in
            :func:`retouch.batch`.
    """

    photos: str | Path | Iterable[Item]
    masks: str | Path | None
    output: str
    options: Mapping[str, Any] = field(default_factory=dict)
    recursive: bool = False
    format: str | None = None
    shard: str | None = None
    workers: str | int = "auto"
    memory: str | int | None = None
    cluster: str | None = None
    overwrite: bool = False
    retry_failed: bool = False

    def jobs(self, *, empty: bool = False) -> list[Job]:
        """List the jobs of this shard.

        Args:
            empty: the folder may hold no photo yet.

        Raises:
            RetouchError: there is no photo, or it cannot be told what the jobs are.
        """
        shard = None if self.shard is None else read_shard(self.shard)
        listed = self._all_jobs()
        if not listed and not empty and isinstance(self.photos, str | Path):
            folders = os.path.isdir(self.photos) and not self.recursive  # noqa: PTH112 # takes long names
            more = "; check its name" + (", or also take its folders, with --recursive." if folders else ".")
            raise RetouchError(f"There are no photos in {self.photos}{more}")
        check_unread(listed, self.output)
        return [job for job in listed if shard is None or in_shard(job.name, shard)]

    def _all_jobs(self) -> list[Job]:
        options, format = given_options(self.options), _ending(self.format)
        if not isinstance(self.photos, str | Path):
            self._check_no_masks("items")
            return item_jobs(self.photos, format=format, options=options)
        place = str(self.photos)
        if place.lower().endswith((".csv", ".tsv")):
            self._check_no_masks("a table")
            return table_jobs(Path(place), format=format, options=options)
        masks = None if self.masks is None else str(self.masks)
        for each in (masks, *(options.get(kind) for kind in MASKS)):
            if each is not None and not places.is_url(each) and places.stamp(each) is None:
                raise RetouchError(
                    f"There is no {each}; name a folder of such pictures, or one picture for all photos."
                )
        return folder_jobs(
            place, masks, out=self.output, recursive=self.recursive, format=format, options=options
        )

    def _check_no_masks(self, what: str) -> None:
        if self.masks is not None or self.recursive:
            raise RetouchError(
                f"MASKS and --recursive are for a folder of photos; {what} names each photo with its mask."
            )

    def run(self, jobs: Iterable[Job | None] | None = None) -> Generator[Outcome]:
        """Fill, and yield what becomes of each photo; ``jobs`` if they are listed already."""
        return self._run(self.jobs() if jobs is None else jobs, self._starter())

    def _run(self, jobs: Iterable[Job | None], start: Callable[[str], Workers]) -> Generator[Outcome]:
        journal = self._journal()
        try:
            journal.open()
            yield from run(
                jobs,
                journal,
                self.output,
                partial(start, journal.staging),
                overwrite=self.overwrite,
                retry_failed=self.retry_failed,
            )
        finally:
            journal.close()

    def watch(self) -> Generator[Outcome]:
        """Fill what is in the folder and what arrives there, without end."""
        if not isinstance(self.photos, str | Path) or not os.path.isdir(self.photos):  # noqa: PTH112 # takes long names
            raise RetouchError("--watch is for a folder of photos; name one.")
        return self.run(arrivals(partial(self.jobs, empty=True)))

    def preview(self) -> Iterator[tuple[Job, Outcome | None]]:
        """Each job with what is known of it, None if it is to be filled; nothing is written."""
        listed, journal = self.jobs(), self._journal()
        journal.read()
        for job in listed:
            yield (
                job,
                look(job, journal, self.output, overwrite=self.overwrite, retry_failed=self.retry_failed),
            )

    def _journal(self) -> Journal:
        return Journal(self.output, None if self.shard is None else read_shard(self.shard))

    def _starter(self) -> Callable[[str], Workers]:
        """What starts the workers; that nothing is wrong with what they are given is checked now."""
        options = given_options(self.options)
        if self.cluster is not None:
            if self.workers != "auto" or self.memory is not None:
                raise RetouchError(
                    "--workers and --memory are for this computer; on a cluster Ray shares them out."
                )
            from retouch.batching.cluster import Cluster

            return lambda staging: _checked(Cluster(str(self.cluster), self.output, staging), options)
        total = room.default_memory() if self.memory is None else _bytes(self.memory)
        workers = cores() if self.workers == "auto" else _count(self.workers)
        threads = room.threads_for(workers)

        def start(staging: str) -> Workers:
            pool = Pool(self.output, staging, workers=workers, threads=threads, memory=total)
            return _checked(pool, options)

        return start


def _checked(workers: Workers, options: Mapping[str, Any]) -> Workers:
    try:
        workers.check(options)
    except BaseException:
        workers.close()
        raise
    return workers


def _ending(format: str | None) -> str | None:
    ending = None if format is None else format.lower().removeprefix(".")
    if ending is None or ending in FORMATS:
        return ending
    raise RetouchError(f"The format of the results is one of {', '.join(FORMATS)}, not {format!r}.")


def _bytes(memory: str | int) -> int:
    return room.read_memory(str(memory))


def _count(workers: str | int) -> int:
    text, most = str(workers), cores()
    if text.isdecimal() and 1 <= int(text) <= most:
        return int(text)
    raise RetouchError(f"--workers takes auto, or 1 to {most}, the processors here, not {text!r}.")
