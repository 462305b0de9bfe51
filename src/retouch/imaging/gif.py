"""Find the comments of a GIF, which libvips drops.

Source: GIF89a, sections 15 to 26.
"""

from __future__ import annotations

from retouch.imaging.tags import Buffer

_EXTENSION, _COMMENT, _PICTURE = 0x21, 0xFE, 0x2C


def gif_comments(data: Buffer) -> tuple[bytes, ...]:
    """Return the comments of a GIF; of a damaged one those before the damage."""
    found: list[bytes] = []
    at = 13 + (_table(data[10]) if len(data) > 10 else 0)
    while at + 2 < len(data) and data[at] in (_EXTENSION, _PICTURE):
        is_comment = data[at] == _EXTENSION and data[at + 1] == _COMMENT
        if data[at] == _EXTENSION:
            at += 2
        elif at + 9 < len(data):
            at += 11 + _table(data[at + 9])
        content = b""
        while at < len(data) and data[at]:
            content += bytes(data[at + 1 : at + 1 + data[at]]) if is_comment else b""
            at += 1 + data[at]
        at += 1
        found += [content] if is_comment else []
    return tuple(found)


def _table(flags: int) -> int:
    """Bytes of a colour table."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0
