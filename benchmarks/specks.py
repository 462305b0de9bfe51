"""How long it takes to mend thousands of specks on a large scan, and what OpenCV takes for the same.

    python benchmarks/specks.py PHOTO --megapixels 24 --specks 5000

The photo is enlarged or shrunk to that size. Each way runs in a process of its own, in turn. "restore" is
all of `retouch restore SCAN --mask MASK`, files read and written; the others are the fill alone, of a photo
in memory. Memory is the peak of the whole process.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

import retouch
from damage_speed import scan
from retouch.engine.pipeline import fill_photo
from retouch.imaging import photo_from_array
from retouch.restoration.mending import mending

WAYS = ("restore", "mend", "mend, one thread", "auto", "opencv telea")


def dust(shape: tuple[int, ...], count: int) -> np.ndarray:
    """Discs of 1 to 4 pixels' radius, white on black."""
    random = np.random.default_rng(0)
    mask = np.zeros(shape[:2], np.uint8)
    for x, y, radius in zip(
        random.integers(0, shape[1], count),
        random.integers(0, shape[0], count),
        random.integers(1, 5, count),
        strict=True,
    ):
        cv2.circle(mask, (int(x), int(y)), int(radius), 255, -1)
    return mask


def measured(way: str, photo: np.ndarray, mask: np.ndarray) -> tuple[float, float, float]:
    """Seconds, processor seconds and peak MB of one way."""
    hole = mask > 0
    with TemporaryDirectory() as folder:
        source, marked, target = (str(Path(folder, name)) for name in ("scan.tif", "mask.png", "mended.tif"))
        if way == "restore":
            cv2.imwrite(source, photo)
            cv2.imwrite(marked, mask)
        begin, busy = time.perf_counter(), time.process_time()
        if way == "restore":
            retouch.restore(source, marked, output=target)
        elif way.startswith("mend"):
            fill_photo(photo_from_array(photo), hole, mending(), trace=False)
        elif way == "auto":
            retouch.inpaint(photo, hole)
        else:
            cv2.inpaint(photo, mask, 3, cv2.INPAINT_TELEA)
        spent, busy = time.perf_counter() - begin, time.process_time() - busy
    return spent, busy, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photo", type=Path)
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--specks", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--measure", choices=WAYS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        if given.measure.endswith("one thread"):
            os.environ["OMP_NUM_THREADS"] = "1"
            cv2.setNumThreads(1)
        photo = scan(given.photo, given.megapixels, 0)
        print(*measured(given.measure, photo, dust(photo.shape, given.specks)))
        return
    from shared import interleaved, machine

    print(machine())
    options = [str(given.photo), "--megapixels", str(given.megapixels), "--specks", str(given.specks)]
    rows = interleaved(__file__, list(WAYS), given.repeats, options)
    print("way                seconds   CPU s   peak MB")
    for way, each in rows.items():
        seconds, busy, peak = np.median(each, 0)
        print(f"{way:<17}{seconds:>9.2f}{busy:>8.2f}{peak:>10.0f}")


if __name__ == "__main__":
    main()
