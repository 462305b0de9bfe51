"""The process in which models work: it maps the photo, fills it for itself alone, and writes what changed.

A crash, or the end of the process, hurts nobody: the photo's own files are never written to here.
"""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

import retouch
from retouch.contract import Progress, Stop
from retouch.errors import RetouchError
from retouch.server.boxes import Box
from retouch.server.edits import Edit, Patch, write_patches
from retouch.server.errors import DISK_FULL, is_disk_full
from retouch.server.mapped import Array, PhotoFiles, arrays_of
from retouch.server.messages import Area, Cancelled, Failed, Filled, FillRequest, Message, Report

if TYPE_CHECKING:
    from retouch.contract import Model

_REPORTS, _FIRST_PREVIEW, _PREVIEWS = (
    0.05,
    0.3,
    0.4,
)  # seconds between reports, until a preview, between previews
_LARGEST_PREVIEW = 1024  # pixels along a side
_SHARE = {"fill": (0.0, 0.9), "upsample": (0.9, 0.05), "blend": (0.95, 0.05)}  # of the work, begin and length
_REFERRING = {"align": (0.0, 0.4), "references": (0.4, 0.3)}  # where there are references; the rest follows
_OPTION = re.compile(r"--([a-z-]+) \(\w+=\w* in Python\)")


class Line:
    """The connection to the server, and whether it wants the fill that is made no more."""

    def __init__(self, connection: Connection) -> None:
        """Take over the connection."""
        self._connection = connection
        self._cancelled = False

    def next(self) -> FillRequest:
        """Wait for a fill to make. Raises EOFError when the server is gone."""
        while not isinstance(request := self._connection.recv(), FillRequest):
            pass  # a fill was cancelled at its very end
        self._cancelled = False
        return request

    def send(self, message: Message) -> None:
        """Tell the server."""
        self._connection.send(message)

    def cancelled(self) -> bool:
        """Whether the server cancelled the fill. Raises EOFError when it is gone."""
        if not self._cancelled and self._connection.poll():
            self._connection.recv()
            self._cancelled = True
        return self._cancelled


