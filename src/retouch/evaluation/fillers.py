"""This package's models and other tools, each filling in a process of its own.

With separate processes, each has its own peak of memory, and a crash cannot affect the others.
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

from retouch.errors import RetouchError
from retouch.evaluation.arrays import Hole, Pixels
from retouch.evaluation.candidates import WeightsFile
from retouch.files import file_digest

FillFunction = Callable[[Pixels, Hole], Pixels]


class Filled(NamedTuple):
    """A fill and what it cost.

    Attributes:
        pixels: ``H×W×3`` uint8.
        seconds: The time to fill, without building the model; None if unknown.
        peak_mb: The peak of memory while filling, above what the process held before the model was built;
            None if the system does not report it.
    """

    pixels: Pixels
    seconds: float | None
    peak_mb: float | None


class Filler:
    """A model in its own process, which starts when it is first needed.

    Args:
        name: A model's name, or one of :data:`~retouch.evaluation.candidates.BASELINES`.
        device: Where the model runs.
        seed: The model's seed.
        threads: How many threads the process uses.
        weights: The file, if the model is a weights file.
    """

    def __init__(
        self, name: str, device: str, seed: int, threads: int, weights: WeightsFile | None = None
    ) -> None:
        self._job = (name, weights, device, seed)
        self._threads = threads
        self._process: ProcessPoolExecutor | None = None

    def __call__(self, photo: Pixels, hole: Hole) -> Filled:
        """Fill the hole. The model sees grey there, not the photo.

        Raises:
            RetouchError: The model failed, or its process ended. The next call starts a new process.
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
                f"The process of {self._job[0]} ended unexpectedly, perhaps because memory ran out."
            ) from None

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.shutdown(wait=True, cancel_futures=True)
            self._process = None


@cache
def _filler(name: str, weights: WeightsFile | None, device: str, seed: int) -> FillFunction:
    if weights is not None:
        return _model(_unchanged(weights), device, seed)
    if name == "pypatchmatch":
        import patchmatch

        patchmatch.set_random_seed(seed)  # of every fill that follows
        # The mask is uint8 with 255 in the hole. Its "patch_size" is the radius.
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
    """The path of a weights file, after checking that the file is still the one that was named."""
    from retouch.models.specification import Specification

    path = Specification.parse(weights.path).file
    assert path is not None  # a weights file was named
    if file_digest(path) != weights.sha256:
        raise RetouchError(f"{path} has changed since measuring began; start again with --resume.")
    return weights.path


def _model(name: str, device: str, seed: int) -> FillFunction:
    import retouch

    model = retouch.load(name, device=device)
    return lambda photo, hole: np.asarray(
        retouch.inpaint(photo, hole, model=model, seed=seed, trust_mask=True), np.uint8
    )


_idle_mb: float | None = None  # memory of this process before any model was built


def _start(threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C and ends its children
    import cv2
    import torch

    import retouch.engine.pipeline  # noqa: F401 - so that no model's memory includes imports

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
    """Reset the peak of memory; False if the system does not allow it."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _memory_mb(field: str) -> float | None:
    """A memory field of this process's status on Linux, in MB; None on other systems."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    for line in status.read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    return None
