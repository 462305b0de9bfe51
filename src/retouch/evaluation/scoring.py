"""The process that scores, one picture or pair at a time, so that no score depends on other pictures."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from retouch.errors import RetouchError
from retouch.evaluation.arrays import Features, Hole, Pixels
from retouch.evaluation.metrics import NAMES, describe, measure

T = TypeVar("T")


class NoScorer(RetouchError):
    """No process that scores can be started here."""


class Scorer:
    """Computes metrics and features in a process of its own.

    Args:
        threads: How many threads the process uses.
        inception: The Inception network's file, or None to use VGG features.
        metrics: Names of the metrics, from :data:`~retouch.evaluation.metrics.NAMES`; None for all.
    """

    def __init__(self, threads: int, inception: str | None, metrics: Sequence[str] | None = None) -> None:
        self._threads = threads
        self._process = self._started()
        self._inception, self._names = inception, tuple(metrics or NAMES)

    def metrics(self, fill: Pixels, truth: Pixels, hole: Hole) -> dict[str, float]:
        """Score a fill; see :func:`~retouch.evaluation.metrics.measure`."""
        return self._ask(measure, fill, truth, hole, self._names)

    def features(self, pixels: Pixels) -> Features | None:
        """Describe a picture; see :func:`~retouch.evaluation.metrics.describe`."""
        return self._ask(describe, pixels, self._inception, self._names)

    def _started(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _start, (self._threads,))

    def _ask(self, function: Callable[..., T], *arguments: object) -> T:
        try:
            return self._process.submit(function, *arguments).result()
        except BrokenProcessPool:
            self._process = self._started()
        # Was it what it was asked, or does no process start here, as in a script without a main guard?
        try:
            self._process.submit(int).result()
        except BrokenProcessPool:
            raise NoScorer(
                "The scoring process ends as soon as it starts, and says why itself. Go on with --resume."
            ) from None
        raise RetouchError(
            "The scoring process ended unexpectedly, perhaps because memory ran out; use a smaller --size."
        )

    def close(self) -> None:
        """End the process."""
        self._process.shutdown(wait=True, cancel_futures=True)


def _start(threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C and ends its children
    import cv2
    import torch

    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
