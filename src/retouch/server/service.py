"""What the server holds: its settings, the open photos and the jobs."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import shutil
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from starlette.concurrency import run_in_threadpool

from retouch.errors import RetouchError
from retouch.files import copy_file
from retouch.server.errors import Limits, Refusal
from retouch.server.jobs import Jobs
from retouch.server.references import full
from retouch.server.session import Session, never_opened

log = logging.getLogger("retouch.server")

Ending = Literal["done", "discarded"]
Receive = Callable[[Path], Awaitable[None]]
"""Writes a photo to a file."""
_LOOK = 10.0  # seconds between looks for photos that nobody asks for


@dataclass(frozen=True)
class Settings:
    """How the server was started.

    Attributes:
        sessions: the folder of the open photos.
        host: the address to listen at.
        token: what clients must show; None for nothing.
        names: under which a proxy or the network reaches the server, besides its own.
        root: the folder whose photos may be opened and saved; None for none.
        limits: what is accepted.
        mode: whether one photo is edited, or many are served.
        wait: whether a program waits for the photo.
        target: in edit mode, the file that Done writes.
        overwrite: replace that file if it exists.
    """

    sessions: Path
    host: str = "127.0.0.1"
    token: str | None = None
    names: tuple[str, ...] = ()
    root: Path | None = None
    limits: Limits = field(default_factory=Limits)
    mode: Literal["edit", "serve"] = "serve"
    wait: bool = False
    target: Path | None = None
    overwrite: bool = False


class Service:
    """The open photos and the jobs of a running server.

    Attributes:
        settings: how it was started.
        photos: the open photos by id.
        edited: in edit mode, the id of the photo that the command was started with.
        jobs: the line of jobs.
        reading: taken while a photo or a mask is decoded, for a bounded memory.
        ended: how the editing ended, as soon as a program that waits may go on.
    """

    def __init__(self, settings: Settings) -> None:
        """Start the process that fills."""
        self.settings = settings
        self.photos: dict[str, Session] = {}
        self.edited: str | None = None
        self.jobs = Jobs(settings.limits)
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._opening = 0
        self.reading = asyncio.Semaphore(2)
        self._watch = asyncio.create_task(self._close_idle())

    async def close(self) -> None:
        """End the jobs; the photos' folders stay, to go on with."""
        self._watch.cancel()
        with suppress(asyncio.CancelledError):
            await self._watch
        await self.jobs.close()

    async def resume(self) -> None:
        """Open the photos again that were open when the server ended."""
        for folder in sorted(self.settings.sessions.iterdir()):
            if not folder.is_dir():
                continue
            try:
                session = await run_in_threadpool(Session.resumed, folder, self.settings.limits.pixels)
            except RetouchError as error:
                log.warning("%s", error)
                if never_opened(folder):
                    shutil.rmtree(folder, ignore_errors=True)
                continue
            self._hold(session)

    def find(self, name: str) -> Session:
        """The open photo of this id.

        Raises:
            Refusal: there is none.
        """
        session = self.photos.get(name)
        if session is None:
            raise Refusal(404, "no_photo", "This photo is not open, or no longer; open it again.")
        session.used = time.monotonic()
        return session

    def upload(self, body: AsyncIterable[bytes]) -> Receive:
        """Write the photo that a client sends to a file, within the limits."""

        async def receive(file: Path) -> None:
            if not await self.receive(body, file):
                raise Refusal(400, "empty", "Nothing was sent; send the file of a photo.")

        return receive

    async def receive(self, body: AsyncIterable[bytes], file: Path) -> int:
        """Write what a client sends to a file; returns how many bytes there were.

        Raises:
            Refusal: there are more than an uploaded file may have.
        """
        received = 0
        with file.open("wb") as target:
            async for part in body:
                received += len(part)
                if received > self.settings.limits.bytes:
                    raise too_large(self.settings.limits.bytes)
                target.write(part)
        return received

    def copy(self, path: Path) -> Receive:
        """Copy a photo of this computer to a file, within the limits."""

        async def receive(file: Path) -> None:
            # A pipe would be waited for.
            if not os.path.isfile(path):  # noqa: PTH113 # takes long names
                raise Refusal(404, "no_file", "There is no such photo; choose one in the list.")
            if path.stat().st_size > self.settings.limits.bytes:
                raise too_large(self.settings.limits.bytes)
            await run_in_threadpool(copy_file, path, file)

        return receive

    async def open(self, name: str, receive: Receive, source: str | None = None) -> Session:
        """Open a photo; the session keeps its file.

        Args:
            name: the name of its file.
            receive: writes that file.
            source: of a photo of this computer, its path under the root.

        Raises:
            RetouchError: it is no photo, or more than the limits allow.
        """
        with self._one_more() as folder:
            try:
                await receive(folder / "original")
                async with self.reading:
                    known = {"name": name, "source": source}
                    session = await run_in_threadpool(Session, folder, known, self.settings.limits.pixels)
            except BaseException as error:
                shutil.rmtree(folder, ignore_errors=True)
                _name(error, folder, name)
                raise
            self._hold(session)
        return session

    def _hold(self, session: Session) -> None:
        self.photos[session.id] = session
        # What a client sent has no source, and the target is never for that.
        if self.settings.mode == "edit" and self.edited is None and session.source is not None:
            self.edited = session.id

    async def refer(self, session: Session, name: str, receive: Receive) -> None:
        """Add a reference to a photo, another photo of the same place.

        Args:
            session: the photo.
            name: the name of the reference's file.
            receive: writes that file.

        Raises:
            RetouchError: it is no photo, or more than the limits allow.
        """
        references, most = session.references, self.settings.limits.references
        if len(references) >= most:
            raise full(most)
        folder = references.new_folder()
        try:
            await receive(folder / "original")
            async with self.reading:
                await run_in_threadpool(references.add, folder, name, session.original, most)
            self.find(session.id)  # it may have been closed meanwhile, and its folder removed
        except BaseException as error:
            shutil.rmtree(folder if session.id in self.photos else session.folder, ignore_errors=True)
            _name(error, folder, name)
            raise

    @contextmanager
    def passing(self) -> Iterator[Path]:
        """A folder for a photo that is not kept. Until then it is one of the open photos.

        Raises:
            Refusal: too many photos are open.
        """
        with self._one_more() as folder:
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _one_more(self) -> Iterator[Path]:
        """The new folder of one more photo; it is counted as open meanwhile."""
        limit = self.settings.limits.photos
        if len(self.photos) + self._opening >= limit:
            raise Refusal(429, "too_many_photos", f"{limit} photos are open; close one, or try again later.")
        folder = self.settings.sessions / secrets.token_urlsafe(12)
        self._opening += 1
        try:
            folder.mkdir(parents=True, mode=0o700)
            yield folder
        finally:
            self._opening -= 1

    def end(self, how: Ending) -> None:
        """Let a program that waits go on."""
        if self.settings.wait and not self.ended.done():
            self.ended.set_result(how)

    async def forget(self, session: Session) -> None:
        """Close a photo, and remove all that was kept of it."""
        self.photos.pop(session.id, None)
        while (job := self.jobs.of(session)) is not None:
            self.jobs.cancel(job)
            await job.finished()
        async with session.turn:  # what is written meanwhile would be left
            await run_in_threadpool(shutil.rmtree, session.folder, ignore_errors=True)

    async def _close_idle(self) -> None:
        minutes = self.settings.limits.idle_minutes
        while minutes:
            await asyncio.sleep(min(_LOOK, 60 * minutes))
            for session in list(self.photos.values()):
                if time.monotonic() - session.used > 60 * minutes and self.jobs.of(session) is None:
                    await self.forget(session)


def _name(error: BaseException, folder: Path, name: str) -> None:
    """Raise an error about a photo's file anew, by the name that the client knows.

    Where sessions are kept is nobody's concern.
    """
    if isinstance(error, RetouchError) and str(folder) in str(error):
        raise RetouchError(str(error).replace(str(folder / "original"), name)) from error


def too_large(limit: int) -> Refusal:
    """The refusal of a request of too many bytes."""
    return Refusal(
        413, "too_large", f"That is more than {limit / 1e6:,.0f} MB, which is the limit here; send less."
    )


def inside(root: Path, given: str) -> Path:
    """The place that a path names under a folder, links followed.

    Raises:
        Refusal: it lies elsewhere.
    """
    base = Path(os.path.realpath(root))
    try:
        place = Path(os.path.realpath(base / given))
    except ValueError as error:  # a null byte
        raise Refusal(400, "bad_path", "That is no path; choose a photo in the list.") from error
    if place != base and base not in place.parents:
        raise Refusal(
            403, "outside", "That lies outside of the folder that this server shows; choose another."
        )
    return place
