"""The compiled patch search and the one in torch, in the models that use them.

    python benchmarks/patch_search.py PHOTO STYLE

Each measurement is a process of its own, and the two take turns. It prints the processor time of the whole
work and of its searches, and how good the sources found are: for "match" the mean similarity, for "sweep" the
mean distance, prices left out, after the last sweep.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch

import retouch
from retouch.matching import correspondence
from retouch.matching.search import SEARCH
from retouch.models.infer_match_translate import swap
from retouch.synthesis import coherent_search
from shared import machine

METHODS = {"torch": "0", "compiled": "1"}


class Watched:
    """The search in use, timed and judged."""

    def __init__(self) -> None:
        self.seconds, self.quality = 0.0, 0.0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def search(*given: Any) -> Any:
            begin = time.process_time()
            found = getattr(SEARCH, name)(*given)
            self.seconds += time.process_time() - begin
            if name == "approximate":
                self.quality = float(given[0].pairs(given[0].grid.queries, found).mean())
            elif name == "coherent":
                self.quality = float(given[0].distances.mean())
            return found

        return search


def square(path: str, side: int) -> np.ndarray:
    """The middle of a photo, shrunk to ``side × side × 3``."""
    pixels = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)
    short = min(pixels.shape[:2])
    top, left = ((each - short) // 2 for each in pixels.shape[:2])
    cropped = pixels[top : top + short, left : left + short]
    return cv2.resize(cropped, (side, side), interpolation=cv2.INTER_AREA)


def fill(photo: str, side: int, hole: int, model: str, **options: Any) -> None:
    """Fill a square hole in the middle."""
    pixels, mask = square(photo, side), np.zeros((side, side), bool)
    begin = (side - hole) // 2
    mask[begin : begin + hole, begin : begin + hole] = True
    retouch.fill(pixels, mask, model=model, device="cpu", **options)


def works(photo: str, style: str) -> dict[str, Callable[[], object]]:
    """What is measured, by name."""
    upsampled = {"model": "telea", "working_size": 512}
    return {
        "neural-patch 512² (sweep)": lambda: fill(photo, 512, 150, "neural-patch"),
        "infer-match-translate 512² (sweep)": lambda: fill(photo, 512, 150, "infer-match-translate"),
        "upsampling by residual from 512² (match)": lambda: fill(
            photo, 2048, 600, upsampling="residual", **upsampled
        ),
        "upsampling by network from 512² (match)": lambda: fill(
            photo, 2048, 600, upsampling="network", **upsampled
        ),
        "stylize 1024² (match)": lambda: retouch.stylize(
            square(photo, 1024), square(style, 768), device="cpu"
        ),
    }


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photo")
    parser.add_argument("style")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.measure:
        watched = Watched()
        for module in (correspondence, coherent_search, swap):
            module.SEARCH = watched  # type: ignore[attr-defined]
        begin = time.process_time()
        works(given.photo, given.style)[given.measure]()
        print(time.process_time() - begin, watched.seconds, watched.quality)
        return
    print(machine())
    print(f"{'work':<42}{'search':<10}{'CPU s':>8}{'search s':>10}{'quality':>12}", flush=True)
    for work in works(given.photo, given.style):
        rows: dict[str, list[list[float]]] = {method: [] for method in METHODS}
        for _ in range(given.repeats):
            for method, value in METHODS.items():
                command = [sys.executable, *sys.argv, "--measure", work]
                environment = {**os.environ, "RETOUCH_COMPILED": value}
                output = subprocess.run(
                    command, check=True, stdout=subprocess.PIPE, text=True, env=environment
                ).stdout
                rows[method].append([float(each) for each in output.split()])
        for method, measured in rows.items():
            total, search, quality = map(statistics.median, zip(*measured, strict=True))
            print(f"{work:<42}{method:<10}{total:>8.2f}{search:>10.3f}{quality:>12.5f}", flush=True)


if __name__ == "__main__":
    main()
