"""What `retouch batch` costs beside the fills themselves.

    python benchmarks/batch.py --megapixels 2 --count 16 --repeats 5
    python benchmarks/batch.py --megapixels 12 --count 8 --repeats 3
    python benchmarks/batch.py --tiny 10000

The first form fills COUNT photos in four ways, which take turns, each in processes of its own:

  loop       `retouch.fill` in a loop, one thread
  one        `retouch batch --workers 1`, one thread
  two        `retouch batch --workers 2`, one thread each
  one-all    `retouch batch --workers 1`, with as many threads as there are processors

Photos are cut from one picture, mirrored where it ends, as JPEG; the hole is a square of SHARE of the photo.
"wall" is the time by the clock, from the start of the program to its end, and "CPU" the processor time of all
its processes. Each figure is the median over repeats, and each ratio the median of the ratios in one repeat.
"best" is the shortest time of all repeats: what else runs on the machine can only make a time longer.

The last form lists TINY photos of 16×16 pixels, looks for what was done, writes a line for each into the
journal and gives the results their names, with copies instead of fills, whose time does not count; then
it does so again, when all is done.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from retouch.batching.jobs import Job
from retouch.batching.journal import Journal
from retouch.batching.plan import Batch
from retouch.batching.running import run
from retouch.batching.transfer import inputs_of, result_of
from retouch.imaging import photo_from_array, read_photo, write_photo, write_png
from shared import machine

WAYS = ("loop", "one", "two", "one-all")
EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "photo.jpg"
LOOP = """
import sys
from pathlib import Path
import retouch
for photo in sorted(Path("photos").iterdir()):
    mask = Path("masks", photo.stem + ".png")
    retouch.fill(photo, mask, model=sys.argv[1], output=f"out/{photo.name}", trace=False)
"""


def make(folder: Path, source: Path, count: int, megapixels: float, share: float) -> None:
    """Write photos and masks."""
    pixels = read_photo(source).pixels
    rows = round((megapixels * 1e6 / 1.5) ** 0.5)
    columns = round(rows * 1.5)
    twice = np.concatenate([pixels, pixels[::-1]], 0)
    tile = np.concatenate([twice, twice[:, ::-1]], 1)  # its edges meet
    across, down = -(-columns // tile.shape[1]) + 1, -(-rows // tile.shape[0]) + 1
    whole = np.tile(tile, (down, across, 1))
    mask = np.zeros((rows, columns), np.uint8)
    high, wide = round(rows * share**0.5), round(columns * share**0.5)
    mask[(rows - high) // 2 :][:high, (columns - wide) // 2 :][:, :wide] = 255
    for name in ("photos", "masks"):
        (folder / name).mkdir()
    for number in range(count):
        top, left = (number * 97) % tile.shape[0], (number * 181) % tile.shape[1]
        photo = np.ascontiguousarray(whole[top : top + rows, left : left + columns])
        write_photo(photo_from_array(photo), folder / "photos" / f"{number:03}.jpg")
        write_png(mask, folder / "masks" / f"{number:03}.png")


def timed(folder: Path, way: str, model: str) -> tuple[float, float]:
    """Fill all, and return the seconds by the clock and of the processors."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    (folder / "out").mkdir()
    command = [
        sys.executable,
        "-m",
        "retouch",
        "batch",
        "photos",
        "masks",
        "-o",
        "out",
        "--model",
        model,
        "-q",
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "VIPS_CONCURRENCY": "1"}
    if way == "loop":
        command = [sys.executable, "-c", LOOP, model]
    elif way == "one-all":
        del environment["OMP_NUM_THREADS"], environment["VIPS_CONCURRENCY"]
    command += [] if way == "loop" else ["--workers", "2" if way == "two" else "1"]
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True)
    seconds, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(given: argparse.Namespace) -> None:
    """Fill in all ways, in turns, and print the table."""
    ways = WAYS[: given.ways]
    rows: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make(folder, given.photo, given.count, given.megapixels, given.share)
        for _ in range(given.repeats):
            for way in ways:
                rows[way].append(timed(folder, way, given.model))
    print(machine())
    print(f"{given.count} photos of {given.megapixels:g} megapixels, hole {given.share:.0%}, {given.model}")
    print(f"medians of {given.repeats}\n")
    print("| way | wall s | best wall s | CPU s | photos a minute | CPU s a photo |")
    print("|---|---:|---:|---:|---:|---:|")
    for way in ways:
        wall, busy = (statistics.median(each) for each in zip(*rows[way], strict=True))
        best = min(each[0] for each in rows[way])
        rate, cost = 60 * given.count / best, busy / given.count
        print(f"| {way} | {wall:.1f} | {best:.1f} | {busy:.1f} | {rate:.1f} | {cost:.2f} |")
    for name, one, other in (
        ("a batch takes, compared with the loop", "one", "loop"),
        ("two workers fill, compared with one of one thread", "one", "two"),
        ("two workers fill, compared with one of all threads", "one-all", "two"),
    )[: given.ways - 1]:
        for place, what in enumerate(("wall", "CPU")):
            found = [a[place] / b[place] for a, b in zip(rows[one], rows[other], strict=True)]
            shown = ", ".join(f"{each:.2f}" for each in sorted(found))
            least = min(each[place] for each in rows[one]) / min(each[place] for each in rows[other])
            print(f"{name}: {statistics.median(found):.3f} ({what}; {shown}), of the best {least:.3f}")


