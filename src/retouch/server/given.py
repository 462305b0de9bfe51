"""The fields of a request, read one by one, each with its own clear error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import ClientDisconnect, Request

from retouch.server.errors import Refusal
from retouch.server.service import too_large

PATIENCE = 60.0
"""Seconds for which a client may send nothing of a request that it began."""


class Given:
    """The fields of a JSON object, or of a query."""

    def __init__(self, fields: dict[str, Any], known: tuple[str, ...], size: int = 0) -> None:
        """Take the fields, of a request of ``size`` bytes.

        Raises:
            Refusal: there is one that is not ``known``.
        """
        unknown = [each for each in fields if each not in known]
        if unknown:
            raise _bad(f"There is no field {unknown[0]!r} here; the fields are {', '.join(known) or 'none'}.")
        self._fields = fields
        self.size = size

    def __contains__(self, name: str) -> bool:
        return self._fields.get(name) is not None

    def raw(self, name: str) -> Any:
        """A field as it was given, None if it was not."""
        return self._fields.get(name)

    def text(self, name: str, default: str | None = None) -> str:
        """A field of text."""
        value = self._fields.get(name, default)
        if not isinstance(value, str):
            raise _bad(f"{name} must be text.")
        return value

    def flag(self, name: str) -> bool:
        """A field that is true or false; false if it is not given."""
        value = self._fields.get(name)
        if value not in (None, True, False, "0", "1"):
            raise _bad(f"{name} must be true or false.")
        return value in (True, "1")

    def integer(self, name: str, default: int | None, low: int, high: int) -> int:
        """A field with a whole number in a range."""
        value = self._fields.get(name)
        value = default if value is None else value
        if isinstance(value, str) and value.removeprefix("-").isascii() and value.removeprefix("-").isdigit():
            value = int(value[:30])
        if type(value) is not int or not low <= value <= high:
            raise _bad(f"{name} must be a whole number from {low} to {high}.")
        return value


async def json_of(request: Request, limit: int, known: tuple[str, ...]) -> Given:
    """Read a JSON object; no body is an empty one.

    Raises:
        Refusal: it is none, or too large.
    """
    body = await body_of(request, limit)
    try:
        content = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError) as error:
        raise _bad("The request is no JSON; send a JSON object.") from error
    if not isinstance(content, dict):
        raise _bad("The request must be a JSON object.")
    return Given(content, known, len(body))


def query_of(request: Request, known: tuple[str, ...]) -> Given:
    """The fields of a request's query."""
    return Given(dict(request.query_params), known)


async def body_of(request: Request, limit: int) -> bytes:
    """Read a whole body.

    Raises:
        Refusal: it is too large.
    """
    parts = bytearray()
    async for part in stream_of(request):
        parts += part
        if len(parts) > limit:
            raise too_large(limit)
    return bytes(parts)


async def stream_of(request: Request) -> AsyncIterator[bytes]:
    """The body of a request, part by part; a client that sends nothing for long is given up."""
    parts = request.stream()
    try:
        while (part := await asyncio.wait_for(anext(parts, None), PATIENCE)) is not None:
            yield part
    except ClientDisconnect as error:
        raise _bad("The request ended before all of it was sent; send it again.") from error
    except TimeoutError as error:
        raise Refusal(408, "too_slow", "Nothing more of the request came; send it again.") from error


def _bad(message: str) -> Refusal:
    return Refusal(400, "bad_request", message)
