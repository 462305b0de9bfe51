"""The compiled gradient-domain assembly (assemble.cpp), for numpy arrays."""

from __future__ import annotations

import ctypes
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from retouch.errors import RetouchError
from retouch.native import library
from retouch.native.arrays import address
from retouch.native.threads import processors


@dataclass(frozen=True)
class Limits:
    """How far the colours of a fill may be corrected; colours are parts of white.

    Attributes:
        anchor: weight of the fill's own colours, beside 1 for a gradient.
        hold: more of that weight, for colour without brightness.
        step: a step of this size at a seam is believed by half.
        smooth_step: the same between smooth sources.
        faintest: weight of a seam that is not believed.
        most: size of a correction.
        steps: of conjugate gradients.
        tolerance: of the solution, as a part of the first residual.
    """

    anchor: float
    hold: float
    step: float
    smooth_step: float
    faintest: float
    most: float
    steps: int
    tolerance: float


class _Limits(ctypes.Structure):
    """``Limits`` of assemble.cpp, field by field."""

    _fields_ = (
        ("anchor", ctypes.c_float),
        ("hold", ctypes.c_float),
        ("step", ctypes.c_float),
        ("smooth_step", ctypes.c_float),
        ("faintest", ctypes.c_float),
        ("most", ctypes.c_float),
        ("steps", ctypes.c_int32),
        ("tolerance", ctypes.c_float),
        ("threads", ctypes.c_int32),
    )


def corrected(
    image: NDArray[np.float32],
    fill: NDArray[np.float32],
    hole: NDArray[np.bool_],
    readable: NDArray[np.bool_],
    smooth: NDArray[np.bool_],
    sources: NDArray[np.int32],
    limits: Limits,
    threads: int | None = None,
) -> NDArray[np.float32]:
    """Correct the colours of a fill by the gradients of its sources.

    Args:
        image: ``H×W×3``; its hole is not looked at.
        fill: ``H×W×3``; its hole alone is looked at.
        hole: ``H×W``, True = filled.
        readable: ``H×W``, where sources and their neighbours may lie; not the hole.
        smooth: ``H×W``, where the picture is smooth; its hole is not looked at.
        sources: ``H×W×2``, row and column each pixel of the hole was taken from.
        limits: how far.
        threads: None for as many as there are processors. It changes no bit of the result.

    Returns:
        ``H×W×3``, a new array; only the hole differs from ``fill``.

    Raises:
        RetouchError: the compiled part is missing.
    """
    compiled = library()
    if compiled is None:
        raise RetouchError("The compiled part is not there; install retouch with a C++ compiler.")
    options = _Limits(*astuple(limits), processors() if threads is None else threads)
    made = np.array(fill, np.float32, order="C")
    colours = [np.ascontiguousarray(each, np.float32) for each in (image, fill)]
    maps = [np.ascontiguousarray(each).view(np.uint8) for each in (hole, readable, smooth)]
    found = np.ascontiguousarray(sources, np.int32)
    given = [*(address(each, np.float32) for each in colours), *(address(each, np.uint8) for each in maps)]
    pointers = [ctypes.c_void_p(each) for each in (*given, address(found, np.int32))]
    target = ctypes.c_void_p(address(made, np.float32))
    compiled.retouch_assemble(*pointers, *hole.shape, ctypes.byref(options), target)
    return made
