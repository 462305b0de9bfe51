"""Draw which place each filled pixel came from."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.drawing.references import colours
from retouch.engine.filled import PhotoFill
from retouch.imaging import Photo, to_srgb
from retouch.ops.masks import Mask, bounding_box, dilate

DIM = 0.6
"""Brightness of the photo under the picture."""
TINT = 0.55
"""How strongly the source places are tinted, from 0 to 1."""
NOWHERE = 110
"""Grey value of a filled pixel without a source."""
SHEET_TILE = 1600
"""Largest area of one picture on a sheet of several, as the side of a square in pixels."""
SHEET_GAP = 8
"""Pixels between the pictures of a sheet."""
STRIP = 256
"""Number of rows converted at once, so that no float copy of the whole photo is needed."""


def draw_sources(photo: Photo, result: PhotoFill) -> NDArray[np.uint8]:
    """Draw where in the photo each filled pixel was taken from.

    The photo is dim grey. Each source place is tinted in a colour of its own: over the area of all sources,
    hues run from left to right, and colours from pale at the top to deep at the bottom. Each filled pixel has
    the full colour of its source, or plain grey if it has none. The hole has a white outline. What was filled
    from another photo has the hue of that photo, see :mod:`retouch.drawing.references`.

    Args:
        photo: the photo, before or after it was filled.
        result: the fill.

    Returns:
        ``H×W×3`` uint8, the size of the photo.
    """
    picture = dimmed(photo)
    used = np.zeros(picture.shape[:2], dtype=bool)
    for region in result.regions:
        if region.sources is not None:
            places = region.sources[region.sources[..., 0] >= 0]
            used[places[:, 0], places[:, 1]] = True
    area = bounding_box(used)
    if area is not None:
        # Over the area of the whole photo, all sources of a small hole would have the same colour.
        tint = _colours(np.argwhere(used), area)
        picture[used] = np.round((1 - TINT) * picture[used] + TINT * tint)

    filled = np.zeros_like(used)
    for region in result.regions:
        filled[region.box.rows, region.box.columns] |= region.hole
        within = picture[region.box.rows, region.box.columns]
        within[region.hole] = NOWHERE
        if area is not None and region.sources is not None:
            borrowed = region.sources[..., 0] >= 0
            within[borrowed] = np.round(_colours(region.sources[borrowed], area))
        if region.places is not None:
            within[region.places[..., 0] > 0] = np.round(colours(region, result))
    picture[outline(filled)] = 255
    return picture


def sheet(pictures: Iterable[NDArray[np.uint8]], count: int) -> NDArray[np.uint8]:
    """Lay out pictures of one size (``H×W×3``) in rows, from left to right, as ``--sources`` does.

    Pictures with an area above :data:`SHEET_TILE` squared are made smaller. A single picture is returned
    unchanged.

    Args:
        pictures: drawn one after the other, so that not all of them are in memory at once.
        count: their number, at least 1.

    Returns:
        ``H×W×3`` uint8; the unused places are white.
    """
    canvas: NDArray[np.uint8] | None = None
    for number, each in enumerate(pictures):
        if count == 1:
            return each
        share = min(1.0, SHEET_TILE / math.sqrt(each.shape[0] * each.shape[1]))
        height, width = (max(1, round(share * side)) for side in each.shape[:2])
        columns = min(range(1, count + 1), key=lambda n: abs(math.log(n * width / (-(-count // n) * height))))
        if canvas is None:
            sides = (
                n * (side + SHEET_GAP) - SHEET_GAP
                for n, side in ((-(-count // columns), height), (columns, width))
            )
            canvas = np.full((*sides, 3), 255, np.uint8)
        top, left = number // columns * (height + SHEET_GAP), number % columns * (width + SHEET_GAP)
        tile = canvas[top : top + height, left : left + width]
        tile[:] = each if share == 1 else cv2.resize(each, (width, height), interpolation=cv2.INTER_AREA)
    assert canvas is not None
    return canvas


def dimmed(photo: Photo) -> NDArray[np.uint8]:
    """Return the photo in dim grey, ``H×W×3`` uint8, to draw on."""
    height, width = photo.pixels.shape[:2]
    picture = np.empty((height, width, 3), dtype=np.uint8)
    for top in range(0, height, STRIP):
        rows = slice(top, min(top + STRIP, height))
        grey = to_srgb(photo, rows, slice(0, width)).mean(axis=2, keepdims=True)
        picture[rows] = np.round(grey * (255 * DIM))
    return picture


def outline(filled: Mask) -> Mask:
    """Return the pixels around ``filled`` (both ``H×W`` bool), wide enough to show in the whole picture."""
    return dilate(filled, max(1, max(filled.shape) // 1000)) & ~filled


def _colours(places: NDArray[Any], area: tuple[slice, slice]) -> NDArray[np.float32]:
    """The colours (``N×3``, 0 to 255) of rows and columns (``N×2``): hue by column, lightness by row."""
    start = [each.start for each in area]
    down, across = ((places - start) / [max(1, each.stop - each.start - 1) for each in area]).T
    hue = across[:, None] * 5  # red to magenta, in sixths of the circle; going back to red would be ambiguous
    pure = np.clip(np.abs((hue + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
    light = np.clip(1 - 2 * down, 0, 1)[:, None] * 0.6
    deep = 1 - np.clip(2 * down - 1, 0, 1)[:, None] * 0.5
    return np.asarray((pure + (1 - pure) * light) * deep * 255, dtype=np.float32)
