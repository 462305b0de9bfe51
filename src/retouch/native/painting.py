"""The compiled exemplar-based painting (paint.cpp), for numpy arrays."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from retouch.errors import RetouchError
from retouch.native import library
from retouch.native.arrays import address
from retouch.native.interrupts import caught
from retouch.native.threads import processors

LARGEST_PATCH = 9
"""The largest side of a patch, in pixels, that the compiled part compares."""
MOST_ROUNDS = 16
"""Numbers of rounds that fit into its options."""

Render = Callable[[], NDArray[np.float32]]


class _Options(ctypes.Structure):
    """``Options`` of paint.cpp, field by field."""

    _fields_ = (
        ("patch", ctypes.c_int32),
        ("threads", ctypes.c_int32),
        ("portable", ctypes.c_int32),
        ("rounds_count", ctypes.c_int32),
        ("rounds", ctypes.c_int32 * MOST_ROUNDS),
        ("coherence", ctypes.c_float),
        ("guidance", ctypes.c_float),
        ("trust", ctypes.c_float),
        ("fading", ctypes.c_float),
        ("seed", ctypes.c_uint64),
    )


_Report = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_double, ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_int64
)


def paint(
    image: NDArray[np.float32],
    hole: NDArray[np.bool_],
    allowed: NDArray[np.bool_],
    *,
    patch: int,
    rounds: Sequence[int],
    coherence: float,
    guidance: float,
    trust: float,
    fading: float,
    seed: int,
    lines: NDArray[np.bool_] | None = None,
    guess: NDArray[np.float32] | None = None,
    report: Callable[[float, Render], None] | None = None,
    threads: int | None = None,
    portable: bool = False,
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Fill the hole of one picture with coherent patches of its known area.

    The same seed gives the same bits, whatever the number of threads and the processor.

    Args:
        image: ``H×W×3`` in [0, 1]. Its hole is not looked at.
        hole: ``H×W``, True = fill this; some of it, and not all.
        allowed: ``H×W``, True where pixels may be borrowed.
        patch: odd side of the patches, at most :data:`LARGEST_PATCH`; smaller ones serve where no such patch
            is known.
        rounds: searches and paintings from the finest level on; the last number stands for all coarser ones.
        coherence: see :class:`retouch.synthesis.options.PaintOptions`, and so are the next three.
        guidance: see there.
        trust: see there.
        fading: see there.
        seed: the only source of randomness.
        lines: ``H×W``, True on lines that go on through the hole, in it and beside it: there the hole is
            filled first, and from lines. None if there are none.
        guess: ``h×w×4`` of any size, the whole picture with another guess of the hole's colours, in [0, 1],
            and the variance of their error. Where there is a layout, both are weighed by how sure they are.
        report: called after each round with the part that is done, and what renders the present state
            (``h×w×3``, of a coarser level at first). What it raises ends the work and comes out of this
            function.
        threads: None for :func:`~retouch.native.threads.processors`.
        portable: leave out instructions that not every processor of this kind has; the result is the same.

    Returns:
        ``H×W×3``, the image with its hole filled, and ``H×W×2``, the row and column that each pixel of the
        hole was taken from; -1 elsewhere.

    Raises:
        RetouchError: there is nothing to borrow from; or the compiled part is missing.
    """
    compiled = library()
    if compiled is None:
        raise RetouchError("The compiled patch search is not there; install retouch with a C++ compiler.")
    height, width = hole.shape
    rounds = rounds[:MOST_ROUNDS]
    options = _Options(
        patch, processors() if threads is None else threads, portable, len(rounds),
        (ctypes.c_int32 * MOST_ROUNDS)(*rounds), coherence, guidance, trust, fading, int(seed) % 2**64,
    )  # fmt: skip
    raised: list[BaseException] = []

    def tell(done: float, rows: int, columns: int, pixels: int, stride: int) -> int:
        first = ctypes.cast(pixels, ctypes.POINTER(ctypes.c_uint8))
        # The last line ends with its last pixel. A copy, because C++ paints on, and then frees it.
        lines = np.ctypeslib.as_array(first, ((rows - 1) * stride + 3 * columns,))
        picture = as_strided(lines, (rows, columns, 3), (stride, 3, 1)).copy()

        def render() -> NDArray[np.float32]:
            return picture.astype(np.float32) / np.float32(255)

        try:
            if report is not None:
                report(done, render)
        except BaseException as error:  # it must not pass through C++
            raised.append(error)
        return len(raised)

    image, made = np.ascontiguousarray(image, np.float32), np.array(image, np.float32, order="C")
    maps = [
        None if each is None else np.ascontiguousarray(each).view(np.uint8) for each in (hole, allowed, lines)
    ]
    sources = np.empty((height, width, 2), np.int32)
    arrays = [address(image, np.float32), *(address(each, np.uint8) for each in maps)]
    other = None if guess is None else np.ascontiguousarray(guess, np.float32)
    size = (0, 0) if other is None else other.shape[:2]
    arrays.append(address(other, np.float32))
    results = [address(made, np.float32), address(sources, np.int32)]
    given, taken = (map(ctypes.c_void_p, each) for each in (arrays, results))
    how = ctypes.byref(options), _Report(tell)
    with caught(raised):
        code = compiled.retouch_paint(*given, *size, height, width, *how, *taken)
    if raised:
        raise raised[0]
    if code != 0:
        raise RetouchError("No known pixel is left to borrow from; allow some of the known area.")
    return made, sources
