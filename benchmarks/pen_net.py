"""Compare PEN-Net with the same network around the published dense form of its attention.

Dense: at each level every patch of the map becomes a convolution kernel, all positions are compared with
all, and a transposed convolution pastes all of them; everything is decoded. Ours asks for the hole only, in
chunks, and decodes the rectangle around the hole. Each measurement runs in a process of its own; the methods
take turns. At sizes that the dense form is too large for, ours runs alone::

    python benchmarks/pen_net.py --sizes 256 512 1024 --hole 0.25 --repeats 3

Peak memory is what a process needs beyond what it held before the image came.
"""

from __future__ import annotations

import argparse
import statistics

import torch
from torch import Tensor
from torch.nn import functional as F

from processes import centred_pair, interleaved, measured, shares
from retouch.models.pen_net import network as network_file
from retouch.models.pen_net.network import PenNetNetwork

METHODS = ("dense", "ours")


def dense_attend(
    deep: Tensor, shallow: Tensor, mask: Tensor, allowed: Tensor | None = None, patch: int = 3
) -> tuple[Tensor, None]:
    """The layer as the public code has it; one image, no forbidden sources."""
    channels, height, width = deep.shape[1:]
    cells, margin = height * width, patch // 2
    hole = F.max_pool2d(mask, mask.shape[2] // height)
    known = F.max_pool2d(hole, patch, stride=1, padding=margin).reshape(1, cells, 1, 1) == 0
    kernels = F.unfold(deep, patch, padding=margin)[0].t().reshape(cells, channels, patch, patch)
    kernels = kernels / kernels.flatten(1).norm(dim=1).clamp_min(1e-4)[:, None, None, None]
    pasted = F.unfold(shallow, 4, padding=1, stride=2)[0].t().reshape(cells, -1, 4, 4)

    scores = F.conv2d(deep, kernels, padding=margin) * known  # 1×sources×height×width
    weights = (torch.softmax(scores * 10, 1) * known).clamp_min(1e-8)
    return F.conv_transpose2d(weights, pasted, stride=2, padding=1) / 4, None


def run(method: str, width: float, size: int, hole: float) -> tuple[float, float, int]:
    """Seconds by the clock and of the processor, and peak bytes."""
    torch.manual_seed(0)
    if method == "dense":
        network_file.attend = dense_attend  # type: ignore[assignment]
    network = PenNetNetwork(width).eval()

    def once(side: int) -> None:
        image, mask = centred_pair(side, hole)
        network(image, mask, hole_only=method == "ours")

    return measured(once, size)


def main() -> None:
    """Take turns, print medians for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024], help="sides of the image")
    parser.add_argument(
        "--dense", type=int, default=512, help="largest side for the dense form (1024: 17 GB a map)"
    )
    parser.add_argument("--hole", type=float, default=0.25, help="share of the image")
    parser.add_argument("--width", type=float, default=network_file.PAPER)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--measure", choices=METHODS, help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.measure:
        print(*run(arguments.measure, arguments.width, arguments.size, arguments.hole))
        return
    shared = [f"--{name}={getattr(arguments, name)}" for name in ("hole", "width", "threads")]
    print(
        f"{arguments.hole:.0%} hole, width {arguments.width}, {arguments.threads} threads, "
        f"medians of {arguments.repeats}"
    )
    print(f"{'method':<10}{'size':>6}{'seconds':>10}{'CPU s':>10}{'peak MB':>10}", flush=True)
    for size in arguments.sizes:
        methods = METHODS if size <= arguments.dense else ("ours",)
        results = interleaved(__file__, methods, arguments.repeats, [*shared, f"--size={size}"])
        for method, rows in results.items():
            _tell(method, size, rows)
        if "dense" in results:
            print(shares(results["ours"], results["dense"]), flush=True)


def _tell(method: str, size: int, rows: list[tuple[float, ...]]) -> None:
    seconds, busy, peak = (statistics.median(column) for column in zip(*rows, strict=True))
    print(f"{method:<10}{size:>6}{seconds:>10.2f}{busy:>10.2f}{peak / 2**20:>10.0f}", flush=True)


if __name__ == "__main__":
    main()
