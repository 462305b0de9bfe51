"""What HEIC and AVIF files say besides their picture: how it is turned, and which pictures go with it.

Source: ISO/IEC 23008-12, sections 6.5.8, 6.5.10 and 6.5.12.
"""

from __future__ import annotations

import re

from retouch.imaging.tags import Buffer
from retouch.imaging.turning import Turn

_HEAD = 2**20  # bytes, at most, before the pixels
_AUXILIARY = re.compile(rb"urn:[\w.:-]*?(?:aux|auxid|auxiliary):[\w.:-]+")
_ROTATED, _MIRRORED = (
    re.compile(rb"\0\0\0\x09irot(.)", re.DOTALL),
    re.compile(rb"\0\0\0\x09imir(.)", re.DOTALL),
)
# By quarters of a turn to the left, and then the axis: 0 exchanges top and bottom, 1 left and right.
_ORIENTATIONS = {
    (0, 1): 2, (0, 0): 4, (1, -1): 8, (1, 0): 5, (1, 1): 7, (2, -1): 3, (2, 0): 2, (2, 1): 4, (3, -1): 6,
    (3, 0): 7, (3, 1): 5,
}  # fmt: skip


def heif_turn(data: Buffer, width: int, height: int) -> Turn:
    """Return how a decoder turned the picture; EXIF, which is not asked, says so of what is in it.

    Args:
        data: the file.
        width: of the upright picture.
        height: likewise.
    """
    head = bytes(memoryview(data)[:_HEAD])
    rotated, mirrored = _ROTATED.search(head), _MIRRORED.search(head)
    quarters, axis = (rotated[1][0] & 3 if rotated else 0), (mirrored[1][0] & 1 if mirrored else -1)
    orientation = _ORIENTATIONS.get((quarters, axis), 1)
    return Turn(orientation, *Turn(orientation).both(width, height))


def heif_auxiliaries(data: Buffer) -> frozenset[str]:
    """Name the auxiliary pictures of a HEIC or AVIF file, except transparency."""
    head = bytes(memoryview(data)[:_HEAD])
    found = {each.decode("ascii").lower() for each in _AUXILIARY.findall(head)}
    names = set()
    for urn in found:
        if urn.endswith(("hevc:2015:auxid:1", "auxiliary:alpha")):
            continue
        if "gainmap" in urn:
            names.add("a gain map")
        elif "depth" in urn or "disparity" in urn or urn.endswith("auxid:2"):
            names.add("a depth map")
        else:
            names.add("an auxiliary picture")
    if b"infe" in head and b"tmap" in head:
        names.add("a gain map")
    if b"c2pa" in head:
        names.add("content credentials")
    return frozenset(names)
