"""Fill smoothly what patches are the wrong tool for. Which pixels those are is decided here alone.

Three kinds, for models that copy patches: scattered pixels (:mod:`retouch.ops.scattered`), thin ones (dead
pixels, hairlines), and holes in surroundings that are smoother than the search can see.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from retouch.contract import ArrayFill, ArrayModel, Model, OnProgress, Progress
from retouch.engine.boxes import Box
from retouch.engine.grouping import CELL, any_per_cell
from retouch.engine.windows import Sources, Window, windows
from retouch.ops.masks import Mask, bounding_box, dilate
from retouch.ops.scattered import HALO, Scattered, scattered
from retouch.ops.thin_plate import continue_smoothly
from retouch.upsampling.crop import Crop

NAME = "smooth"
"""What the result says where this filled."""
_LOOK, _TILE, _SPECKS = 512, 512, 64
"""Sides of tiles: looked at, filled where known pixels are sparse, filled elsewhere; whole cells."""
_RING = 12
"""A hole's surroundings, in pixels."""
_BLIND = 1 / 255
"""The search compares bytes: what bends less than this from pixel to pixel is a plain ramp to it."""


class Smooth(ArrayModel):
    """Continues the photo with the thin plate that bends least, within the range of what is known."""

    name = NAME
    fills_by = "continuing"

    def fill_array(
        self,
        image: NDArray[np.float32],
        hole: NDArray[np.bool_],
        allowed: NDArray[np.bool_],
        *,
        seed: int,
        on_progress: OnProgress,
    ) -> ArrayFill:
        """See :meth:`retouch.contract.ArrayModel.fill_array`."""
        on_progress(Progress("fill", 0, 1))
        known = image[allowed]
        return ArrayFill(continue_smoothly(image, allowed, hole).clip(known.min(0), known.max(0)))


def plan(sources: Sources, model: Model, working_size: int) -> tuple[list[Window], Mask, Sources]:
    """Cut a photo's holes into windows, for a model that is shown at most ``working_size`` pixels a side.

    Returns:
        The windows in order; a copy of the mask; and what the model may borrow from. That includes what was
        filled smoothly where known pixels are sparse, because hardly a whole patch is known there.
    """
    mask, allowed = sources.mask, sources.allowed
    left, usable, todo = mask, allowed, []
    if model.fills_by == "copying":
        found = split_off(mask, sources)
        todo = smooth_windows(found)
        if todo:
            left = mask & ~found.sparse & ~found.thin
            usable = ~found.thin if allowed is None else (allowed | found.sparse) & ~found.thin
    todo += windows(left, usable, working_size, model.context)
    # The copy takes a hundred megabytes for a large photo, and nobody reads it after the last window.
    return todo, mask.copy() if len(todo) > 1 else mask, Sources(left, usable)


def split_off(mask: Mask, sources: Sources) -> Scattered:
    """Find the scattered pixels of a photo's hole, ``H×W`` each; only what lies around holes is looked at."""
    # zeros_like would write to every page of a large photo.
    found = Scattered(np.zeros(mask.shape, np.bool_), np.zeros(mask.shape, np.bool_))
    for tile in _tiles(mask, _LOOK):
        box, inner = _around(tile, HALO, mask.shape)
        part = scattered(mask[box.rows, box.columns], sources.inside(box))
        for whole, each in zip(found, part, strict=True):
            whole[tile.rows, tile.columns] = each[inner]
    return found


def smooth_windows(found: Scattered) -> list[Window]:
    """Cut scattered pixels into windows with what they need around them."""
    made = []
    for hole, side, around in ((found.sparse, _TILE, 32), (found.thin, _SPECKS, 8)):
        for tile in _tiles(hole, side):
            part = hole[tile.rows, tile.columns]
            exact = bounding_box(part)
            assert exact is not None
            own = np.ascontiguousarray(part[exact])
            place = Box(tile.top + exact[0].start, tile.left + exact[1].start, *own.shape)
            made.append(Window(_around(place, around, hole.shape)[0], 1, place, own, smooth=True))
    return made


def plain(crop: Crop) -> bool:
    """Whether a hole's surroundings are smoother than bytes can tell, as in a depth map."""
    ring = dilate(crop.hole, _RING) & ~crop.hole
    known = crop.allowed & ring
    if (ring & ~crop.allowed).any() or not known.any():
        return False
    image = crop.image
    for axis in (0, 1):
        before, here, after = (
            np.moveaxis(known, axis, 0)[each] for each in (slice(-2), slice(1, -1), slice(2, None))
        )
        values = np.moveaxis(image, axis, 0)
        bend = np.abs(values[:-2] - 2 * values[1:-1] + values[2:]).max(2)
        if (bend > _BLIND)[before & here & after].any():
            return False
    return True


def _tiles(mask: Mask, side: int) -> Iterator[Box]:
    """The tiles of a grid that hold any of a mask."""
    height, width = mask.shape
    cells = np.argwhere(any_per_cell(mask)) * CELL // side
    for row, column in np.unique(cells, axis=0):
        top, left = int(row) * side, int(column) * side
        yield Box(top, left, min(side, height - top), min(side, width - left))


def _around(box: Box, margin: int, shape: tuple[int, ...]) -> tuple[Box, tuple[slice, slice]]:
    """A box grown within the photo, and the rows and columns of the box in it."""
    top, left = max(0, box.top - margin), max(0, box.left - margin)
    bottom, right = min(shape[0], box.top + box.height + margin), min(shape[1], box.left + box.width + margin)
    inner = (
        slice(box.top - top, box.top - top + box.height),
        slice(box.left - left, box.left - left + box.width),
    )
    return Box(top, left, bottom - top, right - left), inner
