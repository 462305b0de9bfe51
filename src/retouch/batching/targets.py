"""The names of results: in which format, and that none replaces another one or a file that is read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import PurePosixPath

from retouch.batching import places
from retouch.batching.jobs import Job
from retouch.errors import RetouchError


def with_format(name: str, format: str | None) -> str:
    """The name of a result, in the format that is asked for."""
    return name if format is None else str(PurePosixPath(name).with_suffix("." + format))


def check_targets(jobs: Iterable[Job]) -> None:
    """Raise :class:`RetouchError` if two jobs would write one file."""
    for problem in clashes(jobs).values():
        raise RetouchError(problem)


def clashes(jobs: Iterable[Job]) -> dict[int, str]:
    """What is wrong with the jobs that would write one file, by their ids."""
    seen: dict[str, Job] = {}
    found: dict[int, str] = {}
    for job in jobs:
        for name in job.names.values():
            first = seen.setdefault(name, job)
            if first is not job:
                photos = f"{first.photo} and {job.photo}"
                otherwise = "rename one, or leave out --format" if name == job.name else "rename one"
                problem = f"{photos} would both be written to {name}; {otherwise}."
                found |= {id(first): problem, id(job): problem}
    return found


def check_unread(jobs: Iterable[Job], out: str) -> None:
    """Raise :class:`RetouchError` if a result would replace a photo, a mask or another file that is read."""
    folders: dict[str, str] = {}

    def real(place: str) -> str:
        if places.is_url(place):
            return place
        folder, name = os.path.split(place)
        if folder not in folders:
            folders[folder] = os.path.realpath(folder)
        return os.path.join(folders[folder], name)  # noqa: PTH118 # as in places.stamp

    listed = list(jobs)
    inputs = {place for job in listed for place in job.inputs().values()}
    read = {real(place) for place in inputs}
    read |= {os.path.realpath(place) for place in inputs if os.path.islink(place)}  # noqa: PTH114
    for job in listed:
        for name in job.names.values():
            if real(place := places.join(out, name)) in read:
                raise RetouchError(
                    f"The result of {job.photo} would replace {place}, which is read; choose another -o."
                )
