"""The compiled layout of a coarse level (layout.cpp), for numpy arrays."""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import NDArray

from retouch.errors import RetouchError
from retouch.native import library
from retouch.native.arrays import address
from retouch.native.threads import processors


def lay_out(
    image: NDArray[np.float32],
    certainty: NDArray[np.float32],
    readable: NDArray[np.bool_],
    texture: NDArray[np.float32] | None,
    lines: NDArray[np.float32] | None,
    guess: NDArray[np.uint8],
    other: NDArray[np.float32] | None = None,
    *,
    seed: int,
    threads: int | None = None,
    portable: bool = False,
) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.int32]]:
    """See :func:`retouch.synthesis.layout.lay_out`, which gives the same numbers.

    Args:
        image: see there, and so are the next six.
        certainty: see there.
        readable: see there.
        texture: see there.
        lines: see there.
        guess: see there.
        other: see there.
        seed: see there.
        threads: None for :func:`retouch.native.threads.processors`. It changes no bit of the result.
        portable: leave out instructions that not every processor of this kind has.

    Raises:
        RetouchError: there is nothing to borrow from; or the compiled part is missing.
    """
    compiled = library()
    if compiled is None:
        raise RetouchError("The compiled patch search is not there; install retouch with a C++ compiler.")
    height, width = certainty.shape
    better, colours = np.empty((height, width, 3), np.float32), np.empty((height, width, 3), np.uint8)
    sources = np.empty((height, width), np.int32)
    floats = [
        None if each is None else np.ascontiguousarray(each, np.float32)
        for each in (image, certainty, texture, lines, other)
    ]
    usable, shown = np.ascontiguousarray(readable).view(np.uint8), np.ascontiguousarray(guess)
    first, second, third, fourth, fifth = (ctypes.c_void_p(address(each, np.float32)) for each in floats)
    code = compiled.retouch_lay_out(
        first, second, ctypes.c_void_p(address(usable, np.uint8)), third, fourth,
        ctypes.c_void_p(address(shown, np.uint8)), fifth, height, width, ctypes.c_uint64(int(seed) % 2**64),
        processors() if threads is None else threads, portable, ctypes.c_void_p(address(better, np.float32)),
        ctypes.c_void_p(address(colours, np.uint8)), ctypes.c_void_p(address(sources, np.int32)),
    )  # fmt: skip
    if code != 0:
        raise RetouchError("No known pixel is left to borrow from; allow some of the known area.")
    return better, colours, sources
