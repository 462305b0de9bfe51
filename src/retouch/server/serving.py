"""Run the server until it is told to end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

import uvicorn
from starlette.applications import Starlette

from retouch.errors import RetouchError


def bind(host: str, port: int) -> socket.socket:
    """Listen at an address; port 0 takes one that is free.

    Raises:
        RetouchError: the address is taken, or none of this computer's.
    """
    name = host.strip("[]")
    try:
        return socket.create_server((name, port), family=socket.AF_INET6 if ":" in name else socket.AF_INET)
    except (OSError, OverflowError) as error:
        raise RetouchError(
            f"Nothing can listen at {host}, port {port} ({error}); choose another with --host and --port."
        ) from error


def run(
    app: Starlette, listener: socket.socket, meanwhile: Callable[[Starlette], Awaitable[None]] | None = None
) -> None:
    """Serve until Ctrl-C, or until ``meanwhile`` is over, which begins as soon as the server answers."""
    server = uvicorn.Server(
        uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=2
        )
    )

    async def serve() -> None:
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not task.done():
            await asyncio.sleep(0.01)
        if meanwhile is not None and not task.done():
            other = asyncio.ensure_future(meanwhile(app))
            await asyncio.wait([task, other], return_when=asyncio.FIRST_COMPLETED)
            server.should_exit = True
            await task
            if other.done():
                other.result()
            other.cancel()
        await task

    with suppress(KeyboardInterrupt):  # by then all is closed
        asyncio.run(serve())
