"""Every operation of the interface, once: the routes and their description are both made from this list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from retouch.server import about, fills, looking, photos, saving
from retouch.server.service import Service

Handler = Callable[[Service, Request], Awaitable[Response]]


@dataclass(frozen=True)
class Operation:
    """Something that clients can ask for.

    Attributes:
        method: of HTTP.
        path: with parameters in braces, in Starlette's form.
        handler: answers.
        status: of an answer that is no error.
        answer: what the answer is: the name of a schema, or a media type.
        query: its parameters, by the name of a schema.
        body: the name of a schema, or a media type.
    """

    method: str
    path: str
    handler: Handler
    answer: str | None = None
    status: int = 200
    query: dict[str, str] = field(default_factory=dict)
    body: str | None = None


_PHOTO = "/v1/photos/{photo}"
_TILE = "{level:int}/{column:int}/{row:int}"

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/v1/info", about.info, "Info"),
    Operation("GET", "/v1/files", about.files, "Files", query={"path": "text"}),
    Operation(
        "POST", "/v1/photos", photos.open_photo, "Photo", 201, {"name": "text"}, "application/octet-stream"
    ),
    Operation("GET", _PHOTO, photos.show_photo, "Photo"),
    Operation("DELETE", _PHOTO, photos.close_photo, None, 204),
    Operation(
        "GET",
        f"{_PHOTO}/tiles/{_TILE}",
        photos.tile,
        "image/png",
        query={"revision": "number", "before": "flag"},
    ),
    Operation("POST", f"{_PHOTO}/fills", fills.fill, "Started", 202, body="Fill"),
    Operation("GET", "/v1/jobs/{job}", fills.show_job, "Job"),
    Operation("DELETE", "/v1/jobs/{job}", fills.cancel_job, "Job", 202),
    Operation("GET", "/v1/jobs/{job}/events", fills.events, "text/event-stream"),
    Operation("GET", "/v1/jobs/{job}/preview", fills.preview, "image/jpeg", query={"number": "number"}),
    Operation("GET", f"{_PHOTO}/variants/{{variant}}", fills.show_variant, "image/png"),
    Operation("POST", f"{_PHOTO}/variants/{{variant}}", fills.take_variant, "Photo"),
    Operation("POST", f"{_PHOTO}/undo", photos.undo, "Photo", body="Seen"),
    Operation("POST", f"{_PHOTO}/redo", photos.redo, "Photo", body="Seen"),
    Operation(
        "GET",
        f"{_PHOTO}/overlays/{{kind}}/{_TILE}",
        looking.overlay,
        "image/png",
        query={"revision": "number"},
    ),
    Operation("GET", f"{_PHOTO}/source", looking.source, "Source", query={"x": "number", "y": "number"}),
    Operation("POST", f"{_PHOTO}/select", looking.select, "Area", body="Select"),
    Operation("POST", f"{_PHOTO}/mask", looking.read_mask, "ReadMask", body="application/octet-stream"),
    Operation("POST", f"{_PHOTO}/mask-file", looking.write_mask, "application/octet-stream", body="Mask"),
    Operation("POST", f"{_PHOTO}/save", saving.save, "Saved", body="Save"),
    Operation("POST", "/v1/done", saving.done, "Saved"),
    Operation("POST", "/v1/discard", saving.discard, "Saved"),
    Operation(
        "GET", f"{_PHOTO}/file", photos.download, "application/octet-stream", query={"format": "format"}
    ),
)
