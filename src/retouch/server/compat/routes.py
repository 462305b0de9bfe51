"""The routes that clients of IOPaint and lama-cleaner ask."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from retouch.errors import RetouchError
from retouch.server.compat import folder, iopaint, lama_cleaner
from retouch.server.compat.desk import Desk, Handler
from retouch.server.errors import Refusal

log = logging.getLogger("retouch.server")

Tell = Callable[[int, str, str], Response]  # of status, code and message

_IOPAINT: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "inpaint", iopaint.inpaint),
    ("GET", "server-config", iopaint.server_config),
    ("GET", "model", iopaint.show_model),
    ("POST", "model", iopaint.switch_model),
    ("POST", "run_plugin_gen_mask", iopaint.generate_mask),
    ("POST", "adjust_mask", iopaint.adjust_mask),
    ("POST", "gen-info", iopaint.generation_info),
    ("GET", "inputimage", iopaint.input_image),
    ("GET", "medias", folder.medias),
    ("GET", "media_file", folder.media_file),
    ("GET", "media_thumbnail_file", folder.thumbnail),
    ("POST", "save_image", folder.save_image),
)


def routes() -> list[BaseRoute]:
    """Make the routes of one server."""
    desk = Desk()
    everything = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return [
        *(
            Route(f"/api/v1/{path}", partial(_answer, desk, handler, iopaint.failure), methods=[method])
            for method, path, handler in _IOPAINT
        ),
        Route(
            "/api/v1/{path:path}",
            partial(_answer, desk, iopaint.nothing, iopaint.failure),
            methods=everything,
        ),
        # IOPaint has it here, and at /ws only in its source: there, its page's files come first.
        Mount("/socket.io", desk.progress),
        Route("/inpaint", partial(_answer, desk, lama_cleaner.inpaint, _in_text), methods=["POST"]),
    ]


async def _answer(desk: Desk, handler: Handler, tell: Tell, request: Request) -> Response:
    """Answer a client; ``tell`` says in its way what is wrong."""
    try:
        return await handler(desk, request.app.state.service, request)
    except Refusal as error:
        return tell(error.status, error.code, str(error))
    except RetouchError as error:
        return tell(422, "refused", str(error))
    except Exception:
        log.exception("%s %s", request.method, request.url.path)
        return tell(500, "broken", "Something went wrong in the server; its terminal says what.")


def _in_text(status: int, code: str, message: str) -> Response:
    """An error as lama-cleaner tells it."""
    return PlainTextResponse(message, status)
