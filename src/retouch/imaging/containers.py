"""Read and write the parts of JPEG, PNG and WebP files that libvips ignores or would change.

Source: ITU-T T.81, annex B; PNG (W3C, third edition), section 5; WebP container specification (Google).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from retouch.errors import RetouchError
from retouch.imaging.tags import Buffer
from retouch.imaging.xmp_packets import split_xmp

_SEGMENT_LIMIT = 65533
_TOO_LONG = "The photo's metadata is longer than a JPEG file can hold; write it as .tiff instead."
_PROFILE_LIMIT = 2**26  # bytes; a small chunk can unpack to gigabytes
_PROFILE = b"ICC_PROFILE\0"
_WEBP_CHUNKS = {"VP8X", "VP8 ", "VP8L", "ALPH", "ICCP", "EXIF", "XMP ", "ANIM", "ANMF"}
_PHOTOSHOP = b"Photoshop 3.0\0"


def jpeg_segments(data: Buffer) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and end of the content of each segment before the picture itself."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        if data[at + 1] == 0xFF:  # fill bytes may come before a marker
            at += 1
            continue
        if data[at + 1] == 0xDA:
            return
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        yield data[at + 1], at + 4, at + 2 + length
        at += 2 + length


def jpeg_segment(marker: int, content: bytes) -> bytes:
    """Make a segment. Raise :class:`RetouchError` if its content is too long."""
    check_segments(content)
    return struct.pack(">BBH", 0xFF, marker, 2 + len(content)) + content


def jpeg_contents(data: Buffer, wanted: int) -> tuple[bytes, ...]:
    """Return the contents of all segments with a marker."""
    return tuple(bytes(data[start:end]) for marker, start, end in jpeg_segments(data) if marker == wanted)


def jpeg_comments(data: Buffer) -> tuple[bytes, ...]:
    """Return the comments of a JPEG file."""
    return jpeg_contents(data, 0xFE)


def jpeg_photoshop(data: Buffer) -> bytes:
    """Return the Photoshop resources of a JPEG file, which may span several segments."""
    contents = jpeg_contents(data, 0xED)
    return b"".join(each.removeprefix(_PHOTOSHOP) for each in contents if each.startswith(_PHOTOSHOP))


def add_to_jpeg(
    data: bytes,
    *,
    exif: bytes | None = None,
    xmp: bytes | None = None,
    profile: bytes | None = None,
    photoshop: bytes = b"",
    comments: tuple[bytes, ...] = (),
    resolution: tuple[float, float, str] | None = None,
) -> bytes:
    """Add metadata to a JPEG file that has none of the same kind.

    Args:
        data: the file.
        exif: an EXIF block.
        xmp: an XMP packet of any length.
        profile: an ICC profile.
        photoshop: Photoshop resources.
        comments: comments.
        resolution: as in :class:`~retouch.imaging.Header`. libvips would write it to EXIF only.

    Raises:
        RetouchError: a piece of metadata does not fit into a JPEG segment.
    """
    added = [] if resolution is None else [(0xE0, _jfif(*resolution))]  # JFIF must come first
    added += [] if exif is None else [(0xE1, b"Exif\0\0" + exif)]
    added += [(0xE1, packet) for packet in _xmp_segments(xmp)]
    step = _SEGMENT_LIMIT - len(_PROFILE) - 2
    pieces = [profile[at : at + step] for at in range(0, len(profile), step)] if profile else []
    if len(pieces) > 0xFF:
        raise RetouchError(_TOO_LONG)
    added += [
        (0xE2, _PROFILE + bytes([number, len(pieces)]) + piece) for number, piece in enumerate(pieces, 1)
    ]
    step = _SEGMENT_LIMIT - len(_PHOTOSHOP)
    added += [(0xED, _PHOTOSHOP + photoshop[at : at + step]) for at in range(0, len(photoshop), step)]
    added += [(0xFE, comment) for comment in comments]
    return data[:2] + b"".join(jpeg_segment(marker, content) for marker, content in added) + data[2:]


def without_metadata(data: bytes) -> bytes:
    """Return a JPEG file without its application segments and comments."""
    kept, at = [data[:2]], 2
    for marker, start, end in jpeg_segments(data):
        if marker != 0xFE and not 0xE0 <= marker <= 0xEF:
            kept.append(jpeg_segment(marker, data[start:end]))
        at = end
    return b"".join(kept) + data[at:]


def _xmp_segments(packet: bytes | None) -> list[bytes]:
    try:
        return split_xmp(packet) if packet else []
    except ValueError as error:
        raise RetouchError(_TOO_LONG) from error


def _jfif(across: float, down: float, unit: str) -> bytes:
    scale = 10 if unit == "cm" else 25.4
    densities = (min(max(round(density * scale), 1), 0xFFFF) for density in (across, down))
    return b"JFIF\0" + struct.pack(">HBHHBB", 0x0102, 2 if unit == "cm" else 1, *densities, 0, 0)


def check_segments(*contents: bytes) -> None:
    """Raise :class:`RetouchError` if one of the contents is too long for a JPEG segment."""
    if any(len(content) > _SEGMENT_LIMIT for content in contents):
        raise RetouchError(_TOO_LONG)


def png_chunks(data: Buffer) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of each chunk of a PNG file, including its length and checksum."""
    at = 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        yield bytes(data[at + 4 : at + 8]), at, at + 12 + length
        at += 12 + length


