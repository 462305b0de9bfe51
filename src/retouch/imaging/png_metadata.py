"""Find the metadata of a PNG file wherever it stands: before or behind the pixels, in chunks or as text.

Source: PNG (W3C, third edition), sections 11.3 and 14; ImageMagick, coders/png.c, "Raw profile type".
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass

from retouch.imaging.containers import png_chunk, png_chunks
from retouch.imaging.previews import blank_previews
from retouch.imaging.resources import joined, with_iptc
from retouch.imaging.tags import Buffer
from retouch.imaging.turning import Turn

_XMP = b"XML:com.adobe.xmp"
_RAW = b"Raw profile type "
_PROFILE = re.compile(
    rb"\s*[^\n]*\n\s*(\d{1,9})\s+([\da-fA-F\s]*)\s*$"
)  # the first line may be "IPTC profile"
_LIMIT = 2**26  # bytes; a small chunk can unpack to gigabytes
_PICTURE = re.compile(rb"(?:/9j/|iVBORw0KGgo|R0lGOD[dl]h|UklGR)[\w+/=\s]{64,}", re.ASCII)
_TEXT = (b"tEXt", b"zTXt", b"iTXt")
# Written anew with the pixels, or about how these were stored.
_OWN = (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"iCCP", b"eXIf", b"hIST", b"iDOT")
_KEPT = (*_TEXT, b"gAMA", b"cHRM", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"sBIT", b"bKGD", b"tIME", b"oFFs",
         b"pHYs", b"sPLT", b"pCAL", b"sCAL", b"sTER", b"gIFg")  # fmt: skip


@dataclass(frozen=True)
class PngMetadata:
    """The metadata of a PNG file.

    Attributes:
        exif: EXIF block, as in the file.
        xmp: XMP packet, as in the file.
        photoshop: Photoshop resources, including IPTC, as in the file.
        chunks: other chunks that are carried over.
        dropped: what is not carried over.
    """

    exif: bytes | None
    xmp: bytes | None
    photoshop: bytes
    chunks: bytes
    dropped: frozenset[str]


def read_metadata(data: Buffer, *, turn: Turn, channels: int) -> PngMetadata:
    """Read the metadata of a PNG file.

    Args:
        data: the file.
        turn: how the photo is turned.
        channels: of the photo as it is written: 1 to 4; 2 and 4 have alpha.
    """
    chunks = [
        (name, bytes(data[start + 8 : end - 4])) for name, start, end in png_chunks(data) if name != b"IDAT"
    ]
    found: dict[str, bytes] = {}
    kept, dropped = [], set()
    for name, content in chunks:
        if name == b"eXIf":
            found.setdefault(
                "exif", content.removeprefix(b"Exif\0\0")
            )  # the standard's own place goes before text
        elif name in _TEXT:
            if content.startswith((_XMP + b"\0", _RAW)):
                if not _read_profile(name, content, found):
                    dropped.add("a text field of metadata that cannot be read")
            elif _PICTURE.search(_unpacked(name, content)) or blank_previews(content) != content:
                dropped.add("a picture in a text field")
            else:
                kept.append((name, content))
        elif name in _KEPT or (name not in _OWN and name[3] & 0x20):  # safe to copy, says its name
            if name == b"oFFs" and turn.needed:
                dropped.add("the offset on a page")
            elif name == b"pHYs":
                if content[8:9] == b"\0":  # only the shape of a pixel; what has a unit is the resolution
                    kept.append((name, content[4:8] + content[:4] + b"\0" if turn.sideways else content))
            elif blank_previews(content) != content:
                dropped.add(f"a picture in the chunk {name.decode('latin-1')}")
            else:
                kept.append((name, content))
        elif name not in _OWN:
            dropped.add("content credentials" if name == b"caBX" else f"the chunk {name.decode('latin-1')}")
    written = (_for_pixels(name, content, dict(chunks), channels) for name, content in kept)
    return PngMetadata(
        found.get("exif", found.get("text exif")),
        found.get("xmp", found.get("text xmp")),
        found.get("8bim", b""),
        b"".join(png_chunk(*each) for each in written if each is not None),
        frozenset(dropped),
    )


def png_exif(data: Buffer) -> bytes | None:
    """The EXIF block of a PNG file, wherever it stands."""
    found: dict[str, bytes] = {}
    for name, start, end in png_chunks(data):
        content = data[start + 8 : end - 4]
        if name == b"eXIf":
            return bytes(content).removeprefix(b"Exif\0\0")
        if name in _TEXT and bytes(content[: len(_RAW)]) == _RAW:
            _read_profile(name, bytes(content), found)
    return found.get("text exif")


def _read_profile(name: bytes, content: bytes, found: dict[str, bytes]) -> bool:
    """Add metadata that is written as text to ``found``; return whether it is of a known kind."""
    text = _unpacked(name, content)
    if content.startswith(_XMP):
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


def _unpacked(name: bytes, content: bytes) -> bytes:
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
    return png_chunk(b"zTXt", _RAW + b"8bim\0\0" + zlib.compress(text))


def _for_pixels(
    name: bytes, content: bytes, chunks: dict[bytes, bytes], channels: int
) -> tuple[bytes, bytes] | None:
    """Rewrite what depends on how the pixels are stored: palettes and few bits become plain 8 bits."""
    depth, kind = chunks[b"IHDR"][8], chunks[b"IHDR"][9]
    if name == b"sBIT":
        bits = [*content]
        colours, alpha = (
            (bits[:3] if len(bits) >= 3 else bits[:1]),
            (bits[-1:] if len(bits) in (2, 4) else []),
        )
        if channels >= 3 and len(colours) == 1:
            colours = colours * 3
        alpha = (alpha or [16 if depth == 16 else 8]) if channels in (2, 4) else []
        return (name, bytes(colours[: 3 if channels >= 3 else 1] + alpha)) if colours else None
    if name == b"bKGD":
        if kind == 3:
            palette, at = chunks.get(b"PLTE", b""), 3 * content[0] if content else 0
            colour = palette[at : at + 3]
            return (name, struct.pack(">3H", *colour)) if len(colour) == 3 else None
        values = struct.unpack(f">{len(content) // 2}H", content[: len(content) // 2 * 2])
        if depth < 8:
            values = tuple(each * 255 // (2**depth - 1) for each in values)
        if channels >= 3 and len(values) == 1:
            values = values * 3
        return (
            (name, struct.pack(f">{len(values)}H", *values))
            if len(values) == (3 if channels >= 3 else 1)
            else None
        )
    return name, content
