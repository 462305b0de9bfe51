"""Every operation of the interface, once: the routes and their description are both made from this list."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response

from retouch.server import about, fills, looking, openapi, photos, referring, saving
from retouch.server.answers import Json
from retouch.server.service import Service


class Handler(Protocol):
    """A function that answers; its text says in one line what it does."""

    __name__: str

    def __call__(self, service: Service, request: Request, /) -> Awaitable[Response]:
        """Answer a request."""


@dataclass(frozen=True)
class Operation:
    """Something that clients can ask for.

    Attributes:
        method: of HTTP.
        path: with parameters in braces, in Starlette's form.
        handler: answers.
        answer: what the answer is: the name of a schema in :mod:`retouch.server.openapi`, or a media type;
            None for nothing.
        status: of an answer that is no error.
        query: its parameters, each with the name of a kind.
        required: those of them that must be given.
        body: what is sent, one of these: names of schemas, or media types.
    """

    method: str
    path: str
    handler: Handler
    answer: str | None
    status: int = 200
    query: Mapping[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    body: tuple[str, ...] = ()


async def description(service: Service, request: Request) -> Response:
    """This description."""
    return Json(openapi.describe(OPERATIONS))


class _Number(IntegerConvertor):
    """Whole numbers that are short enough to be read."""

    regex = "[0-9]{1,9}"


register_url_convertor("number", _Number())

_P, _TILE, _BYTES = (
    "/v1/photos/{photo}",
    "{level:number}/{column:number}/{row:number}",
    "application/octet-stream",
)
_REVISION = {"revision": "number"}

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/v1/openapi.json", description, "application/json"),
    Operation("GET", "/v1/info", about.info, "Info"),
    Operation("GET", "/v1/files", about.files, "Files", query={"path": "text"}),
    Operation("POST", "/v1/photos", photos.open_photo, "Photo", 201, {"name": "text"}, body=(_BYTES, "File")),
    Operation("GET", _P, photos.show_photo, "Photo"),
    Operation("DELETE", _P, photos.close_photo, None, 204),
    Operation("GET", f"{_P}/tiles/{_TILE}", photos.tile, "image/png", query=_REVISION | {"before": "flag"}),
    Operation("POST", f"{_P}/fills", fills.fill, "Started", 202, body=("Fill",)),
    Operation("GET", "/v1/jobs/{job}", fills.show_job, "Job"),
    Operation("DELETE", "/v1/jobs/{job}", fills.cancel_job, "Job", 202),
    Operation("GET", "/v1/jobs/{job}/events", fills.events, "text/event-stream"),
    Operation("GET", "/v1/jobs/{job}/preview", fills.preview, "image/jpeg", query={"number": "number"}),
    Operation("GET", f"{_P}/variants/{{variant}}", fills.show_variant, "image/png"),
    Operation("POST", f"{_P}/variants/{{variant}}", fills.take_variant, "Photo"),
    Operation(
        "POST",
        f"{_P}/references",
        referring.add_reference,
        "Photo",
        201,
        {"name": "text"},
        body=(_BYTES, "File"),
    ),
    Operation("GET", f"{_P}/references/{{reference}}", referring.show_reference, "image/png"),
    Operation("DELETE", f"{_P}/references/{{reference}}", referring.remove_reference, "Photo"),
    Operation("POST", f"{_P}/undo", photos.undo, "Photo", body=("Seen",)),
    Operation("POST", f"{_P}/redo", photos.redo, "Photo", body=("Seen",)),
    Operation("GET", f"{_P}/overlays/{{kind}}/{_TILE}", looking.overlay, "image/png", query=_REVISION),
    Operation(
        "GET",
        f"{_P}/source",
        looking.source,
        "Source",
        query={"x": "number", "y": "number"},
        required=("x", "y"),
    ),
    Operation("POST", f"{_P}/select", looking.select, "Area", body=("Select",)),
    Operation("POST", f"{_P}/mask", looking.read_mask, "ReadMask", body=(_BYTES,)),
    Operation("POST", f"{_P}/mask-file", looking.write_mask, _BYTES, body=("Mask",)),
    Operation("GET", f"{_P}/file", photos.download, _BYTES, query={"format": "format"}),
    Operation("POST", f"{_P}/save", saving.save, "Saved", body=("Save",)),
    Operation("POST", "/v1/done", saving.done, "Saved"),
    Operation("POST", "/v1/discard", saving.discard, "Saved"),
)
