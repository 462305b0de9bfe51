"""lama-cleaner 1.2: a form with photo and mask; errors are text."""

from __future__ import annotations

from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from retouch.server.compat.desk import Desk
from retouch.server.compat.intake import file_of, seed_of
from retouch.server.compat.passing import Passing
from retouch.server.service import Service

_STEPS = 50


async def inpaint(desk: Desk, service: Service, request: Request) -> Response:
    """Fill a photo that comes with its mask; answers its file."""
    with service.passing() as folder:
        photo, seed = await _received(desk, service, request, folder)
        return await desk.fill(service, request, photo, seed=seed, steps=_STEPS)


async def _received(desk: Desk, service: Service, request: Request, folder: Path) -> tuple[Passing, int]:
    limits = service.settings.limits
    async with desk.intake.form(request, limits) as form, service.reading:
        image, mask = await file_of(form, "image"), await file_of(form, "mask")
        seed = seed_of(form.get("sdSeed"))  # all other fields say how models work that are not here
        return await run_in_threadpool(Passing, folder, image, mask, limits.pixels), seed
