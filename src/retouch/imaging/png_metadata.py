"""Find the metadata of a PNG file wherever it stands: before or behind the pixels, in chunks or as text.

Source: PNG (W3C, third edition), sections 11.3 and 14.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from retouch.imaging.containers import png_chunk, png_chunks
from retouch.imaging.png_text import RAW, XMP, read_profile, unpacked
from retouch.imaging.previews import blank_previews
from retouch.imaging.tags import Buffer
from retouch.imaging.turning import Turn

_PICTURE = re.compile(rb"(?:/9j/|iVBORw0KGgo|R0lGOD[dl]h|UklGR)[\w+/=\s]{64,}", re.ASCII)
_TEXT = (b"tEXt", b"zTXt", b"iTXt")
# Written anew with the pixels, or about how these were stored.
_OWN = (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"iCCP", b"eXIf", b"hIST", b"iDOT")
_KEPT = (*_TEXT, b"gAMA", b"cHRM", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"sBIT", b"bKGD", b"tIME", b"oFFs",
         b"pHYs", b"sPLT", b"pCAL", b"sCAL", b"sTER", b"gIFg")  # fmt: skip
_NAMED = {b"caBX": "content credentials", b"gmAP": "a gain map", b"gdAT": "a gain map"}  # the latter by Skia


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
    kept: list[tuple[bytes, bytes]] = []
    dropped: set[str] = set()
    for name, content in chunks:
        if name == b"eXIf":  # goes before EXIF as text
            found.setdefault("exif", content.removeprefix(b"Exif\0\0"))
        elif name in _TEXT and content.startswith((XMP + b"\0", RAW)):
            if not read_profile(name, content, found):
                dropped.add("a text field of metadata that cannot be read")
        elif name == b"pHYs":
            if content[8:9] == b"\0":  # only the shape of a pixel; what has a unit is the resolution
                kept.append((name, content[4:8] + content[:4] + b"\0" if turn.sideways else content))
        elif name not in _OWN:
            reason = _reason_to_drop(name, content, turn)
            kept += [] if reason else [(name, content)]
            dropped |= {reason} if reason else set()
    first = dict(reversed(chunks))  # libpng, too, goes by the first of a name
    written = (_for_pixels(name, content, first, channels) for name, content in kept)
    return PngMetadata(
        found.get("exif", found.get("text exif")),
        found.get("xmp", found.get("text xmp")),
        found.get("8bim", b""),
        b"".join(png_chunk(*each) for each in written if each is not None),
        frozenset(dropped),
    )


def _reason_to_drop(name: bytes, content: bytes, turn: Turn) -> str:
    """What to say of a chunk that is not carried over; empty if it is."""
    label = name.decode("latin-1")
    if name not in _KEPT and not name[3] & 0x20:  # the fourth letter says whether it is safe to copy
        return _NAMED.get(name, f"the chunk {label}")
    if name == b"oFFs" and turn.needed:
        return "the offset on a page"
    if name in _TEXT:
        shows = _PICTURE.search(unpacked(name, content)) or blank_previews(content) != content
        return "a picture in a text field" if shows else ""
    return f"a picture in the chunk {label}" if blank_previews(content) != content else ""


def png_exif(data: Buffer) -> bytes | None:
    """The EXIF block of a PNG file, wherever it stands."""
    found: dict[str, bytes] = {}
    for name, start, end in png_chunks(data):
        content = data[start + 8 : end - 4]
        if name == b"eXIf":
            return bytes(content).removeprefix(b"Exif\0\0")
        if name in _TEXT and bytes(content[: len(RAW)]) == RAW:
            read_profile(name, bytes(content), found)
    return found.get("text exif")


def _for_pixels(
    name: bytes, content: bytes, chunks: dict[bytes, bytes], channels: int
) -> tuple[bytes, bytes] | None:
    """Rewrite what depends on how the pixels are stored, for 8 or 16 bits without a palette."""
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


def fit_depth(chunks: bytes, depth: int) -> bytes:
    """Fit chunks for 8 bits a channel to grey pixels of ``depth`` bits, if there are fewer."""
    if depth >= 8:
        return chunks
    fitted = bytearray()
    for name, start, end in png_chunks(bytes(8) + chunks):  # 8 bytes stand where a file has its signature
        content = chunks[start : end - 12]
        if name == b"sBIT":
            content = bytes(min(each, depth) for each in content[:1])
        elif name == b"bKGD":
            content = struct.pack(">H", int.from_bytes(content[:2], "big") * (2**depth - 1) // 255)
        fitted += png_chunk(name, content)
    return bytes(fitted)
