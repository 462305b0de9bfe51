"""Small valid photos and masks of every format, for fuzz_files.py."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pyvips
from PIL import Image

_HEIGHT, _WIDTH = 40, 48
_ADOBE = b"http://ns.adobe.com/xap/1.0/\0"
_RDF = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0" '
    b'hdrgm:GainMapMax="2" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="1" '
    b'xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/" '
    b'xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#"><mwg-rs:Regions rdf:parseType="Resource">'
    b'<mwg-rs:RegionList><rdf:Bag><rdf:li><rdf:Description><mwg-rs:Area stArea:x="0.5" stArea:y="0.4" '
    b'stArea:w="0.2" stArea:h="0.1" stArea:unit="normalized"/></rdf:Description></rdf:li></rdf:Bag>'
    b"</mwg-rs:RegionList></mwg-rs:Regions></rdf:Description></rdf:RDF></x:xmpmeta>"
)
_RESOURCES = b"8BIM\x04\x04\0\0\0\0\0\x0c\x1c\x02\x78\0\x07caption" + b"8BIM\x04\x0c\0\0\0\0\0\x04\0\0\0\0"


def samples() -> dict[str, bytes]:
    """Files by name; the name's first word is the format."""
    return dict(_of_pillow()) | dict(_of_vips()) | dict(_of_tifffile()) | dict(_by_hand())


def picture(bands: int, high: int = 255) -> np.ndarray[Any, Any]:
    """A soft picture with a little noise, ``H×W×bands``."""
    rows, columns = np.mgrid[:_HEIGHT, :_WIDTH]
    noise = np.random.default_rng(bands).integers(0, 20, (_HEIGHT, _WIDTH, bands))
    values = np.stack([4 * rows, 4 * columns, 2 * (rows + columns), 255 - rows, rows][:bands], -1) + noise
    return np.asarray(values * high // 300, dtype=np.uint8 if high < 256 else np.uint16)


def hole(values: tuple[int, int] = (0, 255)) -> np.ndarray[Any, Any]:
    """A mask, ``H×W`` uint8."""
    mask = np.full((_HEIGHT, _WIDTH), values[0], np.uint8)
    mask[10:25, 12:30] = values[1]
    return mask


def _exif() -> bytes:
    block = Image.Exif()
    block[0x010E], block[0x010F], block[0x0112] = "A title", "Maker", 6
    block.get_ifd(0x8769).update({0x9003: "2020:01:01 00:00:00", 0x927C: b"Maker\0" + bytes(range(60))})
    block.get_ifd(0x8825).update({1: "N", 2: (51.0, 30.0, 12.5)})
    return bytes(block.tobytes())


def _of_pillow() -> Iterator[tuple[str, bytes]]:
    grey, colour, clear = (Image.fromarray(picture(bands).squeeze()) for bands in (1, 3, 4))
    profile = bytes(pyvips.Operation.call("profile_load", "p3"))
    labels = Image.fromarray(hole((0, 3)))
    labels.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0])
    described: dict[str, Any] = {"exif": _exif(), "xmp": _RDF, "icc_profile": profile}
    made: list[tuple[Image.Image, str, dict[str, Any]]] = [
        *[(each, "JPEG", {"quality": 90}) for each in (grey, colour, colour.convert("CMYK"))],
        (colour, "JPEG", described | {"progressive": True, "comment": b"a comment", "dpi": (300, 300)}),
        *[(each, "PNG", {}) for each in (grey, colour, clear, clear.convert("LA"), grey.convert("1"))],
        *[(labels, "PNG", options) for options in ({}, {"bits": 2}, {"transparency": 0})],
        (Image.fromarray(picture(1, 65535).squeeze()), "PNG", {"exif": _exif(), "icc_profile": profile}),
        *[(clear, "WEBP", {"lossless": lossless} | described) for lossless in (True, False)],
        *[(each, "TIFF", {"compression": "tiff_deflate"}) for each in (grey, colour, clear, labels)],
        (colour, "TIFF", {"compression": "jpeg"}),
        (grey.convert("1"), "TIFF", {"compression": "group4"}),
        (colour, "TIFF", {"icc_profile": profile, "dpi": (300, 300)}),
        *[(colour, "AVIF", {"speed": 10} | options) for options in ({}, described)],
        *[(each, "JPEG2000", {}) for each in (grey, colour, clear)],
        *[(each, "BMP", {}) for each in (grey, colour, labels)],
        *[(each, "GIF", {}) for each in (grey, labels)],
        (grey, "GIF", {"save_all": True, "append_images": [labels.convert("L")]}),
        *[(each, "PPM", {}) for each in (grey, colour, grey.convert("1"))],
        *[(grey, kind, {}) for kind in ("TGA", "PCX", "SGI", "ICO", "DDS")],
        (grey.convert("1"), "XBM", {}),
    ]
    yield from _encoded(made)
    with suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
        yield from _encoded([(colour, "HEIF", {}), (clear, "HEIF", described | {"quality": 95})])


