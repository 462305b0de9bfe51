"""Draw which other photo each filled pixel came from, and which place in it."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.engine.filled import PhotoFill, RegionFill

_DIM, _TINT = 0.6, 0.6  # brightness of a photo under the colours, and how strong they are there


def colours(region: RegionFill, fill: PhotoFill) -> NDArray[np.float32]:
    """The colours of what a region took from references, ``N×3`` in 0 to 255, in the order of its pixels.

    Each reference has a hue of its own, which changes a little from left to right; what lies higher in the
    reference is paler.
    """
    assert region.places is not None
    return _of(region.places[region.places[..., 0] > 0], fill)


def _of(places: NDArray[np.int32], fill: PhotoFill) -> NDArray[np.float32]:
    made = np.full((len(places), 3), 110, np.float32)
    for turn, each in enumerate(fill.shown):
        mine = places[:, 0] == each.number
        down, across = (places[mine, axis] / max(1, each.size[axis - 1] - 1) for axis in (1, 2))
        ends = [
            np.array(colorsys.hsv_to_rgb((turn + shift) / len(fill.shown) % 1, 0.85, 1))
            for shift in (0, 0.45)
        ]
        pure = ends[0] + across[:, None] * (ends[1] - ends[0])
        made[mine] = 255 * (pure + (1 - pure) * 0.6 * (1 - down[:, None]))
    return made


def draw_references(fill: PhotoFill) -> list[NDArray[np.uint8]]:
    """Draw each reference as large as the photo, dim, with the places that were taken from it tinted."""
    height, width = fill.photo.pixels.shape[:2]
    pictures = []
    for each in fill.shown:
        share = min(height / each.size[0], width / each.size[1])
        size = (max(1, round(each.size[0] * share)), max(1, round(each.size[1] * share)))
        grey = cv2.resize(each.picture, size[::-1], interpolation=cv2.INTER_LINEAR)
        drawn = np.repeat(np.rint(_DIM * grey)[..., None], 3, axis=2).astype(np.float32)
        for region in fill.regions:
            if region.places is None:
                continue
            taken = region.places[region.places[..., 0] == each.number]
            rows, columns = ((taken[:, axis] * share).astype(np.intp) for axis in (1, 2))
            at = rows.clip(0, size[0] - 1), columns.clip(0, size[1] - 1)
            drawn[at] = _TINT * _of(taken, fill) + (1 - _TINT) * _DIM * grey[at][:, None]
        canvas = np.full((height, width, 3), 255, np.uint8)
        canvas[: size[0], : size[1]] = np.rint(drawn)
        pictures.append(canvas)
    return pictures
