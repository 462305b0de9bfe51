"""Answers in JSON."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import JSONResponse


class Json(JSONResponse):
    """JSON in ASCII, because the name of a file may hold what UTF-8 cannot."""

    def render(self, content: Any) -> bytes:
        """Encode the content."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


def problem(status: int, code: str, message: str) -> Json:
    """An error as every client reads it."""
    return Json({"error": {"code": code, "message": message}}, status)
