"""Any model on any photo: windows around the holes, filled, brought to full resolution, blended in."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from retouch.contract import Model, OnProgress, Progress, Stop
from retouch.engine.windows import Box, Sources, Window, windows
from retouch.errors import RetouchError
from retouch.imaging import Photo, from_srgb, to_srgb
from retouch.ops.blend import close_seam
from retouch.ops.masks import Mask
from retouch.ops.resize import enlarge_inside, shrink, shrink_mask
from retouch.upsampling.guided import STEP, upsample
from retouch.upsampling.network import GuidedUpsamplingNetwork, open_network

TONE = 8
"""How far colours are corrected into the hole so that they meet at its border, in the model's pixels."""
Upsampling = Literal["auto", "network", "residual"]
"""The forms of guided upsampling."""
STEPS = 100
"""Steps of progress that one window counts for while its model is at work."""


@dataclass(frozen=True)
class RegionFill:
    """How one group of holes was filled.

    Attributes:
        box: the smallest box around the holes, in the photo.
        hole: ``h×w`` bool, the pixels that were filled.
        sources: ``h×w×2`` int32, the photo row and column that each pixel of the hole came from (only its
            detail, if it was filled at a lower resolution by a model that borrows nothing; at the finest
            level of a model that borrows at several); -1 elsewhere. None if the model borrows nothing, or
            if it was not traced.
        confidence: ``h×w`` float32 in [0, 1], 1 outside the hole; None if the model has none.
        coarser: make the like of ``sources`` for the coarser levels of the model, coarse to fine. They take
            as much memory, and are wanted seldom.
    """

    box: Box
    hole: Mask
    sources: NDArray[np.int32] | None
    confidence: NDArray[np.float32] | None
    coarser: tuple[Callable[[], NDArray[np.int32]], ...] = ()


@dataclass(frozen=True)
class PhotoFill:
    """A filled photo.

    Attributes:
        photo: the photo with its holes filled; every known pixel is that of the input.
        regions: what was filled, and from where.
        timings: seconds spent on "windows" (finding the holes), "colour" (to sRGB and back), "fill",
            "upsample" and "blend".
    """

    photo: Photo
    regions: tuple[RegionFill, ...]
    timings: dict[str, float]


def fill_photo(
    photo: Photo,
    mask: Mask,
    model: Model,
    *,
    allowed: Mask | None = None,
    seed: int = 0,
    working_size: int | None = None,
    upsampling: Upsampling = "auto",
    in_place: bool = False,
    trace: bool = True,
    on_progress: OnProgress | None = None,
) -> PhotoFill:
    """Fill the holes of ``photo`` with ``model``, at the photo's own resolution.

    Only the windows around the holes are looked at, so the cost follows the hole, not the photo. Windows
    that overlap are filled one after another, and what is filled counts as known (but never as a source)
    for the next.

    Args:
        photo: the photo; it is left as it is, unless ``in_place``.
        mask: ``H×W`` bool, True = fill this.
        model: any model; it sees at most ``working_size`` pixels along a side, except where so little is
            known that a lower resolution would hide it.
        allowed: ``H×W`` bool, True where may be borrowed from (all known pixels when None).
        seed: the same seed gives the same fill on the same device.
        working_size: the longest side that is filled without loss of resolution, in pixels; the model's own
            when None.
        upsampling: how what is filled at a lower resolution gets its detail, see
            docs/models/guided-upsampling.md: mended by a "network", or the photo's "residual" as it is;
            "auto" is what was better in measurements, the network up to the factors of its training.
        in_place: fill the photo itself instead of a copy, which spares time and memory if it is very large.
        trace: keep where each pixel came from; without, some models are a third faster, and 8 bytes are
            spared for each pixel of the boxes around the holes.
        on_progress: told of the stages "fill", "upsample" and "blend"; it may raise
            :class:`~retouch.contract.Stop`.

    Raises:
        RetouchError: the mask or ``allowed`` does not fit the photo, or leaves nothing to borrow from.
    """
    shape = photo.pixels.shape[:2]
    _check(mask, shape, "mask")
    if allowed is not None:
        _check(allowed, shape, "map of allowed sources")
    if working_size is None:
        working_size = model.working_size
    if working_size < 1:
        raise RetouchError(f"The working size must be at least 1 pixel, not {working_size}.")
    if upsampling not in get_args(Upsampling):
        raise RetouchError(f"Upsampling is by {' or '.join(get_args(Upsampling))}, not {upsampling!r}.")
    result = photo
    if not in_place:
        alpha = None if photo.alpha is None else photo.alpha.copy()
        result = replace(photo, pixels=photo.pixels.copy(), alpha=alpha)
    if not mask.any():
        return PhotoFill(result, (), {})
    if mask.all():
        raise RetouchError("The mask covers the whole photo; leave some of it known to fill from.")
    sources = Sources(mask, allowed)
    if not sources.count():
        raise RetouchError(
            "No known pixel is left to borrow from; include more of the photo, or avoid less of it."
        )

    clock = _Clock()
    with clock("windows"):
        todo = windows(mask, allowed, working_size)
    report = _Reporter(todo, on_progress)
    # A hundred megabytes in a large photo, and nobody looks at it after the last window.
    remaining = mask.copy() if len(todo) > 1 else mask
    regions = []
    for window in todo:
        by = _network(upsampling, window.scale, model)
        filled, region = _fill_window(
            result, remaining, sources, window, model, by, seed, trace, clock, report
        )
        with clock("colour"):
            own = from_srgb(photo, filled)
        # Boolean assignment through the view: nothing but this window's holes is written to.
        place = window.hole_box.rows, window.hole_box.columns
        result.pixels[place][window.hole] = own[window.hole]
        if result.alpha is not None:
            result.alpha[place][window.hole] = np.iinfo(result.alpha.dtype).max
        if remaining is not mask:
            remaining[place][window.hole] = False
        regions.append(region)
    return PhotoFill(result, tuple(regions), dict(clock.seconds))


