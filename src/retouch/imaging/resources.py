"""Clean, split and join Photoshop's image resources, which contain IPTC.

Source: Adobe, Photoshop File Formats, "Image Resource Blocks"; IPTC-NAA, Information Interchange Model 4.2.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator

from retouch.imaging.exif import clean_exif
from retouch.imaging.previews import blank_previews
from retouch.imaging.turning import Turn
from retouch.imaging.xmp import clean_xmp

_IPTC, _DIGEST = 0x0404, 0x0425
_THUMBNAILS = (0x0409, 0x040C)
_EXIF, _XMP = (0x0422, 0x0423), 0x0424
# Guides, slices, paths and the like, which lie at a place.
_PLACES = (0x0408, 0x040D, 0x041A, 0x0432, *range(0x07D0, 0x0BB7))
_PREVIEW = ((2, 200), (2, 201), (2, 202))  # format, version and data of the object's preview
_OBJECT = range(7, 10)  # records that hold the object itself


def clean_resources(resources: bytes, turn: Turn | None = None) -> bytes:
    """Clean Photoshop resources of a photo that was turned upright.

    Thumbnails and IPTC's previews go. EXIF and XMP among the resources are cleaned like the photo's own,
    other previews are blanked. Guides, slices and paths of a photo that is turned go. What follows a damaged
    resource cannot be read and is left out.
    """
    turn = Turn() if turn is None else turn
    blocks = list(_resources(resources))
    iptc = next((content for number, content, _ in blocks if number == _IPTC), b"")
    cleaned = clean_iptc(iptc)
    made = bytearray()
    for number, content, block in blocks:
        if number in _THUMBNAILS or (turn.needed and number in _PLACES):
            continue
        new: bytes | None = blank_previews(content)
        if number == _IPTC:
            new = clean_iptc(content)
        elif number == _DIGEST and content == _digest(iptc):
            new = _digest(cleaned)  # otherwise readers would think that another program changed IPTC
        elif number in _EXIF:
            new = clean_exif(content, *turn.size, turn)
        elif number == _XMP:
            new = clean_xmp(content, turn).packet
        if new is not None:
            made += block if new == content else _with_content(block, content, new)
    return bytes(made)


def has_places(resources: bytes) -> bool:
    """Whether there are guides, slices or paths."""
    return any(number in _PLACES for number, _, _ in _resources(resources))


def clean_iptc(records: bytes) -> bytes:
    """Remove the preview from IPTC records, and blank pictures in others.

    What follows a damaged record cannot be read and is left out, unless nothing can be read at all.
    """
    kept = bytearray()
    at = 0
    while at + 5 <= len(records) and records[at] == 0x1C:
        record, data_set, length = (
            records[at + 1],
            records[at + 2],
            int.from_bytes(records[at + 3 : at + 5], "big"),
        )
        start = at + 5
        if length & 0x8000:  # the length of the length
            start += length & 0x7FFF
            length = int.from_bytes(records[at + 5 : start], "big")
        end = start + length
        if end > len(records):
            break
        if (record, data_set) not in _PREVIEW and record not in _OBJECT:
            kept += records[at:start] + blank_previews(records[start:end])
        at = end
    rest = records[at:]
    return bytes(kept) if rest.strip(b"\0") and rest[0] == 0x1C else bytes(kept) + blank_previews(rest)


def _digest(iptc: bytes) -> bytes:
    return hashlib.md5(iptc, usedforsecurity=False).digest()


def _with_content(block: bytes, old: bytes, new: bytes) -> bytes:
    head = block[: len(block) - len(old) - len(old) % 2 - 4]
    return head + struct.pack(">I", len(new)) + new + bytes(len(new) % 2)


def iptc_of(resources: bytes) -> bytes | None:
    """Return the IPTC records in Photoshop resources, or None if there are none."""
    return next((content for number, content, _ in _resources(resources) if number == _IPTC), None)


def with_iptc(resources: bytes, iptc: bytes) -> bytes:
    """Put IPTC records into Photoshop resources, in place of any that were there."""
    rest = b"".join(block for number, _, block in _resources(resources) if number != _IPTC)
    return b"8BIM" + struct.pack(">HHI", _IPTC, 0, len(iptc)) + iptc + bytes(len(iptc) % 2) + rest


def joined(resources: bytes, more: bytes) -> bytes:
    """Add those resources of ``more`` that are not there yet."""
    numbers = {number for number, _, _ in _resources(resources)}
    return resources + b"".join(block for number, _, block in _resources(more) if number not in numbers)


def _resources(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield number, content and the whole block of each resource."""
    at = 0
    while at + 12 <= len(data):
        name_length = 1 + data[at + 6]
        head = at + 6 + name_length + name_length % 2
        start, length = head + 4, int.from_bytes(data[head : head + 4], "big")
        end = start + length + length % 2
        if start + length > len(data):
            return
        yield int.from_bytes(data[at + 4 : at + 6], "big"), data[start : start + length], data[at:end]
        at = end
