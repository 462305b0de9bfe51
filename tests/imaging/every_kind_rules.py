"""Which kinds of file can be made, and which may be refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.imaging.every_kind import Kind

_FEW_INKS = ("webp", "jpeg2000", "jpegxl", "png")  # compressions for grey and RGB with one alpha at most
_BY_LIBRARY = {
    "libvips": ("none", "lzw", "deflate", "packbits", "fax", "jpeg", "webp"),
    "pillow": ("none", "lzw", "deflate", "packbits", "fax", "jpeg", "zstd", "lzma"),
}
_LAYOUTS = {"libvips": ("", "tiles", "predictor", "BigTIFF"), "pillow": ("", "BigTIFF")}
_COLOURS = {
    "libvips": ("grey", "rgb", "cmyk"),
    "pillow": ("grey", "rgb", "palette", "cmyk", "lab", "ycbcr"),
}


def can_be_made(kind: Kind) -> bool:
    """Whether the writer can make such a file, and the format can be it."""
    if kind.format == "png":
        few = kind.depth < 8 and (kind.extra or kind.colours != "grey")
        by_pillow = kind.writer == "pillow" and (kind.depth != 8 or kind.layout == "interlaced")
        palette = kind.colours == "palette" and (kind.writer != "pillow" or kind.extra)
        code_points = kind.profile.startswith("cicp") and kind.colours != "rgb"
        return not (few or by_pillow or palette or code_points)
    if kind.format == "avif":
        by_vips = kind.depth > 8 and kind.orientation == 1 and "exif" not in kind.metadata
        return by_vips if kind.writer == "libvips" else kind.depth == 8
    return kind.format != "tiff" or (_fits_samples(kind) and _fits_writer(kind) and _fits_compression(kind))


def _fits_samples(kind: Kind) -> bool:
    """Whether TIFF allows these samples, and they mean something."""
    if kind.colours in ("palette", "ycbcr"):
        return kind.depth == 8 and not kind.extra and "planes" not in kind.layout
    if kind.depth < 8:
        return kind.colours in ("grey", "white is 0") and not kind.extra
    if kind.depth in (12, 32):
        return (
            kind.colours in ("grey", "rgb", "white is 0")[: 3 if kind.depth == 12 else 2] and not kind.extra
        )
    return True


def _fits_writer(kind: Kind) -> bool:
    """Whether the library writes these samples in this layout."""
    several = kind.colours in ("rgb", "cmyk", "lab", "icclab") or bool(kind.extra)
    if kind.writer == "tifffile":
        if kind.colours == "ycbcr" or kind.compression == "fax":
            return False
        few = kind.depth in (2, 4, 12) and (kind.compression != "none" or kind.layout)
        return not few and (several or "planes" not in kind.layout)
    if kind.compression not in _BY_LIBRARY[kind.writer] or kind.layout not in _LAYOUTS[kind.writer]:
        return False
    if kind.colours not in _COLOURS[kind.writer] or kind.depth in (12, 32):
        return False
    if kind.extra not in ((), (2,)) or (kind.extra and kind.colours not in ("grey", "rgb")):
        return False
    if kind.writer == "libvips":  # it writes IPTC that others cannot read
        return (kind.depth >= 8 or kind.layout == "") and "iptc" not in kind.metadata
    if "exif" in kind.metadata and (kind.layout == "BigTIFF" or kind.compression != "none"):
        return False  # Pillow gives up on directories below the first
    deep = kind.depth == 16 and (kind.colours != "grey" or kind.extra)
    return not deep and kind.depth not in (2, 4)


def _fits_compression(kind: Kind) -> bool:
    """Whether these samples can be compressed so."""
    plain = kind.colours in ("grey", "white is 0", "rgb")
    if kind.compression == "fax":
        return kind.depth == 1 and kind.layout != "predictor"
    if kind.layout == "predictor":
        return kind.compression in ("lzw", "deflate", "zstd", "lzma") and kind.depth in (8, 16) and plain
    if kind.compression == "jpeg":
        return kind.depth == 8 and kind.colours in ("grey", "rgb") and not kind.extra and not kind.layout
    if kind.compression == "webp":
        return kind.depth == 8 and kind.colours == "rgb" and kind.extra in ((), (2,)) and not kind.layout
    if kind.compression in _FEW_INKS:
        return kind.depth in (8, 16) and plain and kind.extra in ((), (2,)) and not kind.layout
    return kind.compression != "lerc" or (kind.depth in (8, 16) and kind.layout != "big-endian")


Rule = Callable[["Kind"], bool]
_NO_ALPHA, _EIGHT, _TWELVE = ("jpg",), ("jpg", "webp"), ("jpg", "webp", "avif", "heic")
_REFUSALS: tuple[tuple[str, Rule], ...] = (
    ("is CMYK; convert it to RGB first", lambda kind: kind.format == "jpeg" and kind.colours == "cmyk"),
    ("frames or pages; save the one you want", lambda kind: kind.layout in ("animated", "two pages")),
    ("(PQ); convert", lambda kind: kind.profile == "cicp pq"),
    (
        "with other channels than grey or RGB; convert it to TIFF",
        lambda kind: kind.format == "jp2" and kind.extra != (),
    ),
    ("values; convert it to 8 or 16 bits", lambda kind: kind.depth == 32),
    (
        "of no stated meaning; convert it to grey or RGB first",
        lambda kind: kind.colours in ("grey", "white is 0") and len(kind.extra) > 2,
    ),
    ("Photos cannot be written as", lambda kind: kind.target in ("gif", "bmp", "ppm", "jp2")),
    (
        "cannot hold",
        lambda kind: _deep(kind) and kind.target in (_EIGHT if kind.format in ("avif", "heic") else _TWELVE),
    ),
    ("transparency", lambda kind: kind.transparent and kind.target in _NO_ALPHA),
    (
        "channels besides colour and transparency",
        lambda kind: 0 in kind.extra and kind.target != "tif",
    ),
)


def refusals(kind: Kind) -> list[str]:
    """Words of the sentences that may refuse a file of a kind; if there are none, nothing may."""
    return [words for words, applies in _REFUSALS if applies(kind)]


def _deep(kind: Kind) -> bool:
    """Whether the photo has more than 8 bits a channel; L*a*b* and CMYK become RGB of 16."""
    return kind.depth > 8 or kind.colours in ("cmyk", "lab", "icclab")
