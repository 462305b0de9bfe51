"""What clients ask of fills: start one, follow it, cancel it, choose among variants."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

import retouch
from retouch.server import masks
from retouch.server.answers import Json
from retouch.server.errors import Refusal
from retouch.server.given import Given, json_of
from retouch.server.jobs import Job
from retouch.server.messages import FillRequest
from retouch.server.photos import fresh, its_turn, picture, session_of, state_of
from retouch.server.service import Service
from retouch.server.session import Session

FIELDS = (
    "box",
    "mask",
    "transparent",
    "model",
    "seed",
    "refine",
    "confidence",
    "dilate",
    "feather",
    "variants",
    "include",
    "avoid",
    "lines",
    "references_only",
    "any_light",
    "revision",
)
_ALIVE = 15.0  # seconds after which something is sent, so that nobody on the way hangs up


async def fill(service: Service, request: Request) -> Response:
    """Let a fill wait for its turn."""
    session = session_of(service, request)
    given = await json_of(request, service.settings.limits.request, FIELDS)
    fresh(session, given)
    variants = given.integer("variants", 1, 1, service.settings.limits.variants)
    async with service.reading:
        await run_in_threadpool(_request, session, given, variants)  # what is wrong is told at once
    # A mask takes far more memory decoded than sent, so it is decoded again when the fill's turn has come.
    make = partial(_request, session, given, variants)
    offer = session.offer if variants > 1 else None
    job = service.jobs.submit(session, make, offer=offer, size=given.size)
    return Json({"job": job.id}, 202)


def _request(session: Session, given: Given, variants: int) -> FillRequest:
    """Read what is to be filled, and how."""
    model, whole = given.text("model", "auto"), session.size
    names = ["auto", *(card.name for card in retouch.list_models())]
    if any(each not in names for each in model.split("+")):  # nor weights files: that could be any file
        raise Refusal(400, "no_model", f"There is no model {model!r} here; choose one of {', '.join(names)}.")
    dilate, feather = given.integer("dilate", 0, 0, 500), given.integer("feather", 0, 0, 500)
    hole = None
    if not given.flag("transparent"):
        drawn = masks.read_area({"box": given.raw("box"), "mask": given.raw("mask")}, whole, "mask")
        hole = masks.softened(drawn, whole, dilate, feather)
        if not hole.mask.any():
            raise Refusal(400, "empty_mask", "The mask is empty; paint over what should be filled.")
    elif not session.transparent:
        raise Refusal(400, "not_transparent", "Nothing in the photo is transparent; paint a mask.")
    include, avoid, lines = (
        masks.read_area(given.raw(name), whole, name) if name in given else None
        for name in ("include", "avoid", "lines")
    )
    references = {each.name: each.files for each in session.references}
    for name in ("references_only", "any_light"):
        if given.flag(name) and not references:
            raise Refusal(400, "no_references", f"Add a photo of the same place first, or leave out {name}.")
    seed = given.integer("seed", 0, -(2**63), 2**63 - 1 - variants)
    return FillRequest(
        files=session.files,
        hole=hole,
        include=include,
        avoid=avoid,
        lines=lines,
        model=model,
        refine=given.flag("refine"),
        confidence=given.flag("confidence"),
        seeds=tuple(range(seed, seed + variants)),
        targets=tuple(session.new_edit_file() for _ in range(variants)),
        references=references,
        references_only=given.flag("references_only"),
        any_light=given.flag("any_light"),
    )


async def show_job(service: Service, request: Request) -> Response:
    """How a job stands."""
    return Json(service.jobs.find(request.path_params["job"]).as_json())


async def cancel_job(service: Service, request: Request) -> Response:
    """Give a job up."""
    job = service.jobs.find(request.path_params["job"])
    service.jobs.cancel(job)
    return Json(job.as_json(), 202)


async def events(service: Service, request: Request) -> Response:
    """Follow a job by server-sent events until it is over."""
    job = service.jobs.find(request.path_params["job"])
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(job), media_type="text/event-stream", headers=headers)


async def _events(job: Job) -> AsyncIterator[str]:
    told = None
    while not job.over:
        state = job.as_json()
        if job.preview is not None and job.report.box is not None:
            url = f"/v1/jobs/{job.id}/preview?number={job.previews}"
            state["preview"] = {"box": list(job.report.box), "url": url}
        content = _event("progress", state)
        yield ": still at work\n\n" if content == told else content
        told = content
        await job.change(_ALIVE)
    yield _event(job.state, job.as_json())


def _event(name: str, content: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(content)}\n\n"


async def preview(service: Service, request: Request) -> Response:
    """The last preview of a job, a JPEG."""
    job = service.jobs.find(request.path_params["job"])
    if job.preview is None:
        raise Refusal(404, "no_preview", "There is no preview now; follow the job's events.")
    return Response(job.preview, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


async def show_variant(service: Service, request: Request) -> Response:
    """How a variant looks in its box, as PNG."""
    session, name = session_of(service, request), request.path_params["variant"]
    box = session.history.variant(name).box
    answer = await picture(request, lambda: session.variant_picture(name), tag=f'"{name}"', forever=True)
    answer.headers["X-Box"] = ",".join(map(str, box))
    return answer


async def take_variant(service: Service, request: Request) -> Response:
    """Apply a variant, and drop the others."""
    session = session_of(service, request)
    async with its_turn(service, session):
        await run_in_threadpool(session.take, request.path_params["variant"])
    return Json(state_of(service, session))
