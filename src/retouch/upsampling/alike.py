"""Find the known cells most like the cells of a hole by their colours; numpy only.

For fills that do not say where they come from. Blocks of cells borrow from one place: in smooth areas the
best matches of neighbouring cells jump about, and detail put together from single cells loses its grain. A
patch covers its block and a margin, so one search serves the whole block.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from retouch.ops.cells import Image
from retouch.ops.masks import Mask

PATCH = 7
"""Side of the patches whose colours are compared, in cells."""
BLOCK = 4
"""Side of the blocks of cells that borrow together."""
_SAMPLE = 4096
"""Sources that every block is compared with, before it looks further near the best of them."""
_ROUNDS = 4

Places = NDArray[np.int32]


def alike(image: Image, hole: Mask, usable: Mask, seed: int) -> Places:
    """Find a usable cell for each cell of a hole.

    Each block first takes the best of a random sample of sources. Then sources spread from block to block and
    are moved at random (Barnes et al., "PatchMatch", SIGGRAPH 2009), judged by the squared difference of
    whole patches of ``PATCH × PATCH`` cells.

    Args:
        image: ``h×w×3`` in [0, 1], filled.
        hole: ``h×w``, True = hole.
        usable: ``h×w``, True where may be borrowed from; False in the hole.
        seed: the only source of randomness.

    Returns:
        ``h×w×2`` rows and columns; -1 outside the hole, and where no source fits.
    """
    found = np.full((*hole.shape, 2), -1, np.int32)
    whole = cv2.erode(
        usable.astype(np.uint8), np.ones((PATCH, PATCH)), borderType=cv2.BORDER_CONSTANT, borderValue=0
    )
    sources = np.argwhere(whole).astype(np.int32)
    if not len(sources) or not hole.any():
        return found
    block, cells, leaders = _blocks(hole)
    random = np.random.default_rng(int(seed) % 2**64)
    size, reach = np.array(hole.shape), PATCH // 2
    padded = np.pad(image, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    patches = sliding_window_view(padded, (PATCH, PATCH), axis=(0, 1))

    def look(places: Places) -> NDArray[np.float32]:
        return patches[places[:, 0], places[:, 1]].reshape(len(places), 3 * PATCH**2)

    def consider(rows: NDArray[np.intp], places: Places) -> None:
        fits = np.logical_and.reduce((places >= 0) & (places < size), axis=1)
        fits[fits] = whole[places[fits, 0], places[fits, 1]] > 0
        rows, places = rows[fits], places[fits]
        distance = np.square(look(places) - wanted[rows]).sum(1)
        better = distance < best[rows]
        best[rows[better]], chosen[rows[better]] = distance[better], places[better]

    wanted = look(leaders)
    sample = sources[random.integers(len(sources), size=min(_SAMPLE, len(sources)))]
    chosen, best = sample[_nearest(wanted, look(sample))], np.full(len(leaders), np.inf, np.float32)
    everyone = np.arange(len(leaders))
    consider(everyone, chosen.copy())
    beside = np.pad(block, 1, constant_values=-1)
    place = leaders // BLOCK + 1
    for _ in range(_ROUNDS):
        for way in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            neighbours = beside[tuple((place + way).T)]
            rows = np.flatnonzero(neighbours >= 0)
            theirs = neighbours[rows]
            consider(rows, chosen[theirs] + leaders[rows] - leaders[theirs])
        radius = max(hole.shape) // 2
        while radius:
            consider(everyone, chosen + random.integers(-radius, radius + 1, chosen.shape, dtype=np.int32))
            radius //= 2
    # What lies beside the source of a leader is usable: it is part of the patch that was compared.
    led = block[cells[:, 0] // BLOCK, cells[:, 1] // BLOCK]
    found[tuple(cells.T)] = chosen[led] + cells - leaders[led]
    return found


def _blocks(hole: Mask) -> tuple[NDArray[np.intp], Places, Places]:
    """Cut a hole into blocks: a map of their numbers (-1 = no hole), all cells, and the leader of each block.

    The leader is the most central cell that is hole.
    """
    cells = np.argwhere(hole).astype(np.int32)
    off_centre = np.square(cells % BLOCK - (BLOCK - 1) / 2).sum(1)
    places = cells // BLOCK
    # Block by block, the most central first.
    order = np.lexsort((off_centre, places[:, 1], places[:, 0]))
    ordered = places[order]
    first = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1))
    block = np.full([-(-side // BLOCK) for side in hole.shape], -1)
    block[tuple(ordered[first].T)] = np.arange(first.sum())
    return block, cells, cells[order[first]]


def _nearest(queries: NDArray[np.float32], sources: NDArray[np.float32]) -> NDArray[np.intp]:
    """The number of the source nearest to each query, both as rows."""
    halves = np.square(sources).sum(1) / 2
    step = 512  # queries at a time, to bound the memory
    parts = (queries[start : start + step] for start in range(0, len(queries), step))
    return np.concatenate([(part @ sources.T - halves).argmax(1) for part in parts])
