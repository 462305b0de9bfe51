"""Name the kind of a file by its content, so that what cannot be read is called by its name.

Source: the signatures in the formats' specifications; for raw files, ExifTool's documentation of them.
"""

from __future__ import annotations

from retouch.errors import RetouchError
from retouch.imaging import tiff
from retouch.imaging.containers import jpeg_segments
from retouch.imaging.tags import Buffer

_RAW = (
    (0, b"FUJIFILMCCD-RAW", "RAF"),
    (0, b"FOVb", "X3F"),
    (0, b"\0MRM", "MRW"),
    (0, b"IIU\0", "RW2"),
    (0, b"IIRO", "ORF"),
    (0, b"IIRS", "ORF"),
    (0, b"MMOR", "ORF"),
    (0, b"ARRI", "ARRIRAW"),
    (4, b"ftypcrx ", "CR3"),
    (6, b"HEAPCCDR", "CRW"),
    (8, b"CR\x02", "CR2"),
    (8, b"IIII", "IIQ"),
    (8, b"MMMM", "IIQ"),
)
_OTHERS = (
    (0, b"BM", "BMP"),
    (0, b"8BPS", "PSD"),
    (0, b"gimp xcf", "XCF"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"II\xbc", "JPEG XR"),
    (0, b"v/1\x01", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance HDR"),
    (0, b"#?RGBE", "Radiance HDR"),
    (0, b"SIMPLE  =", "FITS"),
    (0, b"DDS ", "DDS"),
    (0, b"qoif", "QOI"),
    (0, b"\x59\xa6\x6a\x95", "Sun raster"),
    (0, b"\0\0\1\0", "ICO"),
    (0, b"%!PS", "PostScript"),
    (0, b"%PDF", "PDF"),
    (0, b"AT&TFORM", "DjVu"),
    (128, b"DICM", "DICOM"),
    (4, b"ftypavis", "animated AVIF"),
    (4, b"ftyphevc", "animated HEIC"),
    (4, b"ftypmsf1", "animated HEIF"),
    *(
        (4, b"ftyp" + brand, "video")
        for brand in (b"qt  ", b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"M4V ")
    ),
    *((0, b"P%d" % number, "PNM") for number in range(1, 8)),
)


def raw_kind(data: Buffer) -> str | None:
    """Name a camera's raw file, such as "CR3"; None if the file is none."""
    for at, signature, name in _RAW:
        if bytes(data[at : at + len(signature)]) == signature:
            return name
    if not tiff.is_tiff(data):
        return None
    try:
        found = tiff.pages(data)
    except ValueError:
        return None
    if not tiff.is_raw(data):
        return None
    return "DNG" if any(50706 in page.fields for page in found) else "a TIFF with raw values"


def kind_of(data: Buffer) -> str | None:
    """Name a kind of file that libvips does not read; None if it is none of those that are known."""
    if bytes(data[:2]) == b"\xff\xd8":
        return _unusual_jpeg(data)
    head = bytes(data[:160])
    return next((name for at, signature, name in _OTHERS if head[at:].startswith(signature)), None)


def _unusual_jpeg(data: Buffer) -> str | None:
    """Name a JPEG of a kind that few programs read."""
    for marker, start, end in jpeg_segments(data):
        if marker == 0xF7:
            return "JPEG-LS"
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and start < min(end, len(data)):
            if marker == 0xC3:
                return "lossless JPEG"
            return f"{data[start]}-bit JPEG" if data[start] != 8 else None
    return None


def damaged(name: str) -> RetouchError:
    """The error to raise for a file of a kind that is known, and cannot be decoded."""
    return RetouchError(f"{name} is damaged or cut short; get an intact copy.")
