"""Read photos and masks from files, pipes and bytes, with libvips."""

from __future__ import annotations

import logging
import mmap
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pyvips

from retouch.errors import RetouchError
from retouch.imaging import channels, code_points, containers, kinds, more_readers, resources, tags, tiff
from retouch.imaging.exif import clean_exif
from retouch.imaging.photo import NO_RESOLUTION, PIXEL_LIMIT, Array, Header, Photo, TiffLayout

# Without a handler Python would print libvips' own warnings to the terminal.
logging.getLogger("pyvips").addHandler(logging.NullHandler())
# Every file is decoded once. A cache of operations would only keep photos in memory and files open.
pyvips.cache_set_max(0)

# A message may quote bytes of the file. pyvips takes them for UTF-8, fails, and keeps the message.
_ERRORS = (pyvips.Error, UnicodeDecodeError)
_NO_PHOTOS = ("svg", "pdf", "csv", "matrix")
_CHANNELS = {"b-w": (1, 2), "grey16": (1, 2), "srgb": (3, 4), "rgb16": (3, 4), "rgb": (3, 4)}
_TIFF_COMPRESSIONS = {1: "none", 5: "lzw", 8: "deflate", 32946: "deflate", 32773: "packbits"}
_FAX_COMPRESSIONS = (2, 3, 4)
_LOSSY = ("jpeg", "avif", "heic")


@dataclass(frozen=True)
class _Opened:
    """A file whose header was checked, and nothing decoded yet.

    Attributes:
        name: what sentences call it.
        data: its bytes.
        image: the photo in it, as libvips will decode it.
        page: the photo's directory, if the file is a TIFF.
    """

    name: str
    data: tags.Buffer
    image: pyvips.Image
    page: tiff.Page | None = None

    @property
    def by_vips(self) -> bool:
        """Whether the image comes from libvips' own loader."""
        return str(self.image.get("vips-loader")).endswith("_source")

    @property
    def kind(self) -> str:
        """The format, such as "jpeg"."""
        kind = _kind(self.image)
        if kind == "heif":
            kind = "avif" if _get(self.image, "heif-compression", "") == "av1" else "heic"
        return kind


def read_photo(source: str | Path | bytes, *, allow_huge: bool = False) -> Photo:
    """Read a photo, turned upright, with its own values.

    Palette images and grey images of 1, 2 or 4 bits are converted to 8 bits, values of 10 to 14 bits to 16,
    with the same colours. L*a*b*, YCbCr and CMYK come as RGB, beside the stored samples. Thumbnails and
    previews are dropped, because they still show what will be removed. An EXIF block that is too damaged to
    be read is dropped for the same reason.

    Args:
        source: a path, or the bytes of an image file (from a pipe).
        allow_huge: read photos of more than :data:`PIXEL_LIMIT` pixels.

    Raises:
        RetouchError: the file is missing, not an image, damaged, too large, animated, or of a kind that
            cannot be filled (camera raw, floating-point, HDR, …), or needs a library that is not installed.
    """
    opened = _open(source, allow_huge)
    data, kind = opened.data, opened.kind
    profile = containers.png_profile(data) if kind == "png" else _blob(opened.image, "icc-profile-data")
    code_points.check_range(opened.name, data, kind, profile)
    if opened.page is not None and profile is None:
        # The first page may have it for all.
        profile = tags.raw_tag(data, tags.PROFILE) or code_points.profile_of_tiff(opened.page)
    photo = channels.interpret(_decode(opened), opened.page, code_points.profile_of_file(data, kind, profile))
    height, width = photo.pixels.shape[:2]
    header = _header(opened, width=width, height=height)
    if photo.profile is None and photo.pixels.shape[2] == 3:
        photo = replace(photo, profile=code_points.profile_of_exif(header.exif))
    photo = replace(photo, format=kind, header=header)
    return channels.with_bits(photo, _bits(opened), two_colours=kind == "png" and _is_black_and_white(data))


