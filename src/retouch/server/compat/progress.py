"""Progress by Socket.IO, as IOPaint's page listens to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

if TYPE_CHECKING:
    from socketio import AsyncServer

_CLIENTS = 200
_LARGEST = 10_000  # bytes of a message; clients have nothing to say


class Progress:
    """An ASGI application that tells all its clients how far fills have come."""

    def __init__(self) -> None:
        """Wait for clients."""
        self._server: AsyncServer | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of Socket.IO, which polls over HTTP or holds a WebSocket."""
        if self._server is None:
            # Late, because hardly any client asks, and importing it takes half a second.
            from socketio import AsyncServer

            self._server = AsyncServer(
                async_mode="asgi",
                cors_allowed_origins=[],  # who may ask was checked
                max_http_buffer_size=_LARGEST,
            )
        if len(self._server.eio.sockets) >= _CLIENTS and b"sid=" not in scope["query_string"]:
            await PlainTextResponse("Too many clients listen; try again later.", 429)(scope, receive, send)
        else:
            await self._server.handle_request(scope, receive, send)

    async def step(self, number: int) -> None:
        """A fill has made a step; the first is 0."""
        await self._emit("diffusion_progress", {"step": number})

    async def finish(self) -> None:
        """A fill is over."""
        await self._emit("diffusion_finish")

    async def _emit(self, name: str, content: Any = None) -> None:
        if self._server is not None:
            await self._server.emit(name, content)
