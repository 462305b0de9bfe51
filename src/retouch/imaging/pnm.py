"""Read PGM and PPM, whose largest number may be any up to 65535.

Pillow reads RGB of 16 bits as 8, and OpenCV takes white for 255 or 65535 always.

Source: the manual pages pgm(5) and ppm(5) of Netpbm.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from retouch.imaging.photo import Array
from retouch.imaging.tags import Buffer

_HEADER = re.compile(rb"P([2356])" + 3 * rb"(?:\s|#[^\r\n]*[\r\n])+(\d{1,9})" + rb"\s")
_LONGEST = 65536  # bytes of a header, which may hold comments
_TEXT = ("2", "3")


def decode(data: Buffer, limit: Callable[[int, int], None]) -> Array | None:
    """Decode grey or RGB.

    Args:
        data: the file.
        limit: refuses too large a width and height.

    Returns:
        ``H×W×C`` uint8 or uint16, all of whose range is used; None if the file is of another kind, such as 1
        bit.

    Raises:
        ValueError: the file is damaged or cut short.
    """
    head = _HEADER.match(bytes(data[:_LONGEST]))
    if head is None:
        return None
    kind, width, height, high = head[1].decode(), *(int(head[group]) for group in (2, 3, 4))
    limit(width, height)
    if not width * height or not 0 < high < 65536:
        raise ValueError("no pixels, or a largest number out of range")
    shape = (height, width, 3 if kind in "36" else 1)
    count = int(np.prod(shape))
    values: Array
    if kind in _TEXT:
        words = re.sub(rb"#[^\r\n]*", b"", bytes(data[head.end() :])).split()[:count]
        values = np.array([int(word) for word in words], np.uint32)
    else:
        values = np.frombuffer(data, np.uint8 if high < 256 else ">u2", count, head.end())
    values = values.reshape(shape)
    full, dtype = (255, np.uint8) if high < 256 else (65535, np.uint16)
    if high != full:
        values = np.rint(np.minimum(values, high) * (full / high))
    return np.asarray(values, dtype)
