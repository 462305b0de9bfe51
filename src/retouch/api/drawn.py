"""The pictures that are drawn of a fill besides the filled photo: its sources and its confidence."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from retouch.errors import RetouchError

if TYPE_CHECKING:
    import numpy as np

    from retouch.api.result import Result

    Bytes = np.ndarray[Any, np.dtype[np.uint8]]


def draw_sources(result: Result[Any], *, colour_wheel: bool) -> Bytes:
    """Draw where the pixels of a fill came from, ``H×W×3``: its levels and its references on one sheet.

    Args:
        result: the fill.
        colour_wheel: draw the direction and distance of each source instead of its place.

    Raises:
        RetouchError: the model borrows nothing.
    """
    from retouch.drawing.sources import sheet

    if result.changed and result.correspondence is None and result.places is None:
        raise RetouchError("This model borrows nothing; leave out --sources, or choose another model.")
    style: Literal["places", "wheel"] = "wheel" if colour_wheel else "places"
    levels = (each.draw_sources(style) for each in result.levels)
    others = result.draw_references()
    return sheet(chain(levels, others), len(result.levels) + len(others))


def draw_confidence(result: Result[Any]) -> Bytes:
    """Draw how sure a fill is, ``H×W``: white = sure; what nothing is known of counts as sure."""
    import numpy as np

    whole = np.ones(result.shape, np.float32) if result.confidence is None else result.confidence
    return np.rint(255 * whole).astype(np.uint8)
