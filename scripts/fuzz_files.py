"""Read, and sometimes fill, mutated photos and masks of every format.

    python scripts/fuzz_files.py --count 100000 --seed 1 --keep findings-of-the-run

Each file is read in a worker process with a limit of memory and of time. Allowed are a picture and a
RetouchError; everything else is a finding: another exception, a crash, a time-out, too little memory, a file
that was written in part or that was not asked for, anything printed. The same seed makes the same files on
the same libraries.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import connection, get_context
from pathlib import Path

import numpy as np

import fuzz_mutations
import fuzz_samples

_FILL_EVERY = 21  # odd, so that each of two processes fills, and reads photos and masks
_OUTPUTS = (".tif", ".png", ".tif", ".jpg", ".tif", ".png", ".tif", ".webp", ".tif", ".avif")
SIZE = (40, 48)  # of the samples


def make(known: list[bytes], seed: int, number: int) -> bytes:
    """The file of a number."""
    chance = random.Random(f"{seed} {number}")
    return fuzz_mutations.mutate(chance.choice(known), chance.choice(known), chance)


def try_file(data: bytes, number: int, folder: Path) -> str:
    """Read a file, as a photo or as a mask, or fill with it. Returns what happened; "!" begins a finding."""
    from retouch import RetouchError
    from retouch.imaging import read_mask, read_photo

    try:
        if number % _FILL_EVERY == 0:
            return _fill(data, number // _FILL_EVERY, folder)
        if number % 3:
            read_photo(data)
        else:
            read_mask(data, SIZE)
    except RetouchError as error:
        return "refused" if str(error) and "\n" not in str(error) else f"! no sentence: {error}"
    except Exception as error:
        frames = [each for each in traceback.extract_tb(error.__traceback__) if "retouch/" in each.filename]
        places = ", ".join(f"{Path(each.filename).name}:{each.lineno}" for each in frames[-2:])
        return f"! {type(error).__name__}: {_plain(str(error))} at {places}"
    return "read"


def _plain(message: str) -> str:
    """A message without its numbers, so that those of one kind are counted together."""
    return re.sub("[0-9]+", "#", message.strip())[:90]


def _fill(data: bytes, number: int, folder: Path) -> str:
    """Fill a mutated photo with a good mask, or a good photo with a mutated mask."""
    import retouch
    from retouch.imaging import read_photo, write_png

    photo, mask, output = (
        folder / "photo",
        folder / "mask.png",
        folder / f"out{_OUTPUTS[number % len(_OUTPUTS)]}",
    )
    size, problem = SIZE, ""
    try:
        if number % 3:
            photo.write_bytes(data)
            size = read_photo(data).pixels.shape[:2]
            hole = np.zeros(size, np.uint8)
            hole[size[0] // 3 : size[0] // 2 + 1, size[1] // 3 : size[1] // 2 + 1] = 255
            write_png(hole, mask)
        else:
            write_png(fuzz_samples.picture(3), photo)
            mask.write_bytes(data)
        outcome = "filled"
        try:
            retouch.fill(photo, mask, model="telea", output=output)
        except retouch.RetouchError:
            outcome = "refused"
        if (outcome == "filled") != output.exists():
            problem = f"! {outcome}, and the file is {'there' if output.exists() else 'missing'}"
        elif output.exists() and read_photo(output).pixels.shape[:2] != size:
            problem = "! what was written has another size"
        if {each.name for each in folder.iterdir()} - {photo.name, mask.name, output.name}:
            problem = "! a temporary file is left"
    finally:
        for each in folder.iterdir():
            each.unlink()
    return problem or outcome


def work(pipe: connection.Connection, seed: int, numbers: range, memory: int) -> None:
    """Try files, and send each one's number before and its outcome after."""
    import retouch.imaging  # noqa: F401  # before the limit, which is about files

    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # for what libraries say of damaged files
    warnings.simplefilter("ignore")
    known = list(fuzz_samples.samples().values())
    taken = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + memory * 2**20,) * 2)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as printed:
        os.dup2(printed.fileno(), 1)
        sys.stderr = printed
        for number in numbers:
            pipe.send((number, None, 0))
            outcome = try_file(make(known, seed, number), number, Path(folder))
            printed.flush()
            if os.fstat(1).st_size:  # a photo may go to standard output, and a user reads the other
                printed.seek(0)
                outcome = f"! prints {_plain((printed.readlines() or ['?'])[-1])}"
                printed.seek(printed.truncate(0))
            pipe.send((number, outcome, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024))


