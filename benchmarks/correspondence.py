"""Compare ``retouch.matching.correspondence`` with the field's usual dense formulation.

Dense: every patch of the map becomes a convolution kernel, the whole map is convolved with all of them,
softmax (or the best alone) over all, and a transposed convolution pastes. Ours asks for the hole only.
Each measurement runs in a process of its own; the methods take turns::

    python benchmarks/correspondence.py --size 128 --channels 128 --repeats 3
"""

from __future__ import annotations

import argparse
import math
import resource
import statistics
import time

import torch
from torch import Tensor
from torch.nn import functional as F

from processes import interleaved
from retouch.matching.correspondence import match

METHODS = ("dense-soft", "ours-soft", "dense-hard", "ours-hard", "ours-approximate")


def dense(features: Tensor, mask: Tensor, soft: bool) -> Tensor:
    """Patch correlation with the known patches as kernels, as contextual attention's public code has it."""
    channels, height, width = features.shape[1:]
    kernels = F.unfold(features, 3, padding=1)[0].t().reshape(-1, channels, 3, 3)
    touched = F.max_pool2d(F.pad(mask, (1, 1, 1, 1), value=1.0), 3, stride=1).flatten() > 0
    kernels = kernels[~touched]
    normalised = kernels / kernels.flatten(1).norm(dim=1).clamp_min(1e-8)[:, None, None, None]
    scores = F.conv2d(features, normalised, padding=1)
    norms = F.conv2d(features.square().sum(1, keepdim=True), torch.ones(1, 1, 3, 3), padding=1).sqrt()
    scores = scores / norms.clamp_min(1e-8)
    if soft:
        weights = torch.softmax(scores * 10, 1)
    else:
        weights = torch.zeros_like(scores).scatter_(1, scores.argmax(1, keepdim=True), 1.0)
    pasted = F.conv_transpose2d(weights, kernels, padding=1)
    votes = F.conv_transpose2d(torch.ones(1, 1, height, width), torch.ones(1, 1, 3, 3), padding=1)
    return torch.where(mask > 0, pasted / votes, features)


def scene(size: int, channels: int, hole: float) -> tuple[Tensor, Tensor]:
    """Smooth random features and a square hole of the given share."""
    torch.manual_seed(0)
    coarse = torch.randn(1, channels, size // 4, size // 4)
    features = F.interpolate(coarse, (size, size), mode="bicubic") + 0.1 * torch.randn(
        1, channels, size, size
    )
    side = round(size * math.sqrt(hole))
    mask = torch.zeros(1, 1, size, size)
    begin = (size - side) // 2
    mask[..., begin : begin + side, begin : begin + side] = 1
    return features, mask


def run(method: str, features: Tensor, mask: Tensor) -> Tensor:
    """One match and one transfer."""
    kind, form = method.split("-")
    if kind == "dense":
        return dense(features, mask, form == "soft")
    if form == "soft":
        return match(features, mask, top=None).transfer(features)
    how = "approximate" if form == "approximate" else "exact"
    return match(features, mask, method=how).transfer(features)


def measure(method: str, arguments: argparse.Namespace) -> None:
    """Print seconds by the clock and of the processor, and peak bytes beyond those of the idle process."""
    torch.set_num_threads(arguments.threads)
    small = scene(16, 4, arguments.hole)
    run(method, *small)  # loads kernels, starts threads
    features, mask = scene(arguments.size, arguments.channels, arguments.hole)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin, busy = time.perf_counter(), time.process_time()
    with torch.no_grad():
        result = run(method, features, mask)
    seconds, busy = time.perf_counter() - begin, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(seconds, busy, peak * 1024, float(result.double().sum()))


def main() -> None:
    """Take turns, print a table of medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--channels", type=int, default=128)
    parser.add_argument("--hole", type=float, default=0.1, help="share of the map")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--measure", choices=METHODS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure, arguments)
        return
    shared = [f"--{name}={getattr(arguments, name)}" for name in ("size", "channels", "hole", "threads")]
    results = interleaved(__file__, arguments.methods, arguments.repeats, shared)
    print(
        f"{arguments.size}×{arguments.size}×{arguments.channels}, {arguments.hole:.0%} hole, "
        f"{arguments.threads} threads, medians of {arguments.repeats}"
    )
    print(f"{'method':<18}{'seconds':>10}{'CPU s':>10}{'peak MB':>10}{'sum of the result':>20}")
    for method, rows in results.items():
        seconds, busy, peak, total = (statistics.median(column) for column in zip(*rows, strict=True))
        print(f"{method:<18}{seconds:>10.2f}{busy:>10.2f}{peak / 2**20:>10.0f}{total:>20.2f}")
    for form in ("soft", "hard"):
        if all(f"{kind}-{form}" in results for kind in ("dense", "ours")):
            them, us = results[f"dense-{form}"], results[f"ours-{form}"]
            time_ratio, busy_ratio, size_ratio = (
                statistics.median(a[place] / b[place] for a, b in zip(them, us, strict=True))
                for place in range(3)
            )
            print(
                f"{form}: {time_ratio:.1f} times faster ({busy_ratio:.1f} in CPU time), "
                f"{size_ratio:.1f} times less memory"
            )


if __name__ == "__main__":
    main()
