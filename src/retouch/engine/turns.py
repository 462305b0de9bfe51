"""Windows that are filled at the same time: many small ones keep few processors busy one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from retouch.contract import Model
from retouch.engine.boxes import Box
from retouch.engine.windows import Window
from retouch.native.painting import one_thread, processors

Given = TypeVar("Given")
Made = TypeVar("Made")

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


def at_once(work: Callable[[Given], Made], each: Sequence[Given], workers: int) -> list[Made]:
    """Do the same work on several things, so many at a time, and each on one thread."""

    def alone(given: Given) -> Made:
        with one_thread():
            return work(given)

    pool = ThreadPoolExecutor(workers, "retouch-window")
    try:
        return list(pool.map(alone, each))
    finally:  # after an error or Ctrl-C, what has not begun is not begun
        pool.shutdown(cancel_futures=True)


def _meet(one: Window, other: Window) -> bool:
    return _overlap(one.box, other.hole_box) or _overlap(other.box, one.hole_box)


def _overlap(one: Box, other: Box) -> bool:
    return (
        one.top < other.top + other.height
        and other.top < one.top + one.height
        and one.left < other.left + other.width
        and other.left < one.left + one.width
    )
