"""A photo in memory: its own encoded values, and everything else that must be written back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retouch.errors import RetouchError
from retouch.imaging.gain_map import GainMap
from retouch.imaging.tags import Tags

Array = NDArray[Any]

PIXEL_LIMIT = 300_000_000
"""Larger photos are read only on request, because a file of a few bytes can claim to be enormous."""

NO_RESOLUTION = (72 / 25.4, 72 / 25.4, "in")
"""Written for a photo of unknown resolution: 72 dpi, as is usual."""


@dataclass(frozen=True)
class TiffLayout:
    """How a TIFF file stores its pixels.

    Attributes:
        compression: libvips' name of a lossless compression.
        predictor: whether rows are stored as differences.
        tile: width and height of the tiles in pixels; None if the file has strips.
        big: whether the file is a BigTIFF.
        white_is_zero: whether a grey file stores white as 0.
        extra: what each channel after the colours is, in the file's order: 0 unspecified, 1 alpha that the
            colours are multiplied by, 2 alpha. Empty if the file has no such channels.
        tags: tags that explain the channels, such as the names of inks.
    """

    compression: str = "deflate"
    predictor: bool = True
    tile: tuple[int, int] | None = None
    big: bool = False
    white_is_zero: bool = False
    extra: tuple[int, ...] = ()
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True)
class Stored:
    """Samples of a TIFF that are no plain grey or RGB, see :mod:`retouch.imaging.encodings`.

    Attributes:
        samples: ``H×W×S`` uint8 or uint16 as in the file, upright; never changed.
        photometric: TIFF's number for what the colours are.
        colours: how many of the channels are colours.
        alpha: the number of the channel that is alpha; None if there is none.
        associated: whether the colours are multiplied by alpha.
        profile: the embedded ICC profile, which is about ``samples``.
        copied: ``H×W`` bool, filled pixels whose samples are those of the pixel that they were copied from,
            so that they keep its inks; None for none.
    """

    samples: Array
    photometric: int
    colours: int
    alpha: int | None = None
    associated: bool = False
    profile: bytes | None = None
    copied: Array | None = None


@dataclass(frozen=True)
class Header:
    r"""What a file contains besides its pixels.

    Attributes:
        exif: EXIF block without the ``Exif\0\0`` prefix, upright and without pictures.
        xmp: XMP packet in UTF-8, upright and without pictures. It promises nothing that lies elsewhere in the
            file, such as a gain map.
        photoshop: Photoshop image resources (``8BIM…``), including IPTC, without pictures.
        comments: comments of a JPEG.
        chunks: text, colour and other chunks of a PNG that other fields do not hold, without pictures.
        resolution: horizontal and vertical resolution in pixels per mm, and the unit shown to people, "in" or
            "cm".
        progressive: whether the file was a progressive JPEG or an interlaced PNG.
        lossless: whether the file stored its pixels losslessly.
        tiff: layout of a TIFF file.
        orientation: the EXIF orientation that the pixels were turned upright from.
        jpeg: the file itself, if it is a JPEG: what does not change in it can be written as it was.
        gain: gain map of a JPEG, which says how bright the photo is on an HDR screen.
        notes: what the file held that is not written back, a sentence each.
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
    orientation: int = 1
    jpeg: bytes | None = field(default=None, repr=False)
    gain: GainMap | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Photo:
    """An upright photo in its own bit depth and its own colours.

    Attributes:
        pixels: ``H×W×C`` uint8 or uint16, C = 1 (grey) or 3; the photo's own encoded values. Of arrays also
            float32 or float64, of any range.
        alpha: ``H×W`` of the same dtype, 0 = transparent; None if the photo has no alpha.
        extra: ``H×W×E`` of the file's dtype, channels without a stated meaning, such as infrared; they travel
            unchanged. None if there are none.
        stored: the file's own samples, if ``pixels`` had to be computed from them; else None.
        bits: bits a channel in the file, if fewer than in the dtype; ``pixels`` use the dtype's full range.
        dithered: whether a photo of 1 bit shows greys by scattered dots.
        profile: the embedded ICC profile; None means sRGB.
        format: "jpeg", "png", "webp", "tiff", …; "" if the photo does not come from a file.
        header: everything else in the file; it is written back.
    """

    pixels: Array
    alpha: Array | None = None
    profile: bytes | None = None
    format: str = ""
    header: Header = field(default_factory=Header)
    extra: Array | None = None
    stored: Stored | None = None
    bits: int | None = None
    dithered: bool = False


def copied(photo: Photo) -> Photo:
    """The same photo with pixels and alpha of its own, to fill."""
    alpha = None if photo.alpha is None else photo.alpha.copy()
    return replace(photo, pixels=photo.pixels.copy(), alpha=alpha)


def white(dtype: np.dtype[Any]) -> float:
    """The value of white, and of opaque, in an array of this dtype."""
    return 1.0 if dtype.kind == "f" else float(np.iinfo(dtype).max)


def photo_from_array(array: Array) -> Photo:
    """Make an sRGB photo from a numpy array.

    Args:
        array: uint8, uint16, float32 or float64; ``H×W`` or ``H×W×1`` (grey), ``H×W×2`` (grey, alpha),
            ``H×W×3`` (RGB) or ``H×W×4`` (RGB, alpha). The photo shares its memory.

    Raises:
        RetouchError: the array has another dtype or shape, or no pixels.
    """
    if array.dtype not in (np.uint8, np.uint16, np.float32, np.float64):
        raise RetouchError(
            f"An array of {array.dtype} is not a photo; convert it to uint8, uint16 or float32."
        )
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 2, 3, 4)):
        raise RetouchError(
            f"An array of shape {array.shape} is not a photo; it must be H×W or H×W×C with 1 to 4 channels."
        )
    if array.size == 0:
        raise RetouchError(f"The photo is empty: its shape is {array.shape}; hand over at least one pixel.")
    pixels, alpha = split_alpha(array)
    return Photo(pixels, alpha)


def split_alpha(array: Array) -> tuple[Array, Array | None]:
    """Split ``H×W`` or ``H×W×C`` into views: pixels ``H×W×1`` or ``H×W×3``, and alpha ``H×W`` or None."""
    if array.ndim == 2:
        return array[..., None], None
    if array.shape[2] in (2, 4):
        return array[..., :-1], array[..., -1]
    return array, None


def join_alpha(photo: Photo) -> Array:
    """Join pixels and alpha of a photo into one contiguous array, ``H×W×C``."""
    if photo.alpha is None:
        return np.ascontiguousarray(photo.pixels)
    return np.concatenate([photo.pixels, photo.alpha[..., None]], axis=2)
