"""Compare Contextual Attention with the same network around the published dense form of its attention.

Dense: every patch of the map becomes a convolution kernel, the score map of all positions with all
positions is propagated by two convolutions, softmax over all, and a transposed convolution pastes;
everything is decoded. Ours asks for the hole only, in chunks, and decodes the rectangle around the hole. Each
measurement runs in a process of its own; the methods take turns::

    python benchmarks/contextual_attention.py --size 512 --hole 0.25 --repeats 3

Peak memory is what a process needs beyond what it held before the image came. "layer" is the attention alone.
"""

from __future__ import annotations

import argparse
import statistics

import torch
from torch import Tensor
from torch.nn import functional as F

from processes import centred_pair, interleaved, measured, shares
from retouch.models.contextual_attention import network as network_file
from retouch.models.contextual_attention.network import ContextualAttentionNetwork, attend

METHODS = ("dense-layer", "ours-layer", "dense", "ours")


def dense_attend(features: Tensor, mask: Tensor, allowed: Tensor | None = None) -> tuple[Tensor, None]:
    """The layer as the public code has it; one image, no forbidden sources."""
    small, hole = features[..., ::2, ::2], F.max_pool2d(mask, 8)
    channels, height, width = small.shape[1:]
    cells = height * width
    known = (F.max_pool2d(F.pad(hole, (1, 1, 1, 1)), 3, stride=1).flatten() == 0).float()
    kernels = F.unfold(small, 3, padding=1)[0].t().reshape(cells, channels, 3, 3)
    kernels = kernels / kernels.flatten(1).norm(dim=1).clamp_min(1e-4)[:, None, None, None]
    pasted = F.unfold(features, 4, padding=1, stride=2)[0].t().reshape(cells, channels, 4, 4)

    identity = torch.eye(3)[None, None]
    scores = F.conv2d(small, kernels, padding=1)  # 1×sources×height×width
    scores = scores.reshape(1, cells, cells).transpose(1, 2).reshape(1, 1, cells, cells)
    scores = F.conv2d(scores, identity, padding=1)
    scores = scores.reshape(height, width, height, width).permute(1, 0, 3, 2).reshape(1, 1, cells, cells)
    scores = F.conv2d(scores, identity, padding=1)
    scores = scores.reshape(width, height, width, height).permute(1, 0, 3, 2).reshape(cells, cells)
    weights = torch.softmax(scores * known * 10, 1) * known
    maps = weights.t().reshape(1, cells, height, width)
    return F.conv_transpose2d(maps, pasted, stride=2, padding=1) / 4, None


def run(method: str, width: float, size: int, hole: float) -> tuple[float, float, int]:
    """Seconds by the clock and of the processor, and peak bytes."""
    torch.manual_seed(0)
    if method.startswith("dense"):
        network_file.attend = dense_attend  # type: ignore[assignment]
    network = ContextualAttentionNetwork(width).eval()
    layer = dense_attend if method.startswith("dense") else attend

    def once(side: int) -> None:
        image, mask = centred_pair(side, hole)
        if method.endswith("layer"):
            layer(torch.randn(1, round(128 * width), side // 4, side // 4), mask)
        else:
            network(image, mask, hole_only=method == "ours")

    return measured(once, size)


def main() -> None:
    """Take turns, print a table of medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--hole", type=float, default=0.25, help="share of the image")
    parser.add_argument("--width", type=float, default=network_file.PAPER)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--measure", choices=METHODS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.measure:
        print(*run(arguments.measure, arguments.width, arguments.size, arguments.hole))
        return
    shared = [f"--{name}={getattr(arguments, name)}" for name in ("size", "hole", "width", "threads")]
    results = interleaved(__file__, arguments.methods, arguments.repeats, shared)
    print(
        f"{arguments.size}×{arguments.size}, {arguments.hole:.0%} hole, width {arguments.width}, "
        f"{arguments.threads} threads, medians of {arguments.repeats}"
    )
    print(f"{'method':<14}{'seconds':>10}{'CPU s':>10}{'peak MB':>10}")
    for method, rows in results.items():
        seconds, busy, peak = (statistics.median(column) for column in zip(*rows, strict=True))
        print(f"{method:<14}{seconds:>10.2f}{busy:>10.2f}{peak / 2**20:>10.0f}")
    for suffix in ("-layer", ""):
        if f"dense{suffix}" in results and f"ours{suffix}" in results:
            told = shares(results[f"ours{suffix}"], results[f"dense{suffix}"])
            print(f"{'layer' if suffix else 'network'}: {told}")


if __name__ == "__main__":
    main()
