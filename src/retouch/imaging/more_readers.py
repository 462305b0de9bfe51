"""Read with other libraries what libvips cannot: HEIC, rare kinds of TIFF, and formats that masks come in.

They are extras, and imported only for a file that needs them. What they read becomes an image of libvips,
with the fields that libvips' own loaders give it.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any

import numpy as np
import pyvips

from retouch.errors import RetouchError
from retouch.imaging import jpeg2000, opencv_reader, pnm, tiff
from retouch.imaging.few_bits import full_range
from retouch.imaging.kinds import damaged, kind_of
from retouch.imaging.photo import Array
from retouch.imaging.tags import Buffer

_USUAL = "a TIFF with LZW or Deflate compression and 8 or 16 bits a channel"
_FORMATS = {
    "u1": "uchar",
    "u2": "ushort",
    "u4": "uint",
    "i1": "char",
    "i2": "short",
    "i4": "int",
    "f4": "float",
    "f8": "double",
    "c8": "complex",
}  # of libvips, by numpy's
_BARE = ("BMP", "PNM")  # kinds without metadata, which OpenCV knows, too


def read_heic(name: str, data: Buffer) -> pyvips.Image:
    """Decode the main picture of a HEIC file with pillow-heif, upright, 8 bits or scaled to 16.

    Raises:
        RetouchError: the file is damaged.
    """
    import pillow_heif

    try:
        file = pillow_heif.open_heif(io.BytesIO(bytes(data)), convert_hdr_to_8bit=False)
        array = np.asarray(file)  # the main picture
        info = file.info
    except Exception as error:
        raise damaged(name) from error
    array = array[..., None] if array.ndim == 2 else array
    bits = int(info.get("bit_depth", 8))
    fields: dict[str, object] = {
        "vips-loader": "heifload",
        "heif-compression": "hevc",
        "bits-per-sample": bits,
        "exif-data": info.get("exif"),
        "xmp-data": info.get("xmp"),
        "icc-profile-data": info.get("icc_profile"),
        # The file's own transformations were applied, and EXIF's does not count. libvips has just read that.
        "orientation": 1,
    }
    return _as_image(array, fields)


def read_tiff(name: str, data: Buffer, page: tiff.Page) -> pyvips.Image:
    """Decode a page of a TIFF with tifffile, as samples, or as RGB if it has a palette.

    Raises:
        RetouchError: tifffile or imagecodecs is not installed, or cannot read this kind either.
    """
    kind = page.unusual() or "this kind"
    if not page.complete():
        raise damaged(name)
    try:
        import imagecodecs  # noqa: F401  # tifffile leaves most kinds to it
        import tifffile
    except ImportError as error:
        raise RetouchError(
            f"{name} is a TIFF with {kind}, which needs tifffile; in a clone of retouch, run: "
            f"pip install '.[tiff]'; or convert it to {_USUAL}."
        ) from error
    try:
        array = _tiff_samples(tifffile, data, page)
    except Exception as error:
        if type(error).__module__.split(".")[0] in ("imagecodecs", "_lzma", "zlib"):
            raise damaged(name) from error
        raise RetouchError(
            f"{name} is a TIFF with {kind} that cannot be read here; convert it to {_USUAL}."
        ) from error
    return _as_image(array, {"vips-loader": "tiffload", "orientation": page.integer(274, 1)})


def _tiff_samples(tifffile: ModuleType, data: Buffer, page: tiff.Page) -> Array:
    """The samples of a page, ``H×W×S``; grey with 0 as black, and colours in place of a palette's numbers."""
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        found = file.pages[page.number]
        found = found if page.below < 0 else found.pages[page.below]
        array: Any = np.asarray(found.asarray())
        planes = found.samplesperpixel > 1 and found.planarconfig == 2
        palette = found.colormap
    if not array.size:
        raise ValueError("a page without pixels")
    array = np.moveaxis(array, 0, -1) if planes else array
    array = array.reshape(page.integer(257), page.integer(256), -1)
    if page.photometric == tiff.PALETTE:
        return np.asarray((np.asarray(palette).T >> 8)[array[..., 0]], dtype=np.uint8)
    array = array.view(np.uint8) if array.dtype.kind == "b" else array  # 1 bit
    if array.dtype.kind != "u" or array.itemsize > 2:
        return np.asarray(array)  # refused, whatever it was
    array = array if page.bits in (8, 16) else full_range(array, page.bits)
    if page.photometric == tiff.WHITE_IS_ZERO:
        array = np.concatenate([~array[..., :1], array[..., 1:]], axis=-1)
    return np.asarray(array)


