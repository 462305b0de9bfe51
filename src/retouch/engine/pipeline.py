"""Any model on any photo: windows around the holes, filled, brought to full resolution, blended in."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from retouch.contract import Model, OnProgress, Stop
from retouch.engine.filled import PhotoFill, RegionFill
from retouch.engine.lines import check_follows, check_sources
from retouch.engine.reporting import Reporter
from retouch.engine.smooth import plan
from retouch.engine.stored import copy_samples, to_copy_into
from retouch.engine.turns import WINDOWS, next_turn, workers
from retouch.engine.window_fill import WindowFiller
from retouch.engine.windows import Sources, Window
from retouch.errors import RetouchError
from retouch.imaging import Photo
from retouch.imaging.photo import copied
from retouch.native.threads import at_once
from retouch.ops.masks import Mask
from retouch.upsampling.crop import CropFill, Image, Upsampling

Array = NDArray[Any]


def fill_photo(
    photo: Photo,
    mask: Mask,
    model: Model,
    *,
    allowed: Mask | None = None,
    lines: Mask | None = None,
    seed: int = 0,
    working_size: int | None = None,
    upsampling: Upsampling = "auto",
    in_place: bool = False,
    trace: bool = True,
    opaque: bool = False,
    on_progress: OnProgress | None = None,
) -> PhotoFill:
    """Fill the holes of ``photo`` with ``model``, at the photo's own resolution.

    Only windows around the holes are looked at, so the cost depends on the hole, not on the photo. Windows
    that overlap are filled one after another. What one of them filled is known to the next, but never a
    source. Small ones that do not are filled at the same time, if the model allows it; the fill is the same.

    Args:
        photo: the photo; it is not changed, unless ``in_place``.
        mask: ``H×W`` bool, True = fill this.
        model: any model. It sees at most ``working_size`` pixels along a side, except where so little is
            known that a lower resolution would hide it.
        allowed: ``H×W`` bool, True where may be borrowed from (all known pixels when None).
        lines: ``H×W`` bool, True on lines that go on through the hole, in it and beside it; None for none.
        seed: the same seed gives the same fill on the same device.
        working_size: the longest side that is filled without loss of resolution, in pixels; the model's own
            when None.
        upsampling: how a fill made at a lower resolution gets its detail, see
            docs/models/guided-upsampling.md: refined by a "network", or the photo's "residual" unchanged.
            "auto" is the network for models that are networks, up to the factors it was trained with, and
            the residual for all others.
        in_place: fill the photo itself instead of a copy. This saves time and memory for very large photos.
        trace: keep where each pixel was taken from. Without it some models are a third faster, and 8 bytes
            are saved for each pixel of the boxes around the holes.
        opaque: make what is filled opaque, because the hole is where the photo is not. Otherwise alpha is
            filled as if it were a colour.
        on_progress: told of the stages "fill", "upsample" and "blend", with a preview of the window at work.
            It may raise :class:`~retouch.contract.Stop`: a model that improves step by step then completes
            the photo with the best it has.

    Raises:
        RetouchError: the mask, ``allowed`` or ``lines`` does not fit the photo, or leaves nothing to borrow
            from; or the model cannot follow lines. Or, as
            :class:`~retouch.contract.Stop`: ``on_progress`` stopped a model that has no fill to give yet.
            The photo is as it was then, except that ``in_place`` keeps the windows that were finished.
    """
    _check(photo, mask, allowed, lines, upsampling)
    if lines is not None:
        check_follows(model, upsampling)
    if working_size is None:
        working_size = model.working_size
    if working_size < 1:
        raise RetouchError(f"The working size must be at least 1 pixel, not {working_size}.")
    working_size = min(working_size, 2**30)  # no photo is larger; numpy's integers end
    result = photo if in_place else copied(photo)
    if not mask.any():
        return PhotoFill(result, (), {})
    if mask.all():
        raise RetouchError("The mask covers the whole photo; leave some of it known to fill from.")
    sources = Sources(mask, allowed)
    if not sources.count():
        raise RetouchError(
            "No known pixel is left to borrow from; include more of the photo, or avoid less of it."
        )

    inks = result.stored is not None and result.stored.colours > result.pixels.shape[2]
    if inks:
        result = replace(result, stored=to_copy_into(result.stored))
    report = Reporter(on_progress)
    todo, remaining, borrowed = plan(sources, model, working_size)
    if lines is not None:
        check_sources(lines, todo, borrowed)
    report.begin(todo)
    fill = WindowFiller(
        photo=result,
        mask=mask,
        remaining=remaining,
        sources=sources,
        borrowed=borrowed,
        model=model,
        lines=lines,
        seed=seed,
        upsampling=upsampling,
        opaque=opaque,
        trace=trace or inks,
    )
    most, begun, regions = workers(model), 0, []
    while begun < len(todo):
        # Whoever asks to stop is asked by each window whether it can.
        turn = todo[begun : begun + WINDOWS]
        turn = turn[: next_turn(turn, 1 if report.stopped else most)]
        alone = len(turn) == 1
        work = partial(fill, report=report) if alone else fill
        # Each is written as it comes: the others of its turn do not look at its hole.
        with closing(at_once(work, turn, most)) as made:
            for window, each in zip(turn, made, strict=True):
                if not alone:
                    if report.stopped:  # as a window of its own would, that has not begun
                        raise Stop
                    report.spent("fill")
                    report.enter(window, each.crop, each.encoding.show)
                    for stage in ("fill", "blend"):
                        report.finish(stage, partial(_image, each.filled))
                if each.scale < window.scale:
                    report.finish("upsample", partial(_image, each.filled))
                _write(result, window, each.encoding.write(each.filled.image[window.inner]), each.alpha)
                report.leave()
                if remaining is not mask:
                    remaining[window.hole_box.rows, window.hole_box.columns][window.hole] = False
                region = _region(window, each.filled, each.by, mask if todo[0].smooth else None)
                if inks:
                    copy_samples(result.stored, region)
                regions.append(region if trace else replace(region, sources=None, coarser=()))
        begun += len(turn)
    return PhotoFill(result, tuple(regions), dict(report.seconds))


def _check(photo: Photo, mask: Mask, allowed: Mask | None, lines: Mask | None, upsampling: str) -> None:
    shape = photo.pixels.shape[:2]
    for name, map_ in (("mask", mask), ("map of allowed sources", allowed), ("map of lines", lines)):
        if map_ is None:
            continue
        if map_.shape != shape:
            raise RetouchError(
                f"The {name} ({' × '.join(map(str, map_.shape))}) must have the photo's height and width "
                f"({' × '.join(map(str, shape))})."
            )
        if map_.dtype != np.bool_:
            raise RetouchError(f"The {name} must be an array of bool, not {map_.dtype}.")
    if upsampling not in get_args(Upsampling):
        raise RetouchError(f"Upsampling is by {' or '.join(get_args(Upsampling))}, not {upsampling!r}.")


def _image(filled: CropFill) -> Image:
    return filled.image


def _write(photo: Photo, window: Window, values: Array, alpha: Array | None) -> None:
    """Write a window's own holes into the photo, and nothing else."""
    place = window.hole_box.rows, window.hole_box.columns
    photo.pixels[place][window.hole] = values[window.hole]
    if photo.alpha is not None and alpha is not None:
        photo.alpha[place][window.hole] = alpha[window.hole]


