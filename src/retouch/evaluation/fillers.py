"""Whatever fills arrays: this package's models, and other tools beside them, each in a process of its own.

A process for each gives each its own peak of memory, and no crash of one takes the others along.
"""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retouch.errors import RetouchError
from retouch.evaluation.candidates import WeightsFile
from retouch.evaluation.store import file_digest

Pixels = NDArray[np.uint8]
Hole = NDArray[np.bool_]
Fill = Callable[[Pixels, Hole], Pixels]


class Filled(NamedTuple):
    """A fill and what it cost.

    Attributes:
        pixels: ``H×W×3`` uint8.
        seconds: of filling alone, what is built once (networks, tables) was built before; None if unknown.
        peak_mb: most memory held while filling, above what the process held before the model was built;
            None where the system does not tell.
    """

    pixels: Pixels
    seconds: float | None
    peak_mb: float | None


class Filler:
    """A model in its own process, started when first needed."""

    def __init__(
        self, name: str, device: str, seed: int, threads: int, weights: WeightsFile | None = None
    ) -> None:
        self._job = (name, weights, device, seed)
        self._threads = threads
        self._process: ProcessPoolExecutor | None = None

    def __call__(self, photo: Pixels, hole: Hole) -> Filled:
        """Fill ``photo``; what lies in the hole is hidden from the model.

        Raises:
            RetouchError: the model failed or its process ended; the next call starts a new one.
        """
        if self._process is None:
            context = multiprocessing.get_context("spawn")
            self._process = ProcessPoolExecutor(1, context, _start, (self._threads,))
        hidden = np.where(hole[..., None], np.uint8(128), photo)
        try:
            return self._process.submit(_fill, self._job, hidden, hole).result()
        except BrokenProcessPool:
            self.close()
            raise RetouchError(
                f"The process of {self._job[0]} ended unexpectedly, perhaps for want of memory."
            ) from None

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.shutdown(wait=True, cancel_futures=True)
            self._process = None


@cache
def _filler(name: str, weights: WeightsFile | None, device: str, seed: int) -> Fill:
    if weights is not None:
        return _model(_unchanged(weights), device, seed)
    if name == "pypatchmatch":
        import patchmatch

        # The mask is uint8 with 255 in the hole; the radius is its "patch_size".
        return lambda photo, hole: np.asarray(
            patchmatch.inpaint(photo, hole.astype(np.uint8) * 255, patch_size=3), np.uint8
        )
    if name == "biharmonic":
        from skimage.restoration import inpaint_biharmonic

        return lambda photo, hole: np.rint(
            255 * inpaint_biharmonic(photo / 255.0, hole, channel_axis=-1).clip(0, 1)
        ).astype(np.uint8)
    return _model(name, device, seed)


def _unchanged(weights: WeightsFile) -> str:
    """The name of a file, which must not have been replaced since it was named."""
    from retouch.models.specification import Specification

    path = Specification.parse(weights.path).file
    assert path is not None  # a weights file was named
    if file_digest(path) != weights.sha256:
        raise RetouchError(f"{path} has changed since measuring began; measure again with --resume.")
    return weights.path


def _model(name: str, device: str, seed: int) -> Fill:
    import retouch

    model = retouch.load(name, device=device)
    return lambda photo, hole: np.asarray(retouch.inpaint(photo, hole, model=model, seed=seed), np.uint8)


_idle_mb: float | None = None  # what this process held before any model was built


def _start(threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C and ends its children
    import cv2
    import torch

    import retouch.engine.pipeline  # noqa: F401 - imports count for no model's memory

    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    global _idle_mb
    _idle_mb = _memory_mb("VmRSS")


def _fill(job: tuple[str, WeightsFile | None, str, int], photo: Pixels, hole: Hole) -> Filled:
    fill = _filler(*job)
    counted = _idle_mb is not None and _reset_peak()
    started = time.perf_counter()
    pixels = fill(photo, hole)
    seconds = time.perf_counter() - started
    peak = _memory_mb("VmHWM") if counted else None
    return Filled(pixels, seconds, None if peak is None or _idle_mb is None else max(0.0, peak - _idle_mb))


def _reset_peak() -> bool:
    """Let the peak count anew from here; False where the system does not allow it."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _memory_mb(field: str) -> float | None:
    """A field of this process's status in MB, as Linux has it; None elsewhere."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    for line in status.read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    return None
