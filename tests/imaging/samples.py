"""Image files made by Pillow, which shares no code with the door under test."""

import io
from typing import Any

import numpy as np
import pyvips
import tifffile
from PIL import Image, ImageCms

P3 = bytes(pyvips.Operation.call("profile_load", "p3"))
CMYK = bytes(pyvips.Operation.call("profile_load", "cmyk"))
COMPACT_SRGB = bytes(pyvips.Operation.call("profile_load", "srgb"))
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
MAKER_NOTE = b"Maker\0" + bytes(range(100))


def noise(*shape: int, dtype: Any = np.uint8, seed: int = 0) -> np.ndarray:
    high = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, high, shape, dtype=dtype, endpoint=True)


def smooth(height: int, width: int) -> np.ndarray:
    """Soft colours, ``H×W×3`` uint8, such that JPEG changes them little."""
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows * 200 // height + 20, columns * 200 // width + 20, 0 * rows + 90], -1).astype(
        np.uint8
    )


def encode(picture: np.ndarray | Image.Image, format: str, **options: Any) -> bytes:
    """Encode with Pillow."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    file = io.BytesIO()
    if "exif" in options:
        options["exif"] = options["exif"].tobytes()  # Pillow leaves nested directories out of TIFF otherwise
    image.save(file, format, **options)
    return file.getvalue()


def tiff(array: np.ndarray, *, bigtiff: bool = False, byteorder: str = "<", **options: Any) -> bytes:
    """Encode as TIFF with tifffile, which writes what it is told and nothing else."""
    file = io.BytesIO()
    options.setdefault("photometric", "minisblack")
    with tifffile.TiffWriter(file, bigtiff=bigtiff, byteorder=byteorder) as writer:
        writer.write(array, metadata=None, **options)
    return file.getvalue()


def tiff_page(data: bytes) -> tuple[np.ndarray, tifffile.TiffPage]:
    """The samples of the first page of a TIFF as they are stored, and the page."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        return page.asarray(), page


def decode(data: bytes) -> np.ndarray:
    """Decode with Pillow."""
    return np.asarray(Image.open(io.BytesIO(data)))


def exif(orientation: int = 1, size: tuple[int, int] | None = None) -> Image.Exif:
    """EXIF with a title, a maker's note, a comment in Unicode, a position and an orientation."""
    block = Image.Exif()
    block[0x010E], block[0x010F], block[0x0112] = "A title", "Maker", orientation
    block[0x9C9C] = "Kommentär".encode("utf-16le")
    block[0xC4A5] = b"a tag that libexif does not know"
    inner = block.get_ifd(0x8769)
    inner[0x9003], inner[0x927C] = "2020:01:01 00:00:00", MAKER_NOTE
    inner[0x9286] = b"UNICODE\0" + "é".encode("utf-16be")
    if size is not None:
        inner[0xA002], inner[0xA003] = size
    position = block.get_ifd(0x8825)
    position[1], position[2] = "N", (51.0, 30.0, 12.5)
    return block


def exif_of(data: bytes) -> dict[int, Any]:
    """All EXIF values of a file, as Pillow reads them, those of nested directories included."""
    found = Image.open(io.BytesIO(data)).getexif()
    values = (
        dict(found) | found.get_ifd(0x8769) | {-tag: value for tag, value in found.get_ifd(0x8825).items()}
    )
    # Offsets, and how a TIFF stores its pixels.
    for tag in (0x8769, 0x8825, *range(256, 260), 262, 273, 277, 278, 279, 282, 283, 284, 296, 317, 338, 339):
        values.pop(tag, None)
    return values
