"""Pictures with a palette: the numbers of their colours, which a map of classes is made of.

libvips hands over colours only. But a palette picture stores its numbers as a grey picture stores its
values, so the file is changed into one.

Source: PNG (W3C, third edition), sections 11.2.1 and 11.2.2; TIFF 6.0, section 5.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from retouch.imaging.label_maps import is_label_map
from retouch.imaging.photo import Array
from retouch.imaging.tags import Buffer, Structure

_COLOURED, _DARK = 32, 24  # of 255; as in recognition.py
_BITS = (1, 2, 4, 8)


def class_numbers(numbers: Array, colours: NDArray[np.uint8]) -> Array | None:
    """Return the numbers of a palette picture if they are what it means; None if its colours are.

    They are in a map of classes, as data sets and labelling tools write it: number 0 is black, the others
    have colours that only tell them apart, and each number covers areas.

    Args:
        numbers: ``H×W`` uint8.
        colours: ``N×3``, by number.
    """
    used = np.flatnonzero(np.bincount(numbers.ravel()))
    if used[-1] >= len(colours) or colours[0].max() > _DARK:
        return None
    shown = colours[used].astype(int)
    alike = len(used) > 1 and np.ptp(shown, axis=0).max() == 0  # such colours mean nothing
    if np.ptp(shown, axis=1).max() <= _COLOURED and not alike:
        return None
    return None if len(used) > 2 and not is_label_map(numbers) else numbers


def as_grey(data: Buffer) -> tuple[bytes, int, NDArray[np.uint8]] | None:
    """Turn a palette file into a grey one.

    Returns:
        The file of greys; the grey value that stands for number 1; and the colours, ``N×3``. None if the file
        has no palette.
    """
    start = bytes(data[:8])
    if start == b"\x89PNG\r\n\x1a\n":
        return _png_as_grey(data)
    return _tiff_as_grey(data) if start[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+") else None


def _png_as_grey(data: Buffer) -> tuple[bytes, int, NDArray[np.uint8]] | None:
    if len(data) < 33 or data[25] != 3 or data[24] not in _BITS:
        return None
    out, at, colours = bytearray(data[:8]), 8, b""
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        kind = bytes(data[at + 4 : at + 8])
        if kind == b"IHDR":
            content = kind + bytes(data[at + 8 : at + 17]) + b"\0" + bytes(data[at + 18 : at + 21])
            out += struct.pack(">I", 13) + content + struct.pack(">I", zlib.crc32(content))
        elif kind == b"PLTE":
            colours = bytes(data[at + 8 : end - 4])
        elif kind in (b"IDAT", b"IEND", b"eXIf"):
            out += data[at:end]
        at = end
    if not colours or len(colours) % 3:
        return None
    return bytes(out), 255 // (2 ** data[24] - 1), np.frombuffer(colours, np.uint8).reshape(-1, 3)


def _tiff_as_grey(data: Buffer) -> tuple[bytes, int, NDArray[np.uint8]] | None:
    try:
        structure = Structure(data)
        fields, _ = structure.directory(structure.first)
    except ValueError:
        return None
    bits = (structure.integers(fields.get(258)) or [1])[0]
    if structure.integers(fields.get(262)) != [3] or bits not in _BITS:
        return None
    numbers = structure.integers(fields.get(320))
    if len(numbers) != 3 * 2**bits:
        return None
    out = bytearray(data)
    struct.pack_into(structure.order + "H", out, fields[262].at, 1)
    colours = np.array(numbers, np.uint32).reshape(3, -1).T
    shift = 8 if colours.max() > 255 else 0  # some writers store 8 bits instead of 16
    return bytes(out), 255 // (2**bits - 1), (colours >> shift).astype(np.uint8)
