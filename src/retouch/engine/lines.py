"""Lines that users draw: cables, rails and horizons that are to go on through a hole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retouch.contract import LineModel, Model
from retouch.engine.windows import Sources, Window
from retouch.errors import RetouchError
from retouch.ops.masks import Mask


def check_follows(model: Model, upsampling: str) -> None:
    """Raise :class:`RetouchError` if a model, or how its fill gets its detail, cannot follow lines."""
    if not isinstance(model, LineModel) or upsampling == "network":
        raise RetouchError(
            "Only exemplar follows lines, compiled, on the CPU, without --refine, --confidence and "
            "--upsampling network; choose that, or leave out --lines (lines= in Python)."
        )


def check_sources(lines: Mask, todo: Sequence[Window], sources: Sources) -> None:
    """Raise :class:`RetouchError` if a hole is crossed by a line that cannot be seen beside it."""
    for window in todo:
        box, own = window.box, window.hole_box
        crosses = bool((lines[own.rows, own.columns] & window.hole).any()) and not window.smooth
        if crosses and not (lines[box.rows, box.columns] & sources.inside(box)).any():
            raise RetouchError(
                "A line in the hole cannot be seen beside it; draw the lines on beyond the hole's border, "
                "where the photo may be borrowed from."
            )


def lines_in(lines: Mask | None, window: Window, hole: Mask) -> Mask | None:
    """The lines in a window, ``h×w``; None if they do not cross its hole, ``h×w``."""
    if lines is None or window.smooth:
        return None
    inside = lines[window.box.rows, window.box.columns]
    return np.ascontiguousarray(inside) if (inside & hole).any() else None
