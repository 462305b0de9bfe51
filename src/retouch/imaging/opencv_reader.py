"""Decode with OpenCV, which is always installed, what libvips does not know."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from retouch.imaging.photo import Array
from retouch.imaging.tags import Buffer


def decode(data: Buffer) -> Array | None:
    """Decode an image: ``H×W`` or ``H×W×C`` uint8 or uint16, RGB before alpha; None if that is impossible."""
    import cv2

    array: Any = None
    levels = cv2.utils.logging
    level = levels.setLogLevel(levels.LOG_LEVEL_SILENT)  # or OpenCV prints to the terminal
    with suppress(cv2.error):
        array = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    levels.setLogLevel(level)
    if array is None or array.dtype not in (np.uint8, np.uint16):
        return None
    return np.asarray(array[..., [2, 1, 0, 3][: array.shape[2]]] if array.ndim == 3 else array)
