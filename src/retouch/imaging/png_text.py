"""Clean the metadata that ImageMagick and others write into a PNG as hexadecimal text.

Source: PNG (W3C, third edition), section 11.3.3; ImageMagick, coders/png.c, "Raw profile type".
"""

from __future__ import annotations

import zlib

from retouch.imaging.exif import clean_exif
from retouch.imaging.previews import blank_previews
from retouch.imaging.resources import clean_resources, clean_xmp

_RAW = b"Raw profile type "
_LIMIT = 2**26  # bytes; a small chunk can unpack to gigabytes


def clean_text(name: bytes, content: bytes, width: int, height: int) -> bytes | None:
    """Set metadata in a text chunk upright and remove its pictures; other text stays as it is.

    Args:
        name: of the chunk.
        content: of the chunk, without length, name and checksum.
        width: of the photo, in pixels.
        height: likewise.

    Returns:
        The content, None if it cannot be read, because then nobody knows what it shows.
    """
    keyword, _, text = content.partition(b"\0")
    if not keyword.startswith(_RAW):
        return content
    try:
        text = zlib.decompressobj().decompress(text[1:], _LIMIT) if name == b"zTXt" else text
        kind, length, *lines = text.split()  # "exif", the number of bytes, and lines of digits
        profile = bytes.fromhex(b"".join(lines).decode("ascii"))[: int(length)]
    except (ValueError, zlib.error):
        return None
    cleaned = _clean(profile, width, height)
    if not cleaned or cleaned == profile:
        return content if cleaned else None
    digits = cleaned.hex()
    lines = [digits[at : at + 72].encode() for at in range(0, len(digits), 72)]
    text = b"\n".join([b"", kind, b"%8d" % len(cleaned), *lines, b""])
    return keyword + b"\0" + (b"\0" + zlib.compress(text) if name == b"zTXt" else text)


def _clean(profile: bytes, width: int, height: int) -> bytes | None:
    block = profile.removeprefix(b"Exif\0\0")
    if block[:4] in (b"II*\0", b"MM\0*"):
        cleaned = clean_exif(block, width, height)
        return None if cleaned is None else profile[: len(profile) - len(block)] + cleaned
    if profile.startswith(b"8BIM"):
        return clean_resources(profile)
    return clean_xmp(blank_previews(profile))
