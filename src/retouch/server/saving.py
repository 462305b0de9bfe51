"""What clients ask at the end: save the photo, be done with it, or discard it."""

from __future__ import annotations

import os
from pathlib import Path, PurePath
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from retouch.api import editing
from retouch.server.answers import Json
from retouch.server.errors import Refusal
from retouch.server.given import json_of
from retouch.server.photos import idle, session_of
from retouch.server.service import Service, inside
from retouch.server.session import Session

_ALSO = {"jpeg": (".jpeg", ".jpe", ".jfif"), "tiff": (".tiff",), "heic": (".heif",)}
"""Other endings of the formats that photos are written in."""


async def save(service: Service, request: Request) -> Response:
    """Write the photo to a file: beside the one that is edited, or under the root."""
    session = session_of(service, request)
    given = await json_of(request, service.settings.limits.request, ("path", "overwrite"))
    idle(service, session)
    path = given.text("path") if "path" in given else None
    target = _target(service, session, path)
    overwrite = given.flag("overwrite") or (path is None and service.settings.overwrite)
    return Json(await run_in_threadpool(_save, service, session, target, overwrite))


async def done(service: Service, request: Request) -> Response:
    """Write the photo that is edited, and let the program that waits for it go on."""
    session = _edited(service)
    idle(service, session)
    target = service.settings.target
    assert target is not None  # the photo that is edited has one
    told = await run_in_threadpool(_save, service, session, target, service.settings.overwrite)
    service.end("done")
    return Json(told)


async def discard(service: Service, request: Request) -> Response:
    """Let the program that waits for the photo go on without it."""
    _edited(service)
    if not service.settings.wait:
        raise Refusal(409, "nobody_waits", "No program waits for this photo; undo what you do not want.")
    service.end("discarded")
    return Json({"path": None, "notes": []})


def _edited(service: Service) -> Session:
    if service.edited is None:
        raise Refusal(
            409, "not_editing", "This server edits no single photo; save the photo by its own address."
        )
    return service.find(service.edited)


def _target(service: Service, session: Session, path: str | None) -> Path:
    """The file that is meant; it lies in the photo's folder, or under the root."""
    settings = service.settings
    if settings.mode == "edit":
        assert settings.target is not None
        if session.id != service.edited:
            raise Refusal(
                409,
                "one_photo",
                "Only the photo that retouch edit was started with is saved; download this one.",
            )
        return settings.target if path is None else inside(settings.target.parent, path)
    if settings.root is None:
        raise Refusal(
            403, "no_root", "This server saves nothing; start it with --root FOLDER, or download the photo."
        )
    if path is None:
        name = PurePath(session.source or session.name)
        path = str(name.with_name(f"{name.stem}-filled{_ending(session, name.suffix)}"))
    return inside(settings.root, path)


def _ending(session: Session, suffix: str) -> str:
    """The ending to save a photo with: its own, unless its format is another one or is not written."""
    format = session.files.rest.format or ""
    usual = editing.FORMATS.get(format, editing.FORMATS["png"])
    return suffix if suffix.lower() in (usual, *_ALSO.get(format, ())) else usual


def _save(service: Service, session: Session, target: Path, overwrite: bool) -> dict[str, Any]:
    own = str(target) in session.history.written  # a second time, it is this session's file
    if os.path.lexists(target) and not (overwrite or own):
        raise Refusal(409, "exists", f"{target.name} exists already; choose another name, or overwrite it.")
    with session.finished() as photo:
        editing.save(photo, session.original, target, changed=session.edited, overwrite=overwrite or own)
        notes = editing.losses(photo, session.original, target) if session.edited else ()
    session.saved(target)
    base = service.settings.root
    shown = target if base is None else target.relative_to(os.path.realpath(base))
    return {"path": shown.as_posix(), "notes": list(notes)}
