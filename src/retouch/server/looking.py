"""What clients ask about a photo: select an object, read a mask file, see where a fill came from."""

from __future__ import annotations

from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from retouch.api import editing
from retouch.errors import RetouchError
from retouch.server import masks, overlays, selecting
from retouch.server.answers import Json
from retouch.server.boxes import Box
from retouch.server.errors import Refusal
from retouch.server.given import Given, json_of, query_of, stream_of
from retouch.server.photos import attachment, picture, place_of, session_of
from retouch.server.service import Service
from retouch.server.session import Session

_POINTS = 10_000  # of a scribble
_WAND = 8_000_000  # pixels that the wand looks at; more are made smaller
_KINDS = ("click", "box", "scribble", "wand")


async def select(service: Service, request: Request) -> Response:
    """Find an object, or an area of like colours."""
    session = session_of(service, request)
    known = ("kind", "points", "box", "view", "tolerance")
    given = await json_of(request, service.settings.limits.request, known)
    async with service.reading:
        return Json(await run_in_threadpool(_select, session, given))


def _select(session: Session, given: Given) -> dict[str, Any]:
    kind = given.text("kind")
    if kind not in _KINDS:
        raise Refusal(400, "bad_kind", f"kind must be one of {', '.join(_KINDS)}.")
    tolerance = given.integer("tolerance", 24, 0, 255)
    whole = session.size
    points = _points(given.raw("points"), whole)
    view = masks.read_box(given.raw("view"), whole, "view") if "view" in given else whole
    frame = None
    if kind == "box":
        frame = masks.read_box(given.raw("box"), whole, "object")
        view = frame.grown(max(frame.width, frame.height) // 2).within(whole)
    elif not (points[:, 2] == 1).any():
        raise Refusal(400, "no_points", "Point at the object: give points as [x, y, 1].")
    else:
        # What was pointed at is looked for even where it is not in view.
        for column, row, _ in points.tolist():
            view = view.around(Box(column, row, 1, 1))
    level = _level(session, view, kind)
    shown, place = _look(session, level, view)
    inside, outside = ((points[points[:, 2] == value, :2] >> level) - place[:2] for value in (1, 0))
    if kind == "wand":
        found = np.zeros(shown.shape[:2], np.bool_)
        for column, row in inside.tolist():
            found |= selecting.like_colours(shown, column, row, tolerance)
    else:
        found = _object(shown, inside, outside, None if frame is None else frame.at(level).seen_from(place))
    return _full_size(found, place, level, whole)


def _object(picture: selecting.Picture, inside: Any, outside: Any, frame: Box | None) -> selecting.Mask:
    """Look for an object in a picture that is not too large for that, and bring what is found to its size."""
    height, width = picture.shape[:2]
    scale = min(1.0, selecting.LONGEST / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    inside, outside = (
        np.minimum((each * scale).astype(np.intp), np.array(size) - 1) for each in (inside, outside)
    )
    marks = selecting.Marks(inside, outside, None if frame is None else _corners(frame, scale, size))
    found = selecting.find_object(small, marks).astype(np.uint8) * 255
    return np.asarray(cv2.resize(found, (width, height), interpolation=cv2.INTER_LINEAR)) > 127


def _corners(frame: Box, scale: float, size: tuple[int, int]) -> tuple[int, int, int, int]:
    left, top = int(frame.left * scale), int(frame.top * scale)
    right, bottom = (frame.left + frame.width) * scale, (frame.top + frame.height) * scale
    return left, top, min(size[0], max(left + 1, round(right))), min(size[1], max(top + 1, round(bottom)))


def _points(given: Any, whole: Box) -> NDArray[np.intp]:
    """Read ``[[x, y, 1 or 0], …]``, ``N×3``."""
    given = [] if given is None else given
    fine = isinstance(given, list) and len(given) <= _POINTS
    if not fine or not all(_is_point(each, whole) for each in given):
        raise Refusal(
            400,
            "bad_points",
            f"points must be at most {_POINTS:,} of [x, y, 1 or 0] in the photo; 1 = inside, 0 = outside.",
        )
    return np.array(given, np.intp).reshape(-1, 3)


def _is_point(given: Any, whole: Box) -> bool:
    if not isinstance(given, list) or len(given) != 3 or any(type(each) is not int for each in given):
        return False
    return 0 <= given[0] < whole.width and 0 <= given[1] < whole.height and given[2] in (0, 1)


def _level(session: Session, view: Box, kind: str) -> int:
    """The finest level at which a view is no larger than is looked at."""
    level = 0
    most = _WAND if kind == "wand" else (2 * selecting.LONGEST) ** 2
    while level + 1 < session.levels and (view.width >> level) * (view.height >> level) > most:
        level += 1
    return level


def _look(session: Session, level: int, view: Box) -> tuple[selecting.Picture, Box]:
    """A view of a photo at a level, without alpha, and its box there."""
    place = view.at(level)
    return np.ascontiguousarray(session.picture(level, place)[..., :3]), place


def _full_size(found: selecting.Mask, place: Box, level: int, whole: Box) -> dict[str, Any]:
    """A mask at a level as one of the photo."""
    rows, columns = np.flatnonzero(found.any(1)), np.flatnonzero(found.any(0))
    if not len(rows):
        return {"box": None, "mask": None}
    inner = Box(int(columns[0]), int(rows[0]), int(columns[-1] - columns[0]) + 1, int(rows[-1] - rows[0]) + 1)
    exact = found[inner.place].astype(np.uint8) * 255
    box = Box(place.left + inner.left, place.top + inner.top, inner.width, inner.height)
    if level:
        box = Box(*(each << level for each in box))
        exact = np.asarray(
            cv2.resize(exact, (box.width, box.height), interpolation=cv2.INTER_LINEAR), np.uint8
        )
    kept = box.within(whole)
    return masks.area_json(exact[: kept.height, : kept.width] > 127, kept)


async def read_mask(service: Service, request: Request) -> Response:
    """Read a mask file of any kind, by the rules of ``retouch fill``."""
    session = session_of(service, request)
    file = session.new_file()  # many large ones would not fit into the memory

    def read() -> dict[str, Any]:
        notes: list[str] = []
        hole = editing.read_hole(file, session.files.photo(), notes)
        return masks.area_json(hole, session.size) | {"notes": notes}

    try:
        await service.receive(stream_of(request), file)
        async with service.reading:
            return Json(await run_in_threadpool(read))
    except RetouchError as error:
        if str(file) in str(error):
            raise RetouchError(str(error).replace(str(file), "The mask")) from error
        raise
    finally:
        file.unlink(missing_ok=True)


async def write_mask(service: Service, request: Request) -> Response:
    """A mask as a PNG of the whole photo's size, to download."""
    session = session_of(service, request)
    given = await json_of(request, service.settings.limits.request, ("box", "mask"))

    def write() -> bytes:
        area = masks.read_area({"box": given.raw("box"), "mask": given.raw("mask")}, session.size, "mask")
        whole = np.zeros(session.files.shape, np.uint8)
        whole[area.box.place] = area.mask
        return masks.png(whole)

    async with service.reading:
        return attachment(await run_in_threadpool(write), f"{session.stem}-mask.png")


async def overlay(service: Service, request: Request) -> Response:
    """A tile of where fills came from, or of how sure they are, as PNG with alpha."""
    session, level, column, row = place_of(service, request)
    kind = request.path_params["kind"]
    if kind not in overlays.KINDS:
        raise Refusal(
            404, "no_overlay", f"There is no overlay {kind!r}; there are {', '.join(overlays.KINDS)}."
        )
    given = query_of(request, ("revision",))
    revision, changed = session.changed(level, column, row)
    box = session.tile_box(level, column, row)
    return await picture(
        request,
        partial(overlays.draw, session, kind, level, box),
        tag=f'"{session.id}-{kind}-{changed}"',
        forever=given.raw("revision") == str(revision),
    )


async def source(service: Service, request: Request) -> Response:
    """Where a filled pixel came from, and how sure it is."""
    session = session_of(service, request)
    given, whole = query_of(request, ("x", "y")), session.size
    column = given.integer("x", None, 0, whole.width - 1)
    row = given.integer("y", None, 0, whole.height - 1)
    return Json(await run_in_threadpool(overlays.source_of, session, column, row))