def read_array(source: str | Path | bytes, *, allow_huge: bool = False) -> Array:
    """Read only the values of an image, upright, ``H×W×C``. Raises the errors of :func:`read_photo`.

    Channels that are neither colour nor alpha are left out.
    """
    opened = _open(source, allow_huge, mask=True)
    return channels.colours_and_alpha(channels.interpret(_decode(opened), opened.page, None))


def _open(source: str | Path | bytes, allow_huge: bool, *, mask: bool = False) -> _Opened:
    """Open a file and check its header. Nothing is decoded yet."""
    name = _name(source)
    data = memoryview(source) if isinstance(source, bytes) else _map(Path(source))
    if len(data) == 0:
        raise RetouchError(f"{name} is empty (0 bytes); choose an image file.")
    raw = kinds.raw_kind(data)
    if raw:
        raise RetouchError(
            f"{name} is a camera's raw file ({raw}), which holds only a preview of the photo; "
            "develop it first, and fill the TIFF or JPEG that your raw converter writes."
        )
    page = _photo_page(name, data) if tiff.is_tiff(data) else None
    limit = partial(_check_size, name, allow_huge=allow_huge)
    if page is not None:
        limit(page.integer(256), page.integer(257))
    opened = _Opened(name, data, _load(name, data, page, limit, mask=mask), page)
    limit(opened.image.width, opened.image.height)
    _check(opened)
    if _get(opened.image, "heif-compression", "") == "hevc":
        opened = replace(opened, image=more_readers.read_heic(name, data))
    return opened


def _photo_page(name: str, data: tags.Buffer) -> tiff.Page | None:
    """The page of a TIFF that is the photo; None if libvips shall say what is wrong with the file."""
    found = []
    with suppress(ValueError):
        found = tiff.pages(data)
    if not found:
        return None
    photos = tiff.photo_pages(found)
    if len(photos) > 1:
        raise RetouchError(
            f"{name} holds {len(photos)} frames or pages; save the one you want as an image of its own."
        )
    return photos[0]


def _check_size(name: str, width: int, height: int, *, allow_huge: bool) -> None:
    if width * height > PIXEL_LIMIT and not allow_huge:
        raise RetouchError(
            f"{name} has {width} × {height} pixels, more than {PIXEL_LIMIT // 10**6} million; "
            "use --allow-huge (allow_huge=True in Python) to read it all the same."
        )


def _check(opened: _Opened) -> None:
    """Raise :class:`RetouchError` if a file is of a kind that cannot be filled."""
    name, image, kind = opened.name, opened.image, _kind(opened.image)
    if kind in _NO_PHOTOS:
        raise RetouchError(f"{name} is not a photo but {kind.upper()}; export it as PNG first.")
    pages = _get(image, "n-pages", 1) if opened.page is None else 1
    if pages > 1 or (kind == "png" and containers.is_animated_png(opened.data)):
        frames = f"holds {pages} frames or pages" if pages > 1 else "is animated"
        raise RetouchError(f"{name} {frames}; save the one you want as an image of its own.")
    if image.interpretation == "cmyk" and opened.page is None:
        raise RetouchError(f"{name} is CMYK; convert it to RGB first.")
    if image.format not in ("uchar", "ushort"):
        raise RetouchError(f"{name} holds {image.format} values; convert it to 8 or 16 bits a channel first.")
    if opened.page is not None:
        channels.check(name, opened.page, image.bands)
    elif image.bands not in _CHANNELS.get(image.interpretation, ()):
        raise RetouchError(
            f"{name} has {image.bands} channels of {image.interpretation}; convert it to grey or RGB first."
        )


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


def _load(
    name: str, data: tags.Buffer, page: tiff.Page | None, limit: Callable[[int, int], None], *, mask: bool
) -> pyvips.Image:
    """Open a file with libvips, or with another library if libvips does not know its kind."""
    try:
        return _load_with_vips(data, page)
    except _ERRORS as error:
        if page is not None and page.unusual():
            return more_readers.read_tiff(name, data, page)
        if "not in a known format" in str(error):
            return more_readers.read_other(name, data, limit, mask=mask)
        raise _failed(name, data) from error


