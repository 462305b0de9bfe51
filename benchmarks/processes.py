"""Compared methods run in processes of their own, in turn, so that what else runs hits all alike."""

from __future__ import annotations

import math
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def interleaved(
    script: str, methods: Sequence[str], repeats: int, options: Sequence[str]
) -> dict[str, list[tuple[float, ...]]]:
    """The numbers that ``script … --measure METHOD`` prints, a row for each repeat."""
    results: dict[str, list[tuple[float, ...]]] = {method: [] for method in methods}
    for _ in range(repeats):
        for method in methods:
            command = [sys.executable, script, *options, "--measure", method]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            results[method].append(tuple(float(part) for part in output.split()))
    return results


def centred_pair(side: int, hole: float) -> tuple[Tensor, Tensor]:
    """A random image in [-1, 1], and the mask of a square in its middle that covers the share ``hole``."""
    image, mask = torch.rand(1, 3, side, side) * 2 - 1, torch.zeros(1, 1, side, side)
    edge = round(side * math.sqrt(hole))
    begin = (side - edge) // 2
    mask[..., begin : begin + edge, begin : begin + edge] = 1
    return image, mask


@torch.no_grad()
def measured(once: Callable[[int], None], size: int) -> tuple[float, float, int]:
    """Of ``once(size)``: seconds by the clock and of the processor, and bytes beyond those held before."""
    once(128)  # loads kernels, starts threads
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin, busy = time.perf_counter(), time.process_time()
    once(size)
    seconds, busy = time.perf_counter() - begin, time.process_time() - busy
    return seconds, busy, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024


def shares(ours: Sequence[tuple[float, ...]], dense: Sequence[tuple[float, ...]]) -> str:
    """What ours takes of what dense takes, in words; medians over pairs that were measured in turn."""
    pairs = list(zip(ours, dense, strict=True))
    clock, busy, memory = (statistics.median(one[k] / other[k] for one, other in pairs) for k in range(3))
    return f"ours takes {clock:.0%} of the time ({busy:.0%} of the CPU time) and {memory:.0%} of the memory"
