"""Clean, split and join XMP packets and Photoshop's image resources, which contain IPTC.

Source: Adobe, XMP specification, parts 1 and 2; Adobe, Photoshop File Formats, "Image Resource Blocks".
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from retouch.imaging.previews import blank_previews

_IPTC = 0x0404
_THUMBNAILS = (0x0409, 0x040C)
_ORIENTATION = re.compile(rb"""(tiff:Orientation\s*(?:=\s*["']|>\s*))[2-8]""")
_XMP_THUMBNAILS = re.compile(rb"<(xmp|xap):Thumbnails\b.*?</\1:Thumbnails\s*>", re.DOTALL)
# JPEG or PNG in base64, which may be broken into lines; shorter ones could be words.
_XMP_PICTURES = re.compile(rb"(?:/9j/|iVBORw0KGgo)(?:[\w+/=\s]|&#x[aAdD];|&#1[03];){64,}", re.ASCII)


def clean_xmp(packet: bytes) -> bytes:
    """Set the orientation upright and remove pictures, which still show what was removed from the photo."""
    packet = _ORIENTATION.sub(rb"\g<1>1", packet)
    return _XMP_PICTURES.sub(b"", _XMP_THUMBNAILS.sub(b"", packet))


def clean_resources(resources: bytes) -> bytes:
    """Remove thumbnails from Photoshop resources, and blank other previews, such as those of IPTC.

    What follows a damaged resource cannot be read and is left out.
    """
    kept = (block for number, _, block in _resources(resources) if number not in _THUMBNAILS)
    return b"".join(blank_previews(block) for block in kept)


def iptc_of(resources: bytes) -> bytes | None:
    """Return the IPTC records in Photoshop resources, or None if there are none."""
    return next((content for number, content, _ in _resources(resources) if number == _IPTC), None)


def with_iptc(resources: bytes, iptc: bytes) -> bytes:
    """Put IPTC records into Photoshop resources, in place of any that were there."""
    rest = b"".join(block for number, _, block in _resources(resources) if number != _IPTC)
    return b"8BIM" + struct.pack(">HHI", _IPTC, 0, len(iptc)) + iptc + bytes(len(iptc) % 2) + rest


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
