"""Read, and sometimes fill, mutated photos and masks of every format.

    python scripts/fuzz_files.py --count 100000 --seed 1 --keep findings-of-the-run

Each file is read in a worker process with a limit of memory and of time. Allowed are a picture and a
RetouchError; everything else is a finding: another exception, a crash, a time-out, too little memory, a file
that was written in part or that was not asked for. The same seed makes the same files on the same libraries.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import resource
import signal
import struct
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import connection, get_context
from pathlib import Path

import numpy as np

import fuzz_samples

_ODD = (
    0,
    1,
    2,
    3,
    7,
    8,
    16,
    0x7F,
    0x80,
    0xFF,
    0x100,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x10000,
    0x7FFFFFFF,
    0xFFFFFFFF,
)
_FILL_EVERY = 21  # odd, so that each of two processes fills, and reads photos and masks
_OUTPUTS = (".tif", ".png", ".tif", ".jpg", ".tif", ".png", ".tif", ".webp", ".tif", ".avif")
SIZE = (40, 48)  # of the samples
Piece = tuple[int, int, int, str]
"""Start and end of a chunk, segment, box or entry; where its length or count is; that number's form."""


def pieces(data: bytes) -> list[Piece]:
    """The parts that a file of a known format consists of; an empty list for other formats."""
    found: list[Piece] = []
    if data[:2] in (b"II", b"MM"):
        order = "<" if data[:2] == b"II" else ">"
        (at,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, at) if at + 2 <= len(data) else (0,)
        entries = range(at + 2, min(at + 2 + 12 * count, len(data) - 11), 12)
        return [(entry, entry + 12, entry + 4, order + "I") for entry in entries]
    at = 8 if data[:4] == b"\x89PNG" else 12 if data[:4] == b"RIFF" else 2 if data[:2] == b"\xff\xd8" else 0
    boxes = data[4:8] in (b"ftyp", b"jP  ")
    while at + 8 <= len(data) and (at or boxes):
        if at >= 8 and data[:4] == b"\x89PNG":
            end, form, length = at + 12, ">I", at
        elif data[:4] == b"RIFF":
            end, form, length = at + 8, "<I", at + 4
        elif data[:2] == b"\xff\xd8":
            end, form, length = at + 2, ">H", at + 2
        else:
            end, form, length = at, ">I", at
        end += int(struct.unpack_from(form, data, length)[0])
        if end <= at or end > len(data) or (form == ">H" and data[at] != 0xFF):
            break
        found.append((at, end, length, form))
        # What a box of metadata consists of is next.
        at = (
            at + 12
            if data[at + 4 : at + 8] == b"meta"
            else at + 8
            if data[at + 4 : at + 8] == b"iprp"
            else end
        )
    return found


def mutate(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Change a file in one to four ways; ``other`` lends what is spliced in."""
    for _ in range(chance.choice((1, 1, 1, 1, 2, 3))):
        data = (
            _mutate_pieces(data, other, chance)
            if chance.random() < 0.5
            else _mutate_bytes(data, other, chance)
        )
    if data[:4] == b"\x89PNG" and chance.random() < 0.8:
        for start, end, _, _ in pieces(data):
            data = data[: end - 4] + struct.pack(">I", zlib.crc32(data[start + 4 : end - 4])) + data[end:]
    return data


def _mutate_pieces(data: bytes, other: bytes, chance: random.Random) -> bytes:
    found, others = pieces(data), pieces(other)
    if not found:
        return _mutate_bytes(data, other, chance)
    one, two = sorted((chance.choice(found), chance.choice(found)))
    start, end, length, form = one
    match chance.randrange(6):
        case 0 if end <= two[0]:
            return (
                data[:start] + data[two[0] : two[1]] + data[end : two[0]] + data[start:end] + data[two[1] :]
            )
        case 1:
            return data[:start] + data[end:]
        case 2:
            return data[: two[0]] + data[start:end] + data[two[0] :]
        case 3 if others:
            new = chance.choice(others)
            return data[:start] + other[new[0] : new[1]] + data[chance.choice((start, end)) :]
        case 4:
            size = struct.calcsize(form)
            number = (chance.choice(_ODD) + chance.choice((0, 0, -1, len(data)))) % 256**size
            return data[:length] + struct.pack(form, number) + data[length + size :]
    return data[:start] + _mutate_bytes(data[start:end], other, chance) + data[end:]


def _mutate_bytes(data: bytes, other: bytes, chance: random.Random) -> bytes:
    size = len(data)
    # Headers matter most, so half of the places are among the first bytes.
    at, to = sorted(chance.randrange(1 + min(size, chance.choice((64, 600, size, size)))) for _ in range(2))
    match chance.randrange(8):
        case 0:
            return data[:to]
        case 1:
            return data[:at] + data[to:]
        case 2:
            return data[:to] + data[at:]
        case 3:
            return data[:at] + other[min(at, len(other)) :]
        case 4:
            return data[:at] + chance.randbytes(chance.randrange(1, 9)) + data[at:]
        case 5:
            form = chance.choice((">B", ">H", "<H", ">I", "<I", ">Q", "<Q"))
            number = (chance.choice(_ODD) - chance.choice((0, 0, 1))) % 256 ** struct.calcsize(form)
            return data[:at] + struct.pack(form, number) + data[at + struct.calcsize(form) :]
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16)) if out else 0):
        out[chance.randrange(size) if chance.random() < 0.5 else min(at, size - 1)] ^= 1 << chance.randrange(
            8
        )
        at = chance.randrange(1 + min(size, 600))
    return bytes(out)


def make(known: list[bytes], seed: int, number: int) -> bytes:
    """The file of a number."""
    chance = random.Random(f"{seed} {number}")
    return mutate(chance.choice(known), chance.choice(known), chance)


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
            pipe.send((number, None))
            outcome = try_file(make(known, seed, number), number, Path(folder))
            printed.flush()
            if os.fstat(1).st_size:  # a photo may go to standard output, and a user reads the other
                printed.seek(0)
                outcome = f"! prints {_plain((printed.readlines() or ['?'])[-1])}"
                printed.seek(printed.truncate(0))
            pipe.send((number, outcome))
        pipe.send((-1, str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)))


@dataclass
class Worker:
    """A process, the numbers that it has yet to try, and since when it is at the present one."""

    numbers: range
    arguments: argparse.Namespace

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
        self.since, self.memory = time.monotonic() + 60, 0  # importing and making samples takes a while

    def outcomes(self) -> Iterator[tuple[int, str]]:
        """What became of files since the last call."""
        try:
            while self.pipe.poll(0):
                number, outcome = self.pipe.recv()
                self.since = time.monotonic()
                if number < 0:
                    self.memory, self.numbers = int(outcome), range(0)
                elif outcome is None:
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