class Copies:
    """Workers that copy the photo at once, and say what the journal needs."""

    room = 36  # as of two processes

    def __init__(self, out: str, staging: str) -> None:
        self.seconds = 0.0
        self.waiting, self._out, self._staging = 0, out, staging
        self._done: list[tuple[Job, dict[str, Any]]] = []

    def check(self, options: object) -> None:
        """Everything is right."""

    def give(self, job: Job) -> None:
        """Copy the photo."""
        begin = time.perf_counter()
        staged = f"{self._staging}/{job.name.replace('/', '_')}"
        shutil.copyfile(job.photo, staged)
        files = {job.name: result_of(self._out, staged)}
        reply = {"outcome": "filled", "error": "", "notes": [], "seconds": 0.0, "files": files}
        self._done.append((job, {"inputs": inputs_of(job, read=True), **reply}))
        self.waiting += 1
        self.seconds += time.perf_counter() - begin

    def take(self, *, wait: bool) -> list[tuple[Job, dict[str, Any]]]:
        """What was copied, in the groups that real workers would end in."""
        if not wait:
            return []
        ended, self._done, self.waiting = self._done, [], 0
        return ended

    def close(self) -> None:
        """Nothing is open."""


def tiny(count: int) -> None:
    """List tiny photos and write the journal, twice."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "photos").mkdir()
        (folder / "masks").mkdir()
        write_png(np.zeros((16, 16, 3), np.uint8), folder / "a.png")
        for number in range(count):
            shutil.copyfile(folder / "a.png", folder / "photos" / f"{number}.png")
            shutil.copyfile(folder / "a.png", folder / "masks" / f"{number}.png")
        print(machine())
        print("| run | list s | read the journal s | look, write the journal, name s | together s |")
        print("|---|---:|---:|---:|---:|")
        for what in ("all to do", "all done"):
            print(f"| {what} | {' | '.join(f'{each:.2f}' for each in once(folder))} |")


def once(folder: Path) -> tuple[float, float, float, float]:
    """The seconds of each part of a batch whose fills take none."""
    out = str(folder / "out")
    begin = time.perf_counter()
    jobs = Batch(str(folder / "photos"), str(folder / "masks"), out).jobs()
    listed = time.perf_counter()
    journal = Journal(out)
    journal.open()
    opened = time.perf_counter()
    copies = Copies(out, journal.staging)
    if any(each.outcome == "failed" for each in run(jobs, journal, out, lambda: copies)):
        raise SystemExit("a tiny photo failed")
    journal.close()
    rest = time.perf_counter() - opened - copies.seconds
    return listed - begin, opened - listed, rest, opened - begin + rest


def main() -> None:
    """Read the options, and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photo", type=Path, default=EXAMPLE, help="the picture that photos are cut from")
    parser.add_argument("--count", type=int, default=16)
    parser.add_argument("--megapixels", type=float, default=2)
    parser.add_argument("--share", type=float, default=0.06, help="the hole's share of the photo")
    parser.add_argument("--model", default="auto")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--ways", type=int, default=4, help="how many of the ways, from the first on")
    parser.add_argument("--tiny", type=int, help="measure discovery and journal of so many tiny photos")
    given = parser.parse_args()
    if given.tiny:
        tiny(given.tiny)
    else:
        compare(given)


if __name__ == "__main__":
    main()
