"""Masks as these clients send and show them."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.api import editing
from retouch.server import masks, selecting
from retouch.server.errors import Refusal

Mask = NDArray[np.bool_]

_BRUSH = (255, 203, 0, 186)  # RGBA, what IOPaint's page paints with
_ROUNDING = 1e-4  # distances are roots of whole numbers
_CLICKS = 10_000


def brightness(file: bytes, most_pixels: int) -> NDArray[np.uint8]:
    """How bright a mask is, ``H×W``. Alpha does not count: the page's brush is not opaque.

    Raises:
        RetouchError: it is no picture, or too large.
    """
    pixels = editing.open_photo(file, most_pixels).pixels
    grey = pixels[..., 0] if pixels.shape[2] == 1 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return np.asarray(grey if grey.dtype == np.uint8 else np.rint(grey / 257), np.uint8)


def brushed(mask: Mask) -> bytes:
    """A mask as the page lays it over the photo: a PNG of the brush's colour on nothing."""
    picture = np.zeros((*mask.shape, 4), np.uint8)
    picture[mask] = _BRUSH
    return masks.png(picture)


def grown(mask: Mask, radius: int) -> Mask:
    """What is at most so many pixels from a mask."""
    if not mask.any():
        return mask
    # IOPaint takes OpenCV's ellipse, whose cost grows with its area; a circle differs by a pixel at most.
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance <= radius + _ROUNDING)


def object_at(file: bytes, clicks: Any, most_pixels: int) -> Mask:
    """Find the object that was clicked on.

    Args:
        file: the photo's file.
        clicks: ``[[x, y, 1 or 0], …]``, 1 = of the object; the page adds a number to each.
        most_pixels: that the photo may have.

    Raises:
        RetouchError: the photo cannot be read, or the clicks do not lie in it.
    """
    photo = editing.open_photo(file, most_pixels)
    height, width, channels = photo.pixels.shape
    scale = min(1.0, selecting.LONGEST / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(photo.pixels, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], channels)
    points = _points(clicks, width, height)
    places = np.minimum((points[:, :2] * scale).astype(np.intp), np.array(size) - 1)
    marks = selecting.Marks(places[points[:, 2] == 1], places[points[:, 2] == 0])
    found = selecting.find_object(editing.on_screen(photo, small, None), marks).astype(np.uint8) * 255
    return np.asarray(cv2.resize(found, (width, height), interpolation=cv2.INTER_LINEAR) > 127)


def _points(clicks: Any, width: int, height: int) -> NDArray[np.float64]:
    fine = isinstance(clicks, list) and len(clicks) <= _CLICKS
    if not fine or not all(_is_click(each, width, height) for each in clicks):
        raise Refusal(400, "bad_clicks", "clicks must be [x, y, 1 or 0] in the image; 1 = of the object.")
    if all(each[2] == 0 for each in clicks):
        raise Refusal(400, "no_clicks", "Click on the object: give clicks as [[x, y, 1]].")
    return np.array([each[:3] for each in clicks], np.float64)


def _is_click(given: Any, width: int, height: int) -> bool:
    if not isinstance(given, list) or not 3 <= len(given) <= 4:
        return False
    if any(type(each) not in (int, float) for each in given):
        return False
    return 0 <= given[0] < width and 0 <= given[1] < height and given[2] in (0, 1)
