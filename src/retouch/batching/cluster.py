"""The same work on a Ray cluster: each photo is a task, and files travel by path, never as pixels.

All nodes must see the photos, the masks and the results under the same paths (shared storage, or URLs).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from retouch.batching import filling
from retouch.batching.jobs import Job
from retouch.batching.pool import Reply, failed
from retouch.errors import RetouchError, missing_extra

_TRIES = 3  # more, where a node or a process ends; of what fails by itself, none
_A_CORE = 4  # tasks given for each, so that none waits for the next one


class Cluster:
    """Workers of a Ray cluster, one task for each core.

    Args:
        address: where the cluster is, such as "10.0.0.1:6379"; "auto" finds one, or starts one here.
        out: the folder of the results, or its URL.
        staging: where results wait for their names.
    """

    def __init__(self, address: str, out: str, staging: str) -> None:
        try:
            import ray
        except ModuleNotFoundError as error:
            raise missing_extra("cluster", "ray") from error
        self._ray, self._ours = ray, not ray.is_initialized()
        if self._ours:
            _connect(ray, address)
        self.waiting = 0
        self._out, self._staging = out, staging
        self._tasks: dict[Any, Job] = {}
        self._fill = ray.remote(num_cpus=1, max_retries=_TRIES)(_fill)

    @property
    def room(self) -> int:
        """How many tasks may wait; it follows the cluster, which may grow."""
        return max(1, int(_A_CORE * self._ray.cluster_resources().get("CPU", 1)))

    def check(self, options: Mapping[str, Any]) -> None:
        """Raise :class:`RetouchError` if options that all jobs share are wrong."""
        task = self._ray.remote(num_cpus=1, max_retries=_TRIES)(filling.check)
        error = self._ray.get(task.remote(dict(options)))
        if error:
            raise RetouchError(error)

    def give(self, job: Job) -> None:
        """Let a job be filled."""
        self._tasks[self._fill.remote(job, self._out, self._staging)] = job
        self.waiting += 1

    def take(self, *, wait: bool) -> list[tuple[Job, Reply]]:
        """The jobs that ended since; waits for one if asked to."""
        tasks = list(self._tasks)
        if not tasks:
            return []
        ready, _ = self._ray.wait(tasks, num_returns=len(tasks), timeout=0)
        if not ready and wait:
            ready, _ = self._ray.wait(tasks, num_returns=1)
        self.waiting -= len(ready)
        return [self._ended(each) for each in ready]

    def close(self) -> None:
        """Cancel what waits, and leave the cluster if it was joined here."""
        for each in self._tasks:
            self._ray.cancel(each, force=True)
        self._tasks.clear()
        if self._ours:
            self._ray.shutdown()

    def _ended(self, task: Any) -> tuple[Job, Reply]:
        job = self._tasks.pop(task)
        try:
            return job, self._ray.get(task)
        except self._ray.exceptions.RayError as error:
            kind = type(error).__name__
            return job, failed(
                job, f"Its task failed {_TRIES + 1} times ({kind}); try it alone with retouch fill."
            )


def _connect(ray: Any, address: str) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent to Ray's makers
    quiet = {"log_to_driver": False, "logging_level": "error", "configure_logging": True}
    try:
        try:
            ray.init(address=address, **quiet)
        except ConnectionError:
            if address != "auto":
                raise
            ray.init(include_dashboard=False, **quiet)
    except Exception as error:
        raise RetouchError(
            f"There is no Ray cluster at {address} ({error}); start one with ray start."
        ) from error


def _fill(job: Job, out: str, staging: str) -> Reply:
    """A task: one photo with one thread, in a process that Ray keeps for the next one."""
    filling.limit_threads(1)
    return filling.fill_job(job, out, staging)
