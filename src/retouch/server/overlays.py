"""Pictures to lay over a photo: where each filled pixel came from, and how sure it is."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.server.boxes import Box
from retouch.server.session import Session

Array = NDArray[Any]

KINDS = ("confidence", "sources")


def draw(session: Session, kind: str, level: int, box: Box) -> NDArray[np.uint8]:
    """Draw a tile of an overlay, ``h×w×4`` uint8; what was not filled is transparent.

    Sources have a hue for their place from left to right, and are pale at the top and deep at the bottom of
    the photo; what came from a reference has a dark colour of that reference. Confidence goes from red (0)
    over yellow to green (1). What has none is grey.

    Args:
        session: the photo.
        kind: one of :data:`KINDS`.
        level: the level of the tile.
        box: the tile, in pixels of its level.
    """
    picture = np.zeros((box.height, box.width, 4), np.uint8)
    full = Box(*(each << level for each in box)).within(session.size)
    for _, patch in session.maps(full):
        hole, picked = _reduced(patch.hole, patch.box, level)
        colours = np.full((int(hole.sum()), 3), 128, np.uint8)
        if kind == "confidence" and patch.confidence is not None:
            colours = _traffic_light(patch.confidence[picked])
        if kind == "sources" and patch.sources is not None:
            colours = _places(patch.sources[picked], session.size)
        if kind == "sources" and patch.places is not None:
            number = patch.places[picked, 0]
            if (number > 0).any():
                colours[number > 0] = _of_references(number[number > 0])
        layer = np.zeros((*hole.shape, 4), np.uint8)
        layer[hole, :3], layer[hole, 3] = colours, 255
        place = _reduced_box(patch.box, level)
        both = place.within(box)
        if not both.empty:
            part, target = both.seen_from(place).place, both.seen_from(box).place
            picture[target][hole[part]] = layer[part][hole[part]]
    return picture


def source_of(session: Session, column: int, row: int) -> dict[str, Any]:
    """Where a pixel came from, and how sure its fill is; null for what is not known.

    With the name of a reference, the place lies in that; else in the photo.
    """
    nothing = {"x": None, "y": None, "reference": None, "confidence": None}
    found: dict[str, Any] = nothing
    for edit, patch in session.maps(Box(column, row, 1, 1)):
        inner = row - patch.box.top, column - patch.box.left
        if not patch.hole[inner]:
            continue
        number = int(np.count_nonzero(patch.hole.ravel()[: inner[0] * patch.box.width + inner[1]]))
        found = dict(nothing)
        if patch.places is not None and patch.places[number, 0] > 0:
            reference, found["y"], found["x"] = patch.places[number].tolist()
            found["reference"] = edit.references[reference - 1]
        elif patch.sources is not None and patch.sources[number, 0] >= 0:
            found["y"], found["x"] = patch.sources[number].tolist()
        if patch.confidence is not None:
            found["confidence"] = round(float(patch.confidence[number]), 4)
    return found


def _reduced_box(box: Box, level: int) -> Box:
    """The pixels of a level whose first pixel of the photo lies in a box."""
    left, top = -(-box.left >> level), -(-box.top >> level)
    right, bottom = -(-(box.left + box.width) >> level), -(-(box.top + box.height) >> level)
    return Box(left, top, right - left, bottom - top)


def _reduced(hole: Array, box: Box, level: int) -> tuple[Array, Array]:
    """Every so many pixels of a hole, on the grid of a level; and which of the hole's these are, ``N``."""
    step = 1 << level
    picked = np.zeros_like(hole)
    grid = slice(-box.top % step, None, step), slice(-box.left % step, None, step)
    picked[grid] = hole[grid]
    return hole[grid], picked[hole]


def _places(sources: Array, whole: Box) -> NDArray[np.uint8]:
    """The colour of each source, ``N×3``; grey for none."""
    hsv = np.empty((len(sources), 1, 3), np.uint8)
    hsv[:, 0, 0] = 150 * sources[:, 1] / whole.width
    hsv[:, 0, 1] = 90 + 165 * sources[:, 0].clip(0) / whole.height
    hsv[:, 0, 2] = 255 - 100 * sources[:, 0].clip(0) / whole.height
    colours = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[:, 0] if len(hsv) else hsv[:, 0]
    colours[sources[:, 0] < 0] = 128
    return np.asarray(colours, np.uint8)


def _traffic_light(confidence: Array) -> NDArray[np.uint8]:
    """Red for 0, yellow for a half, green for 1, ``N×3``."""
    red, green = (2 - 2 * confidence).clip(0, 1), (2 * confidence).clip(0, 1)
    return np.asarray(np.rint(np.stack([220 * red, 180 * green, 0 * red], axis=1)), np.uint8)


def _of_references(numbers: Array) -> NDArray[np.uint8]:
    """The colour of each reference, ``N×3``: hues that lie apart, darker than those of the photo's places."""
    hsv = np.full((len(numbers), 1, 3), (0, 255, 140), np.uint8)
    hsv[:, 0, 0] = (100 + 111 * (numbers - 1)) % 180  # the golden ratio of the circle
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.uint8)[:, 0]
