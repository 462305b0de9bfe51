"""What moves in a series of shots: where one of them disagrees with the others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.engine.boxes import Box
from retouch.engine.windows import Sources
from retouch.imaging import Photo
from retouch.ops.masks import Mask, depth
from retouch.references.agreement import differences
from retouch.references.candidates import Candidate, Frame, candidates
from retouch.references.choosing import choose
from retouch.references.filling import Aligned, frame_of
from retouch.references.foreign import owners
from retouch.references.views import Image

_STRONG, _WEAK = 0.11, 0.04  # differences of colour that begin a region, and that go on with it: a shadow
_SHADOW = 0.05  # of the long side: how far a region goes on
_SMALL = 2e-4  # of the picture, below which a region is leaves or noise
_MARGIN = 0.004  # of the long side, around a region: soft edges
_CELLS = 240  # along the longer side of a picture, where it is decided whose a thing is
_SEAM, _STEP = (
    8.0,
    0.25,
)  # the cost of another decision beside, for each difference of colour, and in any case
_GAP = 0.012  # of the long side: parts of a region that are nearer belong together
_HOLLOW = 1.6  # the hull of a region has at most so many times its area
_DOUBT = 0.2  # of the contrast of outlines, below which two shots do not tell whose a thing is


@dataclass(frozen=True)
class Moving:
    """What moves in a shot, ``H×W`` each.

    Attributes:
        sure: what the shot shows before the place.
        doubtful: of two shots, what either may show before the place.
    """

    sure: Mask
    doubtful: Mask


def find_moving(photo: Photo, aligned: Sequence[Aligned]) -> Moving:
    """Find what is in a shot and not in most of the others.

    Args:
        photo: the shot.
        aligned: the others.
    """
    height, width = photo.pixels.shape[:2]
    frame = frame_of(photo, Box(0, 0, height, width), Sources(np.zeros((height, width), np.bool_), None))
    nothing = np.zeros(frame.hole.shape, np.bool_)
    others = [seen for each in aligned if (seen := _seen(frame, each)) is not None]
    if not others:
        return Moving(*(np.zeros((height, width), np.bool_) for _ in range(2)))
    seen = np.sum([valid for _, _, valid in others], axis=0)
    half = np.maximum(seen / 2, 0.5)
    # A pixel moves by as much as more than half of the others say at least.
    strong, weak = (
        (np.sum([(apart > limit) & valid for apart, _, valid in others], axis=0) > half) & (seen > 0)
        if len(others) > 1
        else (others[0][0] > limit) & others[0][2]
        for limit in (_STRONG, _WEAK)
    )
    regions, count = _regions(strong, weak)
    sure, doubtful = regions > 0, nothing
    if len(others) == 1:
        _, image, valid = others[0]
        margin = math.ceil(max(2.0, _MARGIN * max(valid.shape)))
        whose = owners(frame.image, image, regions, count, valid, margin)
        sure, doubtful = _decided(np.abs(frame.image - image).mean(axis=2), regions > 0, whose)
    return Moving(*(_whole(each, height, width) for each in (sure, doubtful)))


def _decided(apart: Image, region: Mask, whose: Image) -> tuple[Mask, Mask]:
    """What the first of two shots shows before the place, and what either may.

    One decision cannot change within a thing, where both shots differ, but between two that touch it can.
    """
    size = tuple(max(1, round(side * min(1, _CELLS / max(region.shape)))) for side in region.shape)
    difference, says, cells = (
        np.asarray(cv2.resize(each, size[::-1], interpolation=cv2.INTER_AREA), np.float32)
        for each in (apart, whose, region.astype(np.float32))
    )
    inside = cells > 0.2
    data = np.where(inside[..., None], np.stack([says.clip(0, 1), (-says).clip(0, 1)], axis=-1), 0)
    seams = []
    for before, after in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        cost = (_SEAM * (difference[before] + difference[after]) + _STEP) * (inside[before] & inside[after])
        seams.append(np.asarray(cost[..., None, None] * (1 - np.eye(2)), np.float32))
    labels = choose(data.astype(np.float32), *seams)
    mine = cv2.resize(labels.astype(np.float32), region.shape[::-1], interpolation=cv2.INTER_LINEAR) > 0.5
    sure, doubtful = np.zeros_like(region), np.zeros_like(region)
    for part in (region & mine, region & ~mine):
        count, parts = cv2.connectedComponents(part.astype(np.uint8), connectivity=8)
        sizes = np.maximum(np.bincount(parts.ravel(), minlength=count), 1)
        mean = np.bincount(parts.ravel(), whose.ravel(), minlength=count) / sizes
        large = sizes >= max(9, _SMALL * region.size)
        sure |= part & ((mean > _DOUBT) & large)[parts]
        doubtful |= part & ((np.abs(mean) <= _DOUBT) & large)[parts]
    return rounded(sure), doubtful


def _seen(frame: Frame, other: Aligned) -> tuple[Image, Image, Mask] | None:
    """How far another shot is from this one, what it shows, and where, by the candidate that is nearest."""
    found: list[Candidate] = candidates(frame, other.view, other.number, other.planes)
    if not found:
        return None
    apart = np.full(frame.hole.shape, np.inf, np.float32)
    image = np.zeros_like(frame.image)
    for each in found:
        off = cv2.GaussianBlur(differences(frame.image, each.image), (0, 0), 1.5)
        nearer = each.valid & (off < apart)
        apart[nearer], image[nearer] = off[nearer], each.image[nearer]
    return apart, image, np.isfinite(apart)


def _regions(strong: Mask, weak: Mask) -> tuple[NDArray[np.int32], int]:
    """Regions that begin where the difference is strong, and go on where it is weak but not far away."""
    long_side = max(strong.shape)
    strong = cv2.morphologyEx(strong.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    if not strong.any():
        return np.zeros(strong.shape, np.int32), 0
    near = depth(~strong) <= _SHADOW * long_side
    _, parts = cv2.connectedComponents(((weak & near) | strong).astype(np.uint8), connectivity=8)
    begun = np.bincount(parts[strong], minlength=int(parts.max()) + 1) >= max(9, _SMALL * strong.size)
    begun[0] = False
    grown = begun[parts]
    if not grown.any():
        return np.zeros(strong.shape, np.int32), 0
    grown = depth(~grown) <= max(2.0, _MARGIN * long_side)
    count, numbers = cv2.connectedComponents(rounded(grown).astype(np.uint8), connectivity=8)
    return numbers.astype(np.int32), count - 1


def rounded(mask: Mask) -> Mask:
    """Take in what lies between the parts of a thing: clothes of the place's colour do not differ from it.

    Too much does no harm, because the other shots show the place there as well; half a person does.
    """
    side = 2 * math.ceil(_GAP * max(mask.shape)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    border = np.pad(mask.astype(np.uint8), side)
    joined = cv2.morphologyEx(border, cv2.MORPH_CLOSE, kernel)
    outlines, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    made = np.zeros_like(border)
    for outline in outlines:
        hull = cv2.convexHull(outline)
        # Things that touch make a hull that is mostly empty; they keep their outline.
        compact = cv2.contourArea(hull) < _HOLLOW * max(1.0, cv2.contourArea(outline))
        cv2.drawContours(made, [hull if compact else outline], -1, 1, cv2.FILLED)
    return made[side:-side, side:-side] > 0


def _whole(mask: Mask, height: int, width: int) -> Mask:
    large = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return large > 0.4
