"""Lay an infrared scan over the picture: scanners shift it by some pixels, and scale it a little."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]

_LONG = 1024
"""The whole is compared at this size, in pixels, …"""
_BLOCK, _BLOCKS = 512, 5
"""… and then blocks of this side, so many in each direction."""
_FURTHEST = 0.03
"""The largest shift, as a part of the longer side."""
_SURE = 35.0
"""A block whose peak is no higher than this many deviations says nothing."""
_FEW = 6
"""With fewer blocks that agree, there is a shift alone."""


def aligned(moving: Values, still: Values) -> Values:
    """Bring a picture into the pixels of another that shows the same dust, dark or light.

    Both are reduced to their fine detail. The shift comes from phase correlation (Kuglin
    and Hines, 1975), first of the whole and then of blocks; an affine map is fitted to those that agree.

    Args:
        moving: ``h×w``, about as large.
        still: ``H×W``.

    Returns:
        ``H×W``; the edge is repeated where ``moving`` shows nothing.
    """
    height, width = still.shape
    if moving.shape != still.shape:
        moving = np.asarray(cv2.resize(moving, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    if min(still.shape) < 2:  # a line of pixels has no blocks to compare
        return moving
    shift = _whole_shift(moving, still)
    at, moved = _block_shifts(moving, still, shift)
    matrix = _fitted(at, moved, shift)
    if np.allclose(matrix, [[1, 0, 0], [0, 1, 0]], atol=1e-6):
        return moving
    # The matrix says where each pixel of `still` lies in `moving`.
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    made = cv2.warpAffine(moving, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(made, np.float32)


def _detail(values: Values) -> Values:
    """The fine detail, between -1 and 1 so that no edge outweighs all others."""
    fine = values - cv2.GaussianBlur(values, (0, 0), 3)
    usual = 1.4826 * float(np.median(np.abs(fine))) + 1e-4
    return np.asarray(np.tanh(fine / (8 * usual)), np.float32)


def _shift(moving: Values, still: Values) -> tuple[NDArray[np.float64], float]:
    """Where `moving` shows what `still` does: columns and rows to add; and how sure that is.

    Not cv2.phaseCorrelate: it gives each frequency the same weight, those with nothing but noise too, and
    then takes the middle of a peak that is a pixel off.
    """
    height, width = still.shape
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    details = [_detail(each) for each in (still, moving)]
    first, second = (np.fft.rfft2((each - each.mean()) * window) for each in details)
    product = np.conj(first) * second
    size = np.abs(product)
    peaks = np.fft.irfft2(product / (size + size.mean()), still.shape)
    # Dust that is dark in infrared may be light in the picture of a negative: then the peak is a pit.
    peaks = np.abs(cv2.GaussianBlur(np.roll(peaks, (height // 2, width // 2), (0, 1)), (0, 0), 0.7))
    row, column = (int(each) for each in np.unravel_index(np.argmax(peaks), peaks.shape))
    sure = float((peaks[row, column] - peaks.mean()) / max(float(peaks.std()), 1e-12))
    # The middle between pixels: the top of the parabola through three values.
    found = []
    for axis, place, limit in ((1, column, width), (0, row, height)):
        line = peaks[row] if axis else peaks[:, column]
        before, here, after = (float(line[(place + step) % limit]) for step in (-1, 0, 1))
        bend = before - 2 * here + after
        found.append(place - limit // 2 + (0.5 * (before - after) / bend if bend < 0 else 0))
    return np.array(found), sure


def _whole_shift(moving: Values, still: Values) -> NDArray[np.float64]:
    scale = min(1.0, _LONG / max(still.shape))
    size = tuple(max(32, round(side * scale)) for side in still.shape[::-1])
    small, other = (
        np.asarray(cv2.resize(each, size, interpolation=cv2.INTER_AREA), np.float32)
        for each in (moving, still)
    )
    found, sure = _shift(small, other)
    found *= np.array(still.shape[::-1]) / np.array(size)
    if sure < _SURE or np.abs(found).max() > _FURTHEST * max(still.shape):
        return np.zeros(2)
    return found


def _block_shifts(
    moving: Values, still: Values, shift: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The middles of blocks (``N×2``: column, row) and how far each has moved."""
    height, width = still.shape
    side = min(_BLOCK, height, width)
    column, row = (round(each) for each in shift.tolist())
    places, moved = [], []
    for top in np.unique(np.linspace(0, height - side, _BLOCKS).astype(int)).tolist():
        for left in np.unique(np.linspace(0, width - side, _BLOCKS).astype(int)).tolist():
            y, x = (min(max(0, at), end - side) for at, end in ((top + row, height), (left + column, width)))
            found, sure = _shift(
                moving[y : y + side, x : x + side], still[top : top + side, left : left + side]
            )
            if sure >= _SURE and np.abs(found).max() <= side / 8:
                places.append((left + side / 2, top + side / 2))
                moved.append(found + np.array([x - left, y - top]))
    return np.array(places).reshape(-1, 2), np.array(moved).reshape(-1, 2)


def _fitted(
    at: NDArray[np.float64], moved: NDArray[np.float64], shift: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The affine map, ``2×3``, that moves blocks as most of them have moved."""
    plain = np.array([[1.0, 0, shift[0]], [0, 1, shift[1]]])
    if len(at) < 3:
        return plain
    middle = np.median(moved, axis=0)
    plain[:, 2] = middle
    away = np.abs(moved - middle).max(1)
    good = away <= max(3.0, 3 * float(np.median(away)))
    if good.sum() < _FEW:
        return plain
    ones = np.column_stack([at[good], np.ones(good.sum())])
    slopes, *_ = np.linalg.lstsq(ones, moved[good], rcond=None)
    left = np.abs(ones @ slopes - moved[good]).max(1)
    if np.median(left) > 1.5 or np.abs(slopes[:2]).max() > 0.02:
        return plain
    return np.asarray(slopes.T + np.eye(2, 3))
