"""What a photo is in memory: its own encoded values, and beside them all that must come back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retouch.errors import RetouchError

Array = NDArray[Any]

PIXEL_LIMIT = 300_000_000
"""Photos of more pixels are read only when asked for: a file of a few bytes can claim to be enormous."""

NO_RESOLUTION = (72 / 25.4, 72 / 25.4, "in")
"""What is written for a photo of unknown resolution; 72 dpi, as the field does."""


@dataclass(frozen=True)
class TiffLayout:
    """How the pixels of a TIFF lie in the file.

    Attributes:
        compression: libvips' name of a lossless compression.
        predictor: whether rows were stored as differences.
        tile: width and height of the tiles, None when the file is in strips.
        big: whether it is a BigTIFF.
    """

    compression: str = "deflate"
    predictor: bool = True
    tile: tuple[int, int] | None = None
    big: bool = False


@dataclass(frozen=True)
class Header:
    r"""What a file says besides its pixels.

    Attributes:
        exif: EXIF block, without ``Exif\0\0``, upright and without a thumbnail.
        xmp: XMP packet, upright and without a thumbnail.
        photoshop: Photoshop image resources (``8BIM…``), IPTC among them, without a thumbnail.
        comments: comments of a JPEG.
        chunks: text and colour chunks of a PNG, as they were in the file.
        resolution: horizontally and vertically in pixels per mm, and the unit shown to people, "in" or "cm".
        progressive: progressive JPEG or interlaced PNG.
        lossless: nothing was lost in the file this photo came from.
        tiff: for TIFF files.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    photoshop: bytes = b""
    comments: tuple[bytes, ...] = ()
    chunks: bytes = b""
    resolution: tuple[float, float, str] = NO_RESOLUTION
    progressive: bool = False
    lossless: bool = True
    tiff: TiffLayout = field(default_factory=TiffLayout)


@dataclass(frozen=True)
class Photo:
    """A photo as it is stored: upright, in its own depth and its own colours.

    Attributes:
        pixels: ``H×W×C`` uint8 or uint16, C = 1 (grey) or 3; the photo's own encoded values.
        alpha: ``H×W``, same dtype, 0 = transparent; None if the photo has none.
        profile: the embedded ICC profile; None means sRGB.
        format: "jpeg", "png", "webp", "tiff", …; "" when it was never a file.
        header: what else the file said; it comes back on writing.
    """

    pixels: Array
    alpha: Array | None = None
    profile: bytes | None = None
    format: str = ""
    header: Header = field(default_factory=Header)


def photo_from_array(array: Array) -> Photo:
    """Make a photo, in sRGB, of a numpy array.

    Args:
        array: uint8 or uint16; ``H×W`` or ``H×W×1`` (grey), ``H×W×2`` (grey, alpha), ``H×W×3`` (RGB) or
            ``H×W×4`` (RGB, alpha). It is not copied.

    Raises:
        RetouchError: another dtype or shape, or no pixel at all.
    """
    if array.dtype not in (np.uint8, np.uint16):
        raise RetouchError(f"An array of {array.dtype} is not a photo; convert it to uint8 or uint16.")
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 2, 3, 4)):
        raise RetouchError(
            f"An array of shape {array.shape} is not a photo; it must be H×W or H×W×C with 1 to 4 channels."
        )
    if array.size == 0:
        raise RetouchError(f"The photo is empty: its shape is {array.shape}; hand over at least one pixel.")
    pixels, alpha = split_alpha(array)
    return Photo(pixels, alpha)


def split_alpha(array: Array) -> tuple[Array, Array | None]:
    """Split ``H×W`` or ``H×W×C`` into views: ``H×W×1`` or ``H×W×3``, and alpha ``H×W`` if there is one."""
    if array.ndim == 2:
        return array[..., None], None
    if array.shape[2] in (2, 4):
        return array[..., :-1], array[..., -1]
    return array, None


def join_alpha(photo: Photo) -> Array:
    """The contiguous inverse of :func:`split_alpha`, ``H×W×C``."""
    if photo.alpha is None:
        return np.ascontiguousarray(photo.pixels)
    return np.concatenate([photo.pixels, photo.alpha[..., None]], axis=2)
