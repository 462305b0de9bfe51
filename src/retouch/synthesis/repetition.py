"""Whether a picture repeats itself better on a plane than in the photo.

Known patches around the hole look for their best copy, once in the photo and once in the plane's rectified
frame. What is left of them after the copy says in which of both a fill will find what it needs. The fills'
own costs do not say it: of two fills, the better one has the lower cost hardly more often than not.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

_GREY = np.array([0.299, 0.587, 0.114], np.float32)
_LARGEST = 224  # longer side of what is compared, in pixels; never more than half the photo's
_PATCH = 0.25  # side of a patch, in sides of the hole (the root of its area)
_RING = 1 / 3  # patches lie so near the hole, in its sides
_PATCHES, _FEWEST = 70, 20
_FLAT = 0.03  # a patch that varies less says nothing


def residual_ratio(
    image: Image, hole: Mask, readable: Mask, picture: Image, usable: Mask, homography: NDArray[np.float64]
) -> float | None:
    """What is left of patches after their best copy in a rectified frame, beside the same in the photo.

    Args:
        image: ``H×W×3``; its hole is not looked at.
        hole: ``H×W``.
        readable: ``H×W``, what may be borrowed.
        picture: ``h×w×3``, the rectified frame.
        usable: ``h×w``, what may be borrowed there.
        homography: ``3×3``, from pixels of the photo (column, row, 1) to those of the frame.

    Returns:
        The geometric mean over patches of (1 − correlation with the best copy) in the frame, divided by the
        same in the photo. Below 1, the frame repeats itself better. None if too few patches can be compared.
    """
    factor = min(0.5, _LARGEST / max(hole.shape))
    side = float(np.sqrt(hole.sum()))
    half = max(3, int(_PATCH / 2 * side * factor))
    away = cv2.distanceTransform((~hole).astype(np.uint8), cv2.DIST_L2, 5) - 1.3 * half / factor
    rows, columns = np.nonzero(readable & (away > 0) & (away < _RING * side))
    if len(rows) < _PATCHES:
        return None
    drawn = np.linspace(0, len(rows) - 1, _PATCHES).astype(np.intp)
    places = np.stack([columns[drawn], rows[drawn], np.ones(_PATCHES)])
    moved = homography @ places
    in_photo = _residuals(image, readable, places[:2], factor, half)
    on_plane = _residuals(picture, usable, moved[:2] / moved[2], factor, half)
    both = np.isfinite(in_photo) & np.isfinite(on_plane)
    if both.sum() < _FEWEST:
        return None
    return float(np.exp((np.log(on_plane[both]) - np.log(in_photo[both])).mean()))


def _residuals(
    image: Image, readable: Mask, places: NDArray[np.float64], factor: float, half: int
) -> NDArray[np.float64]:
    """1 − correlation of patches with their best copies elsewhere, ``n``; NaN where there is no patch."""
    size = tuple(max(1, round(side * factor)) for side in readable.shape[::-1])
    grey = np.where(readable, image @ _GREY, np.float32(0))
    grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    whole = cv2.resize(readable.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.99
    patch = np.ones((2 * half + 1, 2 * half + 1), np.uint8)
    centres = cv2.erode(whole.astype(np.uint8), patch, borderType=cv2.BORDER_CONSTANT, borderValue=0) > 0
    left = np.full(places.shape[1], np.nan)
    for number, (x, y) in enumerate((places * factor).astype(np.intp).T):
        if not (0 <= x < size[0] and 0 <= y < size[1]) or not centres[y, x]:
            continue
        given = grey[y - half : y + half + 1, x - half : x + half + 1]
        if given.std() < _FLAT:
            continue
        alike = np.full(grey.shape, -1, np.float32)
        alike[half:-half, half:-half] = cv2.matchTemplate(grey, given, cv2.TM_CCOEFF_NORMED)
        alike[~centres] = -1
        # No copy may overlap its patch.
        alike[max(0, y - 2 * half) : y + 2 * half + 1, max(0, x - 2 * half) : x + 2 * half + 1] = -1
        left[number] = 1 - min(float(alike.max()), 0.999)
    return left
