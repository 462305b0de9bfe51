"""Read and write metadata that stands as text in a PNG: XMP, and what others write in hexadecimal digits.

Source: PNG (W3C, third edition), section 11.3.3; ImageMagick, coders/png.c, "Raw profile type".
"""

from __future__ import annotations

import re
import zlib

from retouch.imaging.containers import png_chunk
from retouch.imaging.resources import joined, with_iptc

XMP = b"XML:com.adobe.xmp"
RAW = b"Raw profile type "
_LIMIT = 2**26  # bytes; a small chunk can unpack to gigabytes
# A name (exiftool's has a blank, such as "IPTC profile"), the number of bytes, and lines of digits.
_PROFILE = re.compile(rb"\s*[^\n]*\n\s*(\d{1,9})\s+([\da-fA-F\s]*)\s*$")


def read_profile(name: bytes, content: bytes, found: dict[str, bytes]) -> bool:
    """Add metadata that is written as text to ``found``; return whether it is of a known kind."""
    text = unpacked(name, content)
    if content.startswith(XMP):
        found["xmp"] = text
        return bool(text)
    profile = _raw_profile(text)
    block = profile.removeprefix(b"Exif\0\0")
    if block[:4] in (b"II*\0", b"MM\0*"):
        found["text exif"] = block
    elif profile.startswith((b"8BIM", b"\x1c")):
        # ImageMagick writes IPTC alone, and IPTC among all resources.
        more = profile if profile.startswith(b"8BIM") else with_iptc(b"", profile)
        found["8bim"] = joined(found.get("8bim", b""), more)
    elif b"<x:xmpmeta" in profile or b"<rdf:RDF" in profile or b"<?xpacket" in profile:
        found["text xmp"] = profile.removeprefix(b"http://ns.adobe.com/xap/1.0/\0")
    else:
        return False
    return True


def unpacked(name: bytes, content: bytes) -> bytes:
    """The text of a chunk, unpacked; empty if it is damaged."""
    rest = content.partition(b"\0")[2]
    packed = name == b"zTXt"
    if name == b"iTXt":
        packed = rest[:1] == b"\x01"
        rest = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    elif packed:
        rest = rest[1:]
    try:
        return zlib.decompressobj().decompress(rest, _LIMIT) if packed else rest
    except zlib.error:
        return b""


def _raw_profile(text: bytes) -> bytes:
    """Read a name, the number of bytes, and lines of digits; empty if it is damaged."""
    found = _PROFILE.match(text)
    digits = b"".join(found[2].split()) if found else b""
    return bytes.fromhex(digits[: len(digits) // 2 * 2].decode("ascii"))[: int(found[1])] if found else b""


def raw_profile(resources: bytes) -> bytes:
    """Make the text chunk that holds Photoshop resources, for which PNG has no chunk of its own."""
    digits = resources.hex()
    lines = [digits[at : at + 72] for at in range(0, len(digits), 72)]
    text = "\n".join(["", "8bim", f"{len(resources):8d}", *lines, ""]).encode()
    return png_chunk(b"zTXt", RAW + b"8bim\0\0" + zlib.compress(text))
