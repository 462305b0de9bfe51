"""Ctrl-C while compiled code runs that calls back into Python."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def caught(raised: list[BaseException]) -> Iterator[None]:
    """Keep what the handler of Ctrl-C raises, instead of letting it out.

    Python runs the handler as soon as compiled code calls back, before the first line of what is called; so
    nothing written there can catch what it raises. ctypes would print it, drop it, and return any number.

    Args:
        raised: gets the exception; the callback has to end the work, and the caller to raise it afterwards.
    """
    handler = signal.getsignal(signal.SIGINT)
    # Python runs handlers in the main thread only.
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return

    def keep(number: int, frame: FrameType | None) -> None:
        try:
            handler(number, frame)
        except BaseException as error:
            raised.append(error)

    signal.signal(signal.SIGINT, keep)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