def read_other(name: str, data: Buffer, limit: Callable[[int, int], None], *, mask: bool) -> pyvips.Image:
    """Decode a format that libvips does not know, with Pillow or OpenCV.

    Args:
        name: what sentences call the file.
        data: the file.
        limit: refuses too large a width and height.
        mask: whether only the values count. For photos, formats are left out whose profile or metadata would
            be lost.

    Raises:
        RetouchError: the file is not an image that can be read.
    """
    kind = kind_of(data)
    if kind == "JPEG 2000":
        return _read_jpeg2000(name, data, limit)
    if mask or kind in _BARE:
        try:
            array = pnm.decode(data, limit) if kind == "PNM" else None
        except ValueError as error:
            if isinstance(error, RetouchError):  # too large
                raise
            raise damaged(name) from error
        array = _by_pillow(data, limit) if array is None else array
        array = opencv_reader.decode(data) if array is None and kind in _BARE else array
        if array is not None:
            return _as_image(array, {"vips-loader": f"{(kind or 'other').lower()}load"})
    if kind is None:
        raise RetouchError(f"{name} is not an image that can be read; use JPEG, PNG, WebP or TIFF.")
    raise RetouchError(unreadable(name, kind))


def _read_jpeg2000(name: str, data: Buffer, limit: Callable[[int, int], None]) -> pyvips.Image:
    try:
        header = jpeg2000.describe(data)
    except (ValueError, IndexError, KeyError) as error:
        raise damaged(name) from error
    limit(header.width, header.height)
    fields: dict[str, object] = {
        "vips-loader": "jp2load",
        "exif-data": header.exif,
        "xmp-data": header.xmp,
        "iptc-data": header.iptc,
        "icc-profile-data": header.profile,
        "orientation": 1,  # the format knows no orientation; libvips has just read that of EXIF
    }
    return _as_image(jpeg2000.decode(name, data, header), fields)


def needs_heif(name: str) -> str:
    """The sentence about a HEIC file where nothing can decode it."""
    return (
        f"{name} is a HEIC photo, which needs pillow-heif; in a clone of retouch, run: "
        "pip install '.[heif]'; or convert the photo to JPEG."
    )


def unreadable(name: str, kind: str) -> str:
    """The sentence about a file of a kind that cannot be read."""
    return f"{name} is a file of the kind {kind}, which cannot be read here; convert it to TIFF or PNG first."


def _by_pillow(data: Buffer, limit: Callable[[int, int], None]) -> Array | None:
    """Grey or RGB, with alpha or without, 8 or 16 bits; None if Pillow is missing or cannot read it."""
    try:
        from PIL import Image
    except ImportError:
        return None
    size = None
    # What Pillow raises for a damaged file differs by format, and is no error of this program.
    with suppress(Exception), Image.open(io.BytesIO(bytes(data))) as image:
        size = image.size
    if size is None:
        return None
    limit(*size)
    with suppress(Exception), Image.open(io.BytesIO(bytes(data))) as image:
        if getattr(image, "n_frames", 1) > 1 or image.mode in ("CMYK", "YCbCr", "LAB", "HSV", "F"):
            return None
        if image.mode in ("1", "P", "PA"):
            grey = "L" if image.mode == "1" else "RGBA" if image.has_transparency_data else "RGB"
            array = np.asarray(image.convert(grey))
        else:
            array = np.asarray(image)
        if array.dtype.kind in "iu" and array.itemsize > 1 and array.min() >= 0 and array.max() <= 65535:
            array = array.astype(np.uint16)
        return array if array.dtype in (np.uint8, np.uint16) else None
    return None


def _as_image(array: Array, fields: dict[str, object]) -> pyvips.Image:
    """An image of libvips with the fields that a loader would give it."""
    array = np.ascontiguousarray(array[..., None] if array.ndim == 2 else array)
    height, width, bands = array.shape
    if array.dtype.str[1:] not in _FORMATS:  # libvips has no whole numbers of 64 bits
        array = array.astype(np.complex64 if array.dtype.kind == "c" else np.float64)
    format = _FORMATS[array.dtype.str[1:]]
    image: Any = pyvips.Image.new_from_memory(array, width, height, bands, format)
    kind = ("b-w", "grey16") if bands < 3 else ("srgb", "rgb16")
    image = image.copy(interpretation=kind[format == "ushort"])
    for field, value in fields.items():
        if isinstance(value, bytes):
            image.set_type(pyvips.GValue.blob_type, field, value)
        elif isinstance(value, int):
            image.set_type(pyvips.GValue.gint_type, field, value)
        elif value:
            image.set_type(pyvips.GValue.gstr_type, field, value)
    return image