def _load_with_vips(data: tags.Buffer, page: tiff.Page | None, fail_on: str = "error") -> pyvips.Image:
    options: dict[str, int] = {}
    if page is not None:
        if channels.needs_plain_samples(page):
            data = memoryview(tiff.with_plain_samples(data, page))
        options = {"page": page.number} | ({"subifd": page.below} if page.below >= 0 else {})
    # Bytes instead of a file name: libvips would take "photo[1]" for a name with options.
    for access in ("sequential", "random"):
        file = pyvips.Source.new_from_memory(data)
        image = pyvips.Image.new_from_source(file, "", access=access, fail_on=fail_on, **options)
        if _get(image, "orientation", 1) == 1:
            break
        # Turning reads the pixels in another order than the file has them.
    return image


def _decode(opened: _Opened) -> Array:
    """Decode a photo, upright, ``H×W×S``: all channels as they are in the file."""
    page = opened.page
    try:
        if page is not None and page.tiled and opened.by_vips:
            return _decode_tiles(opened, page)
        return _upright(opened.image)
    except _ERRORS as error:
        if page is not None and page.unusual():
            return _upright(more_readers.read_tiff(opened.name, opened.data, page))
        if opened.kind == "heic":
            kind = f"HEIF with {_get(opened.image, 'heif-compression', '')} compression"
            raise RetouchError(more_readers.unreadable(opened.name, kind)) from error
        raise _failed(opened.name, opened.data) from error


def _decode_tiles(opened: _Opened, page: tiff.Page) -> Array:
    """Decode a TIFF with tiles. libvips takes an error in one for a warning, and leaves it black.

    See findings/libvips-leaves-damaged-tiles-black.sh.
    """
    try:
        return _upright(_load_with_vips(opened.data, page, "warning"))
    except pyvips.Error as error:
        if str(error.detail).strip():
            raise
    # It was a warning only. Any error in a tile is now left in libvips' log of errors.
    pyvips.vips_lib.vips_error_clear()
    array = _upright(opened.image)
    if pyvips.ffi.string(pyvips.vips_lib.vips_error_buffer()):
        raise pyvips.Error("a tile cannot be decoded")
    return array


def _upright(image: pyvips.Image) -> Array:
    image = image.autorot()
    array: Array = image.numpy()
    return array.reshape(image.height, image.width, image.bands)


def _failed(name: str, data: tags.Buffer) -> RetouchError:
    """What to say of a file that libvips knows and cannot decode."""
    pyvips.vips_lib.vips_error_clear()  # or a message that is kept would make every later call fail
    kind = kinds.kind_of(data)
    if kind:
        return RetouchError(more_readers.unreadable(name, kind))
    return RetouchError(f"{name} is damaged or cut short; get an intact copy.")


def _kind(image: pyvips.Image) -> str:
    """The format as libvips names it: "jpeg" for "jpegload_source"."""
    return str(image.get("vips-loader")).split("load")[0]


def _get(image: pyvips.Image, field: str, default: object) -> Any:
    return image.get(field) if image.get_typeof(field) else default


def _blob(image: pyvips.Image, field: str) -> bytes | None:
    value = _get(image, field, None)
    return bytes(value) if value else None


def _bits(opened: _Opened) -> int | None:
    """Bits a channel, if there are fewer than in the dtype."""
    image = opened.image
    full = 8 if image.format == "uchar" else 16
    if opened.kind == "png":
        depth, colour = opened.data[24], opened.data[25]
        return int(depth) if depth < 8 and (colour == 0 or _is_black_and_white(opened.data)) else None
    if opened.page is not None:
        return opened.page.bits if opened.page.colours == 1 and opened.page.bits < 5 else None
    bits = int(_get(image, "bits-per-sample", full)) if opened.kind in ("avif", "heic") else full
    return bits if bits < full else None


