"""The process that scores: one picture or pair at a time, so that nothing depends on what else is there."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from retouch.errors import RetouchError
from retouch.evaluation.fillers import Hole, Pixels
from retouch.evaluation.metrics import OF_SETS

T = TypeVar("T")


class Scorer:
    """Metrics and features, computed in a process of its own with a stated number of threads.

    Args:
        threads: of the process.
        inception: the Inception network's file, if features are to be its.
        families: which metrics, of :data:`~retouch.evaluation.metrics.FAMILIES`; None for all.
    """

    def __init__(self, threads: int, inception: str | None, families: Sequence[str] | None = None) -> None:
        context = multiprocessing.get_context("spawn")
        self._process = ProcessPoolExecutor(1, context, _start, (threads,))
        self._inception, self._families = inception, families

    def metrics(self, fill: Pixels, truth: Pixels, hole: Hole) -> dict[str, float]:
        """See :func:`~retouch.evaluation.metrics.measure`."""
        return self._ask(_measure, fill, truth, hole, self._families)

    def features(self, pixels: Pixels) -> NDArray[np.float32] | None:
        """What distributions are compared by: a vector for one picture.

        None where the picture is too small, or no metric of sets is wanted.
        """
        if self._families is not None and set(OF_SETS).isdisjoint(self._families):
            return None
        return self._ask(_describe, pixels, self._inception)

    def _ask(self, function: Callable[..., T], *arguments: object) -> T:
        try:
            return self._process.submit(function, *arguments).result()
        except BrokenProcessPool:
            raise RetouchError(
                "The process that scores ended unexpectedly, perhaps for want of memory; go on with --resume."
            ) from None

    def close(self) -> None:
        """End the process."""
        self._process.shutdown(wait=True, cancel_futures=True)


def _start(threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C and ends its children
    import cv2
    import torch

    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)


def _measure(fill: Pixels, truth: Pixels, hole: Hole, families: Sequence[str] | None) -> dict[str, float]:
    from retouch.evaluation.metrics import FAMILIES, measure

    return measure(fill, truth, hole, FAMILIES if families is None else families)


def _describe(pixels: Pixels, inception: str | None) -> NDArray[np.float32] | None:
    from retouch.evaluation.metrics import inception as distribution

    if inception is not None:
        return distribution.features_inception(pixels, inception)
    try:
        return distribution.features_vgg(pixels)
    except RetouchError:
        return None
