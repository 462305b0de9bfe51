"""Time and memory of `retouch fill` on whole photos, each with a hole as an object would leave it.

    python benchmarks/photos.py FOLDER --share 0.06

Each photo of FOLDER gets a smooth random blob as its mask; the same file name gets the same blob. The command
runs in a process of its own, so its seconds include start-up, reading and writing, and its peak memory
(resident, as Linux counts it) is that of the whole run. OUT receives the masks, the filled photos and
before/after side by side, the hole outlined in the picture before. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from retouch.errors import RetouchError
from retouch.imaging import Photo, read_photo, to_srgb, write_png

PAIR_WIDTH = 1600
MARGIN = 0.05  # of each side, kept between hole and border
OUTLINE = (255, 0, 255)
LARGEST_SHARE = 0.3

# Linux counts to a process what the one that started it held. So the command is started by this small
# program, not by the benchmark, which may hold a whole photo.
MEASURE = """
import json, os, subprocess, sys, time
begin = time.perf_counter()
process = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(process.pid, 0)
seconds = time.perf_counter() - begin
print(json.dumps([os.waitstatus_to_exitcode(status), seconds, usage.ru_maxrss]))
"""
COMMAND = [sys.executable, "-c", "from retouch.cli import main; main()", "fill"]


@dataclass(frozen=True)
class Run:
    """What one run of the command took: seconds, and bytes at its peak."""

    seconds: float
    peak: int


def blob(height: int, width: int, share: float, seed: int) -> np.ndarray:
    """Draw a smooth random blob away from the border.

    Args:
        height: of the photo, in pixels.
        width: of the photo, in pixels.
        share: area of the blob, as a part of the photo's.
        seed: says which blob.

    Returns:
        ``H×W`` uint8, 255 in the blob.

    Raises:
        RetouchError: a blob of that share does not fit into the photo.
    """
    random = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * math.pi, 720, endpoint=False)
    radius = np.ones_like(angle)
    for waves in range(2, 7):
        radius += random.uniform(-0.5, 0.5) / waves * np.cos(waves * angle + random.uniform(0, 2 * math.pi))
    # Stretched half as much as the photo is, so that it fits into a panorama.
    stretch = (width / height) ** 0.25
    x, y = radius * np.cos(angle) * stretch, radius * np.sin(angle) / stretch
    area = abs((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) / 2
    scale = math.sqrt(share * height * width / area)
    points = []
    for values, length in ((x * scale, width), (y * scale, height)):
        low, high = length * MARGIN - values.min(), length * (1 - MARGIN) - values.max()
        if low > high:
            raise RetouchError(
                f"A blob of {share:.0%} does not fit into {width} × {height} pixels; lower --share."
            )
        points.append(values + random.uniform(low, high))
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.rint(np.stack(points, axis=1)).astype(np.int32)], 255)
    return mask


def measure(photo: Path, mask: Path, target: Path, model: str) -> Run:
    """Run the command in a process of its own.

    Raises:
        RetouchError: the command failed; the text is what it said.
    """
    command = [*COMMAND, str(photo), str(mask), "-o", str(target), "--model", model, "--overwrite", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *command], check=True, capture_output=True, text=True
    )
    code, seconds, kilobytes = json.loads(done.stdout.splitlines()[-1])
    if code != 0:
        raise RetouchError(f"{photo.name} failed with exit code {code}: {done.stderr.strip()}")
    return Run(seconds, kilobytes * 1024)


def reduced(photo: Photo, width: int) -> np.ndarray:
    """The photo in sRGB, ``h×width×3`` uint8."""
    height = max(1, round(photo.pixels.shape[0] * width / photo.pixels.shape[1]))
    small = cv2.resize(photo.pixels, (width, height), interpolation=cv2.INTER_AREA).reshape(height, width, -1)
    image = to_srgb(replace(photo, pixels=small, alpha=None), slice(None), slice(None))
    return np.rint(255 * image).astype(np.uint8)


def side_by_side(before: Photo, after: Photo, mask: np.ndarray) -> np.ndarray:
    """Before, with the hole outlined, and after; ``h×1600×3`` uint8."""
    gap = 8
    width = (PAIR_WIDTH - gap) // 2
    left, right = reduced(before, width), reduced(after, width)
    hole = cv2.resize(mask, (width, len(left)), interpolation=cv2.INTER_AREA)
    contours, _ = cv2.findContours((hole > 127).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(left, contours, -1, OUTLINE, 1)
    return np.concatenate([left, np.full((len(left), gap, 3), 255, np.uint8), right], axis=1)


def benchmark(path: Path, photo: Photo, share: float, model: str, out: Path) -> str:
    """Fill one photo, write the pictures; returns its row of the table."""
    height, width = photo.pixels.shape[:2]
    mask = blob(height, width, share, seed=zlib.crc32(path.name.encode()))
    # Names keep the ending, or a.jpg and a.png would overwrite each other.
    mask_path, target = out / f"{path.name}-mask.png", out / f"{path.stem}-filled{path.suffix}"
    write_png(mask, mask_path, overwrite=True)
    run = measure(path, mask_path, target, model)
    write_png(
        side_by_side(photo, read_photo(target), mask), out / f"{path.name}-before-after.png", overwrite=True
    )
    hole = int((mask > 0).sum())
    return (
        f"| {path.name} | {width} × {height} | {hole:,} ({hole / mask.size:.1%}) "
        f"| {run.seconds:.1f} | {run.peak / 2**20:,.0f} |"
    )


def share_of(text: str) -> float:
    """A share that a blob can have, for argparse."""
    number = float(text)
    if not 0 < number <= LARGEST_SHARE:
        raise argparse.ArgumentTypeError(f"must be more than 0 and at most {LARGEST_SHARE}, not {text}")
    return number


def main() -> None:
    """Read the command line, print the table as it grows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the photos; other files are passed over")
    parser.add_argument(
        "--share", type=share_of, default=0.06, help="the hole, as a part of the photo; left out: 0.06"
    )
    parser.add_argument("--model", default="exemplar", help="as `retouch models` lists; left out: exemplar")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/photos"), help="folder of the pictures; left out: runs/photos"
    )
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        sys.exit(f"photos.py: {arguments.folder} is not a folder; name one that holds photos.")
    if arguments.out.resolve() == arguments.folder.resolve():
        sys.exit("photos.py: --out is FOLDER itself; name another, or the pictures would become photos.")
    arguments.out.mkdir(parents=True, exist_ok=True)
    failed = False
    print("| photo | size | hole, pixels | seconds | peak MB |\n|---|---:|---:|---:|---:|")
    for path in sorted(each for each in arguments.folder.iterdir() if each.is_file()):
        try:
            photo = read_photo(path)
        except RetouchError as error:
            print(f"passed over: {error}", file=sys.stderr)
            continue
        try:
            print(benchmark(path, photo, arguments.share, arguments.model, arguments.out), flush=True)
        except RetouchError as error:
            print(f"photos.py: {error}", file=sys.stderr)
            failed = True
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
