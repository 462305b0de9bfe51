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
    the photo; confidence goes from red (0) over yellow to green (1). What has none is grey.

    Args:
        session: the photo.
        kind: one of :data:`KINDS`.
        level: the level of the tile.
        box: the tile, in pixels of its level.
    """
    picture = np.zeros((box.height, box.width, 4), np.uint8)
    full = Box(*(each << level for each in box)).within(session.size)
    for patch in session.maps(full):
        values = patch.sources if kind == "sources" else patch.confidence
        hole, values = _reduced(patch.hole, values, patch.box, level)
        colours = np.full((int(hole.sum()), 3), 128, np.uint8)
        if values is not None:
            colours = _places(values, session.size) if kind == "sources" else _traffic_light(values)
        layer = np.zeros((*hole.shape, 4), np.uint8)
        layer[hole, :3], layer[hole, 3] = colours, 255
        place = _reduced_box(patch.box, level)
        both = place.within(box)
        if not both.empty:
            part, target = both.seen_from(place).place, both.seen_from(box).place
            picture[target][hole[part]] = layer[part][hole[part]]
    return picture


def source_of(session: Session, column: int, row: int) -> dict[str, Any]:
    """Where a pixel came from, and how sure its fill is; null for what is not known."""
    found: dict[str, Any] = {"x": None, "y": None, "confidence": None}
    for patch in session.maps(Box(column, row, 1, 1)):
        inner = row - patch.box.top, column - patch.box.left
        if not patch.hole[inner]:
            continue
        number = int(np.count_nonzero(patch.hole.ravel()[: inner[0] * patch.box.width + inner[1]]))
        found = {"x": None, "y": None, "confidence": None}
        if patch.sources is not None and patch.sources[number, 0] >= 0:
            found["y"], found["x"] = patch.sources[number].tolist()
        if patch.confidence is not None:
            found["confidence"] = round(float(patch.confidence[number]), 4)
    return found


def _reduced_box(box: Box, level: int) -> Box:
    """The pixels of a level whose first pixel of the photo lies in a box."""
    left, top = -(-box.left >> level), -(-box.top >> level)
    right, bottom = -(-(box.left + box.width) >> level), -(-(box.top + box.height) >> level)
    return Box(left, top, right - left, bottom - top)


def _reduced(hole: Array, values: Array | None, box: Box, level: int) -> tuple[Array, Array | None]:
    """Every so many pixels of a hole, on the grid of a level, and the values there."""
    if not level:
        return hole, values
    step = 1 << level
    picked = np.zeros_like(hole)
    grid = slice(-box.top % step, None, step), slice(-box.left % step, None, step)
    picked[grid] = hole[grid]
    return hole[grid], None if values is None else values[picked[hole]]


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
