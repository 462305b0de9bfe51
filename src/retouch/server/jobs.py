"""Fills as jobs: they wait in a line, are made one after another, report, and can be cancelled."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from starlette.concurrency import run_in_threadpool

from retouch.server.edits import Edit
from retouch.server.errors import DISK_FULL, Limits, Refusal, is_disk_full
from retouch.server.filler import Filler
from retouch.server.messages import Cancelled, Filled, FillRequest, Report
from retouch.server.session import Session

log = logging.getLogger("retouch.server")

JobState = Literal["waiting", "running", "done", "failed", "cancelled"]
_GRACE = 1.0  # seconds that a cancelled fill has to end by itself
_REMEMBERED = 1000  # jobs that are done
_NOT_KEPT = "The fill could not be kept; the terminal of the server says why."
_CRASHED = "The process that fills ended unexpectedly; the photo is as it was. Fill a smaller hole at a time."


class Fillable(Protocol):
    """A photo that takes fills."""

    id: str
    revision: int
    turn: asyncio.Lock

    def commit(self, edit: Edit) -> None:
        """Apply a fill, whose file is written."""


@dataclass
class Job:
    """A fill that was asked for.

    Attributes:
        id: names it; nobody can guess it.
        session: the photo.
        make: makes the request when the job's turn has come; None when it is over.
        offer: takes the fills as variants; None applies them.
        size: bytes that ``make`` holds.
        state: how it stands.
        report: how far it has come.
        message: why it failed.
        edits: what was made.
        revision: of the photo after it.
        cancelled: whether it was cancelled while it ran.
        sent: whether the process that fills has the whole request.
        previews: how many previews there were.
        preview: the last one, a JPEG, while it runs.
    """

    session: Fillable
    make: Callable[[], FillRequest] | None
    offer: Callable[[Sequence[Edit]], None] | None
    size: int
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    state: JobState = "waiting"
    report: Report = field(default_factory=lambda: Report(0.0, "waiting"))
    message: str | None = None
    edits: tuple[Edit, ...] = ()
    revision: int | None = None
    cancelled: bool = False
    sent: bool = False
    previews: int = 0
    preview: bytes | None = None
    _began: float = 0.0
    _ended: float = 0.0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def over(self) -> bool:
        """Whether nothing will happen any more."""
        return self.state in ("done", "failed", "cancelled")

    def as_json(self) -> dict[str, Any]:
        """What clients are told."""
        seconds = (self._ended or time.monotonic()) - self._began if self._began else 0.0
        told: dict[str, Any] = {
            "id": self.id,
            "photo": self.session.id,
            "state": self.state,
            "fraction": round(self.report.fraction, 4),
            "stage": self.report.stage,
            "seconds": round(seconds, 3),
        }
        if self.message is not None:
            told["message"] = self.message
        if self.state == "done":
            told["revision"] = self.revision
            told["edits"] = [each.id for each in self.edits]
            if self.offer is not None:
                told["variants"] = [
                    {"id": each.id, "seed": each.seed, "box": list(each.box)} for each in self.edits
                ]
        return told

    async def change(self, seconds: float) -> None:
        """Wait until something changed, or so long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)

    async def finished(self) -> None:
        """Wait until the job is over."""
        while not self.over:
            await self._changed.wait()

    def tell(self, report: Report) -> None:
        """Take over a report of the fill."""
        self.report = report
        if report.preview is not None:
            self.previews += 1
            self.preview = report.preview
        self._notify()

    def begin(self) -> None:
        """The job's turn has come."""
        self.state, self._began = "running", time.monotonic()
        self._notify()

    def end(self, state: JobState, message: str | None = None) -> None:
        """The job is over."""
        self.state, self.message, self._ended, self.preview = state, message, time.monotonic(), None
        self.make = None  # jobs are remembered for long
        self.report = Report(1.0 if state == "done" else self.report.fraction, state)
        self._notify()

    def _notify(self) -> None:
        event, self._changed = self._changed, asyncio.Event()
        event.set()


