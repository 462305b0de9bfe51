"""Large photos with object-sized holes, filled at full size by this checkout and by another, to be looked at.

    git worktree add BEFORE COMMIT
    python benchmarks/full_size.py PHOTOS --masks SILHOUETTES --before BEFORE --out FOLDER

Each photo gets one hole, a silhouette that covers 1.5 to 5 % of it, and is filled by `retouch fill` of both,
in turn, file to file. FOLDER gets a PNG for each photo, which shows what is around the hole at 100 %: the
hole, before, now, the photo. Prints seconds, Python's start included. If BEFORE has a compiled part, build it
there first (`python setup.py build_ext --inplace`); else it runs in torch.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from retouch.imaging import read_photo, write_png
from retouch.training.masks import Objects
from shared import machine

AREA = (0.015, 0.05)
AROUND = 110  # pixels that a sheet shows around the hole


def fill(checkout: Path, photo: Path, mask: Path, out: Path) -> float:
    """Fill with another process; return the seconds."""
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "retouch", "fill", photo, mask, "-o", out, "--overwrite", "--quiet"],
        env={**os.environ, "PYTHONPATH": str(checkout.resolve() / "src")},
        check=True,
    )
    return time.perf_counter() - begin


def main() -> None:
    """Read the options, fill, and write the sheets."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("--masks", type=Path, required=True, help="silhouettes: a tar file or folder")
    parser.add_argument("--before", type=Path, required=True, help="another checkout of retouch")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    objects = Objects(str(given.masks), area=AREA)
    checkouts = {"before": given.before, "now": Path(__file__).parents[1]}
    print(machine())
    for number, photo in enumerate(sorted(given.photos.glob("*.jpg"))):
        truth = read_photo(photo).pixels
        hole = objects(np.random.default_rng(number), *truth.shape[:2])
        mask = given.out / f"{photo.stem}-mask.png"
        write_png(hole.astype(np.uint8) * 255, mask, overwrite=True)
        row, seconds = [np.where(hole[..., None], np.uint8(128), truth)], []
        for name, checkout in checkouts.items():
            out = given.out / f"{photo.stem}-{name}.png"
            seconds.append(f"{name} {fill(checkout, photo, mask, out):.1f} s")
            row.append(read_photo(out).pixels)
        left, top, width, height = cv2.boundingRect(hole.astype(np.uint8))
        rows = slice(max(0, top - AROUND), top + height + AROUND)
        columns = slice(max(0, left - AROUND), left + width + AROUND)
        sheet = np.concatenate([each[rows, columns] for each in (*row, truth)], 1)
        write_png(sheet, given.out / f"{photo.stem}.png", overwrite=True)
        share = f"{hole.mean():.1%} of {truth.size / 3e6:.1f} MP"
        print(f"{photo.stem}: {share}, {', '.join(seconds)}", flush=True)


if __name__ == "__main__":
    main()
