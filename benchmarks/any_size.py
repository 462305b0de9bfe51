"""What a hole costs in photos from 0.25 to 100 megapixels: seconds and memory.

    python benchmarks/any_size.py --photos FOLDER --count 3 --threads 2

There are two cases, with photos made from those in FOLDER:

  object     A round hole 200 pixels across. All sizes are cut around the hole from one mosaic (the photo,
             mirrored at its borders until it is large enough), so its surroundings are the same in all sizes.
  share      A hole of 6 % of the photo, with the photo resized, up to 24 megapixels.

Each photo of each size is measured in a process of its own, and all sizes of a photo before the next photo.
"fill" is `retouch.fill` from the photo in memory to the filled photo in memory (in place, as the command line
does). "CPU" is the processor time of that, which says more on a busy machine. "peak" is the largest resident
memory of the process as Linux counts it, from reading to writing, including Python and torch; "above" is the
part beyond the decoded photo. "step" is the metric `seam`: the mean step of colour across the border of the
hole, divided by that in the photo around it. Prints medians over photos as Markdown.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import torch

import retouch
from lama import Generator
from retouch.evaluation.metrics import seam
from retouch.imaging import photo_from_array, read_mask, read_photo, write_photo, write_png
from shared import interleaved, machine

MEGAPIXELS = (0.25, 0.5, 1, 2, 4, 6, 12, 24, 50, 100)
LARGEST_SHARE = 24  # megapixels
SHARE = 0.06
OBJECT = 200
ENDINGS = (".jpg", ".jpeg", ".png", ".tif", ".webp")

Thing = TypeVar("Thing")


def make(case: str, source: Path, folder: Path) -> None:
    """Write the photo and the mask of a case such as "object 12"."""
    kind, megapixels = case.split()
    pixels = read_photo(source).pixels
    height, width = pixels.shape[:2]
    factor = (float(megapixels) * 1e6 / (height * width)) ** 0.5
    rows, columns = round(height * factor), round(width * factor)
    if kind == "share":
        kernel = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        pixels = cv2.resize(pixels, (columns, rows), interpolation=kernel)
        across = 2 * (SHARE * rows * columns / np.pi) ** 0.5
    else:
        margins = [max(0, -(-(new - old) // 2)) for new, old in ((rows, height), (columns, width))]
        pixels = np.pad(pixels, [(margin, margin) for margin in margins] + [(0, 0)], mode="symmetric")
        top, left = ((old - new) // 2 for old, new in zip(pixels.shape, (rows, columns), strict=False))
        pixels, across = pixels[top : top + rows, left : left + columns], float(OBJECT)
    mask = np.zeros((rows, columns), np.uint8)
    cv2.circle(mask, (columns // 2, rows // 2), round(across / 2), 255, -1)
    photo_file, mask_file = _files(case, source, folder)
    write_photo(photo_from_array(np.ascontiguousarray(pixels)), photo_file)
    write_png(mask, mask_file)


def measure(case: str, source: Path, folder: Path, model: str) -> tuple[float, ...]:
    """Seconds to read, fill (by the clock, of the processor) and write; peak and photo in bytes; the step."""
    filler = retouch.load(model)
    # The first fill of a process loads kernels and starts threads.
    small = np.zeros((64, 64), bool)
    small[20:40, 20:40] = True
    retouch.fill(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8), small, model=filler)
    photo_file, mask_file = _files(case, source, folder)
    reading, photo = _timed(lambda: read_photo(photo_file))
    more, hole = _timed(lambda: read_mask(mask_file, photo.pixels.shape))
    busy = time.process_time()
    filling, result = _timed(lambda: retouch.fill(photo, hole, model=filler, in_place=True))
    busy = time.process_time() - busy
    filled = result.image
    writing, _ = _timed(lambda: write_photo(filled, folder / "out.jpg", overwrite=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    step = seam.measure(filled.pixels, filled.pixels, hole).get("seam", float("nan"))
    return reading + more, filling, busy, writing, peak, photo.pixels.nbytes, step


@torch.inference_mode()
def measure_lama(side: int) -> tuple[float, float]:
    """Seconds and peak bytes of one forward pass."""
    network = Generator().eval()
    network(torch.rand(1, 4, 64, 64))
    values = torch.rand(1, 4, side, side)
    seconds, _ = _timed(lambda: network(values))
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _timed(work: Callable[[], Thing]) -> tuple[float, Thing]:
    begin = time.perf_counter()
    made = work()
    return time.perf_counter() - begin, made


def _files(case: str, source: Path, folder: Path) -> tuple[Path, Path]:
    name = f"{source.stem} {case}"
    return folder / f"{name}.jpg", folder / f"{name} mask.png"


def rows_of(
    cases: Sequence[str], photos: Sequence[Path], folder: Path, shared: Sequence[str]
) -> dict[str, list[tuple[float, ...]]]:
    """The numbers of :func:`measure` for each case, one row per photo."""
    results: dict[str, list[tuple[float, ...]]] = {case: [] for case in cases}
    for photo in photos:
        options = ["--photo", str(photo), "--work", str(folder), *shared]
        # Photos are made in processes of their own, so that no measured process holds them.
        interleaved(__file__, cases, 1, [*options, "--make"])
        for case, rows in interleaved(__file__, cases, 1, options).items():
            results[case] += rows
    return results


def print_table(results: dict[str, list[tuple[float, ...]]]) -> None:
    """Print the medians of one case."""
    print("\n| megapixels | read s | fill s | CPU s | write s | peak MB | above MB | step |")
    print("|" + "---:|" * 8)
    for case, rows in results.items():
        reading, filling, busy, writing, peak, held, step = map(statistics.median, zip(*rows, strict=True))
        print(
            f"| {case.split()[1]} | {reading:.1f} | {filling:.2f} | {busy:.2f} | {writing:.1f} "
            f"| {peak / 2**20:,.0f} | {(peak - held) / 2**20:,.0f} | {step:.2f} |",
            flush=True,
        )


def main() -> None:
    """Read the command line; measure one case, or have all of them measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="photos of about ten megapixels")
    parser.add_argument("--count", type=int, default=3, help="how many of them; default: 3")
    parser.add_argument(
        "--model", default="auto", help="as `retouch models` lists; default: the default model"
    )
    parser.add_argument(
        "--megapixels", type=float, nargs="+", default=MEGAPIXELS, help="default: 0.25 to 100"
    )
    parser.add_argument("--threads", type=int, default=2, help="of torch; default: 2")
    parser.add_argument(
        "--lama", type=int, metavar="SIDE", help="also time a network of LaMa's size on SIDE²"
    )
    for private in ("measure", "photo", "work"):
        parser.add_argument(f"--{private}", help=argparse.SUPPRESS)
    parser.add_argument("--make", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.measure == "lama":
        print(*measure_lama(arguments.lama))
        return
    if arguments.measure:
        photo, folder = Path(arguments.photo), Path(arguments.work)
        if arguments.make:
            make(arguments.measure, photo, folder)
        else:
            print(*measure(arguments.measure, photo, folder, arguments.model))
        return
    if arguments.photos is None or not arguments.photos.is_dir():
        sys.exit("any_size.py: name a folder of photos with --photos.")
    found = sorted(each for each in arguments.photos.iterdir() if each.suffix.lower() in ENDINGS)
    photos = found[: arguments.count]
    if not photos:
        sys.exit(f"any_size.py: {arguments.photos} holds no photos; name another folder.")
    print(machine())
    print(f"{arguments.model}, {arguments.threads} threads, medians of {len(photos)} photos")
    cases = (
        [f"object {size:g}" for size in arguments.megapixels],
        [f"share {size:g}" for size in arguments.megapixels if size <= LARGEST_SHARE],
    )
    shared = ["--model", arguments.model, "--threads", str(arguments.threads)]
    with tempfile.TemporaryDirectory() as folder:
        for each in filter(None, cases):
            print_table(rows_of(each, photos, Path(folder), shared))
    if arguments.lama is not None:
        ((seconds, peak),) = interleaved(__file__, ["lama"], 1, [*shared, "--lama", str(arguments.lama)])[
            "lama"
        ]
        print(f"\nA network of LaMa's size on {arguments.lama}²: {seconds:.1f} s, {peak / 2**20:,.0f} MB.")


if __name__ == "__main__":
    main()