def work(connection: Connection) -> None:
    """Fill what is asked for until the server is gone; the process begins here."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends this process
    _prepare()
    line = Line(connection)
    with suppress(EOFError, OSError):  # the server is gone
        while True:
            line.send(_answer(line.next(), line))


def _prepare() -> None:
    """Import what the default model needs, and run it once, so that the first fill does not wait for it."""
    picture = np.zeros((32, 32, 3), np.uint8)
    mask = np.zeros((32, 32), np.bool_)
    mask[12:16, 12:16] = True
    retouch.fill(picture, mask)


def _answer(request: FillRequest, line: Line) -> Message:
    try:
        return Filled(tuple(_fills(request, line)))
    except Stop:
        return Cancelled()
    except RetouchError as error:
        return Failed(DISK_FULL if is_disk_full(error) else _by_field(str(error)))
    except (EOFError, ConnectionError):  # the server is gone
        raise
    except MemoryError:
        return Failed("There is not enough memory for this fill; fill a smaller hole at a time.")
    except Exception as error:
        import traceback

        return Failed(
            f"The fill failed ({type(error).__name__}); the photo is as it was. Try another model.",
            traceback.format_exc(),
        )


def _fills(request: FillRequest, line: Line) -> Iterator[Edit]:
    opacity = request.hole
    hole = None if opacity is None else _whole(opacity, request.files, 0)
    for number, (seed, (name, path)) in enumerate(zip(request.seeds, request.targets, strict=True)):
        started = time.perf_counter()
        result = retouch.fill(
            request.files.photo("c"),  # changes stay in this process
            hole,
            model=_model(request.model, request.refine),
            seed=seed,
            include=_given(request.include, request.files),
            avoid=_given(request.avoid, request.files),
            lines=_given(request.lines, request.files),
            references={name: each.photo("c") for name, each in request.references.items()} or None,
            references_only=request.references_only,
            any_light=request.any_light,
            confidence=request.confidence,
            trust_mask=True,
            in_place=True,
            on_progress=_listener(request, line, number),
        )
        if line.cancelled():  # a model that improves step by step ends with the best it has
            raise Stop
        patches = list(_patches(result, request.files, opacity))
        if not patches:
            raise RetouchError("The mask is empty; paint over what should be filled.")
        write_patches(path, patches)
        places = tuple(each.box for each in patches)
        box = places[0]
        for place in places:
            box = box.around(place)
        seconds = time.perf_counter() - started
        notes = tuple(map(_by_field, result.notes))
        names = tuple(request.references)
        yield Edit(name, box, request.model, seed, seconds, result.filled_by, places, notes, names)


def _by_field(sentence: str) -> str:
    """A sentence that names an option as commands and Python do, in the words of the page."""
    return _OPTION.sub(lambda found: f"“{found[1].replace('-', ' ')}”", sentence)


@lru_cache(maxsize=2)
def _model(name: str, refine: bool) -> Model:
    from retouch.api.shared import to_model

    return to_model(name, device="auto", refine=refine)


def _given(area: Area | None, files: PhotoFiles) -> NDArray[np.bool_] | None:
    return None if area is None else _whole(area, files, 127)


def _whole(area: Area, files: PhotoFiles, above: int) -> NDArray[np.bool_]:
    """A mask of the whole photo; memory that stays empty is not taken up."""
    whole = np.zeros(files.shape, np.bool_)
    whole[area.box.place] = area.mask > above
    return whole


def _patches(result: Any, files: PhotoFiles, opacity: Area | None) -> Iterator[Patch]:
    names = files.changing
    before = arrays_of(files.photo(), names)
    after = arrays_of(result.image, names)
    for region in result.regions:
        hole = region.hole
        if not hole.any():
            continue
        box = Box.of(region.box.rows, region.box.columns)
        old, new = (
            {name: each[box.place][hole] for name, each in arrays.items()} for arrays in (before, after)
        )
        if opacity is not None:
            inner = box.seen_from(opacity.box)
            new = _mixed(old, new, opacity.mask[inner.place][hole])
        sources, confidence, referred = region.sources, region.confidence, region.places
        yield Patch(
            box,
            hole,
            old,
            new,
            None if sources is None else sources[hole],
            None if confidence is None else confidence[hole],
            None if referred is None else referred[hole],
        )


def _mixed(old: dict[str, Array], new: dict[str, Array], opacity: NDArray[np.uint8]) -> dict[str, Array]:
    """The fill, mixed with the photo where the mask is soft."""
    soft = opacity < 255
    if not soft.any():
        return new
    share = opacity[soft].astype(np.float64) / 255
    mixed = {name: each.copy() for name, each in new.items()}
    for name in ("pixels", "alpha"):
        if name in mixed:
            part = share[:, None] if mixed[name].ndim == 2 else share
            values = new[name][soft] * part + old[name][soft] * (1 - part)
            mixed[name][soft] = np.rint(values).astype(new[name].dtype)
    if "samples" in mixed:  # the mixture has the inks of neither
        mixed["samples"][soft], mixed["copied"][soft] = old["samples"][soft], False
    return mixed


def _listener(request: FillRequest, line: Line, number: int) -> Callable[[Progress], None]:
    """What tells the server how far the fill has come, and stops it when it is cancelled."""
    told, shown = 0.0, time.monotonic() + _FIRST_PREVIEW - _PREVIEWS

    def listen(step: Progress) -> None:
        nonlocal told, shown
        if line.cancelled():
            raise Stop
        now = time.monotonic()
        if now - told < _REPORTS:
            return
        told = now
        begin, length = _share(step.stage, bool(request.references))
        within = begin + length * step.done / max(step.total, 1)
        box, preview = None, None
        if (
            request.previews
            and step.preview is not None
            and step.place is not None
            and now - shown > _PREVIEWS
        ):
            box, preview = Box.of(*step.place), _jpeg(step.preview())
            shown = time.monotonic()
        line.send(Report((number + within) / len(request.seeds), step.stage, box, preview))

    return listen


def _share(stage: str, referring: bool) -> tuple[float, float]:
    """The share of the work that a stage is: where it begins, and how long it is."""
    if stage in _REFERRING:
        return _REFERRING[stage]
    begin, length = _SHARE.get(stage, (0.0, 1.0))
    done = sum(each for _, each in _REFERRING.values()) if referring else 0.0
    return done + (1 - done) * begin, (1 - done) * length


def _jpeg(picture: NDArray[np.float32]) -> bytes:
    image = np.rint(picture.clip(0, 1) * 255).astype(np.uint8)
    scale = min(1.0, _LARGEST_PREVIEW / max(image.shape[:2]))
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
