"""Read photos and masks from files, pipes and bytes, with libvips."""

from __future__ import annotations

import logging
import mmap
from pathlib import Path
from typing import Any

import pyvips

from retouch.errors import RetouchError
from retouch.imaging import containers, resources, tags
from retouch.imaging.exif import exif_orientation
from retouch.imaging.metadata import collect
from retouch.imaging.photo import NO_RESOLUTION, PIXEL_LIMIT, Array, Header, Photo, TiffLayout, split_alpha
from retouch.imaging.png_metadata import png_exif
from retouch.imaging.turning import Turn

# Without a handler Python would print libvips' own warnings to the terminal.
logging.getLogger("pyvips").addHandler(logging.NullHandler())
# Every file is decoded once. A cache of operations would only keep photos in memory and files open.
pyvips.cache_set_max(0)

# A message may quote bytes of the file. pyvips takes them for UTF-8, fails, and keeps the message.
_ERRORS = (pyvips.Error, UnicodeDecodeError)
_NO_PHOTOS = ("svg", "pdf", "csv", "matrix")
_CHANNELS = {"b-w": (1, 2), "grey16": (1, 2), "srgb": (3, 4), "rgb16": (3, 4), "rgb": (3, 4)}
_TIFF_COMPRESSIONS = {1: "none", 5: "lzw", 8: "deflate", 32946: "deflate", 32773: "packbits"}
_LOSSY = ("jpeg", "avif", "heic")


def read_photo(source: str | Path | bytes, *, allow_huge: bool = False) -> Photo:
    """Read a photo, turned upright, with its own values.

    Palette images and grey images of 1, 2 or 4 bits are converted to 8 bits, with the same colours.
    Thumbnails and previews in the metadata are dropped, because they still show what will be removed. An EXIF
    block that is too damaged to be read is dropped for the same reason.

    Args:
        source: a path, or the bytes of an image file (from a pipe).
        allow_huge: read photos of more than :data:`PIXEL_LIMIT` pixels.

    Raises:
        RetouchError: the file is missing, not an image, damaged, too large, animated, or of a kind that
            cannot be filled (CMYK, floating-point, …).
    """
    data, image = _open(source, allow_huge)
    kind = _kind(image)
    if kind == "heif":
        kind = "avif" if _get(image, "heif-compression", "") == "av1" else "heic"
    array = _decode(source, data, image)
    pixels, alpha = split_alpha(array)
    profile = containers.png_profile(data) if kind == "png" else _blob(image, "icc-profile-data")
    turn = Turn(_get(image, "orientation", 1), image.width, image.height)
    header = _header(data, image, kind, turn, channels=array.shape[2])
    return Photo(pixels, alpha, profile, kind, header)


def read_array(source: str | Path | bytes, *, allow_huge: bool = False) -> Array:
    """Read only the values of an image, upright, ``H×W×C``. Raises the errors of :func:`read_photo`."""
    data, image = _open(source, allow_huge)
    return _decode(source, data, image)


def _open(source: str | Path | bytes, allow_huge: bool) -> tuple[tags.Buffer, pyvips.Image]:
    """Open a file and check its header. Nothing is decoded yet."""
    name = _name(source)
    data = memoryview(source) if isinstance(source, bytes) else _map(Path(source))
    if len(data) == 0:
        raise RetouchError(f"{name} is empty (0 bytes); choose an image file.")
    image = _load(name, data)
    kind = _kind(image)
    if kind in _NO_PHOTOS:
        raise RetouchError(f"{name} is not a photo but {kind.upper()}; export it as PNG first.")
    pages = _get(image, "n-pages", 1)
    if pages > 1 or (kind == "png" and containers.is_animated_png(data)):
        frames = f"holds {pages} frames or pages" if pages > 1 else "is animated"
        raise RetouchError(f"{name} {frames}; save the one you want as an image of its own.")
    if image.width * image.height > PIXEL_LIMIT and not allow_huge:
        raise RetouchError(
            f"{name} has {image.width} × {image.height} pixels, more than {PIXEL_LIMIT // 10**6} million; "
            "use --allow-huge (allow_huge=True in Python) to read it all the same."
        )
    if image.interpretation == "cmyk":
        raise RetouchError(f"{name} is CMYK; convert it to RGB first.")
    if image.format not in ("uchar", "ushort"):
        raise RetouchError(f"{name} holds {image.format} values; convert it to 8 or 16 bits a channel first.")
    if image.bands not in _CHANNELS.get(image.interpretation, ()):
        raise RetouchError(
            f"{name} has {image.bands} channels of {image.interpretation}; convert it to grey or RGB first."
        )
    return data, image


def _map(path: Path) -> memoryview:
    """A file's bytes, memory-mapped where possible, so that a large file is not copied."""
    try:
        if path.is_dir():
            raise RetouchError(f"{path} is a folder; name an image file in it.")
        if not path.is_file():  # a named pipe
            return memoryview(path.read_bytes())
        with path.open("rb") as file:
            if path.stat().st_size == 0:
                return memoryview(b"")
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except FileNotFoundError as error:
        raise RetouchError(f"{path} does not exist; check the name.") from error
    except OSError as error:
        raise RetouchError(f"{path} cannot be read ({error.strerror}); check its permissions.") from error


