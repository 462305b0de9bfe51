"""What the benchmarks share.

Timings follow the conventions of pyperf: each value comes from a process of its own that has warmed up, and
the report gives medians and ratios. Unlike in pyperf, the compared methods take turns, so that other load on
the machine affects all alike. Fills are compared by `retouch.evaluation`, as `retouch evaluate` does.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import retouch
from retouch.contract import Model
from retouch.evaluation.evaluate import evaluate_cases
from retouch.evaluation.fillers import Filled
from retouch.evaluation.pairs import find_pairs, read_pair
from retouch.evaluation.run import Case, Source
from retouch.evaluation.statistics import paired_interval
from retouch.evaluation.store import Settings

Values = tuple[float, ...]


def interleaved(
    script: str, methods: Sequence[str], repeats: int, options: Sequence[str]
) -> dict[str, list[Values]]:
    """The numbers that ``script … --measure METHOD`` prints, one row per repeat; the methods take turns."""
    results: dict[str, list[Values]] = {method: [] for method in methods}
    for _ in range(repeats):
        for method in methods:
            command = [sys.executable, script, *options, "--measure", method]
            output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
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
def measured(once: Callable[[int], None], size: int) -> Values:
    """Seconds of ``once(size)`` by the clock and of the processor, and the memory in MB that it adds."""
    once(128)  # a warm-up: it loads kernels and starts threads
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin, busy = time.perf_counter(), time.process_time()
    once(size)
    seconds, busy = time.perf_counter() - begin, time.process_time() - busy
    return seconds, busy, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def ratios(ours: Sequence[Values], theirs: Sequence[Values]) -> str:
    """What ours takes of what theirs takes: the median ratio and, from five repeats on, its 95 % interval."""
    told = []
    for place, what in enumerate(("of the time", "of the CPU time", "of the memory")):
        of_pairs = [one[place] / max(other[place], 1e-9) for one, other in zip(ours, theirs, strict=True)]
        logarithms = [math.log(max(each, 1e-9)) for each in of_pairs]
        low, high = paired_interval(logarithms, [str(number) for number in range(len(of_pairs))])
        interval = "" if low is None else f" ({math.exp(low):.0%} to {math.exp(high):.0%})"
        told.append(f"{statistics.median(of_pairs):.0%}{interval} {what}")
    return ", ".join(told)


def machine() -> str:
    """One line on where and with what a benchmark ran."""
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return (
        f"retouch {retouch.__version__}, torch {torch.__version__}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, load {load}, {time.strftime('%Y-%m-%d')}"
    )


def compare_forms(
    script: str,
    description: str | None,
    run: Callable[[str, float, int, float], Values],
    *,
    forms: Mapping[str, tuple[str, str]],
    sizes: Sequence[int],
    width: float,
    largest_dense: int,
) -> None:
    """The whole of a benchmark that compares a published dense form with ours: options, timings, table.

    Args:
        script: The benchmark's file, which each measurement runs in a process of its own.
        description: The benchmark's docstring, for ``--help``.
        run: Takes method, width, size and share of the hole; returns what :func:`measured` does.
        forms: The dense method and ours, by what is compared.
        sizes: Sides of the image, unless ``--sizes`` says otherwise.
        width: Width of the network, unless ``--width`` says otherwise.
        largest_dense: Above this side, the dense form needs too much memory and ours runs alone.
    """
    methods = [method for pair in forms.values() for method in pair]
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=list(sizes), help="sides of the image")
    parser.add_argument("--hole", type=float, default=0.25, help="the hole's share of the image")
    parser.add_argument("--width", type=float, default=width)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--measure", choices=methods, help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.measure:
        print(*run(given.measure, given.width, given.sizes[0], given.hole))
        return
    print(machine())
    print(f"{given.hole:.0%} hole, width {given.width}, {given.threads} threads, medians of {given.repeats}")
    print(f"{'method':<14}{'size':>6}{'seconds':>10}{'CPU s':>10}{'peak MB':>10}", flush=True)
    shared = [f"--{name}={getattr(given, name)}" for name in ("hole", "width", "threads")]
    for size in given.sizes:
        shown = methods if size <= largest_dense else [ours for _, ours in forms.values()]
        results = interleaved(script, shown, given.repeats, [*shared, "--sizes", str(size)])
        for method, rows in results.items():
            seconds, busy, peak = map(statistics.median, zip(*rows, strict=True))
            print(f"{method:<14}{size:>6}{seconds:>10.2f}{busy:>10.2f}{peak:>10.0f}", flush=True)
        for what, (dense, ours) in forms.items():
            if dense in results:
                print(f"{what}: ours takes {ratios(results[ours], results[dense])}", flush=True)


def compare_fills(
    cases: Sequence[Case],
    sources: Mapping[str, Source],
    *,
    metrics: Sequence[str],
    data: Path | str,
    threads: int,
    out: Path | None,
    size: int | None = None,
) -> dict[str, Any]:
    """Fill and score as `retouch evaluate` does, print its tables and return the result.

    Args:
        cases: What to fill.
        sources: What is compared, by name; the others are compared with the first.
        metrics: Names of the metrics.
        data: Where the photos are.
        threads: How many threads to use.
        out: The report's folder, with pictures and a page to look at them; None to print the tables only.
        size: The shorter side that photos were shrunk to, if they were.
    """
    torch.set_num_threads(threads)
    settings = Settings(str(data), size=size, threads=threads, device="cpu", metrics=list(metrics))
    command = shlex.join(["python", *sys.argv])
    print(machine(), file=sys.stderr)
    with tempfile.TemporaryDirectory() as temporary:
        folder = out or Path(temporary)
        result = evaluate_cases(cases, list(sources), folder, settings, command=command, sources=sources)
        print((folder / "report.md").read_text("utf-8"))
    return result


def cases_of(data: Path, masks: Sequence[str], limit: int | None, size: int) -> list[Case]:
    """The pairs of a folder, as `retouch evaluate --size` reads them."""
    return [
        Case(pair.photo, pair.masks, lambda pair=pair: read_pair(pair, size))
        for pair in find_pairs(data, masks, limit)
    ]


def model_source(model: Model) -> Source:
    """A model as something to compare."""

    def fill(case: Case, truth: np.ndarray, hole: np.ndarray) -> Filled:
        hidden = np.where(hole[..., None], np.uint8(128), truth)
        begin = time.perf_counter()
        filled = np.asarray(retouch.inpaint(hidden, hole, model=model))
        return Filled(filled, time.perf_counter() - begin, None)

    return fill


def tensor_source(work: Callable[[Tensor, Tensor], Tensor]) -> Source:
    """A function of image ``1×3×H×W`` in [0, 1] and mask ``1×1×H×W`` as something to compare."""

    @torch.no_grad()
    def fill(case: Case, truth: np.ndarray, hole: np.ndarray) -> Filled:
        hidden = np.where(hole[..., None], np.uint8(128), truth)
        image, mask = to_tensor(hidden), torch.from_numpy(hole.astype(np.float32))[None, None]
        begin = time.perf_counter()
        filled = to_pixels(work(image, mask))
        return Filled(filled, time.perf_counter() - begin, None)

    return fill


def to_tensor(pixels: np.ndarray) -> Tensor:
    """``H×W×3`` uint8 as ``1×3×H×W`` in [0, 1]."""
    return torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)[None]


def to_pixels(image: Tensor) -> np.ndarray:
    """``1×3×H×W`` in [0, 1] as ``H×W×3`` uint8."""
    return np.rint(255 * image[0].clamp(0, 1).permute(1, 2, 0).numpy()).astype(np.uint8)
