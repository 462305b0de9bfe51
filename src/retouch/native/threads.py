"""How many threads there are to use, and work that is shared out to them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")

_here = threading.local()
_opencv = threading.Lock()
_shared, _before = 0, 0  # how often work is shared out now, and OpenCV's threads before


def processors() -> int:
    """How many threads to use: ``OMP_NUM_THREADS``, or as many as there are processors for this process.

    It is 1 inside :func:`one_thread`.
    """
    return 1 if getattr(_here, "alone", False) else asked_threads() or cores()


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def asked_threads() -> int | None:
    """What ``OMP_NUM_THREADS`` asks for; None if it holds no number of threads."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() and int(asked) > 0 else None


@contextmanager
def one_thread() -> Iterator[None]:
    """Let compiled work that this thread begins use no others, because they have work of their own."""
    _here.alone = True
    try:
        yield
    finally:
        _here.alone = False


def at_once(
    work: Callable[[Given], Made], each: Sequence[Given], threads: int
) -> Generator[Made, None, None]:
    """Do the same work on several things, so many at a time, each on one thread; one alone may use more.

    Yields:
        What the work returns, in the order of the things. An error of the work comes out here. After it, and
        after leaving off, nothing more is begun.
    """
    threads = min(threads, len(each))
    if threads <= 1:
        yield from map(work, each)
        return

    def alone(given: Given) -> Made:
        with one_thread():
            return work(given)

    pool = ThreadPoolExecutor(threads, "retouch")
    with _one_opencv_thread():
        try:
            yield from pool.map(alone, each)
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _one_opencv_thread() -> Iterator[None]:
    """Let OpenCV use no threads of its own. It has one number for the whole process."""
    global _shared, _before
    import cv2  # not above: the command line counts processors before it knows whether it needs OpenCV

    with _opencv:
        if _shared == 0:
            _before = cv2.getNumThreads()
            cv2.setNumThreads(1)
        _shared += 1
    try:
        yield
    finally:
        with _opencv:
            _shared -= 1
            if _shared == 0:
                cv2.setNumThreads(_before)
