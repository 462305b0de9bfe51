"""How long Neural Patch Synthesis takes: as a command, by stage and scale, and by the size of the hole.

The photo is the middle of the example, at 512². Presets take turns, so that what else runs hits all alike::

    python benchmarks/neural_patch.py --presets fast default paper --holes 64 128 256 --repeats 3
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

import retouch
from retouch.contract import Progress
from retouch.imaging import read_photo, to_srgb, write_png

SIDE = 512
PHOTO = Path(__file__).parent.parent / "examples" / "photo.jpg"


def example() -> np.ndarray:
    """The middle of the example's photo, ``512×512×3`` uint8."""
    photo = read_photo(PHOTO)
    top, left = ((side - SIDE) // 2 for side in photo.pixels.shape[:2])
    return np.rint(255 * to_srgb(photo, slice(top, top + SIDE), slice(left, left + SIDE))).astype(np.uint8)


def centred(edge: int) -> np.ndarray:
    """The mask of a square in the middle."""
    mask = np.zeros((SIDE, SIDE), bool)
    begin = (SIDE - edge) // 2
    mask[begin : begin + edge, begin : begin + edge] = True
    return mask


def as_command(folder: Path, model: str, options: list[str], threads: int) -> float:
    """Seconds of ``retouch fill``, start to end."""
    command = [sys.executable, "-m", "retouch", "fill", str(folder / "photo.png"), str(folder / "mask.png")]
    command += ["-o", str(folder / "filled.png"), "--overwrite", "--quiet", "--model", model]
    command += [word for option in options for word in ("--option", option)]
    begin = time.perf_counter()
    subprocess.run(command, check=True, env={"OMP_NUM_THREADS": str(threads), "PATH": ""})
    return time.perf_counter() - begin


def by_stage(model: str, preset: str, pixels: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """Seconds of each stage of the model, in the order in which they ended; the rest is "other"."""
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
    parser.add_argument("--holes", nargs="+", type=int, default=[64, 128, 256], help="edges, in pixels")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    pixels, largest = example(), centred(max(given.holes))

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_png(pixels, folder / "photo.png")
        write_png(np.where(largest, 255, 0).astype(np.uint8), folder / "mask.png")
        plain = given.model.removesuffix("+neural-patch")
        seconds: dict[str, list[float]] = {each: [] for each in (plain, *given.presets)}
        for _ in range(given.repeats):
            for each, taken in seconds.items():
                of_preset = (given.model, [f"preset={each}"]) if each in given.presets else (plain, [])
                taken.append(as_command(folder, *of_preset, given.threads))
    print(f"retouch fill, {max(given.holes)}² hole in {SIDE}², {given.threads} threads, start to end:")
    for each, taken in seconds.items():
        spread = f"{min(taken):.1f}-{max(taken):.1f}"
        print(f"  {each}: {statistics.median(taken):.1f} s ({spread} of {given.repeats})")

    for preset in given.presets:
        for edge in given.holes:
            stages = by_stage(given.model, preset, pixels, centred(edge))
            print(f"{preset}, {edge}² hole: " + ", ".join(f"{k} {v:.2f}" for k, v in stages.items()))


if __name__ == "__main__":
    main()