class Jobs:
    """The line of jobs, and those that are over.

    Attributes:
        filler: the process that fills.
    """

    def __init__(self, limits: Limits) -> None:
        """Start the process that fills."""
        self._limits = limits
        self._line: deque[Job] = deque()
        self._more = asyncio.Event()
        self._known: dict[str, Job] = {}
        self._now: Job | None = None
        self.filler = Filler()
        self._task = asyncio.create_task(self._work())

    async def close(self) -> None:
        """Give up everything that is left."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self.filler.stop()

    def submit(
        self,
        session: Fillable,
        make: Callable[[], FillRequest],
        *,
        offer: Callable[[Sequence[Edit]], None] | None = None,
        size: int = 0,
    ) -> Job:
        """Let a fill wait for its turn.

        Args:
            session: the photo.
            make: makes the request when the job's turn has come.
            offer: takes the fills as variants; None applies them.
            size: bytes that ``make`` holds until then.

        Raises:
            Refusal: too many jobs wait.
        """
        held = size + sum(each.size for each in self._line)
        if len(self._line) >= self._limits.waiting or held > self._limits.waiting_bytes:
            raise Refusal(429, "too_many_jobs", "Too many fills are waiting; try again when some are done.")
        job = Job(session, make, offer, size)
        self._known[job.id] = job
        over = [each.id for each in self._known.values() if each.over]
        for name in over[: max(0, len(over) - _REMEMBERED)]:
            del self._known[name]
        self._line.append(job)
        self._more.set()
        return job

    def find(self, name: str) -> Job:
        """The job of this name.

        Raises:
            Refusal: there is none.
        """
        if name not in self._known:
            raise Refusal(404, "no_job", "There is no such job; it may be long over.")
        return self._known[name]

    def of(self, session: Session) -> Job | None:
        """The first job of a photo that is not over."""
        jobs = ([] if self._now is None else [self._now]) + list(self._line)
        return next((each for each in jobs if each.session is session), None)

    def forget(self, job: Job) -> None:
        """Drop a job that is over and that nobody will ask for."""
        self._known.pop(job.id, None)

    def cancel(self, job: Job) -> None:
        """Give a job up; nothing happens if it is over."""
        if job.state == "waiting":
            self._line.remove(job)
            job.end("cancelled")
        elif job.state == "running" and not job.cancelled:  # once: a line of many would be full
            job.cancelled = True
            if job.sent:
                self.filler.cancel()
            asyncio.get_running_loop().call_later(_GRACE, self._insist, job)

    def _insist(self, job: Job) -> None:
        """End the process if a cancelled fill goes on."""
        if self._now is job and job.state == "running":
            self.filler.kill()

    async def _work(self) -> None:
        while True:
            while not self._line:
                self._more.clear()
                await self._more.wait()
            job = self._now = self._line.popleft()
            try:
                job.begin()
                async with job.session.turn:
                    await self._fill(job)
            except asyncio.CancelledError:
                job.end("cancelled")
                raise
            except Exception as error:  # the next job must come all the same
                log.exception("a job failed")
                job.end("failed", DISK_FULL if is_disk_full(error) else _NOT_KEPT)
            finally:
                self._now = None
            if job.state != "done" and isinstance(job.session, Session):
                with suppress(OSError):
                    await run_in_threadpool(job.session.tidy)

    async def _fill(self, job: Job) -> None:
        assert job.make is not None  # only a job that is over has none
        request = await run_in_threadpool(job.make)
        if job.cancelled:
            job.end("cancelled")
            return
        await self.filler.send(request)
        job.sent = True
        if job.cancelled:  # meanwhile; two threads must not send at the same time
            self.filler.cancel()
        while True:
            message = await self.filler.message()
            if isinstance(message, Report):
                job.tell(message)
                continue
            if message is None:
                self.filler.restart()
            if job.cancelled or isinstance(message, Cancelled):
                job.end("cancelled")
            elif isinstance(message, Filled):
                await self._keep(job, message.edits)
            else:
                log.error("%s", _CRASHED if message is None else message.details or message.message)
                job.end("failed", _CRASHED if message is None else message.message)
            return

    async def _keep(self, job: Job, edits: tuple[Edit, ...]) -> None:
        """Apply a fill, or let it wait as a variant; only then the job is done."""
        if job.offer is not None:
            job.offer(edits)
        else:
            for edit in edits:
                await run_in_threadpool(job.session.commit, edit)
        job.edits, job.revision = edits, job.session.revision
        job.end("done")
