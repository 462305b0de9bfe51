"""How much memory and how many processors there are, how much a photo takes, and who may take it when."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from retouch.batching import places
from retouch.batching.jobs import Job
from retouch.errors import RetouchError
from retouch.native.threads import asked_threads, cores

_SHARE = 0.8  # of what is free, unless the user says how much
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


# Measured, with holes of up to 40 % of the photo, and some reserve (docs/batch.md).
_A_PIXEL, _A_PROCESS, _WITH_NETWORKS = 95, 110 * 2**20, 600 * 2**20
_NOT_HERE = 24_000_000  # pixels that are assumed of a photo behind a URL


class Budget:
    """Memory that is shared. Who asks first gets it first, so a large photo is not passed by for ever.

    Args:
        total: bytes for all together.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._held = 0
        self._turn = threading.Lock()
        self._freed = threading.Condition()

    @contextmanager
    def hold(self, needed: int) -> Iterator[None]:
        """Wait until there is room, and hold it."""
        needed = min(needed, self.total)
        with self._turn, self._freed:
            self._freed.wait_for(lambda: self._held + needed <= self.total)
            self._held += needed
        try:
            yield
        finally:
            with self._freed:
                self._held -= needed
                self._freed.notify_all()


def needs(job: Job) -> int:
    """Estimate from the head of the photo's file how many bytes of memory a fill takes at most.

    Raises:
        RetouchError: the file is no photo.
    """
    from retouch import imaging

    options = job.options
    light = options.get("model", "auto") in ("auto", "exemplar", "telea", "navier-stokes")
    light = light and not options.get("refine") and not options.get("confidence")
    process = _A_PROCESS if light else _WITH_NETWORKS
    if places.is_url(job.photo):
        return process + _A_PIXEL * _NOT_HERE
    rows, columns = imaging.photo_size(job.photo, allow_huge=bool(options.get("allow_huge")))
    return process + _A_PIXEL * rows * columns


def read_memory(text: str) -> int:
    """Read an amount of memory such as "4G" or "500M", in bytes.

    Raises:
        RetouchError: it is none.
    """
    plain = text.strip().upper().removesuffix("B").removesuffix("I")
    number, unit = (plain[:-1], plain[-1]) if plain[-1:] in ("K", "M", "G", "T") else (plain, "")
    with suppress(ValueError):
        if 0 < float(number) < 2**40:
            return int(float(number) * _UNITS[unit])
    raise RetouchError(f"Memory is given like 4G or 500M, not {text!r}.")


def default_memory() -> int:
    """80 % of the memory that is free; and of what the process' control group may take, if that is less."""
    return int(_SHARE * min(_free(), *_limits()))


def threads_for(workers: int) -> int:
    """How many threads each of several processes may use; ``OMP_NUM_THREADS`` can make it fewer."""
    share = max(1, cores() // workers)
    return min(share, asked_threads() or share)


def _free() -> int:
    with suppress(OSError, ValueError, IndexError, StopIteration):  # no Linux
        lines = Path("/proc/meminfo").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("MemAvailable")).split()[1])
    with suppress(ValueError, OSError, AttributeError):  # no POSIX
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return 4 * 2**30


def _limits() -> Iterator[int]:
    """What control groups (version 2) allow, of containers and cluster jobs; always at least one figure."""
    yield 2**62
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            if line.startswith("0::"):
                place = Path("/sys/fs/cgroup", line[3:].lstrip("/"))
                for folder in (place, *place.parents[:-3]):
                    with suppress(OSError, ValueError):  # "max", or no such file
                        yield int((folder / "memory.max").read_text())
