"""Rectangles of a photo, and how much of it a model is shown around a hole."""

from __future__ import annotations

import math
from dataclasses import dataclass

CONTEXT = 64
"""The known area on each side of a small hole that suits every model, in pixels (where the photo has it)."""


@dataclass(frozen=True)
class Box:
    """A rectangle of the photo, in pixels."""

    top: int
    left: int
    height: int
    width: int

    @property
    def rows(self) -> slice:
        """The rows it covers."""
        return slice(self.top, self.top + self.height)

    @property
    def columns(self) -> slice:
        """The columns it covers."""
        return slice(self.left, self.left + self.width)

    @property
    def long_side(self) -> int:
        """The greater of height and width."""
        return max(self.height, self.width)


def union(one: Box, other: Box) -> Box:
    """The smallest box that covers two boxes."""
    top, left = min(one.top, other.top), min(one.left, other.left)
    bottom = max(one.top + one.height, other.top + other.height)
    right = max(one.left + one.width, other.left + other.width)
    return Box(top, left, bottom - top, right - left)


def window_box(
    hole: Box,
    more: int,
    shape: tuple[int, ...],
    working_size: int,
    context: int = CONTEXT,
    apart: bool = False,
) -> tuple[Box, int]:
    """Choose the window around a hole, and the scale at which it is filled.

    The context on each side is half of the hole's long side. A quarter is enough if that saves a step of
    scale. For a small hole it is twice the long side, but at least ``context`` and at most :data:`CONTEXT`.

    Args:
        hole: the box of the hole, or of several.
        more: pixels of context beyond the usual, on each side.
        shape: height and width of the photo.
        working_size: the longest side a model should see, in pixels.
        context: the known area that suffices on each side of the smallest hole, in pixels.
        apart: the box holds small holes that lie apart, for which ``context`` suffices.

    Returns:
        The box, and the whole factor that brings it to the working size. Where the photo is large enough, the
        box's sides are multiples of that factor.
    """
    long_side = 0 if apart else hole.long_side
    small = max(context, min(CONTEXT, 2 * long_side))
    least = max(small, long_side // 4) + more
    sides = [
        min(length + 2 * least, limit) for length, limit in zip((hole.height, hole.width), shape, strict=True)
    ]
    scale = math.ceil(max(sides) / working_size)
    room = (scale * working_size - hole.long_side) // 2
    around = max(least, min(max(small, long_side // 2) + more, room))
    top, height = _span(hole.top, hole.height, around, shape[0], scale)
    left, width = _span(hole.left, hole.width, around, shape[1], scale)
    return Box(top, left, height, width), scale


def _span(start: int, length: int, context: int, limit: int, scale: int) -> tuple[int, int]:
    """Start and length of a window along one axis. What the photo lacks on one side is added on the other."""
    wanted = -(-(length + 2 * context) // scale) * scale
    size = min(wanted, limit)
    return min(max(0, start - (size - length) // 2), limit - size), size
