"""Candidates for a hole: a reference, seen through one of its homographies, in the photo's light."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.engine.boxes import Box
from retouch.engine.encoding import Encoding
from retouch.imaging.colour import LUMA
from retouch.ops.masks import Mask, depth
from retouch.references import agreement, tones
from retouch.references.homographies import Matrix, Plane, mapped, nearest
from retouch.references.mesh import FAR, NEAR, Flow, refine
from retouch.references.tones import SAME, Tone
from retouch.references.views import Image, Map, View, grid_of, in_colours_of, looked_up

SIDE = 720
"""The long side at which a window is aligned and judged, in pixels."""
PLANES = 4
"""Homographies of a reference that are tried in a window, at most."""
_RING = 0.08  # of the window's long side: known pixels that near the hole say what fits in it
_LEAST_RING = 14
_RELATED = 0.2  # agreement around the hole, without which a candidate is left out
_FLOW_LOOKS = 10  # pixels to each side
_SAME = 0.004  # mean difference of colour between candidates that are one
_BRIDGE = 0.015  # of the window's long side: what is joined by less is an island
_WHITE, _LIGHT, _CLIPPED_SHARE = 0.985, 0.96, 0.3  # values that are clipped, and those that are not


@dataclass(frozen=True)
class Frame:
    """A window of the photo, made small: what references are aligned to.

    Attributes:
        box: the window, in the photo.
        encoding: how its values become [0, 1].
        image: ``h×w×3`` in [0, 1], small; the hole's content means nothing.
        hole: ``h×w``, True where any pixel is to be filled.
        known: ``h×w``, True where the photo can be compared.
    """

    box: Box
    encoding: Encoding
    image: Image
    hole: Mask
    known: Mask

    @property
    def step(self) -> tuple[float, float]:
        """Pixels of the photo for each pixel here, across and down."""
        return self.box.width / self.hole.shape[1], self.box.height / self.hole.shape[0]

    @property
    def places(self) -> NDArray[np.float32]:
        """Right and down of the middle, in parts of the half diagonal, ``h×w×2``."""
        return self.places_of(*self.whole(*grid_of(self.hole.shape)))

    def whole(self, columns: Image, rows: Image) -> tuple[Image, Image]:
        """Columns and rows here, as columns and rows of the photo."""
        across, down = self.step
        return (columns + 0.5) * across - 0.5 + self.box.left, (rows + 0.5) * down - 0.5 + self.box.top

    def places_of(self, columns: Image, rows: Image) -> NDArray[np.float32]:
        """The same for columns and rows of the photo."""
        half = 0.5 * float(np.hypot(self.box.width, self.box.height))
        x = (columns - (self.box.left + self.box.width / 2)) / half
        y = (rows - (self.box.top + self.box.height / 2)) / half
        return np.stack([x, y], axis=-1).astype(np.float32)

    @property
    def wanted(self) -> Mask:
        """What a candidate is wanted for, ``h×w``: the hole, or all of a frame without one."""
        return self.hole if self.hole.any() else np.ones_like(self.hole)

    def ring(self) -> Image:
        """How much each known pixel counts: the nearer to the hole, the more."""
        if not self.hole.any():
            return self.known.astype(np.float32)
        reach = max(_LEAST_RING, _RING * max(self.hole.shape))
        return np.asarray(self.known * np.exp(-depth(~self.hole) / reach), np.float32)


@dataclass(frozen=True)
class Candidate:
    """A reference in the photo's place and light, as one of its homographies has it.

    Attributes:
        number: of the reference, from 1.
        view: the reference.
        matrix: the homography.
        flow: ``h×w×2``, what refines it, in pixels of the frame.
        tone: its light.
        image: ``h×w×3``, in the frame's place and light.
        valid: ``h×w``, True where the reference shows anything.
        trust: ``h×w`` in [0, 1], how sure it is that it shows what the photo would; carried into the hole.
        lost: ``h×w``, True where it shows only that the place is very light or dark.
    """

    number: int
    view: View
    matrix: Matrix
    flow: Flow
    tone: Tone
    image: Image
    valid: Mask
    trust: Image
    lost: Mask

    def map_of(self, frame: Frame, columns: Image, rows: Image) -> Map:
        """Where the reference shows pixels of the photo (``h×w`` columns and rows): ``h×w×2``."""
        across, down = frame.step
        x = (columns - frame.box.left + 0.5) / across - 0.5
        y = (rows - frame.box.top + 0.5) / down - 0.5
        flow = looked_up(self.flow, np.stack([x, y], axis=-1))
        return mapped(self.matrix, columns + flow[..., 0] * across, rows + flow[..., 1] * down)


def candidates(
    frame: Frame, view: View, number: int, planes: list[Plane], *, any_light: bool = False
) -> list[Candidate]:
    """Align a reference to a frame: by each of its homographies that may serve there, and bent to fit.

    Args:
        frame: the window.
        view: the reference.
        number: its number from 1.
        planes: its homographies.
        any_light: structure that agrees is enough, whatever the colours.
    """
    box = frame.box
    corners = (box.left, box.top, box.left + box.width, box.top + box.height)
    made: list[Candidate] = []
    for place, plane in enumerate(nearest(planes, corners, PLANES)):
        # Planes stay flat, because between near and far there is a step; what is round needs one that bends.
        for candidate in _aligned(frame, view, number, plane, (NEAR,) if place else (NEAR, FAR), any_light):
            if not any(_same(candidate, other, frame.wanted) for other in made):
                made.append(candidate)
    return made


def _aligned(
    frame: Frame, view: View, number: int, plane: Plane, reaches: tuple[float, ...], any_light: bool
) -> Iterator[Candidate]:
    map_ = mapped(plane.matrix, *frame.whole(*grid_of(frame.hole.shape)))
    found, valid = view.sample(map_)
    both, ring = frame.known & valid, frame.ring()
    if not (valid & frame.wanted).any() or not both.any():
        return
    found = in_colours_of(frame.encoding.photo, found)
    near = np.where(valid, 0.2 + 0.8 * ring / max(float(ring.max()), 1e-6), 0) * frame.known
    near, places = near.astype(np.float32), frame.places
    toned = tones.fit(frame.image, found, near, places).apply(found, places)
    here, there = (_grey(each) for each in (np.where(frame.known[..., None], frame.image, toned), toned))
    for flow in refine(here, there, _inner(both) * near, reaches):
        rough = Candidate(number, view, plane.matrix, flow, SAME, found, valid, near, lost=~valid)
        candidate = _judged(frame, rough, any_light)
        if candidate is not None:
            yield candidate


def _judged(frame: Frame, given: Candidate, any_light: bool) -> Candidate | None:
    """Move a candidate by its flow, match its light, and see how far to trust it; None for not at all."""
    found, valid = _moved(given.image, given.valid, given.flow)
    ring, places = frame.ring(), frame.places
    tone = tones.fit(frame.image, found, given.trust * valid, places)
    image = tone.apply(found, places)
    lost = valid & _clipped(found, image)
    valid = _reached(valid & ~lost, frame.hole)
    both = frame.known & valid
    near_hole = both & (ring > 0.1)
    if not near_hole.any() or not (valid & frame.wanted).any():
        return None
    sure = agreement.agreement(frame.image, image, both, any_light=any_light)
    if sure[near_hole].mean() < _RELATED:
        return None
    trust = agreement.spread(sure, both.astype(np.float32))
    return replace(given, tone=tone, image=image, valid=valid, trust=trust, lost=lost)


def _same(one: Candidate, other: Candidate, hole: Mask) -> bool:
    """Whether two candidates fill a hole alike, so that one is enough."""
    both = one.valid & other.valid & hole
    if np.count_nonzero(both) <= 0.98 * np.count_nonzero((one.valid | other.valid) & hole):
        return False
    return bool(np.abs(one.image[both] - other.image[both]).mean() < _SAME)


def _inner(known: Mask) -> Image:
    """Known pixels whose surroundings, which flow looks at, are known as well.

    In the hole the reference is compared with itself, which holds the flow beside it back.
    """
    side = 2 * _FLOW_LOOKS + 1
    return np.asarray(cv2.erode(known.astype(np.float32), np.ones((side, side), np.uint8)), np.float32)


def _reached(valid: Mask, hole: Mask) -> Mask:
    """What is joined to something outside the hole: an island alone in it can be compared with nothing."""
    side = max(5, round(_BRIDGE * max(hole.shape)))
    valid = cv2.morphologyEx(valid.astype(np.uint8), cv2.MORPH_OPEN, np.ones((side, side), np.uint8)) > 0
    _, parts = cv2.connectedComponents(valid.astype(np.uint8), connectivity=4)
    outside = np.unique(parts[valid & ~hole])
    return valid & np.isin(parts, outside)


def _clipped(found: Image, toned: Image) -> Mask:
    """Where a reference is as light or dark as can be, but the photo would not be: detail is lost."""
    lost = ((found > _WHITE) & (toned < _LIGHT)) | ((found < 1 - _WHITE) & (toned > 1 - _LIGHT))
    return np.asarray(cv2.blur((lost.sum(axis=2) > 1).astype(np.float32), (5, 5))) > _CLIPPED_SHARE


def _grey(image: Image) -> NDArray[np.uint8]:
    return np.asarray(np.rint((image @ LUMA).clip(0, 1) * 255), np.uint8)


def _moved(image: Image, valid: Mask, flow: Flow) -> tuple[Image, Mask]:
    columns, rows = grid_of(valid.shape)
    x, y = columns + flow[..., 0], rows + flow[..., 1]
    moved = looked_up(image, np.stack([x, y], axis=-1), cv2.INTER_CUBIC)
    inside = cv2.remap(valid.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return moved, inside > 0.99