@dataclass
class Worker:
    """A process, the numbers that it has yet to try, and since when it is at the present one."""

    numbers: range
    arguments: argparse.Namespace

    memory = 0  # MiB at most

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start the process, or start it again."""
        context = get_context("spawn")
        self.pipe, there = context.Pipe(duplex=False)
        given = (there, self.arguments.seed, self.numbers, self.arguments.memory)
        self.process = context.Process(target=work, args=given, daemon=True)
        self.process.start()
        there.close()
        self.since = time.monotonic() + 60  # importing and making samples takes a while

    def outcomes(self) -> Iterator[tuple[int, str]]:
        """What became of files since the last call."""
        try:
            while self.pipe.poll(0):
                number, outcome, memory = self.pipe.recv()
                self.memory = max(self.memory, memory)
                self.since = time.monotonic()
                if outcome is None:
                    self.numbers = range(number, self.numbers.stop, self.numbers.step)
                else:
                    self.numbers = self.numbers[1:]
                    yield number, outcome
        except EOFError:
            self.process.join()
            if self.numbers:
                code = self.process.exitcode or 0
                yield self._give_up(f"! ended by {signal.Signals(-code).name if code < 0 else code}")
        if self.numbers and time.monotonic() - self.since > self.arguments.seconds:
            self.process.kill()
            yield self._give_up(f"! takes more than {self.arguments.seconds:g} seconds")

    def _give_up(self, outcome: str) -> tuple[int, str]:
        number, self.numbers = self.numbers[0], self.numbers[1:]
        if self.numbers:
            self.start()
        return number, outcome


def main() -> int:
    """Run the workers and report. Ends with 1 if something was found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=10_000, help="number of files")
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=30, help="that one file may take")
    parser.add_argument("--memory", type=int, default=2048, help="MiB that a process may take for files")
    parser.add_argument("--keep", type=Path, help="folder for the files that something was found with")
    arguments = parser.parse_args()
    numbers = range(arguments.first, arguments.first + arguments.count)
    workers = [Worker(numbers[at :: arguments.processes], arguments) for at in range(arguments.processes)]
    known, counts, began = list(fuzz_samples.samples().values()), Counter[str](), time.monotonic()
    while any(worker.numbers for worker in workers):
        connection.wait([worker.pipe for worker in workers if worker.numbers], timeout=1)
        for number, outcome in [each for worker in workers for each in worker.outcomes()]:
            counts[outcome] += 1
            if counts.total() % 1000 == 0:
                print(
                    f"{counts.total() / (time.monotonic() - began):.0f} a second; {dict(counts)}", flush=True
                )
            if outcome.startswith("!") and counts[outcome] <= 3:
                print(f"{number}: {outcome}", flush=True)
                if arguments.keep:
                    arguments.keep.mkdir(parents=True, exist_ok=True)
                    (arguments.keep / str(number)).write_bytes(make(known, arguments.seed, number))
    seconds, peak = time.monotonic() - began, max(worker.memory for worker in workers)
    rate = counts.total() / seconds
    print(f"{counts.total()} files in {seconds:.0f} s, {rate:.0f} a second, {peak} MiB at most")
    for outcome, count in counts.most_common():
        print(f"{count:8} {outcome}")
    return int(any(outcome.startswith("!") for outcome in counts))


if __name__ == "__main__":
    sys.exit(main())
