"""Handing numpy arrays to the compiled part."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def address(array: NDArray[Any] | None, kind: type[np.generic]) -> int | None:
    """Where the numbers of an array begin, which must be of this type and in one piece; None for no array."""
    if array is None:
        return None
    assert array.dtype == kind
    assert array.flags.c_contiguous
    return array.ctypes.data
