"""Read PNM of RGB with more than 8 bits a channel, which Pillow cuts down to 8.

Source: Netpbm, ppm(5).
"""

from __future__ import annotations

import re

import numpy as np

from retouch.imaging.photo import Array
from retouch.imaging.tags import Buffer

_BLANK = rb"(?:\s|#[^\n]*\n)+"
_HEADER = re.compile(rb"P([36])" + (_BLANK + rb"(\d{1,9})") * 3 + rb"\s")
_LONGEST = 1000  # bytes of a header, with comments


def deep_size(data: Buffer) -> tuple[int, int] | None:
    """Width and height of RGB with more than 8 bits a channel; None if the file is none."""
    header = _HEADER.match(bytes(data[:_LONGEST]))
    return (int(header[2]), int(header[3])) if header and 255 < int(header[4]) < 2**16 else None


def decode(data: Buffer) -> Array:
    """Decode what :func:`deep_size` knows, ``H×W×3`` uint16, scaled so that white is 65535.

    Raises:
        ValueError: the file is cut short.
    """
    header = _HEADER.match(bytes(data[:_LONGEST]))
    if header is None:
        raise ValueError("no RGB of more than 8 bits")
    width, height, white = (int(header[each]) for each in (2, 3, 4))
    body, count = data[header.end() :], width * height * 3
    if header[1] == b"6":
        values = np.frombuffer(body, ">u2", count)
    else:
        values = np.array(bytes(body).split()[:count], np.uint32)
    scaled = np.rint(values.reshape(height, width, 3) * (65535 / white))
    return np.asarray(scaled.clip(0, 65535), np.uint16)