def _is_black_and_white(data: tags.Buffer) -> bool:
    """Whether a PNG of 1 bit has a palette of black and white."""
    if data[24] != 1 or data[25] != 3:
        return False
    chunks = containers.png_chunks(data)
    palette = next((bytes(data[start + 8 : end - 4]) for name, start, end in chunks if name == b"PLTE"), b"")
    return palette in (bytes(3) + b"\xff" * 3, b"\xff" * 3 + bytes(3))


def _header(opened: _Opened, *, width: int, height: int) -> Header:
    data, image, kind = opened.data, opened.image, opened.kind
    exif = _blob(image, "exif-data")
    xmp = _blob(image, "xmp-data")
    photoshop, lossless, layout = b"", kind not in _LOSSY, TiffLayout()
    if opened.page is not None:
        exif, photoshop = _tiff_metadata(data, opened.page)
        xmp = xmp or tags.raw_tag(data, tags.XMP)
        layout, lossless = _tiff_layout(opened.page)
    elif kind == "jpeg":
        photoshop = containers.jpeg_photoshop(data)
    elif kind == "jp2":
        iptc = _blob(image, "iptc-data")
        photoshop = resources.with_iptc(b"", iptc) if iptc else b""
    elif kind == "webp":
        lossless = containers.is_lossless_webp(data)
    across, down = (image.xres, image.yres) if image.xres != 1 or image.yres != 1 else NO_RESOLUTION[:2]
    if _get(image, "orientation", 1) >= 5:  # the photo was turned by 90 degrees
        across, down = down, across
    return Header(
        exif=clean_exif(exif.removeprefix(b"Exif\0\0"), width, height) if exif else None,
        xmp=resources.clean_xmp(xmp) if xmp else None,
        photoshop=resources.clean_resources(photoshop),
        comments=containers.jpeg_comments(data) if kind == "jpeg" else (),
        chunks=containers.kept_chunks(data, width, height) if kind == "png" else b"",
        resolution=(across, down, "cm" if _get(image, "resolution-unit", "in") == "cm" else "in"),
        progressive=bool(_get(image, "interlaced", 0)),
        lossless=lossless,
        tiff=layout,
    )


def _tiff_metadata(data: tags.Buffer, page: tiff.Page) -> tuple[bytes | None, bytes]:
    """The descriptive tags of a TIFF as an EXIF block, and its Photoshop resources, including IPTC.

    Where a small version of the photo comes first, its tags are about the photo, too.
    """
    described = tags.read_tags(data) | tags.described(page.structure, page.fields)
    found = {tag: tags.bytes_of(data, page.fields.get(tag)) for tag in (tags.PHOTOSHOP, tags.IPTC)}
    photoshop, iptc = (content or tags.raw_tag(data, tag) for tag, content in found.items())
    photoshop = photoshop or b""
    if iptc:
        photoshop = resources.with_iptc(photoshop, iptc)
    return (tags.exif_block(described) if described else None), photoshop


def _tiff_layout(page: tiff.Page) -> tuple[TiffLayout, bool]:
    """The layout to write a TIFF with, as near as possible to its own, and whether it was lossless."""
    number = page.integer(259, 1)
    compression = "ccittfax4" if number in _FAX_COMPRESSIONS else _TIFF_COMPRESSIONS.get(number)
    tile = (*page.integers(322), *page.integers(323))
    layout = TiffLayout(
        compression=compression or "deflate",
        predictor=compression is None or page.integer(317, 1) == 2,
        tile=(tile[0], tile[1]) if len(tile) == 2 else None,
        big=page.structure.big,
        white_is_zero=page.photometric == tiff.WHITE_IS_ZERO,
        extra=page.extra,
        tags=channels.ink_tags(page),
    )
    # Old JPEG, JPEG, WebP and JPEG 2000.
    return layout, compression is not None or number not in (6, 7, 34712, 34927, 50001, 33003, 33005, 34892)
