"""What clients ask of references: add another photo of the same place, look at it, remove it."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from retouch.server.answers import Json
from retouch.server.photos import FOREVER, its_turn, sent, session_of, state_of
from retouch.server.service import Service


async def add_reference(service: Service, request: Request) -> Response:
    """Add another photo of the same place: the bytes of its file, or the path of one under the root."""
    session = session_of(service, request)
    name, receive, _ = await sent(service, request)
    await service.refer(session, name, receive)
    return Json(state_of(service, session), 201)


async def show_reference(service: Service, request: Request) -> Response:
    """A small picture of a reference, as PNG."""
    reference = session_of(service, request).references.find(request.path_params["reference"])
    return FileResponse(reference.small, headers={"Cache-Control": FOREVER})


async def remove_reference(service: Service, request: Request) -> Response:
    """Remove a reference; what was filled from it stays."""
    session = session_of(service, request)
    async with its_turn(service, session):
        await run_in_threadpool(session.references.remove, request.path_params["reference"])
    return Json(state_of(service, session))
