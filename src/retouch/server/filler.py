"""The process that fills, as the server holds it."""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
from contextlib import suppress
from typing import Any

from starlette.concurrency import run_in_threadpool

from retouch.server.filling import work
from retouch.server.messages import Cancel, Cancelled, FillRequest, Message


class Filler:
    """The process that fills; it is started again after a crash."""

    def __init__(self) -> None:
        """Start it."""
        self._context = multiprocessing.get_context("spawn")
        self._messages: asyncio.Queue[Message | None] = asyncio.Queue()
        self._start()

    def _start(self) -> None:
        ours, theirs = self._context.Pipe()
        self._process = self._context.Process(target=work, args=(theirs,), daemon=True, name="retouch-filler")
        self._process.start()
        theirs.close()
        self._connection, self._messages = ours, asyncio.Queue()
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._listen, args=(ours, self._messages, loop), daemon=True).start()

    @staticmethod
    def _listen(connection: Any, messages: asyncio.Queue[Any], loop: asyncio.AbstractEventLoop) -> None:
        message: Message | None = Cancelled()
        while message is not None:
            try:
                message = connection.recv()
            except (EOFError, OSError):
                message = None
            with suppress(RuntimeError):  # the server has ended
                loop.call_soon_threadsafe(messages.put_nowait, message)

    @property
    def pid(self) -> int | None:
        """The number of the process."""
        return self._process.pid

    async def send(self, request: FillRequest) -> None:
        """Ask for a fill."""
        if not self._process.is_alive():
            self.restart()
        try:
            await run_in_threadpool(self._connection.send, request)
        except OSError:  # it has just ended
            self.restart()
            await run_in_threadpool(self._connection.send, request)

    async def message(self) -> Message | None:
        """The next message; None if the process has ended."""
        return await self._messages.get()

    def cancel(self) -> None:
        """Ask the fill to end."""
        with suppress(OSError):  # it has just ended
            self._connection.send(Cancel())

    def restart(self) -> None:
        """End the process, and start another one."""
        self.stop()
        self._start()

    def kill(self) -> None:
        """End the process at once; the next message says so."""
        self._process.kill()

    def stop(self) -> None:
        """End the process for good."""
        self.kill()
        self._process.join()
        self._connection.close()
