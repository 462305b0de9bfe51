"""Boxes as the editor names them."""

from __future__ import annotations

from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle in pixels of the photo, upright."""

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def of(cls, rows: slice, columns: slice) -> Box:
        """The box of some rows and columns."""
        return cls(columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)

    @property
    def rows(self) -> slice:
        """The rows it covers."""
        return slice(self.top, self.top + self.height)

    @property
    def columns(self) -> slice:
        """The columns it covers."""
        return slice(self.left, self.left + self.width)

    @property
    def place(self) -> tuple[slice, slice]:
        """Rows and columns, to index an array."""
        return self.rows, self.columns

    @property
    def empty(self) -> bool:
        """Whether nothing lies in it."""
        return self.width <= 0 or self.height <= 0

    def at(self, level: int) -> Box:
        """The box that covers this one in a picture halved ``level`` times."""
        left, top = self.left >> level, self.top >> level
        right = -(-(self.left + self.width) >> level)
        bottom = -(-(self.top + self.height) >> level)
        return Box(left, top, right - left, bottom - top)

    def within(self, other: Box) -> Box:
        """What this box and another have in common; it may be empty."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        right = min(self.left + self.width, other.left + other.width)
        bottom = min(self.top + self.height, other.top + other.height)
        return Box(left, top, max(0, right - left), max(0, bottom - top))

    def around(self, other: Box) -> Box:
        """The smallest box that covers both."""
        left, top = min(self.left, other.left), min(self.top, other.top)
        right = max(self.left + self.width, other.left + other.width)
        bottom = max(self.top + self.height, other.top + other.height)
        return Box(left, top, right - left, bottom - top)

    def grown(self, margin: int) -> Box:
        """The box with a margin on each side; it may reach beyond the photo."""
        return Box(self.left - margin, self.top - margin, self.width + 2 * margin, self.height + 2 * margin)

    def seen_from(self, other: Box) -> Box:
        """The same box, counted from the corner of another."""
        return Box(self.left - other.left, self.top - other.top, self.width, self.height)
