"""What clients ask of the server itself: what it can do, the files it shows, and to end."""

from __future__ import annotations

import locale
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

import retouch
from retouch.server.answers import Json
from retouch.server.errors import Refusal
from retouch.server.given import query_of
from retouch.server.service import Service, inside

_SEEDLESS = ("telea", "navier-stokes")  # the same fill with every seed
_ENDINGS = {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".avif", ".heic", ".heif"),
    *(".jp2", ".j2k", ".jpf", ".gif", ".bmp", ".pbm", ".pgm", ".ppm", ".pnm"),
}


async def info(service: Service, request: Request) -> Response:
    """What the server can do, and how it was started."""
    settings = service.settings
    models = [
        {"name": card.name, "title": card.good_at, "seeds": card.name not in _SEEDLESS}
        for card in await run_in_threadpool(retouch.list_models)
    ]
    return Json(
        {
            "version": retouch.__version__,
            "models": models,
            "default": "exemplar",
            "limits": asdict(settings.limits),
            "language": (locale.getlocale()[0] or "en")[:2].lower(),
            "mode": settings.mode,
            "wait": settings.wait,
            "photo": service.edited,
            "files": settings.root is not None,
            "token": settings.token is not None,
            "lines": True,
        }
    )


async def files(service: Service, request: Request) -> Response:
    """The folders and photos of a folder under the root."""
    if service.settings.root is None:
        raise Refusal(403, "no_root", "This server shows no folder; start it with --root FOLDER.")
    root = Path(os.path.realpath(service.settings.root))
    folder = inside(root, query_of(request, ("path",)).text("path", ""))
    return Json(await run_in_threadpool(_listing, root, folder))


def _listing(root: Path, folder: Path) -> dict[str, Any]:
    folders, photos = [], []
    try:
        for each in sorted(os.scandir(folder), key=lambda entry: entry.name.lower()):
            if each.name.startswith("."):
                continue
            place = Path(os.path.realpath(each.path))
            if root not in place.parents:
                continue  # a link that leads out
            name = {"name": each.name, "path": Path(each.path).relative_to(root).as_posix()}
            if place.is_dir():
                folders.append(name)
            elif place.is_file() and Path(each.name).suffix.lower() in _ENDINGS:
                photos.append(name | {"bytes": place.stat().st_size})
    except OSError as error:
        raise Refusal(
            404, "no_folder", f"This folder cannot be shown ({error.strerror}); choose another."
        ) from error
    path = folder.relative_to(root).as_posix()
    return {"path": "" if path == "." else path, "folders": folders, "photos": photos}
