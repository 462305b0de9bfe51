"""Find and blank the JPEG pictures in metadata: previews, which still show what was removed from the photo.

Source: ITU-T T.81, annex B.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# The start of an image and the first marker that can follow it. A table of quantisation is a start, too: some
# cameras alter the first bytes of a preview, and so may damage.
_START = re.compile(rb"\xff\xd8\xff+[\xc0\xc4\xdb\xdd\xe0-\xef\xfe]|\xff\xdb\x00[\x43\x84]")
_WITHOUT_LENGTH = (0x01, *range(0xD0, 0xD9))
_END, _SCAN = 0xD9, 0xDA


def jpeg_streams(data: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of each JPEG stream in ``data``, with the pictures that it holds itself.

    A stream that is cut off ends with ``data``.
    """
    at = 0
    while found := _START.search(data, at):
        at = _end(data, found.start())
        yield found.start(), at


def blank_previews(data: bytes) -> bytes:
    """``data`` with zeros in place of each JPEG stream, so that everything else stays where it was."""
    out = bytearray(data)
    for start, end in jpeg_streams(data):
        out[start:end] = bytes(end - start)
    return bytes(out)


def _end(data: bytes, at: int) -> int:
    """Where the JPEG stream that starts at ``at`` ends.

    An end marker inside a segment belongs to a picture within the picture, so segments are skipped whole.
    """
    while at + 1 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == _END:
            return at + 2
        if marker == 0xFF:  # fill bytes may come before a marker
            at += 1
        elif marker in _WITHOUT_LENGTH:
            at += 2
        else:
            at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
            if marker == _SCAN:
                break
    # Coded pixels never contain an end marker. Without one, the stream is cut off.
    end = data.find(b"\xff\xd9", at)
    return len(data) if end < 0 else end + 2
