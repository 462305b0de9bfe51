"""Windows: some holes of a photo and the known area around them. A window is what a model sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retouch.engine.boxes import CONTEXT, Box, window_box
from retouch.engine.grouping import Group, group_holes
from retouch.ops.masks import Mask, bounding_box
from retouch.upsampling.fill_small import usable_scale


@dataclass(frozen=True)
class Window:
    """A group of holes and the area around them.

    Attributes:
        box: the part of the photo a model sees. Where the photo is large enough its sides are multiples of
            ``scale``.
        scale: the whole factor that brings the box to the working size.
        hole_box: the smallest box around this window's own holes; it lies in ``box``.
        hole: this window's own holes, bool of ``hole_box``'s size. The box may show holes of other windows
            too; each hole pixel of the photo belongs to one window.
        smooth: whether it is filled smoothly, whatever the model; see :mod:`retouch.engine.smooth`.
    """

    box: Box
    scale: int
    hole_box: Box
    hole: Mask
    smooth: bool = False

    @property
    def inner(self) -> tuple[slice, slice]:
        """The rows and columns of the hole box, in the window."""
        top, left = self.hole_box.top - self.box.top, self.hole_box.left - self.box.left
        return slice(top, top + self.hole_box.height), slice(left, left + self.hole_box.width)


@dataclass(frozen=True)
class Sources:
    """The known pixels that may be borrowed from. A map of them is made box by box, never of the whole photo.

    Attributes:
        mask: ``H×W`` bool, True = hole.
        allowed: ``H×W`` bool, True where may be borrowed from; None for everywhere.
    """

    mask: Mask
    allowed: Mask | None

    def inside(self, box: Box) -> Mask:
        """The pixels of a box that may be borrowed from, ``h×w`` bool."""
        known = ~self.mask[box.rows, box.columns]
        return known if self.allowed is None else known & self.allowed[box.rows, box.columns]

    def avoided(self, box: Box) -> Mask:
        """The known pixels of a box that may not be borrowed from, ``h×w`` bool."""
        return ~self.mask[box.rows, box.columns] & ~self.inside(box)

    def count(self) -> int:
        """The number of sources in the photo."""
        if self.allowed is None:
            return self.mask.size - int(np.count_nonzero(self.mask))
        box = bounding_box(self.mask)
        hidden = 0 if box is None else np.count_nonzero(self.mask[box] & self.allowed[box])
        return int(np.count_nonzero(self.allowed) - hidden)


def windows(
    mask: Mask, allowed: Mask | None = None, working_size: int = 512, context: int = CONTEXT
) -> list[Window]:
    """Group the holes of ``mask`` into windows.

    Holes whose windows would overlap share one, unless it would then be so large that it had to be filled at
    a coarser scale. Thin holes longer than a window (wires, scratches) are cut into pieces, so that they too
    are filled at full resolution.

    Args:
        mask: ``H×W`` bool, True = hole, with at least one known pixel.
        allowed: ``H×W`` bool, True where a fill may borrow from (all known pixels when None). A window grows
            until it shows enough of them.
        working_size: the longest side a model should see, in pixels.
        context: the known area that suffices on each side of the smallest hole, in pixels.

    Returns:
        The windows, the smallest hole first; none if there is no hole.
    """
    sources = Sources(mask, allowed)
    total = sources.count()
    found = []
    for group in group_holes(mask, working_size, context):
        hole_box, hole, _ = group
        box, scale = _grow(group, min(int(hole.sum()), total), sources, working_size, context)
        found.append(Window(box, usable_scale(sources.inside(box), scale), hole_box, hole))
    # Small holes are the easy ones, and once filled they are context for the large ones.
    return sorted(found, key=lambda each: (each.hole.size, each.hole_box.top, each.hole_box.left))


def _grow(group: Group, enough: int, sources: Sources, working_size: int, context: int) -> tuple[Box, int]:
    """Find a window, and its scale, that shows at least ``enough`` pixels to borrow from."""
    more = 0
    while True:
        box, scale = window_box(group.box, more, sources.mask.shape, working_size, context, group.apart)
        whole = (box.height, box.width) == sources.mask.shape
        if whole or np.count_nonzero(sources.inside(box)) >= enough:
            return box, scale
        more += max(CONTEXT, box.long_side // 4)
