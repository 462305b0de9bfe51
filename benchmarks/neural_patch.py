"""Neural Patch Synthesis: how long the command takes, and how long each stage takes.

    python benchmarks/neural_patch.py --repeats 3 --threads 2

The photo is the middle of the example, at 512². The commands take turns, so that other load on the machine
affects all alike.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

import retouch
from retouch.contract import Progress
from retouch.imaging import read_photo, to_srgb, write_png
from shared import machine

EXAMPLE = Path(__file__).parent.parent / "examples" / "photo.jpg"
SIDE = 512  # of the part of the example that is filled


def example() -> np.ndarray:
    """The middle of the example's photo, ``512×512×3`` uint8."""
    photo = read_photo(EXAMPLE)
    top, left = ((side - SIDE) // 2 for side in photo.pixels.shape[:2])
    return np.rint(255 * to_srgb(photo, slice(top, top + SIDE), slice(left, left + SIDE))).astype(np.uint8)


def centred(edge: int) -> np.ndarray:
    """The mask of a square in the middle, ``512×512`` bool."""
    mask = np.zeros((SIDE, SIDE), bool)
    begin = (SIDE - edge) // 2
    mask[begin : begin + edge, begin : begin + edge] = True
    return mask


def time_commands(
    commands: Mapping[str, tuple[str, list[str], int]], hole: int, threads: int
) -> dict[str, list[float]]:
    """Seconds of ``retouch fill`` on the example, start to end; the commands take turns.

    Args:
        commands: Model, options (``key=value``) and number of repeats, by name.
        hole: The side of the hole, in pixels.
        threads: How many threads each command uses.
    """
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as name:
        photo, mask, filled = (str(Path(name) / file) for file in ("photo.png", "mask.png", "filled.png"))
        write_png(example(), Path(photo))
        write_png(centred(hole).astype(np.uint8) * 255, Path(mask))
        for turn in range(max(repeats for _, _, repeats in commands.values())):
            for each, (model, options, repeats) in commands.items():
                if turn >= repeats:
                    continue
                command = [sys.executable, "-m", "retouch", "fill", photo, mask, "-o", filled, "--overwrite"]
                command += ["--quiet", "--model", model]
                command += [word for option in options for word in ("--option", option)]
                begin = time.perf_counter()
                subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": str(threads)})
                seconds[each].append(time.perf_counter() - begin)
    return seconds


def print_seconds(seconds: Mapping[str, list[float]]) -> None:
    """Print the median of each command, and the range."""
    for name, taken in seconds.items():
        spread = f"{min(taken):.1f} to {max(taken):.1f} of {len(taken)}"
        print(f"  {name}: {statistics.median(taken):.1f} s ({spread})")


def by_stage(model: str, preset: str, pixels: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """Seconds of each stage of the model, in the order in which the stages end; the rest is "other"."""
    found: dict[str, float] = {}
    before = begin = time.perf_counter()

    def listen(progress: Progress) -> None:
        nonlocal before
        now = time.perf_counter()
        found[progress.detail] = found.get(progress.detail, 0.0) + now - before
        before = now

    refined = retouch.load(model, device="cpu", options={"preset": preset})
    before = begin = time.perf_counter()
    retouch.fill(pixels, mask, model=refined, on_progress=listen)
    found["other"] = found.pop("", 0.0)
    found["total"] = time.perf_counter() - begin
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="exemplar+neural-patch")
    parser.add_argument("--presets", nargs="+", default=["fast", "default", "paper"])
    parser.add_argument("--holes", nargs="+", type=int, default=[64, 128, 256], help="sides, in pixels")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    content = given.model.removesuffix("+neural-patch")
    commands = {content: (content, [], given.repeats)}
    commands |= {each: (given.model, [f"preset={each}"], given.repeats) for each in given.presets}
    largest = max(given.holes)

    print(machine())
    print(f"retouch fill, {largest}² hole in {SIDE}², {given.threads} threads, start to end:")
    print_seconds(time_commands(commands, largest, given.threads))
    for preset in given.presets:
        for edge in given.holes:
            stages = by_stage(given.model, preset, example(), centred(edge))
            print(f"{preset}, {edge}² hole: " + ", ".join(f"{k} {v:.2f}" for k, v in stages.items()))


if __name__ == "__main__":
    main()
