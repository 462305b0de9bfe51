"""What the handlers of these clients share."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from retouch.server.compat.intake import Intake
from retouch.server.compat.passing import Passing
from retouch.server.compat.progress import Progress
from retouch.server.service import Service


@dataclass
class Desk:
    """What is kept between requests; never a photo.

    Attributes:
        model: what fills, for all clients, as in IOPaint.
        saved: the file of each name that was saved since the server started.
        intake: receives requests.
        progress: tells who listens.
    """

    model: str = "exemplar"
    saved: dict[str, Path] = field(default_factory=dict)
    intake: Intake = field(default_factory=Intake)
    progress: Progress = field(default_factory=Progress)

    async def fill(
        self, service: Service, request: Request, photo: Passing, *, seed: int, steps: int
    ) -> Response:
        """Fill a photo and answer with its file.

        Args:
            service: the server.
            request: of the client.
            photo: the photo.
            seed: of the fill.
            steps: how many steps of progress the client counts.

        Raises:
            RetouchError: the fill failed.
        """
        told = -1

        async def tell(fraction: float) -> None:
            nonlocal told
            step = int(fraction * steps) - 1
            if step > told:
                told = step
                await self.progress.step(step)

        try:
            await photo.fill(service, request, model=self.model, seed=seed, tell=tell)
        finally:
            await self.progress.finish()
        async with service.reading:
            data = await run_in_threadpool(photo.file)
        return Response(data, media_type=photo.media_type, headers={"X-Seed": str(seed)})


class Handler(Protocol):
    """A function that answers."""

    def __call__(self, desk: Desk, service: Service, request: Request, /) -> Awaitable[Response]:
        """Answer a request."""
