"""Windows that are filled at the same time: many small ones keep few processors busy one after another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retouch.contract import Model
from retouch.engine.boxes import Box
from retouch.engine.windows import Window
from retouch.native.threads import processors

_SMALL, _SPECKS = 640 * 640, 128 * 128
"""Pixels of a window, and of its hole, at most: larger ones keep several processors busy alone.

Who listens is told of no progress within these, so they must not take long: some 0.2 seconds.
"""
_THREADS, WINDOWS = 4, 16
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
    for window in todo[:WINDOWS]:
        if not _small(window) or any(_meet(window, each) for each in todo[:count]):
            break
        count += 1
    return max(1, count)


def _small(window: Window) -> bool:
    small = window.scale == 1 and window.box.height * window.box.width <= _SMALL
    return small and int(np.count_nonzero(window.hole)) <= _SPECKS


def _meet(one: Window, other: Window) -> bool:
    return _overlap(one.box, other.hole_box) or _overlap(other.box, one.hole_box)


def _overlap(one: Box, other: Box) -> bool:
    return (
        one.top < other.top + other.height
        and other.top < one.top + one.height
        and one.left < other.left + other.width
        and other.left < one.left + one.width
    )
