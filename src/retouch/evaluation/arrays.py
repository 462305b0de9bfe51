"""The arrays that evaluation passes around, and how a network takes them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""A picture, ``H×W×3`` uint8 sRGB."""

Hole = NDArray[np.bool_]
"""A mask, ``H×W`` bool, True = fill."""

Features = NDArray[np.float32]
"""One feature vector per picture, ``D`` or ``N×D``."""


def size_text(array: NDArray[np.generic]) -> str:
    """Width and height of ``H×W…``, for messages."""
    return f"{array.shape[1]} × {array.shape[0]}"