def _name(source: str | Path | bytes) -> str:
    return "The image that was handed over" if isinstance(source, bytes) else str(source)


def _load(name: str, data: tags.Buffer, access: str = "sequential") -> pyvips.Image:
    # Bytes instead of a file name: libvips would take "photo[1]" for a name with options.
    try:
        file = pyvips.Source.new_from_memory(data)
        if data[:3] == b"\xff\xd8\xff":  # libvips calls a JPEG with a gain map "uhdr" and drops its comments
            return pyvips.Image.jpegload_source(file, access=access, fail_on="error")
        image = pyvips.Image.new_from_source(file, "", access=access, fail_on="error")
        return _with_orientation(image, data) if _kind(image) == "png" else image
    except _ERRORS as error:
        if "not in a known format" in str(error):
            raise RetouchError(
                f"{name} is not an image that can be read; use JPEG, PNG, WebP or TIFF."
            ) from error
        raise _damaged(name) from error


def _with_orientation(image: pyvips.Image, data: tags.Buffer) -> pyvips.Image:
    """A PNG, turned as its EXIF says even where libvips does not look: behind the pixels, or in text."""
    orientation = exif_orientation(png_exif(data) or b"")
    if orientation != _get(image, "orientation", 1):
        image = image.copy()
        image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    return image


def _decode(source: str | Path | bytes, data: tags.Buffer, image: pyvips.Image) -> Array:
    name = _name(source)
    try:
        if _get(image, "orientation", 1) != 1:
            # Turning reads the pixels in another order than the file has them.
            image = _load(name, data, access="random").autorot()
        array: Array = image.numpy()
    except _ERRORS as error:
        raise _damaged(name) from error
    return array.reshape(image.height, image.width, image.bands)


def _damaged(name: str) -> RetouchError:
    pyvips.vips_lib.vips_error_clear()  # or a message that is kept would make every later call fail
    return RetouchError(f"{name} is damaged or cut short; get an intact copy.")


def _kind(image: pyvips.Image) -> str:
    """The format as libvips names it: "jpeg" for "jpegload_source"."""
    return str(image.get("vips-loader")).split("load")[0]


def _get(image: pyvips.Image, field: str, default: object) -> Any:
    return image.get(field) if image.get_typeof(field) else default


def _blob(image: pyvips.Image, field: str) -> bytes | None:
    value = _get(image, field, None)
    return bytes(value) if value else None


def _header(data: tags.Buffer, image: pyvips.Image, kind: str, turn: Turn, channels: int) -> Header:
    exif, photoshop = _blob(image, "exif-data"), b""
    lossless, layout = kind not in _LOSSY, TiffLayout()
    if kind == "tiff":
        exif, photoshop = _tiff_metadata(data)
        layout, lossless = _tiff_layout(data)
    elif kind == "webp":
        lossless = containers.is_lossless_webp(data)
    found = collect(data, kind, turn, channels, exif=exif, xmp=_blob(image, "xmp-data"), photoshop=photoshop)
    across, down = (image.xres, image.yres) if image.xres != 1 or image.yres != 1 else NO_RESOLUTION[:2]
    across, down = turn.both(across, down)
    return Header(
        exif=found.exif,
        xmp=found.xmp,
        photoshop=found.photoshop,
        comments=found.comments,
        chunks=found.chunks,
        resolution=(across, down, "cm" if _get(image, "resolution-unit", "in") == "cm" else "in"),
        progressive=bool(_get(image, "interlaced", 0)),
        lossless=lossless,
        tiff=layout,
        orientation=_get(image, "orientation", 1),
        gain=found.gain,
        notes=found.notes,
    )


def _tiff_metadata(data: tags.Buffer) -> tuple[bytes | None, bytes]:
    """The descriptive tags of a TIFF as an EXIF block, and its Photoshop resources, including IPTC."""
    described = tags.read_tags(data)
    photoshop, iptc = tags.raw_tag(data, tags.PHOTOSHOP) or b"", tags.raw_tag(data, tags.IPTC)
    if iptc:
        photoshop = resources.with_iptc(photoshop, iptc)
    return (tags.exif_block(described) if described else None), photoshop


def _tiff_layout(data: tags.Buffer) -> tuple[TiffLayout, bool]:
    """The layout to write a TIFF with, as near as possible to its own, and whether it was lossless."""
    numbers = tags.first_integers(data)
    number = numbers.get(259, [1])[0]
    compression = _TIFF_COMPRESSIONS.get(number)
    tile = (*numbers.get(322, []), *numbers.get(323, []))
    layout = TiffLayout(
        compression=compression or "deflate",
        predictor=compression is None or numbers.get(317, [1])[0] == 2,
        tile=(tile[0], tile[1]) if len(tile) == 2 else None,
        big=tags.is_big(data),
    )
    return layout, compression is not None or number not in (6, 7, 34712)  # old JPEG, JPEG, JPEG 2000
