"""What a JPEG file has besides its picture: further pictures and videos behind it, and foreign data.

Source: ITU-T T.81, annex B; CIPA DC-007, "Multi-Picture Format".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from retouch.imaging.containers import jpeg_segments
from retouch.imaging.gain_map import GainMap, is_gain_map, read_gain_map
from retouch.imaging.heif import heif_auxiliaries
from retouch.imaging.previews import jpeg_streams
from retouch.imaging.tags import Buffer
from retouch.imaging.turning import Turn
from retouch.imaging.xmp import CREDENTIALS

_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # among coded pixels; zero and restarts are part of them
_VIDEO = re.compile(rb"ftyp(?:mp4|isom|iso\d|qt  |avc|hvc|M4V|3gp|MSNV|mp42)")
# What is written anew, or says only how the file was coded: JFIF, EXIF, XMP, profile, index, JPEG's own.
_OWN = {
    0xE0: (b"JFIF", b"JFXX"),
    0xE1: (b"Exif\0", b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"),
    0xE2: (b"ICC_PROFILE\0", b"MPF\0", b"urn:iso:std:iso:ts:21496:-1\0"),
    0xEC: (b"Ducky",),
    0xED: (b"Photoshop 3.0\0", b"Adobe_CM"),
    0xEE: (b"Adobe",),
}
_FOREIGN = (
    (0xE1, b"FLIR\0", "FLIR's thermal picture"),
    (0xE2, b"FPXR\0", "FlashPix data"),
    (0xEB, b"JP", CREDENTIALS),
)


@dataclass(frozen=True)
class Behind:
    """What lies behind a picture and beside it.

    Attributes:
        gain: the gain map; None if there is none, or none that can be read.
        others: all else, such as "a motion video".
    """

    gain: GainMap | None = None
    others: frozenset[str] = frozenset()


def look_behind(data: Buffer, turn: Turn) -> Behind:
    """Find what a JPEG file holds besides its first picture.

    Args:
        data: the file.
        turn: how the picture is turned.
    """
    rest = bytes(memoryview(data)[jpeg_end(data) :])
    gain, others = None, set(_foreign(data))
    video = _VIDEO.search(rest)
    if video is not None:  # it may hold anything, even what looks like a picture
        others.add("a motion video")
        rest = rest[: video.start()]
    unknown = rest
    for start, end in jpeg_streams(rest):
        stream = rest[start:end]
        if gain is None and is_gain_map(stream):
            gain = read_gain_map(data, stream, turn)
            others |= {"a gain map"} if gain is None else set()
        else:
            others |= heif_auxiliaries(stream) or {"a second picture"}  # Apple names them alike
        unknown = unknown.replace(stream, b"", 1)
    if video is None and unknown.strip(b"\0 \r\n\xff"):
        others.add(f"{len(unknown):,} bytes behind the picture")
    return Behind(gain, frozenset(others))


def jpeg_end(data: Buffer) -> int:
    """Where the first picture of a JPEG file ends; the end of the data if it is cut off."""
    at = 2
    while at + 1 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xD9:
            return at + 2
        if marker == 0xFF:  # fill bytes may come before a marker
            at += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
        else:
            at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
            if marker == 0xDA:
                found = _MARKER.search(data, at)
                at = found.start() if found else len(data)
    found = re.compile(rb"\xff\xd9").search(data, min(at, len(data)))
    return found.end() if found else len(data)


def _foreign(data: Buffer) -> list[str]:
    """Name the segments that are not carried over."""
    found = []
    for marker, start, end in jpeg_segments(data):
        content = bytes(data[start : min(end, start + 40)])
        if marker not in range(0xE0, 0xF0) or content.startswith(_OWN.get(marker, ())):
            continue
        known = (what for number, head, what in _FOREIGN if marker == number and content.startswith(head))
        label = re.match(rb"[\w .:/-]{3,}", content)
        name = f" ({label[0].decode('ascii').strip()})" if label else ""
        found.append(next(known, f"segment APP{marker - 0xE0}{name}"))
    return found
