"""The processes that fill on this computer: so many at a time, and so much memory for all together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from retouch.batching.jobs import Job
from retouch.batching.memory import Budget
from retouch.batching.transfer import inputs_of
from retouch.errors import RetouchError

Reply = dict[str, Any]
_AHEAD = 32  # jobs that wait, so that of tiny photos many lines go to the journal at once


class Workers(Protocol):
    """What fills jobs, here or on a cluster.

    Attributes:
        waiting: how many jobs were given and not taken.
    """

    waiting: int

    @property
    def room(self) -> int:
        """How many jobs may be given before one is taken."""

    def check(self, options: Mapping[str, Any]) -> None:
        """Raise :class:`RetouchError` if options that all jobs share are wrong."""

    def give(self, job: Job) -> None:
        """Let a job be filled."""

    def take(self, *, wait: bool) -> list[tuple[Job, Reply]]:
        """The jobs that ended, each with what :func:`~retouch.batching.filling.fill_job` said."""

    def close(self) -> None:
        """End all work."""


class Ended(Exception):
    """The process ended; the text says how."""


class Pool:
    """Processes on this computer. A crash costs one of them, and the photo is tried once more, alone.

    Args:
        out: the folder of the results.
        staging: where results wait for their names.
        workers: how many processes.
        threads: how many threads each one uses.
        memory: how many bytes all may take together.
    """

    def __init__(self, out: str, staging: str, *, workers: int, threads: int, memory: int) -> None:
        self.room, self.waiting = 2 * workers + _AHEAD, 0
        self._out, self._staging, self._threads = out, staging, threads
        self._budget = Budget(memory)
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._done: SimpleQueue[tuple[Job, Reply]] = SimpleQueue()
        self._processes = [_Process(threads) for _ in range(workers)]
        self._servers = [
            threading.Thread(target=self._serve, args=(each,), daemon=True) for each in self._processes
        ]

    def check(self, options: Mapping[str, Any]) -> None:
        """Raise :class:`RetouchError` if options that all jobs share are wrong."""
        try:
            error = self._processes[0].ask({"check": dict(options)})["error"]
        except Ended as end:
            raise RetouchError(f"The model cannot be loaded: its process {end}.") from end
        if error:
            raise RetouchError(error)
        for each in self._servers:
            each.start()

    def give(self, job: Job) -> None:
        """Let a job be filled."""
        self.waiting += 1
        self._jobs.put(job)

    def take(self, *, wait: bool) -> list[tuple[Job, Reply]]:
        """The jobs that ended since; waits for one if asked to."""
        ended = [self._done.get()] if wait and self.waiting else []
        with suppress(Empty):
            while True:
                ended.append(self._done.get_nowait())
        self.waiting -= len(ended)
        return ended

    def close(self) -> None:
        """End all processes, whatever they do."""
        for each in self._processes:
            each.close()
            self._jobs.put(None)

    def _serve(self, process: _Process) -> None:
        while (job := self._jobs.get()) is not None:
            self._done.put((job, self._tried(process, job)))

    def _tried(self, process: _Process, job: Job) -> Reply:
        how = ""
        for alone in (False, True):
            try:
                return self._fill(process, job, alone=alone)
            except Ended as end:
                how = str(end)
        return failed(
            job, f"The process that filled it {how}, twice; try it alone with retouch fill, or leave it out."
        )

    def _fill(self, process: _Process, job: Job, *, alone: bool) -> Reply:
        needed = process.ask({"needs": asdict(job)})["bytes"]
        if needed > self._budget.total:
            need, most = needed / 2**30, self._budget.total / 2**30
            limit = f"It may need {need:.1f} GB of memory, and --memory allows {most:.1f}"
            return failed(job, f"{limit}; allow more, with --retry-failed.")
        with self._budget.hold(self._budget.total if alone else needed):
            return process.ask({"fill": asdict(job), "out": self._out, "staging": self._staging})


class _Process:
    """A process, as its parent holds it."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._closed = False
        self._process: subprocess.Popen[bytes] | None = None  # starts with the first question

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None:
            return self._process
        if self._closed:
            raise Ended("was closed")
        try:
            process = self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "retouch.batching.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
        except OSError as error:
            raise Ended(f"could not be started ({error.strerror})") from error
        if self._closed:  # meanwhile
            process.kill()
        self._send(process, {"threads": self._threads})
        return process

    def ask(self, request: dict[str, Any]) -> Reply:
        """Send a request, and wait for the answer. Starts the process where there is none.

        Raises:
            Ended: the process ended instead of answering.
        """
        try:
            return self._answer(request)
        except Ended:
            self._process = None
            raise

    def _answer(self, request: dict[str, Any]) -> Reply:
        process = self._started()
        self._send(process, request)
        assert process.stdout is not None
        answer = process.stdout.readline()
        if not answer.endswith(b"\n"):
            raise Ended(_how(process))
        reply: Reply = json.loads(answer)
        return reply

    def close(self) -> None:
        """End it, whatever it does."""
        self._closed = True
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _send(self, process: subprocess.Popen[bytes], request: dict[str, Any]) -> None:
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
        except OSError as error:
            raise Ended(_how(process)) from error


def _how(process: subprocess.Popen[bytes]) -> str:
    code = process.wait()
    if code == -9:
        return "was killed, probably because memory ran out"
    return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"


def failed(job: Job, error: str) -> Reply:
    """What is said of a job whose process could not say it."""
    reply = {"outcome": "failed", "error": error, "notes": [], "seconds": 0.0, "files": {}}
    return {"inputs": inputs_of(job, read=False), **reply}