def is_animated_png(data: Buffer) -> bool:
    """Whether a PNG file has several frames; libvips would silently read the first."""
    return any(name == b"acTL" for name, _, _ in png_chunks(data))


def png_profile(data: Buffer) -> bytes | None:
    """Return the ICC profile of a PNG file, even one that libpng rejects as unfit for the pixels."""
    for name, start, end in png_chunks(data):
        if name == b"iCCP":
            _, _, packed = bytes(data[start + 8 : end - 4]).partition(b"\0")
            try:
                return zlib.decompressobj().decompress(packed[1:], _PROFILE_LIMIT) or None
            except zlib.error:
                return None
    return None


def add_to_png(
    data: bytes, exif: bytes | None, profile: bytes | None, chunks: bytes, xmp: bytes | None = None
) -> bytes:
    """Add metadata to a PNG file. It goes right after the header, since some must come before the pixels."""
    if xmp:  # as XMP's specification wants it: international text that is not compressed
        chunks += png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
    if profile is not None:
        chunks += png_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(profile))
    if exif is not None:
        chunks += png_chunk(b"eXIf", exif)
    given = {name for name, _, _ in png_chunks(bytes(8) + chunks)}
    if b"pHYs" in given:  # libvips always writes one
        data = b"".join(
            [data[:8], *(data[start:end] for name, start, end in png_chunks(data) if name != b"pHYs")]
        )
    return data[:33] + chunks + data[33:]


def png_chunk(name: bytes, content: bytes) -> bytes:
    """Make a chunk with its length and checksum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def webp_chunks(data: Buffer) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of the content of each chunk of a WebP file."""
    at = 12
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        yield bytes(data[at : at + 4]), at + 8, at + 8 + length
        at += 8 + length + length % 2


def is_lossless_webp(data: Buffer) -> bool:
    """Whether the pixels of a WebP file are stored losslessly."""
    return any(name == b"VP8L" for name, _, _ in webp_chunks(data))


def foreign_webp_chunks(data: Buffer) -> frozenset[str]:
    """Name the chunks of a WebP file that are not carried over."""
    names = {name.decode("latin-1") for name, _, _ in webp_chunks(data)} - _WEBP_CHUNKS
    return frozenset("content credentials" if name == "C2PA" else f"the chunk {name}" for name in names)


def replace_webp_exif(data: bytes, exif: bytes) -> bytes:
    """Replace the EXIF chunk that libvips wrote with ``exif``."""
    for name, start, end in webp_chunks(data):
        if name == b"EXIF":
            chunk = struct.pack("<I", len(exif)) + exif + bytes(len(exif) % 2)
            data = data[: start - 4] + chunk + data[end + (end - start) % 2 :]
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]
