"""Places in the photo that its EXIF names: turned with the photo, or taken out.

Source: EXIF 2.32, sections 4.6.5 "Subject Area" and "Subject Location"; DNG 1.7, chapter 4.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from retouch.imaging.filled_regions import filled_share
from retouch.imaging.tags import EXIF, Field, Structure
from retouch.imaging.turning import Turn

_AREA, _LOCATION = 0x9214, 0xA214
_WIDTHS, _HEIGHTS = (0xA002, 0x0100), (0xA003, 0x0101)
_RESOLUTIONS = ((0x011A, 0x011B), (0xA20E, 0xA20F))  # of the photo, and of the sensor
# Where the pixels lie on a sensor or on a map: DNG's crops, areas and lens corrections, and GeoTIFF.
_FIXED = (50719, 50720, 50829, 50830, 51008, 51009, 51022, 51125, 33550, 33922, 34264)
_HALF = 0.5


def turn_places(out: bytearray, structure: Structure, fields: Mapping[int, Field], turn: Turn) -> None:
    """Turn the subject's area and location in an EXIF block, and exchange resolutions if it comes to lie."""
    size = _own_size(structure, fields, turn)
    for tag in (_AREA, _LOCATION):
        field = fields.get(tag)
        if field is None or field.kind != 3 or field.items not in (2, 3, 4):
            continue
        x, y, *extent = structure.integers(field)
        # The size of the photo is written anew, so a place in the old one would be elsewhere.
        across, down = turn.width / size[0], turn.height / size[1]
        if len(extent) == 2:
            extent = list(turn.both(extent[0] * across, extent[1] * down))
        turned = (*turn.point(x * across, y * down, turn.width, turn.height), *extent)
        numbers = [min(max(round(each), 0), 0xFFFF) for each in turned]
        struct.pack_into(f"{structure.order}{len(numbers)}H", out, field.at, *numbers)
    for pair in _RESOLUTIONS if turn.sideways else ():
        one, other = (fields.get(tag) for tag in pair)
        if one is not None and other is not None and one.length == other.length == 8:
            first, second = (bytes(out[each.at : each.at + 8]) for each in (one, other))
            out[one.at : one.at + 8], out[other.at : other.at + 8] = second, first


def _own_size(structure: Structure, fields: Mapping[int, Field], turn: Turn) -> tuple[int, int]:
    """The size that places in the block refer to: its own, if it has the photo's shape."""
    found = [
        next((number for tag in tags for number in structure.integers(fields.get(tag))), 0)
        for tags in (_WIDTHS, _HEIGHTS)
    ]
    alike = min(found) > 0 and abs(found[0] * turn.height / (found[1] * turn.width) - 1) < 0.01
    return (found[0], found[1]) if alike else (turn.width, turn.height)


def drop_places(out: bytearray) -> None:
    """Remove places on a sensor or on a map, which no longer fit a photo that was turned."""
    structure = Structure(out)
    for tag in _FIXED:
        _remove(out, structure, structure.first, tag)


def has_fixed_places(block: bytes) -> bool:
    """Whether an EXIF block holds places on a sensor or on a map."""
    try:
        structure = Structure(block)
        return any(tag in _FIXED for tag in structure.directory(structure.first)[0])
    except ValueError:
        return False


def without_filled_subject(block: bytes, hole: NDArray[np.bool_]) -> bytes:
    """Remove the subject's place from an upright EXIF block if at least half of it was filled.

    Args:
        block: the block, which has the photo's size.
        hole: ``H×W``, True where the photo was filled.
    """
    out = bytearray(block)
    try:
        structure = Structure(out)
        fields, _ = structure.directory(structure.first)
        directories = [structure.first, *structure.integers(fields.get(EXIF))[:1]]
        for at in directories:
            for tag in (_AREA, _LOCATION):
                field = structure.directory(at)[0].get(tag)
                if field is not None and _filled(structure.integers(field), hole):
                    _remove(out, structure, at, tag)
    except ValueError:
        return block
    return bytes(out)


def _filled(numbers: list[int], hole: NDArray[np.bool_]) -> bool:
    if len(numbers) not in (2, 3, 4):
        return False
    x, y, *extent = numbers
    width, height = (extent[0], extent[-1]) if extent else (1, 1)
    return filled_share(hole, (x - width / 2, y - height / 2, width, height)) >= _HALF


def _remove(out: bytearray, structure: Structure, at: int, tag: int) -> None:
    """Remove a field from a directory; those after it and the link to the next directory move up."""
    head, entry = (8, 20) if structure.big else (2, 12)
    count = structure.number("Q" if structure.big else "H", at)
    end = at + head + count * entry + (8 if structure.big else 4)
    for start in range(at + head, at + head + count * entry, entry):
        if structure.number("H", start) == tag and end <= len(out):
            out[start:end] = out[start + entry : end] + bytes(entry)
            struct.pack_into(structure.order + ("Q" if structure.big else "H"), out, at, count - 1)
            return
