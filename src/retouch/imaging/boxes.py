"""Walk through the boxes of HEIF, AVIF and JPEG 2000.

Source: ISO/IEC 14496-12, section 4.2; ITU-T T.800, annex I.4.
"""

from __future__ import annotations

from collections.abc import Iterator

from retouch.imaging.tags import Buffer


def boxes(data: Buffer, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, start and end of the content of each box between ``at`` and ``end``."""
    while at + 8 <= end:
        length, head = int.from_bytes(data[at : at + 4], "big"), 8
        if length == 1:
            length, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        stop = end if length == 0 else at + length
        if stop > end or stop < at + head:
            return
        yield bytes(data[at + 4 : at + 8]), at + head, stop
        at = stop
