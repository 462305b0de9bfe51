"""Make a TIFF of every kind."""

import io
from typing import Any

import numpy as np
import pyvips
import tifffile
from PIL import Image
from tests.imaging.every_kind import Kind
from tests.imaging.every_kind_pictures import (
    IPTC,
    PROFILES,
    XMP,
    block_of,
    image_of,
    palette,
    save,
    vips_image,
)

_PHOTOMETRIC = {
    "grey": 1,
    "white is 0": 0,
    "rgb": 2,
    "palette": 3,
    "cmyk": 5,
    "ycbcr": 6,
    "lab": 8,
    "icclab": 9,
}
_PILLOW = {"none": "raw", "lzw": "tiff_lzw", "deflate": "tiff_adobe_deflate", "fax": "group4"}


def tiff(kind: Kind, array: np.ndarray) -> bytes:
    """The file."""
    return {"tifffile": _by_tifffile, "libvips": _by_libvips, "pillow": _by_pillow}[kind.writer](kind, array)


def _tags(kind: Kind) -> list[tuple[int, int, int, Any, bool]]:
    """Tags for tifffile, which says what it writes."""
    found: list[tuple[int, int, int, Any, bool]] = [(274, 3, 1, kind.orientation, True)]
    if "exif" in kind.metadata:
        found += [(270, 2, 0, "A title", True), (271, 2, 0, "Maker", True)]
    if "xmp" in kind.metadata:
        found += [(700, 1, len(XMP), XMP, True)]
    if "iptc" in kind.metadata:
        found += [(33723, 7, len(IPTC), IPTC, True)]
    return found


def _by_tifffile(kind: Kind, array: np.ndarray) -> bytes:
    file = io.BytesIO()
    planes = "planes" in kind.layout
    stored = np.moveaxis(array, 2, 0) if planes else array.squeeze(-1) if array.shape[2] == 1 else array
    stored = stored > 0 if kind.depth == 1 else stored
    options: dict[str, Any] = {
        "photometric": _PHOTOMETRIC[kind.colours],
        "compression": None if kind.compression == "none" else kind.compression,
        "extrasamples": kind.extra or None,
        "iccprofile": PROFILES.get(kind.profile),
        "extratags": _tags(kind),
    }
    options |= {"planarconfig": "separate" if planes else "contig"} if array.shape[2] > 1 else {}
    options |= {"tile": (16, 32)} if "tiles" in kind.layout else {}
    options |= {"tile": (16, 16)} if "tiled" in kind.layout else {}
    options |= {"predictor": True} if kind.layout == "predictor" else {}
    options |= {"bitspersample": kind.depth} if kind.depth in (2, 4, 12) else {}
    options |= {"colormap": palette().astype(np.uint16) * 257} if kind.colours == "palette" else {}
    order = ">" if kind.layout == "big-endian" else "<"
    with tifffile.TiffWriter(file, bigtiff=kind.layout == "BigTIFF", byteorder=order) as writer:
        for _ in range(2 if kind.layout == "two pages" else 1):
            writer.write(np.ascontiguousarray(stored), metadata=None, **options)
    return file.getvalue()


def _by_libvips(kind: Kind, array: np.ndarray) -> bytes:
    few = kind.depth < 8
    image = vips_image(array * np.uint8(255 // (2**kind.depth - 1)) if few else array, kind.colours)
    image.set_type(pyvips.GValue.gint_type, "orientation", kind.orientation)
    if "exif" in kind.metadata:
        image.set_type(pyvips.GValue.gstr_type, "image-description", "A title")
    blobs = {
        "icc-profile-data": PROFILES.get(kind.profile),
        "xmp-data": XMP if "xmp" in kind.metadata else None,
    }
    for field, value in blobs.items():
        if value:
            image.set_type(pyvips.GValue.blob_type, field, value)
    return bytes(
        image.tiffsave_buffer(
            compression={"fax": "ccittfax4"}.get(kind.compression, kind.compression),
            lossless=True,
            tile=kind.layout == "tiles",
            tile_width=32,
            tile_height=16,
            bigtiff=kind.layout == "BigTIFF",
            predictor="horizontal" if kind.layout == "predictor" else "none",
            miniswhite=kind.colours == "white is 0",
            bitdepth=kind.depth if few else 0,
        )
    )


def _by_pillow(kind: Kind, array: np.ndarray) -> bytes:
    # Pillow looks at tiffinfo= or at exif=, so all tags go into one.
    block = block_of(kind) or Image.Exif()
    if "xmp" in kind.metadata:
        block[700] = XMP
    if "iptc" in kind.metadata:
        block[33723] = IPTC
    options: dict[str, Any] = {"exif": block.tobytes()}
    if kind.profile in PROFILES:
        options["icc_profile"] = PROFILES[kind.profile]
    compression = _PILLOW.get(kind.compression, kind.compression)
    big = kind.layout == "BigTIFF"
    return save(image_of(kind, array), "TIFF", compression=compression, big_tiff=big, **options)
