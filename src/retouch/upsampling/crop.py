"""A part of a photo, before and after it is filled; and how filling it is asked for and watched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from retouch.ops.masks import Mask

Image = NDArray[np.float32]
OnStage = Callable[[str, Callable[[], Image]], None]
"""Called with the name of a finished stage, and a function that renders the crop as it is then."""
Upsampling = Literal["auto", "network", "residual"]
"""The forms of guided upsampling. "auto" uses the network for models that are networks, up to the factors it
was trained with, and the residual otherwise."""


@dataclass(frozen=True)
class Crop:
    """A part of a photo, to be filled.

    Attributes:
        image: ``h×w×3`` in [0, 1], of any encoding. What lies in the hole does not matter.
        hole: ``h×w``, True = fill this.
        allowed: ``h×w``, True where may be borrowed from; False in the hole.
        ignore: ``h×w``, known pixels whose colours the fill need not meet; None for none.
        lines: ``h×w``, True on lines that go on through the hole; None for none. Only a
            :class:`~retouch.contract.LineModel` follows them.
    """

    image: Image
    hole: Mask
    allowed: Mask
    ignore: Mask | None = None
    lines: Mask | None = None


@dataclass(frozen=True)
class CropFill:
    """A filled crop.

    Attributes:
        image: ``h×w×3`` in [0, 1]; known pixels are those of the crop, bit for bit.
        confidence: ``h×w`` in [0, 1], 1 outside the hole; None if the model has none.
        sources: ``h'×w'×2`` int32, for each cell of ``scale × scale`` pixels the row and column of the cell
            it was taken from (only its detail, if the model borrows nothing); -1 where nothing was borrowed.
            None if nothing was borrowed anywhere, or if it was not traced.
        coarser: maps like ``sources`` for the coarser levels of the model, coarse to fine.
        refined: whether a network made the detail of what was filled small.
    """

    image: Image
    confidence: Image | None = None
    sources: NDArray[np.int32] | None = None
    coarser: tuple[NDArray[np.int32], ...] = ()
    refined: bool = False
