"""Pictures through homographies; places are columns and rows, in this order."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

LONGEST = 32766
"""The longest side of a picture that OpenCV gathers from, in pixels."""
_ROW = 1024


def pixels(where: Mask) -> tuple[Array, Array]:
    """Columns and rows of the pixels of a map."""
    rows, columns = np.nonzero(where)
    return columns.astype(np.float64), rows.astype(np.float64)


def distances(homography: Array, where: Mask) -> Array:
    """The third coordinate of the pixels of a map: their distance from the horizon."""
    columns, rows = pixels(where)
    return np.asarray(homography[2, 0] * columns + homography[2, 1] * rows + homography[2, 2])


def project(homography: Array, columns: Array, rows: Array) -> Array:
    """Columns and rows, ``2×n``, that a homography sends ``n`` points to."""
    x, y, third = (each[0] * columns + each[1] * rows + each[2] for each in homography)
    return np.asarray(np.stack([x, y]) / third)


def inverse(homography: Array) -> Array:
    """The homography back."""
    return np.asarray(np.linalg.inv(homography), np.float64)


def rounded(places: Array, shape: tuple[int, ...]) -> NDArray[np.intp]:
    """The pixels of a picture nearest to columns and rows, ``2×n``."""
    x, y = np.rint(places).astype(np.intp)
    return np.stack([np.clip(x, 0, shape[1] - 1), np.clip(y, 0, shape[0] - 1)])


def extended(image: Image, readable: Mask) -> Image:
    """The image with the nearest readable colour wherever it is not readable."""
    _, label = cv2.distanceTransformWithLabels(
        (~readable).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    colours = np.zeros((int(label.max()) + 1, 3), np.float32)
    colours[label[readable]] = image[readable]
    return np.asarray(colours[label])


def gather(image: Image, places: Array, interpolation: int) -> Image:
    """Colours, ``n×3``, at columns and rows, ``2×n``."""
    count = places.shape[1]
    x, y = np.pad(places.astype(np.float32), ((0, 0), (0, -count % _ROW))).reshape(2, -1, _ROW)
    found = cv2.remap(image, x, y, interpolation, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found.reshape(-1, 3)[:count])
