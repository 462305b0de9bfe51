"""Where a place in a stored picture lies once the picture is turned upright.

Source: EXIF 2.32, section 4.6.4, "Orientation".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Turn:
    """How a stored picture is turned upright.

    Attributes:
        orientation: as in EXIF; 1 = it stands upright already.
        width: of the stored picture, in pixels.
        height: likewise.
    """

    orientation: int = 1
    width: int = 1
    height: int = 1

    @property
    def needed(self) -> bool:
        """Whether anything moves."""
        return self.orientation in range(2, 9)

    @property
    def sideways(self) -> bool:
        """Whether width and height are exchanged."""
        return self.orientation in range(5, 9)

    @property
    def mirrored(self) -> tuple[bool, bool]:
        """Whether left and right, and top and bottom, are exchanged, after width and height."""
        return self.orientation in (2, 3, 6, 7), self.orientation in (3, 4, 7, 8)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright picture."""
        return self.both(self.width, self.height)

    def both(self, across: Any, down: Any) -> tuple[Any, Any]:
        """Exchange what belongs to the width and to the height if the picture is turned sideways."""
        return (down, across) if self.sideways else (across, down)

    def point(self, x: float, y: float, width: float = 1, height: float = 1) -> tuple[float, float]:
        """Turn a point of a stored picture of ``width × height``, which need not be this one's size."""
        if self.sideways:
            x, y, width, height = y, x, height, width
        across, down = self.mirrored
        return (width - x if across else x), (height - y if down else y)

    def pixels(self, array: NDArray[Any]) -> NDArray[Any]:
        """Turn a picture, ``H×W×C``."""
        if self.sideways:
            array = array.swapaxes(0, 1)
        across, down = (-1 if each else 1 for each in self.mirrored)
        return np.ascontiguousarray(array[::down, ::across])
