"""IOPaint's file manager: the photos of the root, and what was saved."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import cv2
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from retouch.api import editing
from retouch.errors import RetouchError
from retouch.files import write_bytes
from retouch.server.answers import Json
from retouch.server.compat.desk import Desk
from retouch.server.errors import Refusal
from retouch.server.service import Service, inside

SAVED = "filled"
"""The folder under the root that photos are saved in."""
_SHOWN = {".jpg", ".jpeg", ".png", ".webp", ".avif"}  # what browsers show
_LARGEST = 2048  # pixels along a side of a thumbnail


async def medias(desk: Desk, service: Service, request: Request) -> Response:
    """The photos of a tab."""
    folder = _folder(service, _query(request, "tab"))
    return Json([] if folder is None else await run_in_threadpool(_listing, folder))


def _listing(folder: Path) -> list[dict[str, Any]]:
    listed = []
    for place in sorted(folder.iterdir()) if folder.is_dir() else []:
        if not _is_shown(place) or folder not in Path(os.path.realpath(place)).parents:
            continue
        try:
            width, height = editing.size_of(place)
        except RetouchError:
            continue  # no photo, whatever its name says
        state = place.stat()
        times = {"ctime": state.st_ctime, "mtime": state.st_mtime}
        listed.append({"name": place.name, "height": height, "width": width} | times)
    return listed


async def media_file(desk: Desk, service: Service, request: Request) -> Response:
    """A photo's file."""
    return FileResponse(_file(service, request))


async def thumbnail(desk: Desk, service: Service, request: Request) -> Response:
    """A small picture of a photo, JPEG; it has the photo's aspect ratio, and the width that is asked for."""
    file = _file(service, request)
    width, height = (_side(_query(request, name, "0")) for name in ("width", "height"))
    most = service.settings.limits.pixels
    async with service.reading:
        data, size = await run_in_threadpool(partial(_thumbnail, file, width, height, most))
    headers = {"X-Width": str(size[0]), "X-Height": str(size[1]), "Cache-Control": "private, max-age=60"}
    return Response(data, media_type="image/jpeg", headers=headers)


def _thumbnail(file: Path, width: int, height: int, most_pixels: int) -> tuple[bytes, tuple[int, int]]:
    photo = editing.open_photo(file.read_bytes(), most_pixels)
    rows, columns, channels = photo.pixels.shape
    if not width:
        width = round(height * columns / rows) if height else 256
    size = min(_LARGEST, max(1, width)), min(_LARGEST, max(1, round(width * rows / columns)))
    small = cv2.resize(photo.pixels, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], channels)
    shown = editing.on_screen(photo, small, None)
    return cv2.imencode(".jpg", shown[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes(), size


async def save_image(desk: Desk, service: Service, request: Request) -> Response:
    """Save a photo that the client has, in a folder under the root."""
    folder = _folder(service, "output")
    if folder is None:
        raise Refusal(400, "no_root", "This server saves nothing; start it with --root FOLDER.")
    async with desk.intake.form(request, service.settings.limits) as form, service.reading:
        file = form.get("file")
        if file is None or isinstance(file, str):
            raise Refusal(400, "no_file", "There is no file; send it as a file of the form.")
        name = (file.filename or "").replace("\\", "/").rpartition("/")[2]
        save = partial(_save, desk, folder, name, await file.read(), service.settings.limits.pixels)
        await run_in_threadpool(save)
    return Json(None)


def _save(desk: Desk, folder: Path, name: str, data: bytes, most_pixels: int) -> None:
    if name.startswith(".") or Path(name).suffix.lower() not in _SHOWN:
        endings = ", ".join(sorted(_SHOWN))
        raise Refusal(400, "bad_name", f"Name it with one of {endings}, and not hidden.")
    editing.open_photo(data, most_pixels)  # or it is none, and is not written
    folder.mkdir(exist_ok=True)
    # The same name is the same photo, saved again; what was there before the server started is kept.
    target = desk.saved.get(name) or _free(folder, name)
    write_bytes(data, target, overwrite=name in desk.saved)
    desk.saved[name] = target


def _free(folder: Path, name: str) -> Path:
    """A file of this name that does not exist, or of this name and a number."""
    target, number = inside(folder, name), 2
    while os.path.lexists(target):
        target = inside(folder, f"{Path(name).stem}-{number}{Path(name).suffix}")
        number += 1
    return target


def _folder(service: Service, tab: str) -> Path | None:
    """The folder of a tab; None if there is none."""
    if tab not in ("input", "output", "mask"):
        raise Refusal(422, "no_tab", "tab must be one of input, output, mask.")
    root = service.settings.root
    if root is None or tab == "mask":
        return None
    return inside(root, SAVED if tab == "output" else "")


def _file(service: Service, request: Request) -> Path:
    folder, name = _folder(service, _query(request, "tab")), _query(request, "filename")
    if folder is not None and name == Path(name).name:
        place = inside(folder, name)
        if _is_shown(place):
            return place
    raise Refusal(422, "no_file", "There is no such photo; choose another one.")


def _is_shown(place: Path) -> bool:
    if place.name.startswith(".") or place.suffix.lower() not in _SHOWN:
        return False
    return os.path.isfile(place)  # noqa: PTH113 # takes long names


def _query(request: Request, name: str, default: str | None = None) -> str:
    value = request.query_params.get(name, default)
    if value is None:
        raise Refusal(422, "bad_request", f"There is no {name}; add it to the address.")
    return value


def _side(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise Refusal(422, "bad_request", "width and height must be whole numbers.")
    return int(text)