def _encoded(made: list[tuple[Image.Image, str, dict[str, Any]]]) -> Iterator[tuple[str, bytes]]:
    for number, (image, format, options) in enumerate(made):
        file = io.BytesIO()
        image.save(file, format, **options)
        yield f"{format.lower()} pillow-{number}", file.getvalue()


def _of_vips() -> Iterator[tuple[str, bytes]]:
    deep, clear = (pyvips.Image.new_from_array(picture(bands, 65535)) for bands in (3, 4))
    deep, clear = (each.copy(interpretation="rgb16") for each in (deep, clear))
    shallow = (deep >> 8).cast("uchar").copy(interpretation="srgb")
    yield "png vips-16", clear.pngsave_buffer(interlace=True)
    yield "tiff vips-tiles", deep.tiffsave_buffer(tile=True, tile_width=16, tile_height=16, compression="lzw")
    yield "tiff vips-pyramid", shallow.tiffsave_buffer(tile=True, tile_width=16, tile_height=16, pyramid=True)
    yield "tiff vips-big", clear.tiffsave_buffer(bigtiff=True, compression="packbits")
    yield "tiff vips-float", deep.cast("float").tiffsave_buffer()
    with suppress(pyvips.Error):  # a libvips without an encoder of AV1
        yield "avif vips-10", deep.heifsave_buffer(compression="av1", bitdepth=10, effort=0)


def _of_tifffile() -> Iterator[tuple[str, bytes]]:
    try:
        import tifffile
    except ImportError:
        return
    made: list[dict[str, Any]] = [
        {"data": picture(4), "photometric": "rgb", "extrasamples": ["unspecified"], "byteorder": ">"},
        {"data": picture(4), "photometric": "rgb", "extrasamples": ["assocalpha"]},
        {"data": picture(5), "photometric": "separated", "extrasamples": ["unspecified"]},
        {"data": picture(3).transpose(2, 0, 1), "photometric": "rgb", "planarconfig": "separate"},
        {"data": picture(3, 65535), "photometric": "cielab"},
        {"data": picture(1)[..., 0], "photometric": "miniswhite", "extratags": [(34377, 7, 999, _RESOURCES)]},
    ]
    with suppress(ImportError):
        import imagecodecs  # noqa: F401

        made += [{"data": picture(3), "photometric": "rgb", "compression": each} for each in ("zstd", "lzma")]
    for number, options in enumerate(made):
        file = io.BytesIO()
        with tifffile.TiffWriter(file, byteorder=options.pop("byteorder", "<")) as writer:
            writer.write(**options, metadata=None)
            if number == 0:
                writer.write(picture(3)[::4, ::4], photometric="rgb", subfiletype=1)
        yield f"tiff tifffile-{number}", file.getvalue()


def _by_hand() -> Iterator[tuple[str, bytes]]:
    """Files with what stands behind their pixels, or beside them."""
    plain: Callable[..., bytes] = pyvips.Image.new_from_array(picture(3)).jpegsave_buffer
    gain = pyvips.Image.new_from_array(picture(1)[::4, ::4]).jpegsave_buffer(Q=90)
    gain = _in_jpeg(gain, (0xE1, _ADOBE + _RDF))
    photo = _in_jpeg(
        plain(Q=80, subsample_mode="on", restart_interval=2),
        (0xE1, b"Exif\0\0" + _exif().removeprefix(b"Exif\0\0")),
        (0xE1, _ADOBE + _RDF),
        (0xE2, b"MPF\0II*\0\x08\0\0\0\0\0\0\0\0\0"),
        (0xED, b"Photoshop 3.0\0" + _RESOURCES),
    )
    yield "jpeg gain-map", photo + gain
    yield "jpeg motion", photo + b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(200)


def _in_jpeg(data: bytes, *segments: tuple[int, bytes]) -> bytes:
    made = b"".join(struct.pack(">BBH", 0xFF, mark, 2 + len(content)) + content for mark, content in segments)
    return data[:2] + made + data[2:]
