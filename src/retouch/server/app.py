"""The application: routes, clear errors, and who may ask."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from retouch.errors import RetouchError
from retouch.server.answers import problem
from retouch.server.compat.routes import routes as compatible_routes
from retouch.server.errors import DISK_FULL, Refusal, is_disk_full
from retouch.server.operations import OPERATIONS, Handler
from retouch.server.security import Guard
from retouch.server.service import Service, Settings

log = logging.getLogger("retouch.server")

STATIC = Path(__file__).parent / "static"
"""The editor's page, as it was built."""


def create_app(settings: Settings, more: Sequence[BaseRoute] = ()) -> Starlette:
    """Make the application.

    Args:
        settings: how the server was started.
        more: routes besides those of :mod:`retouch.server.operations`; their handlers find the
            :class:`~retouch.server.service.Service` as ``request.app.state.service``.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.service = service = Service(settings)
        await service.resume()
        try:
            yield
        finally:
            await service.close()

    routes = [Route(each.path, partial(_answer, each.handler), methods=[each.method]) for each in OPERATIONS]
    return Starlette(
        routes=[
            *routes,
            *more,
            *compatible_routes(),
            Route("/", _page),
            Mount("/static", _Static(directory=STATIC, check_dir=False)),
        ],
        middleware=[Middleware(Guard, host=settings.host, token=settings.token, names=settings.names)],
        exception_handlers={
            RetouchError: _refused,
            HTTPException: _no_route,
            OSError: _no_file,
            Exception: _broken,
        },
        lifespan=lifespan,
    )


class _Static(StaticFiles):
    """The page's files; browsers ask each time whether they changed."""

    def file_response(self, *given: Any, **named: Any) -> Response:
        answer = super().file_response(*given, **named)
        answer.headers["Cache-Control"] = "no-cache"
        return answer


async def _answer(handler: Handler, request: Request) -> Response:
    return await handler(request.app.state.service, request)


async def _page(request: Request) -> Response:
    page = STATIC / "index.html"
    if not page.is_file():
        raise Refusal(
            404, "no_page", "The editor's page was not built; run `make web`, or use the interface under /v1."
        )
    return FileResponse(page, headers={"Cache-Control": "no-cache"})


async def _refused(request: Request, error: Exception) -> Response:
    if isinstance(error, Refusal):
        return problem(error.status, error.code, str(error))
    if is_disk_full(error):
        return problem(507, "no_room", DISK_FULL)
    return problem(422, "refused", str(error))


async def _no_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        return problem(405, "no_method", "Nothing answers this method here; see /v1/openapi.json.")
    return problem(error.status_code, "no_place", "There is nothing at this address; see /v1/openapi.json.")


async def _no_file(request: Request, error: Exception) -> Response:
    if is_disk_full(error):
        return problem(507, "no_room", DISK_FULL)
    if isinstance(error, FileNotFoundError) and "photo" in request.path_params:
        request.app.state.service.find(request.path_params["photo"])  # another client may have closed it
    raise error


async def _broken(request: Request, error: Exception) -> Response:
    # Starlette has the traceback printed.
    return problem(500, "broken", "Something went wrong in the server; its terminal says what.")
