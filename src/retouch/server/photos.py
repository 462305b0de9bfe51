"""What clients ask of photos: open and close, tiles, undo and redo, files."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from retouch.api import editing
from retouch.server import masks
from retouch.server.answers import Json
from retouch.server.errors import Refusal
from retouch.server.given import Given, json_of, query_of, stream_of
from retouch.server.service import Receive, Service, inside
from retouch.server.session import Session

FOREVER = "private, max-age=31536000, immutable"


def state_of(service: Service, session: Session) -> dict[str, Any]:
    """The state of a photo, with its job."""
    job = service.jobs.of(session)
    return session.state() | {"job": None if job is None else job.id}


def session_of(service: Service, request: Request) -> Session:
    """The photo that a request names."""
    return service.find(request.path_params["photo"])


async def open_photo(service: Service, request: Request) -> Response:
    """Open a photo: the bytes of its file, or the path of one under the root."""
    if service.settings.mode == "edit":
        raise Refusal(
            409,
            "one_photo",
            "This server edits one photo only; open others with retouch edit or retouch serve.",
        )
    session = await service.open(*await sent(service, request))
    return Json(state_of(service, session), 201)


async def sent(service: Service, request: Request) -> tuple[str, Receive, str | None]:
    """The photo that a client sends, or names under the root.

    Returns:
        Its name, what writes it to a file, and its path under the root; None if it was sent.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() == "application/json":
        given = await json_of(request, service.settings.limits.request, ("path",))
        if service.settings.root is None:
            raise Refusal(
                403,
                "no_root",
                "This server shows no folder; start it with --root FOLDER, or upload the photo.",
            )
        path = inside(service.settings.root, given.text("path"))
        source = path.relative_to(os.path.realpath(service.settings.root)).as_posix()
        return path.name, service.copy(path), source
    name = query_of(request, ("name",)).text("name", "photo")[-255:].replace("\\", "/")
    return PurePath(name).name or "photo", service.upload(stream_of(request)), None


async def show_photo(service: Service, request: Request) -> Response:
    """The state of a photo."""
    return Json(state_of(service, session_of(service, request)))


async def close_photo(service: Service, request: Request) -> Response:
    """Close a photo, and forget all that was done to it."""
    session = session_of(service, request)
    if session.id == service.edited:
        raise Refusal(
            409,
            "one_photo",
            "This is the photo that retouch edit was started with; end the command to close it.",
        )
    await service.forget(session)
    return Response(status_code=204)


async def tile(service: Service, request: Request) -> Response:
    """A tile as PNG; one that is asked for by its present revision may be kept forever."""
    session, level, column, row = place_of(service, request)
    given = query_of(request, ("revision", "before"))
    before = given.flag("before")
    read = partial(session.tile, level, column, row, before=before)
    (pixels, alpha), revision, changed = await run_in_threadpool(read)
    return await picture(
        request,
        partial(editing.on_screen, session.files.rest, pixels, alpha),
        tag=f'"{session.id}-{"before" if before else changed}"',
        forever=before or given.raw("revision") == str(revision),
    )


def place_of(service: Service, request: Request) -> tuple[Session, int, int, int]:
    """The photo, level, column and row that a request for a tile names."""
    names = request.path_params
    return session_of(service, request), names["level"], names["column"], names["row"]


async def picture(request: Request, make: Any, *, tag: str, forever: bool) -> Response:
    """Answer with a PNG, unless the client has it already.

    Args:
        request: the request.
        make: makes the picture, ``h×w×3`` or ``h×w×4`` uint8.
        tag: changes whenever the picture does.
        forever: whether its address always means this picture.
    """
    headers = {"ETag": tag, "Cache-Control": FOREVER if forever else "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    data = await run_in_threadpool(lambda: masks.png(make()))
    return Response(data, media_type="image/png", headers=headers)


def fresh(session: Session, given: Given) -> None:
    """Refuse a client that says which revision it has seen, and it is not the last one."""
    if "revision" in given and given.integer("revision", None, 0, 2**53) != session.revision:
        raise Refusal(409, "stale", "The photo was changed elsewhere since; look at it as it is now.")


def idle(service: Service, session: Session) -> None:
    """Refuse what cannot be done while a fill is at work."""
    if service.jobs.of(session) is not None:
        raise Refusal(409, "busy", "A fill is at work; wait for it, or cancel it.")


@asynccontextmanager
async def its_turn(service: Service, session: Session) -> AsyncIterator[None]:
    """Let nothing else change the photo meanwhile; refuse while a fill is at work."""
    idle(service, session)
    async with session.turn:
        idle(service, session)
        yield


async def undo(service: Service, request: Request) -> Response:
    """Take back the last edit."""
    return await _step(service, request, Session.undo)


async def redo(service: Service, request: Request) -> Response:
    """Apply the edit again that was taken back last."""
    return await _step(service, request, Session.redo)


async def _step(service: Service, request: Request, step: Any) -> Response:
    session = session_of(service, request)
    given = await json_of(request, service.settings.limits.request, ("revision",))
    async with its_turn(service, session):
        fresh(session, given)
        await run_in_threadpool(step, session)
    return Json(state_of(service, session))


async def download(service: Service, request: Request) -> Response:
    """The photo's file, edited, in its own format or another."""
    session = session_of(service, request)
    format = query_of(request, ("format",)).raw("format")
    if format is not None and format not in editing.FORMATS:
        raise Refusal(
            400, "no_format", f"Photos are written as {', '.join(editing.FORMATS)}, not as {format}."
        )

    def write() -> bytes:
        with session.finished() as photo:
            return editing.write(photo, session.original, format, changed=session.edited)

    data = await run_in_threadpool(write)
    name = PurePath(session.name)
    own = session.files.rest.format
    kept = format in (None, own) and (own in editing.FORMATS or not session.edited)
    ending = name.suffix if kept else editing.FORMATS[format or "png"]
    return attachment(data, f"{name.stem}{'-filled' if session.edited else ''}{ending}")


def attachment(data: bytes, name: str) -> Response:
    """A file to download."""
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='', errors='replace')}"
    }
    return Response(data, media_type="application/octet-stream", headers=headers)
