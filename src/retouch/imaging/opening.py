"""Open photos and masks from files, pipes and bytes, check what they are, and decode them.

libvips does the work, and other libraries what it cannot do.
"""

from __future__ import annotations

import _thread
import logging
import mmap
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pyvips

from retouch.errors import RetouchError
from retouch.imaging import channels, containers, heic, kinds, more_readers, tags, tiff
from retouch.imaging.exif import exif_orientation
from retouch.imaging.photo import PIXEL_LIMIT, Array
from retouch.imaging.png_metadata import png_exif

# Without a handler Python would print the libraries' own warnings to the terminal.
for _library in ("pyvips", "tifffile", "PIL"):
    logging.getLogger(_library).addHandler(logging.NullHandler())
# Every file is decoded once. A cache of operations would only keep photos in memory and files open.
pyvips.cache_set_max(0)


def _log(domain: Any, level: int, message: Any, _: object) -> None:
    """Log what libvips says. pyvips prints a traceback if that quotes bytes of a file that are no text."""
    said = pyvips.ffi.string(message).decode("utf-8", "replace") if message else ""
    logging.getLogger("pyvips").log(pyvips.GLogLevelFlags.LEVEL_TO_LOGGER.get(level, logging.WARNING), said)


def _log_failed(kind: type[BaseException], error: BaseException, trace: object) -> None:
    """Let Ctrl-C through. It cannot pass libvips; it comes again once that has gone on."""
    if issubclass(kind, KeyboardInterrupt):
        threading.Timer(0.05, _thread.interrupt_main).start()


if pyvips.API_mode:
    pyvips.ffi.def_extern(name="_log_handler_callback", onerror=_log_failed)(_log)

# A message may quote bytes of the file. pyvips takes them for UTF-8, fails, and keeps the message.
_ERRORS = (pyvips.Error, UnicodeDecodeError)
_NO_PHOTOS = ("svg", "pdf", "csv", "matrix")
_NUMBERS = ("char", "short", "int", "uint", "float", "double")  # that masks may hold, too
_CHANNELS = {"b-w": (1, 2), "grey16": (1, 2), "srgb": (3, 4), "rgb16": (3, 4), "rgb": (3, 4)}


@dataclass(frozen=True)
class Opened:
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
            kind = "avif" if self.compression == "av1" else "heic"
        return kind

    @property
    def compression(self) -> str:
        """How a file of the HEIF family is compressed; "" for all others."""
        return str(field_of(self.image, "heif-compression", ""))


def open_file(
    source: str | Path | bytes,
    allow_huge: bool,
    *,
    mask: bool = False,
    limit: Callable[[int, int], None] | None = None,
) -> Opened:
    """Open a file and check its header. Nothing is decoded yet, but by libraries that read all at once.

    Args:
        source: a path, or the bytes of a file.
        allow_huge: whether there may be more than :data:`PIXEL_LIMIT` pixels.
        mask: whether only the values count.
        limit: refuses too large a width and height, in place of ``allow_huge``.
    """
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
    limit = limit or partial(_check_size, name, allow_huge=allow_huge)
    if page is not None:
        limit(page.integer(256), page.integer(257))
    opened = Opened(name, data, _load(name, data, page, limit, mask=mask), page)
    limit(opened.image.width, opened.image.height)
    _check(opened, mask=mask)
    if opened.compression == "hevc" and heic.available():
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


def _check(opened: Opened, *, mask: bool) -> None:
    """Raise :class:`RetouchError` if a file is of a kind that cannot be filled."""
    name, image, kind = opened.name, opened.image, _kind(opened.image)
    if kind in _NO_PHOTOS:
        raise RetouchError(f"{name} is not a photo but {kind.upper()}; export it as PNG first.")
    pages = field_of(image, "n-pages", 1) if opened.page is None else 1
    if pages > 1 or (kind == "png" and containers.is_animated_png(opened.data)):
        frames = f"holds {pages} frames or pages" if pages > 1 else "is animated"
        raise RetouchError(f"{name} {frames}; save the one you want as an image of its own.")
    if image.interpretation == "cmyk" and opened.page is None:
        raise RetouchError(f"{name} is CMYK; convert it to RGB first.")
    numbers = mask and image.format in _NUMBERS and opened.page is not None and opened.page.plain
    if image.format not in ("uchar", "ushort") and not numbers:
        raise RetouchError(f"{name} holds {image.format} values; convert it to 8 or 16 bits a channel first.")
    if opened.page is not None:
        channels.check(name, opened.page, image.bands)
    elif image.bands not in _CHANNELS.get(image.interpretation, ()):
        raise RetouchError(
            f"{name} has {image.bands} channels of {image.interpretation}; convert it to grey or RGB first."
        )


def decode(opened: Opened) -> Array:
    """Decode a photo, upright, ``H×W×S``: all channels as they are in the file."""
    page = opened.page
    try:
        if page is not None and page.tiled and opened.by_vips:
            return _decode_tiles(opened, page)
        return _upright(opened.image)
    except _ERRORS as error:
        if page is not None and page.unusual():
            return _upright(more_readers.read_tiff(opened.name, opened.data, page))
        if opened.compression == "hevc":
            raise RetouchError(more_readers.needs_heif(opened.name)) from error
        if opened.kind == "heic":
            kind = f"HEIF with {opened.compression} compression"
            raise RetouchError(more_readers.unreadable(opened.name, kind)) from error
        raise _failed(opened.name, opened.data) from error


def _decode_tiles(opened: Opened, page: tiff.Page) -> Array:
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
    return kinds.damaged(name)


def field_of(image: pyvips.Image, field: str, default: object) -> Any:
    """A field that libvips read, or ``default``."""
    return image.get(field) if image.get_typeof(field) else default


def blob_of(image: pyvips.Image, field: str) -> bytes | None:
    """The bytes of a field that libvips read; None if there are none."""
    value = field_of(image, field, None)
    return bytes(value) if value else None


def _map(path: Path) -> memoryview:
    """A file's bytes, memory-mapped where possible, so that a large file is not copied."""
    try:
        if path.is_dir():
            raise RetouchError(f"{path} is a folder; name an image file in it, or use retouch batch for all.")
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
    if page is not None and page.grey_planes:
        return more_readers.read_tiff(name, data, page)
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
        if data[:2] == b"\xff\xd8":
            # libvips calls a JPEG with a gain map "uhdr", drops its comments, and may print to the terminal.
            if data[2:3] != b"\xff":
                raise pyvips.Error("a JPEG without a marker")
            image = pyvips.Image.jpegload_source(file, access=access, fail_on=fail_on)
        else:
            image = pyvips.Image.new_from_source(file, "", access=access, fail_on=fail_on, **options)
        if _kind(image) == "png":
            image = _with_orientation(image, data)
        if field_of(image, "orientation", 1) == 1:
            break
        # Turning reads the pixels in another order than the file has them.
    return image


def _with_orientation(image: pyvips.Image, data: tags.Buffer) -> pyvips.Image:
    """A PNG, turned as its EXIF says even where libvips does not look: behind the pixels, or in text."""
    orientation = exif_orientation(png_exif(data) or b"")
    if orientation != field_of(image, "orientation", 1):
        image = image.copy()
        image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    return image


def _kind(image: pyvips.Image) -> str:
    """The format as libvips names it: "jpeg" for "jpegload_source"."""
    return str(image.get("vips-loader")).split("load")[0]
