"""Windows that are filled at the same time: many small ones keep few processors busy one after another."""

from __future__ import annotations

from collections.abc import Sequence

from retouch.contract import Model
from retouch.engine.boxes import Box
from retouch.engine.windows import Window
from retouch.native.threads import processors

_SMALL = 640 * 640
"""Pixels of a window, at most: larger ones take more memory, and keep several processors busy alone."""
_THREADS, _WINDOWS = 4, 16
"""Windows that are being filled, at most, and those that are filled before the photo is looked at again."""


def workers(model: Model) -> int:
    """How many windows this model may fill at the same time."""
    return min(processors(), _THREADS) if model.concurrent else 1


def next_turn(todo: Sequence[Window], workers: int) -> int:
    """How many of the first windows can be filled at the same time, at least 1.

    None of them shows a hole that another one fills, so the result is that of one after another.
    """
    if workers == 1:
        return 1
    count = 0
    for window in todo[:_WINDOWS]:
        small = window.scale == 1 and window.box.height * window.box.width <= _SMALL
        if not small or any(_meet(window, each) for each in todo[:count]):
            break
        count += 1
    return max(1, count)


def _meet(one: Window, other: Window) -> bool:
    return _overlap(one.box, other.hole_box) or _overlap(other.box, one.hole_box)


def _overlap(one: Box, other: Box) -> bool:
    return (
        one.top < other.top + other.height
        and other.top < one.top + one.height
        and one.left < other.left + other.width
        and other.left < one.left + one.width
    )
