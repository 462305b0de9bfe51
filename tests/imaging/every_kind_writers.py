"""Make a file of every kind, with libraries only: nothing of retouch takes part."""

import io
import struct
import zlib

import imagecodecs
import numpy as np
import pillow_heif
import pyvips
from PIL import Image
from tests.imaging.every_kind import Kind
from tests.imaging.every_kind_pictures import (
    CODE_POINTS,
    COMMENT,
    FULL,
    PROFILES,
    TEXT,
    XMP,
    block_of,
    image_of,
    options_of,
    resource,
    samples,
    save,
    vips_image,
)
from tests.imaging.every_kind_tiff import tiff


def make(kind: Kind) -> bytes:
    """The file."""
    return (tiff if kind.format == "tiff" else _WRITERS[kind.format])(kind, samples(kind))


def _jpeg(kind: Kind, array: np.ndarray) -> bytes:
    content = b"Photoshop 3.0\0" + resource()
    segment = b"\xff\xed" + struct.pack(">H", len(content) + 2) + content
    return save(
        image_of(kind, array),
        "JPEG",
        quality=95,
        subsampling=kind.compression,
        progressive=kind.layout == "progressive",
        extra=segment if "iptc" in kind.metadata else b"",
        **({"comment": COMMENT} if "comment" in kind.metadata else {}),
        **options_of(kind),
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _png(kind: Kind, array: np.ndarray) -> bytes:
    if kind.writer == "pillow":
        data = save(image_of(kind, array), "PNG")
    else:
        options = {"bitdepth": kind.depth} if kind.depth < 8 else {}
        scaled = array * np.uint8(255 // FULL[kind.depth]) if kind.depth < 8 else array
        options["interlace"] = kind.layout == "interlaced"
        data = vips_image(scaled, kind.colours).pngsave_buffer(keep=0, **options)
    colour, rest = b"", b""
    if kind.profile in PROFILES:
        colour += _chunk(b"iCCP", b"profile\0\0" + zlib.compress(PROFILES[kind.profile]))
    if kind.profile in CODE_POINTS:
        colour += _chunk(b"cICP", CODE_POINTS[kind.profile])
    block = block_of(kind)
    if block is not None:
        rest += _chunk(b"eXIf", block.tobytes().removeprefix(b"Exif\0\0"))
    if "xmp" in kind.metadata:
        rest += _chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)
    if "iptc" in kind.metadata:
        text = b"\niptc\n%8d\n%s\n" % (len(resource()), resource().hex().encode())
        rest += _chunk(b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(text))
    if "text" in kind.metadata:
        rest += _chunk(b"tEXt", b"Title\0" + TEXT.encode())
    start, end = data[:33], data[-12:]
    last = kind.layout == "metadata last"
    return start + colour + (b"" if last else rest) + data[33:-12] + (rest if last else b"") + end


def _webp(kind: Kind, array: np.ndarray) -> bytes:
    image = image_of(kind, array)
    frames = (
        {"save_all": True, "append_images": [Image.fromarray(array[::-1])]}
        if kind.layout == "animated"
        else {}
    )
    return save(
        image, "WEBP", lossless=kind.compression == "lossless", exact=True, **frames, **options_of(kind)
    )


def _avif(kind: Kind, array: np.ndarray) -> bytes:
    if kind.writer == "pillow":
        return save(image_of(kind, array), "AVIF", quality=95, subsampling="4:4:4", **options_of(kind))
    # libvips takes the upper bits of 16.
    image = vips_image(array << (16 - kind.depth), kind.colours)
    for field, value in (
        ("icc-profile-data", PROFILES.get(kind.profile)),
        ("xmp-data", options_of(kind).get("xmp")),
    ):
        if value:
            image.set_type(pyvips.GValue.blob_type, field, value)
    return bytes(image.heifsave_buffer(compression="av1", bitdepth=kind.depth, Q=95, subsample_mode="off"))


def _heic(kind: Kind, array: np.ndarray) -> bytes:
    file, size = io.BytesIO(), (array.shape[1], array.shape[0])
    mode = ("RGBA" if kind.extra else "RGB") + (";16" if kind.depth > 8 else "")
    stored = array if kind.depth == 8 else array << (16 - kind.depth)
    image = pillow_heif.from_bytes(mode, size, stored.tobytes())
    depth = {} if kind.depth == 8 else {"bit_depth": kind.depth}
    image.save(file, quality=95, chroma=444, **depth, **options_of(kind))
    return file.getvalue()


def _jp2(kind: Kind, array: np.ndarray) -> bytes:
    return imagecodecs.jpeg2k_encode(
        array, codecformat="jp2", level=0 if kind.compression == "lossless" else 40
    )


def _gif(kind: Kind, array: np.ndarray) -> bytes:
    frames = {"save_all": True, "append_images": [Image.fromarray(array[::-1, :, 0])]} if kind.layout else {}
    comment = {"comment": COMMENT} if "comment" in kind.metadata else {}
    return save(image_of(kind, array), "GIF", **frames, **comment)


def _pnm(kind: Kind, array: np.ndarray) -> bytes:
    height, width, count = array.shape
    head = b"P%d %d %d %d\n" % (6 if count == 3 else 5, width, height, FULL[kind.depth])
    return head + array.astype(">u2" if kind.depth == 16 else np.uint8).tobytes()


_WRITERS = {
    "jpeg": _jpeg,
    "png": _png,
    "webp": _webp,
    "avif": _avif,
    "heic": _heic,
    "jp2": _jp2,
    "gif": _gif,
    "pnm": _pnm,
    "bmp": lambda kind, array: save(image_of(kind, array), "BMP"),
}
