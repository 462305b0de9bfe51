"""Errors that the server answers with, and its limits."""

from __future__ import annotations

import errno
from dataclasses import dataclass

from retouch.errors import RetouchError


class Refusal(RetouchError):
    """A request that is refused, with an HTTP status and a code for programs."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """Make it; ``message`` is one sentence that says what to do."""
        super().__init__(message)
        self.status = status
        self.code = code


DISK_FULL = "The disk of the server is full; make room there, and try again."


def is_disk_full(error: BaseException) -> bool:
    """Whether an error, or what it was raised from, says that nothing more can be written."""
    causes = (error, error.__cause__)
    return any(isinstance(each, OSError) and each.errno in (errno.ENOSPC, errno.EDQUOT) for each in causes)


@dataclass(frozen=True)
class Limits:
    """What the server accepts.

    Attributes:
        bytes: of an uploaded file.
        request: bytes of any other request.
        pixels: of a photo.
        photos: that are open at once.
        waiting: jobs that wait at once.
        waiting_bytes: of the requests of all jobs that wait.
        variants: of one fill.
        references: of one photo.
        idle_minutes: after which a photo that nobody asks for is closed; 0 = never.
    """

    bytes: int = 1 << 30
    request: int = 64 << 20
    pixels: int = 300_000_000
    photos: int = 100
    waiting: int = 200
    waiting_bytes: int = 256 << 20
    variants: int = 8
    references: int = 12
    idle_minutes: float = 120