def reaches(scale: int) -> tuple[int, ...]:
    """How far corrections of colour reach, in pixels, one by one, where a hole was filled small by ``scale``.

    The model saw the border at its own resolution; what is finer than that it could not meet.
    """
    return (TONE,) if scale == 1 else (TONE * scale, TONE * scale // 4, 3)


def confidence_map(fill: PhotoFill) -> NDArray[np.float32] | None:
    """The confidence of a whole photo, ``H×W`` in [0, 1] and 1 on known pixels; None if there is none."""
    parts = [(each, each.confidence) for each in fill.regions if each.confidence is not None]
    if not parts:
        return None
    whole = np.ones(fill.photo.pixels.shape[:2], dtype=np.float32)
    for region, confidence in parts:
        whole[region.box.rows, region.box.columns][region.hole] = confidence[region.hole]
    return whole


def source_map(fill: PhotoFill) -> NDArray[np.int32] | None:
    """Row and column each filled pixel of a photo came from, ``H×W×2``, -1 elsewhere; None if unknown."""
    parts = [(each, each.sources) for each in fill.regions if each.sources is not None]
    if not parts:
        return None
    whole = np.full((*fill.photo.pixels.shape[:2], 2), -1, dtype=np.int32)
    for region, sources in parts:
        whole[region.box.rows, region.box.columns][region.hole] = sources[region.hole]
    return whole


def split_levels(fill: PhotoFill) -> Iterator[PhotoFill]:
    """The same fill for each level of the model, with what that level borrowed as its sources.

    Coarse to fine; the last is the one given, which has the sources of the finest.
    """
    levels = zip(*(each.coarser for each in fill.regions), strict=True)
    for makers in levels:
        regions = (
            replace(each, sources=make(), coarser=()) for each, make in zip(fill.regions, makers, strict=True)
        )
        yield replace(fill, regions=tuple(regions))
    yield fill


def _check(map_: Mask, shape: tuple[int, ...], name: str) -> None:
    if map_.shape != shape:
        raise RetouchError(
            f"The {name} ({' × '.join(map(str, map_.shape))}) must have the photo's height and width "
            f"({' × '.join(map(str, shape))})."
        )
    if map_.dtype != np.bool_:
        raise RetouchError(f"The {name} must be an array of bool, not {map_.dtype}.")


def _network(upsampling: Upsampling, scale: int, model: Model) -> GuidedUpsamplingNetwork | None:
    if scale == 1 or upsampling == "residual" or (upsampling == "auto" and scale > STEP):
        return None
    return open_network(model.device)


def _fill_window(
    photo: Photo,
    remaining: Mask,
    sources: Sources,
    window: Window,
    model: Model,
    network: GuidedUpsamplingNetwork | None,
    seed: int,
    trace: bool,
    clock: _Clock,
    report: _Reporter,
) -> tuple[NDArray[np.float32], RegionFill]:
    """Fill one window; returns the sRGB picture of its hole box, and how it was filled."""
    box, scale = window.box, window.scale
    with clock("colour"):
        crop = to_srgb(photo, box.rows, box.columns)
    # no_grad, not inference_mode: a model that optimises needs tensors that gradients can flow to.
    with torch.no_grad():
        image = _pad(torch.from_numpy(crop).permute(2, 0, 1)[None].to(model.device), scale, "replicate")
        # A hole continues as colours do, or what lay in it would come back as known pixels beyond the edge.
        mask, allowed = (
            _pad(torch.from_numpy(each).to(image)[None, None], scale, mode)
            for each, mode in (
                (remaining[box.rows, box.columns], "replicate"),
                (sources.inside(box), "constant"),
            )
        )
        with clock("fill"):
            small = shrink_mask(mask, scale)
            # A cell may be borrowed from if all of it may.
            usable = 1 - shrink_mask(1 - allowed, scale)
            fill = model(
                shrink(image, scale).clamp(0, 1), small, allowed=usable, seed=seed, on_progress=report.inside
            )
            report.done("fill")
        filled, found = fill.image, None
        coarser = [each.source_map() for each in fill.levels[:-1]] if trace else []
        if scale > 1:
            with clock("upsample"):
                upsampled = upsample(image, mask, fill, scale, allowed=allowed, seed=seed, network=network)
                filled, found = upsampled.image, upsampled.source_map
            report.done("upsample")
        elif trace and fill.correspondence is not None:
            found = fill.correspondence.source_map()
        with clock("blend"):
            # What is avoided has no say in the colours either; earlier fills, which are no sources, have.
            heard = None
            if sources.allowed is not None:
                avoided = torch.from_numpy(sources.avoided(box)).to(image)[None, None]
                heard = 1 - _pad(avoided, scale, "constant")
            filled = close_seam(image, filled, mask, reaches(scale), heard)
        report.done("blend")

        inner = (
            slice(window.hole_box.top - box.top, window.hole_box.top - box.top + window.hole_box.height),
            slice(window.hole_box.left - box.left, window.hole_box.left - box.left + window.hole_box.width),
        )
        picture = filled[0][:, inner[0], inner[1]].permute(1, 2, 0).cpu().numpy()
        confidence = None
        if fill.confidence is not None:
            whole = enlarge_inside(fill.confidence, small, scale)[0, 0][inner].cpu().numpy()
            confidence = np.where(window.hole, whole, np.float32(1))
    origins = None if found is None or not trace else _photo_sources(found, scale, window, inner)
    if fill.correspondence is None and origins is not None and (origins < 0).all():
        origins = None
    region = RegionFill(
        window.hole_box,
        window.hole,
        origins,
        confidence,
        tuple(partial(_photo_sources, each, scale, window, inner) for each in coarser),
    )
    return np.ascontiguousarray(picture), region


def _pad(map_: Tensor, scale: int, mode: str) -> Tensor:
    """Pad below and at the right to a multiple of ``scale``: "replicate" the edge, or "constant" zeros."""
    below, right = -map_.shape[2] % scale, -map_.shape[3] % scale
    return F.pad(map_, (0, right, 0, below), mode=mode) if below or right else map_


def _photo_sources(
    found: Tensor, scale: int, window: Window, inner: tuple[slice, slice]
) -> NDArray[np.int32]:
    """Turn cells of a window into pixels of the photo, for the hole box alone."""
    cells = found[0].permute(1, 2, 0).cpu().numpy().astype(np.int32)
    rows, columns = (np.arange(each.start, each.stop, dtype=np.int32) for each in inner)
    source: NDArray[np.int32] = cells[(rows // scale)[:, None], columns // scale]
    missing = source[..., 0] < 0
    source = source * scale
    source[..., 0] += (rows % scale)[:, None] + window.box.top
    source[..., 1] += columns % scale + window.box.left
    source[missing | ~window.hole] = -1
    return source


class _Clock:
    """Adds up the seconds of each stage."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] += time.perf_counter() - start


class _Reporter:
    """Turns the progress of single windows into that of the photo."""

    def __init__(self, todo: list[Window], on_progress: OnProgress | None) -> None:
        self._listen = on_progress or (lambda _: None)
        self._total = {
            "fill": len(todo) * STEPS,
            "upsample": sum(each.scale > 1 for each in todo),
            "blend": len(todo),
        }
        self._done = dict.fromkeys(self._total, 0)
        self._within = 0
        self._stopped = False
        self._tell("fill", 0)

    def inside(self, progress: Progress) -> None:
        """Listen to a model at work on a window; its stages may start anew, the bar never goes back."""
        if progress.total > 0:
            self._within = max(self._within, progress.done * STEPS // progress.total)
            done = self._done["fill"] + min(self._within, STEPS - 1)
            self._tell("fill", done, "" if progress.stage == "fill" else progress.stage)
        if self._stopped:
            # A model that can gives what it has, for this window and the next ones; the photo is completed.
            raise Stop

    def done(self, stage: str) -> None:
        """A window has passed this stage."""
        self._within = 0
        self._done[stage] += STEPS if stage == "fill" else 1
        self._tell(stage, self._done[stage])

    def _tell(self, stage: str, done: int, detail: str = "") -> None:
        if self._stopped:
            return
        try:
            self._listen(Progress(stage, done, self._total[stage], detail))
        except Stop:
            self._stopped = True