def _region(window: Window, filled: CropFill, by: str, completed: Mask | None) -> RegionFill:
    """How a window's own holes were filled, in pixels of the photo. What was ``completed`` is no source."""
    confidence = filled.confidence
    if confidence is not None:
        confidence = np.where(window.hole, confidence[window.inner], np.float32(1))
    sources = None if filled.sources is None else _photo_sources(filled.sources, window)
    if sources is not None and completed is not None:
        sources[completed[sources[..., 0], sources[..., 1]]] = -1
    coarser = tuple(partial(_photo_sources, each, window) for each in filled.coarser)
    return RegionFill(window.hole_box, window.hole, sources, confidence, by, coarser, refined=filled.refined)


def _photo_sources(cells: NDArray[np.int32], window: Window) -> NDArray[np.int32]:
    """Turn the cells of a window into pixels of the photo, for the hole box alone."""
    scale = window.scale
    rows, columns = (np.arange(each.start, each.stop, dtype=np.int32) for each in window.inner)
    source: NDArray[np.int32] = cells[(rows // scale)[:, None], columns // scale]
    missing = source[..., 0] < 0
    source = source * scale
    source[..., 0] += (rows % scale)[:, None] + window.box.top
    source[..., 1] += columns % scale + window.box.left
    source[missing | ~window.hole] = -1
    return source
