"""Write HEIC with pillow-heif, where libvips has no encoder for it."""

from __future__ import annotations

import importlib.util
import io
from typing import Any

import numpy as np

from retouch.imaging.photo import Photo, join_alpha


def available() -> bool:
    """Whether pillow-heif is installed."""
    return importlib.util.find_spec("pillow_heif") is not None


def encode(photo: Photo) -> bytes:
    """Encode a photo of 8, 10 or 12 bits as HEIC at quality 95 without chroma subsampling (4:4:4)."""
    import pillow_heif

    array = join_alpha(photo)
    height, width, bands = array.shape
    if bands < 3:  # RGB is what every program reads
        array = np.concatenate([array[..., :1].repeat(3, axis=2), array[..., 1:]], axis=2)
    deep = array.dtype == np.uint16
    mode = ("RGB" if array.shape[2] == 3 else "RGBA") + (";16" if deep else "")
    file = pillow_heif.from_bytes(mode=mode, size=(width, height), data=array.tobytes())
    header = photo.header
    depth = {"bit_depth": photo.bits} if deep else {}  # or pillow-heif writes 10 bits
    options: dict[str, Any] = {"quality": 95, "chroma": 444, "exif": None, "xmp": header.xmp, **depth}
    if header.exif:
        options["exif"] = b"Exif\0\0" + header.exif
    if photo.profile:
        options["icc_profile"] = photo.profile
    out = io.BytesIO()
    file.save(out, **options)
    return out.getvalue()
