"""Fill the holes of a photo from references: align, choose, join, window by window."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from retouch.contract import OnProgress, Progress
from retouch.engine.boxes import Box
from retouch.engine.encoding import encoding_of
from retouch.engine.filled import PhotoFill, RegionFill, Shown
from retouch.engine.windows import Sources, Window, windows
from retouch.imaging import Photo
from retouch.imaging.photo import copied, white
from retouch.ops.masks import Mask
from retouch.references import homographies, matching
from retouch.references.agreement import spread
from retouch.references.candidates import SIDE, Candidate, Frame, candidates
from retouch.references.homographies import Plane, coarseness
from retouch.references.joining import MARGIN, join
from retouch.references.selecting import select
from retouch.references.views import Grey, View, has_colour, view_of

BY = "references"
"""What :class:`~retouch.engine.filled.RegionFill` calls this filler."""
_CONTEXT = 160  # known pixels around the smallest hole
MOST = 6
"""References that are used at once, at most: those that match best."""
_WHOLE = 1 << 30
_SOFT, _COARSEST = 2, 6
"""Pixels of the photo along one of a reference, above which its softness is said, and it is left out."""
_CHANGED, _LEAST_CHANGE = 0.08, 0.001  # of white; and the part of what is filled that has to change by more


@dataclass(frozen=True)
class Reference:
    """A photo to fill from: what messages call it, and how to read it."""

    name: str
    read: Callable[[], Photo]


@dataclass(frozen=True)
class Taken:
    """What references filled.

    Attributes:
        fill: the photo and the regions that were filled.
        left: ``H×W``, what of the hole is not filled.
        notes: what the user should know, a sentence each.
    """

    fill: PhotoFill
    left: Mask
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Aligned:
    """A reference that shows the same place: its number from 1, and its homographies from the photo."""

    number: int
    view: View
    planes: list[Plane]


def fill_from(
    photo: Photo,
    hole: Mask,
    references: Sequence[Reference],
    *,
    allowed: Mask | None = None,
    any_light: bool = False,
    in_place: bool = False,
    on_progress: OnProgress | None = None,
) -> Taken:
    """Fill what references show; what none shows, or none can be trusted with, is left.

    Args:
        photo: the photo; it is not changed, unless ``in_place``.
        hole: ``H×W``, True = fill this.
        references: photos of the same place, in any order.
        allowed: ``H×W``, True where the photo is compared with references; None for everywhere.
        any_light: structure that agrees is enough, whatever the colours.
        in_place: fill the photo itself.
        on_progress: told of the stages "align" and "references"; it may raise
            :class:`~retouch.contract.Stop`.
    """
    if not hole.any() or hole.all():
        return Taken(PhotoFill(photo if in_place else copied(photo), (), {}), hole.copy(), ())
    started = time.perf_counter()
    aligned, notes = align(photo, hole, references, on_progress)
    seconds = time.perf_counter() - started
    taken = fill_aligned(
        photo,
        hole,
        aligned,
        allowed=allowed,
        any_light=any_light,
        in_place=in_place,
        on_progress=on_progress,
    )
    timings = {"align": seconds, **taken.fill.timings}
    return Taken(replace(taken.fill, timings=timings), taken.left, (*notes, *taken.notes))


def align(
    photo: Photo, hole: Mask, references: Sequence[Reference], on_progress: OnProgress | None
) -> tuple[list[Aligned], list[str]]:
    """Match each reference with the photo.

    Returns:
        Those that show the same place, the best first; and a sentence on each one that was left out.
    """
    listen = on_progress or (lambda _: None)
    here = view_of(photo, "the photo")
    shown = cv2.resize(hole.view(np.uint8), here.grey.shape[::-1], interpolation=cv2.INTER_AREA) == 0
    here = replace(here, grey=_without(here.grey, shown))
    known = matching.features(here.grey, np.ascontiguousarray(shown))
    coloured = has_colour(photo, hole)
    aligned: list[Aligned] = []
    notes = []
    for number, reference in enumerate(references, 1):
        listen(Progress("align", number - 1, len(references), reference.name))
        there = view_of(reference.read(), reference.name)
        if coloured and not has_colour(there.photo):
            notes.append(f"{reference.name} has no colour, and the photo has; it was left out.")
            continue
        there = replace(there, plain=not coloured)
        other = matching.features(there.grey)
        found = matching.match_views(here, there, known, other)
        planes = homographies.find_planes(found, max(photo.pixels.shape[:2]))
        coarse = coarseness(planes[0]) if planes else 0
        if coarse > _COARSEST:
            notes.append(f"{reference.name} is {coarse:.1f} times as coarse as the photo and was left out.")
        elif planes:
            if coarse > _SOFT:
                told = f"is {coarse:.1f} times as coarse as the photo, so what it fills is soft."
                notes.append(f"{reference.name} {told}")
            aligned.append(Aligned(number, there, planes))
            aligned.sort(key=lambda each: -sum(len(plane.points) for plane in each.planes))
            del aligned[MOST:]
        elif matching.is_mirrored(known, there, homographies.LEAST):
            notes.append(f"{reference.name} shows the place mirrored and was left out; flip it to use it.")
        else:
            notes.append(f"Nothing in {reference.name} matches; it was left out.")
    listen(Progress("align", len(references), len(references)))
    return aligned, notes


def _without(grey: Grey, shown: Mask) -> Grey:
    """A picture without what is to be replaced: who stands in both photos must not be matched."""
    plain = spread(grey.astype(np.float32), shown.astype(np.float32))
    return np.where(shown, grey, np.rint(plain).clip(0, 255)).astype(np.uint8)


def fill_aligned(
    photo: Photo,
    hole: Mask,
    aligned: Sequence[Aligned],
    *,
    allowed: Mask | None = None,
    any_light: bool = False,
    in_place: bool = False,
    on_progress: OnProgress | None = None,
) -> Taken:
    """Fill from references that are aligned; the arguments are those of :func:`fill_from`."""
    listen = on_progress or (lambda _: None)
    result = photo if in_place else copied(photo)
    left = hole.copy()
    started = time.perf_counter()
    work = _Work(result, Sources(hole, allowed), aligned, any_light)
    todo = windows(hole, allowed, _WHOLE, _CONTEXT) if aligned else []
    regions = []
    for number, window in enumerate(todo):
        listen(Progress(BY, number, len(todo)))
        region = _fill_window(work, window)
        if region is not None:
            left[region.box.rows, region.box.columns][region.hole] = False
            regions.append(region)
    if todo:
        listen(Progress(BY, len(todo), len(todo)))
    used = {
        int(n) for each in regions if each.places is not None for n in np.unique(each.places[each.hole][:, 0])
    }
    shown = tuple(
        Shown(each.view.name, each.number, each.view.photo.pixels.shape[:2], each.view.grey)
        for each in aligned
        if each.number in used
    )
    fill = PhotoFill(result, tuple(regions), {BY: time.perf_counter() - started}, shown)
    told = [_light_note(name, any_light) for name in sorted(work.odd)]
    if photo.alpha is None and regions and np.concatenate(work.changes).mean() < _LEAST_CHANGE:
        names = ", ".join(each.name for each in shown)
        told.append(f"What was filled looks as it looked before; is there a copy of the photo among {names}?")
    return Taken(fill, left, tuple(told))


def _light_note(name: str, any_light: bool) -> str:
    if any_light:
        return f"The light in {name} is very different; its structure was used, in the photo's light."
    return (
        f"The light in {name} is very different, as of another season or hour, so it may serve for little; "
        "--any-light (any_light=True in Python) trusts its structure alone."
    )


def frame_of(photo: Photo, box: Box, sources: Sources) -> Frame:
    """Make a window of a photo small, to align to it."""
    hole, usable = sources.mask[box.rows, box.columns], sources.inside(box)
    encoding = encoding_of(photo, box, usable)
    factor = max(1.0, box.long_side / SIDE)
    size = (math.ceil(box.width / factor), math.ceil(box.height / factor))
    image = encoding.look(box)
    if factor > 1:
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.float32)
        hole, usable = (
            cv2.resize(each.astype(np.float32), size, interpolation=cv2.INTER_AREA) > limit
            for each, limit in ((hole, 0), (usable, 0.999))
        )
    if photo.alpha is not None:
        solid = photo.alpha[box.rows, box.columns] == white(photo.alpha.dtype)
        usable = usable & (cv2.resize(solid.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.99)
    return Frame(box, encoding, image, hole, usable)


@dataclass(frozen=True)
class _Work:
    photo: Photo
    sources: Sources
    aligned: Sequence[Aligned]
    any_light: bool
    odd: set[str] = field(default_factory=set)  # names of references in another light
    changes: list[Mask] = field(default_factory=list)  # whether what was filled looked otherwise before


def _fill_window(work: _Work, window: Window) -> RegionFill | None:
    photo, sources = work.photo, work.sources
    frame = frame_of(photo, window.box, sources)
    if not frame.known.any():
        return None
    found: list[Candidate] = []
    for each in work.aligned:
        more = candidates(frame, each.view, each.number, each.planes, any_light=work.any_light)
        if more and all(one.tone.is_odd for one in more):
            work.odd.add(each.view.name)
        found += more
    chosen = select(found, frame.hole)
    if not (chosen.labels >= 0).any():
        return None
    area = _grown(window.hole_box, photo.pixels.shape)
    hole = np.zeros((area.height, area.width), np.bool_)
    top, left = window.hole_box.top - area.top, window.hole_box.left - area.left
    inner = slice(top, top + window.hole_box.height), slice(left, left + window.hole_box.width)
    hole[inner] = window.hole
    joined = join(frame, found, chosen, area, hole, sources.inside(area))
    filled = joined.filled[inner]
    place = window.hole_box.rows, window.hole_box.columns
    before = frame.encoding.look(area)[inner]
    work.changes.append(np.abs(joined.image[inner] - before)[filled].max(axis=1) > _CHANGED)
    photo.pixels[place][filled] = frame.encoding.write(joined.image[inner])[filled]
    if photo.alpha is not None:
        photo.alpha[place][filled] = white(photo.alpha.dtype)
    trust = np.where(filled, joined.trust[inner], np.float32(1))
    return RegionFill(window.hole_box, filled, None, trust, BY, places=joined.places[inner])


def _grown(box: Box, shape: tuple[int, ...]) -> Box:
    top, left = max(0, box.top - MARGIN), max(0, box.left - MARGIN)
    bottom = min(shape[0], box.top + box.height + MARGIN)
    right = min(shape[1], box.left + box.width + MARGIN)
    return Box(top, left, bottom - top, right - left)
