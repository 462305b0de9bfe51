"""The form of guided upsampling without networks, on arrays; :mod:`retouch.upsampling.guided` says why.

The residual (the photo minus its own enlarged low resolution) of each cell's source is added to the enlarged
fill. That module does the same with tensors, and is the reference for this one.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from retouch.ops.cells import Image, blocks, enlarge
from retouch.ops.masks import Mask

CHUNK = 2**18
"""Pixels carried over at once, to bound the memory that a large hole takes."""


def upsample(photo: Image, fill: Image, sources: NDArray[np.int32], usable: Mask, scale: int) -> Image:
    """Bring a fill to the resolution of its photo.

    Each pixel follows the sources of its own cell and of the nearest neighbouring cells, and mixes their
    residuals with bilinear weights. Where the cells agree on an offset, this is a plain copy; elsewhere one
    fades into the next.

    Args:
        photo: ``(h·scale)×(w·scale)×3`` in [0, 1].
        fill: ``h×w×3`` in [0, 1], a fill of the shrunken photo.
        sources: ``h×w×2``, row and column of the cell that each cell of the hole borrows from; -1 for no
            source, and outside the hole. Cells without a source get no detail.
        usable: ``h×w``, cells that may be borrowed from.
        scale: photo pixels per pixel of the fill, along each side.

    Returns:
        ``(h·scale)×(w·scale)×3`` in [0, 1]. Only the hole's cells are meant.
    """
    result = enlarge(fill, scale)
    size = np.array(usable.shape, np.int32)
    sharp, smooth = blocks(photo, scale), blocks(result, scale)
    shift = ((np.arange(scale) + 0.5) / scale - 0.5).astype(np.float32)
    # Weights of the cell before a pixel's own, its own, and the one after.
    reach = {-1: np.maximum(-shift, 0), 0: 1 - np.abs(shift), 1: np.maximum(shift, 0)}
    cells = np.argwhere(sources[..., 0] >= 0).astype(np.int32)
    step = max(1, CHUNK // scale**2)
    for part in (cells[start : start + step] for start in range(0, len(cells), step)):
        total = np.zeros((len(part), scale, scale, 3), np.float32)
        weights = np.zeros((len(part), scale, scale, 1), np.float32)
        for way in product(reach, reach):
            near = part + np.array(way, np.int32)
            inside = ((near >= 0) & (near < size)).all(1)
            row, column = np.clip(near, 0, size - 1).T
            theirs = sources[row, column]
            # What the neighbour's offset means for this cell.
            source = theirs - np.array(way, np.int32)
            inside &= (theirs[:, 0] >= 0) & ((source >= 0) & (source < size)).all(1)
            row, column = np.clip(source, 0, size - 1).T
            valid = inside & usable[row, column]
            weight = (reach[way[0]][:, None] * reach[way[1]])[:, :, None]
            here = weight * valid[:, None, None, None]
            total += (sharp[row, :, column] - smooth[row, :, column]) * here
            weights += here
        # In place: what is borrowed from never has a source, so nothing that was written is read.
        smooth[part[:, 0], :, part[:, 1]] += total / np.maximum(weights, 1e-6)
    return np.clip(result, 0, 1, out=result)
