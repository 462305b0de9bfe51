"""Fill a hole in the rectified frame of the plane it lies in.

In perspective no two windows of a façade have the same size, so copies do not fit. In the plane's own frame
they do. The fill is made there, and each of its sources is followed back: colours are interpolated once, from
the photo's own pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.synthesis.planes import Plane, find_plane
from retouch.synthesis.repetition import residual_ratio
from retouch.synthesis.warping import LONGEST, distances, extended, gather, inverse, pixels, project, rounded

Array = NDArray[np.float64]
Image = NDArray[np.float32]
Mask = NDArray[np.bool_]
Sources = NDArray[np.int32]
Synthesis = Callable[[Image, Mask, Mask], tuple[Image, Sources]]
"""Fills the hole of an image (``H×W×3``, the hole, what may be borrowed): the fill, and its sources."""

_BEST = 0.7  # what is left of a patch after its best copy, on the plane beside in the photo
_MARGIN = 2.0  # of the frame around the hole, in longer sides of the hole
_LARGEST = 2.5  # the frame's pixels, in those of the photo
_ENLARGED, _SHRUNK = 2.0, 4.0  # most that distances on the plane may differ between a source and the hole
_BORDER = np.ones((9, 9), np.uint8)  # beyond the photo, so much around the hole is filled as well


@dataclass(frozen=True)
class Frame:
    """The rectified picture of a plane around a hole.

    Attributes:
        homography: ``3×3``, from pixels of the photo (column, row, 1) to those of the frame.
        places: ``2×h×w``, column and row in the photo.
        picture: ``h×w×3``. Where nothing is readable it has the nearest readable colours.
        hole: ``h×w``. It covers the photo's hole.
        readable: ``h×w``, what may be borrowed.
    """

    homography: Array
    places: Array
    picture: Image
    hole: Mask
    readable: Mask


def certain_frame(image: Image, hole: Mask, readable: Mask) -> Frame | None:
    """Rectify the plane that a hole lies in, if the picture around the hole repeats better on the plane.

    Args:
        image: ``H×W×3`` in [0, 1]; its hole is not looked at.
        hole: ``H×W``.
        readable: ``H×W``, what may be borrowed; not the hole.

    Returns:
        None if no plane is certain, or the known pixels around the hole have no better copies there.
    """
    plane = find_plane(image, hole)
    frame = None if plane is None else rectify(image, hole, readable, plane)
    if frame is None:
        return None
    ratio = residual_ratio(image, hole, readable, frame.picture, frame.readable, frame.homography)
    return frame if ratio is not None and ratio < _BEST else None


def rectify(image: Image, hole: Mask, readable: Mask, plane: Plane) -> Frame | None:
    """Rectify a plane around a hole; None if the frame would show too little, or be too large.

    Arguments as in :func:`certain_frame`.
    """
    inside, around = (distances(plane.homography, where) for where in (hole, readable))
    low, high = inside.max() / _ENLARGED, inside.min() * _SHRUNK
    usable = (around > low) & (around < high)
    if usable.sum() < hole.sum() or max(hole.shape) > LONGEST:
        return None
    box = project(plane.homography, *pixels(hole))
    seen = project(plane.homography, *(each[usable] for each in pixels(readable)))
    first, last = box.min(1), box.max(1)
    margin = _MARGIN * float((last - first).max())
    while True:
        start = np.floor(np.minimum(np.maximum(seen.min(1), first - margin), first) - 2)
        size = np.ceil(np.maximum(np.minimum(seen.max(1), last + margin), last) + 3 - start).astype(int)
        if size.prod() <= _LARGEST * hole.size and size.max() <= LONGEST:
            break
        margin *= 0.8
        if margin < 0.1 * (last - first).max():
            return None
    homography = np.array([[1, 0, -start[0]], [0, 1, -start[1]], [0, 0, 1]]) @ plane.homography
    return _frame(image, hole, readable, homography, (int(size[1]), int(size[0])), (low, high))


def fill_frame(
    frame: Frame, image: Image, hole: Mask, readable: Mask, synthesis: Synthesis
) -> tuple[Image, Sources]:
    """Fill a hole by filling the frame of its plane.

    Args:
        frame: what :func:`certain_frame` returned for the next three.
        image: as there.
        hole: as there.
        readable: as there.
        synthesis: fills the frame.

    Returns:
        ``H×W×3``, the image with its hole filled, and ``H×W×2``, row and column of the nearest readable pixel
        that each pixel of the hole was taken from; -1 elsewhere.
    """
    made, sources = synthesis(frame.picture, frame.hole, frame.readable)
    taken = frame.picture[sources[..., 0], sources[..., 1]]
    change = np.where(frame.hole[..., None], made - taken, np.float32(0))
    exact = project(frame.homography, *pixels(hole))
    column, row = np.rint(exact).astype(np.intp)
    source = sources[row, column].T[::-1]
    # A pixel lies between those of the frame, and its source lies as far beside theirs.
    origin = project(inverse(frame.homography), *(source + exact - (column, row)))
    known = extended(image, readable)
    colours = gather(known, origin, cv2.INTER_CUBIC) + gather(change, exact, cv2.INTER_LINEAR)
    seen = image[readable]
    filled = image.copy()
    filled[hole] = np.clip(colours, seen.min(0), seen.max(0))
    nearest = rounded(origin, hole.shape)
    fallback = rounded(frame.places[:, source[1], source[0]], hole.shape)
    places = np.full((*hole.shape, 2), -1, np.int32)
    places[hole] = np.where(readable[nearest[1], nearest[0]], nearest, fallback)[::-1].T
    return filled, places


def _frame(
    image: Image,
    hole: Mask,
    readable: Mask,
    homography: Array,
    shape: tuple[int, int],
    near: tuple[float, float],
) -> Frame:
    back = inverse(homography)
    rows, columns = np.indices(shape).reshape(2, -1).astype(np.float64)
    third = back[2, 0] * columns + back[2, 1] * rows + back[2, 2]
    front = third > 1e-9  # the others lie beyond the horizon
    places = np.full((2, rows.size), -9.0)
    places[:, front] = project(back, columns[front], rows[front])
    limits = np.array([[hole.shape[1] - 1], [hole.shape[0] - 1]])
    inside = ((places >= 0) & (places <= limits)).all(0).reshape(shape)
    places = np.clip(places, -9, limits + 9).reshape(2, *shape)
    x, y = places.astype(np.float32)
    picture = cv2.remap(extended(image, readable), x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    covered = cv2.remap(hole.astype(np.float32), x, y, cv2.INTER_LINEAR) > 0.5
    column, row = np.rint(project(homography, *pixels(hole))).astype(np.intp)
    covered[row, column] = True
    covered |= ~inside & (cv2.dilate(covered.astype(np.uint8), _BORDER) > 0)
    nearest = rounded(places, hole.shape)
    distance = 1 / np.maximum(third, 1e-9).reshape(shape)
    usable = inside & ~covered & (distance > near[0]) & (distance < near[1])
    usable &= readable[nearest[1], nearest[0]]
    return Frame(homography, places, np.clip(picture, 0, 1), covered, usable)
