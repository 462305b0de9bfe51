"""Requests that hold whole photos, received with a bounded memory."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from retouch.errors import RetouchError
from retouch.server.errors import Limits, Refusal
from retouch.server.given import stream_of
from retouch.server.service import too_large

_PHOTO, _ALL = 4, 16  # times the limit of a request that holds no photo: of one request, and of all together
_FIELDS = 200  # of a form
_DEFAULT_SEED, _RANDOM_SEED, _SEEDS = 42, -1, 99_999_999  # IOPaint's


class Intake:
    """Counts the bytes of requests that are in memory."""

    def __init__(self) -> None:
        """Begin with none."""
        self._held = 0

    @asynccontextmanager
    async def body(self, request: Request, limits: Limits) -> AsyncIterator[bytearray]:
        """Receive a whole body; it must be dropped when this ends.

        Raises:
            Refusal: it is too large, or too much is in memory already.
        """
        async with self._counted(request, limits) as parts:
            received = bytearray()
            async for part in parts:
                received += part
            yield received

    @asynccontextmanager
    async def form(self, request: Request, limits: Limits) -> AsyncIterator[FormData]:
        """Receive a form with files (``multipart/form-data``).

        Raises:
            Refusal: as :meth:`body`, or it is no such form.
        """
        if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            raise _bad("Send a form with files, as multipart/form-data.")
        async with self._counted(request, limits) as parts:
            parser = MultiPartParser(request.headers, parts, max_files=8, max_fields=_FIELDS)
            try:
                form = await parser.parse()
            except RetouchError:
                raise
            except (MultiPartException, ValueError) as error:
                raise _bad("The form is damaged, or has too many fields; send it again.") from error
            try:
                yield form
            finally:
                await form.close()

    @asynccontextmanager
    async def _counted(self, request: Request, limits: Limits) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        taken = 0

        async def parts() -> AsyncGenerator[bytes, None]:
            nonlocal taken
            async for part in stream_of(request):
                taken += len(part)
                self._held += len(part)
                if taken > _PHOTO * limits.request:
                    raise too_large(_PHOTO * limits.request)
                if self._held > _ALL * limits.request:
                    raise Refusal(429, "busy", "Too many photos are being sent; try again in a moment.")
                yield part

        try:
            yield parts()
        finally:
            self._held -= taken


def fields_of(body: bytearray) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        Refusal: it is none.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _bad("The request is no JSON; send a JSON object.") from error
    if not isinstance(content, dict):
        raise _bad("The request must be a JSON object.")
    return content


def file_in(fields: dict[str, Any], name: str) -> bytes:
    """Read a file from a field in base64, with or without ``data:…,`` before it.

    Raises:
        Refusal: there is none.
    """
    text = fields.get(name)
    if not isinstance(text, str) or not text:
        raise _bad(f"There is no {name}; send the file in base64.")
    try:
        return base64.b64decode(text[text.find(",") + 1 :] if text.startswith("data:") else text)
    except (ValueError, binascii.Error) as error:
        raise _bad(f"The {name} is not in base64; send the file in base64.") from error


async def file_of(form: FormData, name: str) -> bytes:
    """Read a file of a form.

    Raises:
        Refusal: there is none.
    """
    file = form.get(name)
    if file is None or isinstance(file, str):
        raise _bad(f"There is no {name}; send it as a file of the form.")
    return await file.read()


def seed_of(given: Any) -> int:
    """The seed that is asked for; -1 draws one.

    Raises:
        Refusal: it is no whole number of 64 bits.
    """
    try:
        seed = _DEFAULT_SEED if given is None else int(given)
    except (TypeError, ValueError, OverflowError) as error:
        raise _bad("The seed must be a whole number.") from error
    if not -(2**63) <= seed < 2**63 - 1:
        raise _bad("The seed must be a whole number of 64 bits.")
    return 1 + secrets.randbelow(_SEEDS) if seed == _RANDOM_SEED else seed


def _bad(message: str) -> Refusal:
    return Refusal(400, "bad_request", message)
