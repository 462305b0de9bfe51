"""IOPaint 1.6: fills, models and masks, under ``/api/v1``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

import retouch
from retouch.api import editing
from retouch.server.answers import Json
from retouch.server.compat import pictures
from retouch.server.compat.desk import Desk
from retouch.server.compat.intake import fields_of, file_in, seed_of
from retouch.server.compat.passing import Passing
from retouch.server.errors import Refusal
from retouch.server.given import stream_of
from retouch.server.service import Service

_SEGMENT = "InteractiveSeg"
_STEPS = 50  # of progress, where the client does not say
_MOST_STEPS = 1000
_EDGE = 4  # pixels by which an object is grown, so that its soft edge is filled, too
_LARGEST_KERNEL = 10_000
_MASK = 127  # brightness from which on adjust_mask takes a pixel for masked


def failure(status: int, code: str, message: str) -> Response:
    """An error as IOPaint tells it; its page shows ``errors``."""
    return Json({"error": code, "detail": message, "body": "", "errors": message}, status)


async def inpaint(desk: Desk, service: Service, request: Request) -> Response:
    """Fill a photo that comes with its mask; answers its file."""
    with service.passing() as folder:
        photo, seed, steps = await _received(desk, service, request, folder)
        return await desk.fill(service, request, photo, seed=seed, steps=steps)


async def _received(desk: Desk, service: Service, request: Request, folder: Path) -> tuple[Passing, int, int]:
    """Receive a photo into its folder, with the seed and the number of steps."""
    limits = service.settings.limits

    def read(body: bytearray) -> tuple[Passing, int, int]:
        fields = fields_of(body)  # all but these say how models work that are not here
        seed, steps = seed_of(fields.get("sd_seed")), fields.get("sd_steps")
        photo = Passing(folder, file_in(fields, "image"), file_in(fields, "mask"), limits.pixels)
        return photo, seed, steps if type(steps) is int and 0 < steps <= _MOST_STEPS else _STEPS

    async with desk.intake.body(request, limits) as body, service.reading:
        return await run_in_threadpool(read, body)


async def server_config(desk: Desk, service: Service, request: Request) -> Response:
    """What the page may offer."""
    files = service.settings.root is not None
    names = await run_in_threadpool(_models)
    return Json(
        {
            "plugins": [{"name": _SEGMENT, "support_gen_image": False, "support_gen_mask": True}],
            "modelInfos": [_model_info(name) for name in names],
            "removeBGModel": "",
            "removeBGModels": [],
            "realesrganModel": "",
            "realesrganModels": [],
            "interactiveSegModel": "retouch",
            "interactiveSegModels": ["retouch"],
            "enableFileManager": files,
            "enableAutoSaving": files,
            "enableControlnet": False,
            "controlnetMethod": None,
            "disableModelSwitch": False,
            "isDesktop": False,
            "samplers": [],
        }
    )


async def show_model(desk: Desk, service: Service, request: Request) -> Response:
    """The model that fills."""
    return Json(_model_info(desk.model))


async def switch_model(desk: Desk, service: Service, request: Request) -> Response:
    """Choose the model that fills, for all clients."""
    fields = await _small(desk, service, request)
    names = await run_in_threadpool(_models)
    name = fields.get("name")
    if name not in names:
        raise Refusal(422, "no_model", f"There is no model {name!r} here; choose one of {', '.join(names)}.")
    desk.model = name
    return Json(_model_info(name))


def _models() -> list[str]:
    return [card.name for card in retouch.list_models()]


def _model_info(name: str) -> dict[str, Any]:
    """A model as the page knows it: one that removes, and needs no words."""
    lacks = "strength outpainting lcm_lora controlnet brushnet powerpaint_v2"
    return {
        "name": name,
        "path": name,
        "model_type": "inpaint",
        "is_single_file_diffusers": False,
        "need_prompt": False,
        "controlnets": [],
        "brushnets": [],
        **{f"support_{each}": False for each in lacks.split()},
    }


async def generate_mask(desk: Desk, service: Service, request: Request) -> Response:
    """Find the object that was clicked on; answers a mask to lay over the photo."""
    limits = service.settings.limits

    def find(body: bytearray) -> bytes:
        fields = fields_of(body)
        if fields.get("name") != _SEGMENT:
            raise Refusal(422, "no_plugin", f"There is no plugin of this name here; there is {_SEGMENT}.")
        found = pictures.object_at(file_in(fields, "image"), fields.get("clicks"), limits.pixels)
        return pictures.brushed(pictures.grown(found, _EDGE))

    return await _picture(desk, service, request, find)


async def adjust_mask(desk: Desk, service: Service, request: Request) -> Response:
    """Grow a mask, shrink it, or turn it round."""
    limits = service.settings.limits

    def adjust(body: bytearray) -> bytes:
        fields = fields_of(body)
        operate, radius = fields.get("operate"), fields.get("kernel_size", 5)
        if operate not in ("expand", "shrink", "reverse"):
            raise Refusal(422, "bad_operate", "operate must be one of expand, shrink, reverse.")
        if type(radius) is not int or not 0 <= radius <= _LARGEST_KERNEL:
            raise Refusal(
                422, "bad_kernel", f"kernel_size must be a whole number from 0 to {_LARGEST_KERNEL}."
            )
        mask = pictures.brightness(file_in(fields, "mask"), limits.pixels) >= _MASK
        if operate == "reverse":
            return pictures.brushed(~mask)
        grown = partial(pictures.grown, radius=radius)
        return pictures.brushed(grown(mask) if operate == "expand" else ~grown(~mask))

    return await _picture(desk, service, request, adjust)


async def _picture(
    desk: Desk, service: Service, request: Request, make: Callable[[bytearray], bytes]
) -> Response:
    """Answer with the PNG that is made from a request's body."""
    async with desk.intake.body(request, service.settings.limits) as body, service.reading:
        return Response(await run_in_threadpool(make, body), media_type="image/png")


async def generation_info(desk: Desk, service: Service, request: Request) -> Response:
    """The words that a picture was made with: none. The page asks whenever it opens a photo."""
    async for _ in stream_of(request):
        pass  # or the browser would take the answer for a lost connection
    return Json({"prompt": "", "negative_prompt": ""})


async def input_image(desk: Desk, service: Service, request: Request) -> Response:
    """The photo that ``retouch edit`` was started with, as it is now."""
    if service.edited is None:
        # IOPaint says so with 200: its page asks whenever it opens.
        return failure(200, "no_photo", "The server was started without a photo; open one.")
    session = service.find(service.edited)

    def write() -> bytes:
        with session.finished() as photo:
            return editing.write(photo, session.original, None, changed=session.edited)

    data = await run_in_threadpool(write)
    format = session.files.rest.format
    kept = format in editing.FORMATS or not session.edited
    # The page takes the name as it stands, without quotes.
    headers = {"Content-Disposition": f"inline; filename={quote(session.name, safe='', errors='replace')}"}
    return Response(data, media_type=f"image/{format if kept else 'png'}", headers=headers)


async def nothing(desk: Desk, service: Service, request: Request) -> Response:
    """What IOPaint has, and this server has not."""
    raise Refusal(404, "no_place", "This part of IOPaint is not here; see retouch's own interface under /v1.")


async def _small(desk: Desk, service: Service, request: Request) -> dict[str, Any]:
    async with desk.intake.body(request, service.settings.limits) as body:
        return fields_of(body)
