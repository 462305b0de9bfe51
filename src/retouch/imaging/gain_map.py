"""Gain maps: a small picture behind a JPEG that says how much brighter each place is on an HDR screen.

Source: ISO 21496-1; Adobe, "Gain map specification"; Google, "Ultra HDR Image Format"; Apple, "Applying Apple
HDR effect to your photos"; CIPA DC-007, "Multi-Picture Format".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

import numpy as np
import pyvips
from numpy.typing import NDArray

from retouch.imaging.containers import jpeg_segment, jpeg_segments
from retouch.imaging.tags import Buffer
from retouch.imaging.turning import Turn
from retouch.imaging.xmp import CONTAINER, HDRGM, ITEM

_ISO = b"urn:iso:std:iso:ts:21496:-1\0"
_XMP, _PROFILE = b"http://ns.adobe.com/xap/1.0/\0", b"ICC_PROFILE\0"
# In a gain map's own XMP. Apple's says only that it is one; how much it brightens, the photo's EXIF says.
_NAMES = (b"GainMapMax", b"urn:com:apple:photo:2020:aux:hdrgainmap")
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_CLAIM = (
    '<rdf:Description rdf:about="" xmlns:rdf="{rdf}" xmlns:hdrgm="{hdrgm}" xmlns:Container="{container}" '
    'xmlns:Item="{item}" hdrgm:Version="1.0"><Container:Directory><rdf:Seq>'
    '<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="Primary" Item:Mime="image/jpeg"/>'
    '</rdf:li><rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="GainMap" '
    'Item:Mime="image/jpeg" Item:Length="{length}"/></rdf:li></rdf:Seq></Container:Directory>'
    "</rdf:Description>"
)


@dataclass(frozen=True, eq=False)
class GainMap:
    """A gain map.

    Attributes:
        pixels: ``h×w×C`` uint8, C = 1 or 3, upright; smaller than the photo.
        segments: JPEG segments that say how to apply it, as in the file.
        version: what the photo's own segment of ISO 21496-1 holds; empty if it has none.
        in_xmp: whether the photo's XMP names the gain map.
    """

    pixels: NDArray[np.uint8]
    segments: bytes
    version: bytes
    in_xmp: bool


def is_gain_map(stream: Buffer) -> bool:
    """Whether a JPEG is a gain map of a kind that can be written back."""
    return bool(_kept_segments(stream, says_how=True))


def read_gain_map(photo: Buffer, stream: bytes, turn: Turn) -> GainMap | None:
    """Read a gain map.

    Args:
        photo: the JPEG file that it belongs to.
        stream: the JPEG file of the gain map.
        turn: how the photo is turned.

    Returns:
        The gain map; None if it is damaged, or larger than the photo.
    """
    try:
        image = pyvips.Image.jpegload_buffer(stream, fail_on="error")
        if image.width * image.height > turn.width * turn.height or image.bands not in (1, 3):
            return None
        pixels = image.numpy().reshape(image.height, image.width, image.bands)
    except (pyvips.Error, UnicodeDecodeError):
        pyvips.vips_lib.vips_error_clear()
        return None
    contents = [(marker, bytes(photo[start:end])) for marker, start, end in jpeg_segments(photo)]
    version = next(
        (each[len(_ISO) :] for marker, each in contents if marker == 0xE2 and each.startswith(_ISO)), b""
    )
    in_xmp = any(
        marker == 0xE1 and each.startswith(_XMP) and HDRGM.encode() in each for marker, each in contents
    )
    return GainMap(turn.pixels(pixels), _kept_segments(stream), version, in_xmp)


def _kept_segments(stream: Buffer, *, says_how: bool = False) -> bytes:
    """The segments of a gain map that say how to apply it, and its profile."""
    kept = bytearray()
    for marker, start, end in jpeg_segments(stream):
        content = bytes(stream[start:end])
        how = (marker == 0xE1 and content.startswith(_XMP) and any(each in content for each in _NAMES)) or (
            marker == 0xE2 and content.startswith(_ISO) and len(content) > len(_ISO) + 4
        )
        if how or (not says_how and marker == 0xE2 and content.startswith(_PROFILE)):
            kept += jpeg_segment(marker, content)
    return bytes(kept)


def fill_gain_map(gain: GainMap, hole: NDArray[np.bool_], borrowed: NDArray[np.int32]) -> GainMap:
    """Fill the hole of a gain map like the photo's.

    Each of its pixels that the hole touches becomes the mean gain of the places that the photo's pixels there
    were taken from. Where nothing was borrowed, it becomes smooth.

    Args:
        gain: the gain map, which covers the whole photo.
        hole: ``H×W``, True where the photo was filled.
        borrowed: ``N×4``, row and column of each pixel of the photo that was taken from another one, and row
            and column of that one.
    """
    high, wide, channels = gain.pixels.shape
    rows = np.arange(hole.shape[0]) * high // hole.shape[0]
    columns = np.arange(hole.shape[1]) * wide // hole.shape[1]
    places = np.nonzero(hole)
    lacking = np.zeros(high * wide, np.bool_)
    lacking[rows[places[0]] * wide + columns[places[1]]] = True
    values = gain.pixels.reshape(-1, channels).copy()
    if lacking.all():
        values[:] = np.rint(values.mean(axis=0))
        return replace(gain, pixels=values.reshape(gain.pixels.shape))
    target, source = (
        rows[pair[:, 0]] * wide + columns[pair[:, 1]] for pair in (borrowed[:, :2], borrowed[:, 2:])
    )
    known = ~lacking[source]  # a cell that the hole touches shows what was there
    target, source = target[known], source[known]
    counts = np.bincount(target, minlength=len(values))
    found = (counts > 0) & lacking
    for channel in range(channels):
        totals = np.bincount(target, values[source, channel].astype(np.float64), minlength=len(values))
        values[found, channel] = np.rint(totals[found] / counts[found])
    lacking &= ~found
    pixels = values.reshape(gain.pixels.shape)
    if lacking.any():
        pixels = _smooth(pixels, lacking.reshape(high, wide))
    return replace(gain, pixels=pixels)


def _smooth(pixels: NDArray[np.uint8], hole: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Fill a hole smoothly, without grain."""
    import cv2  # late: few photos need it

    # OpenCV looks into a hole that comes within two pixels of the edge.
    padded = np.pad(pixels, ((2, 2), (2, 2), (0, 0)), mode="edge")
    mask = np.pad(hole, 2, constant_values=True).astype(np.uint8)
    smooth = cv2.inpaint(padded, mask, 3, cv2.INPAINT_NS).reshape(padded.shape)
    return np.where(hole[..., None], smooth[2:-2, 2:-2], pixels).astype(np.uint8)


def gain_map_jpeg(gain: GainMap) -> bytes:
    """Encode a gain map as the JPEG file that stands behind the photo's."""
    image = pyvips.Image.new_from_array(
        gain.pixels, interpretation="b-w" if gain.pixels.shape[2] == 1 else "srgb"
    )
    data = bytes(image.jpegsave_buffer(Q=95, subsample_mode="off", keep=0))
    at = next((end for marker, _, end in jpeg_segments(data) if marker == 0xE0), 2)
    return data[:at] + gain.segments + data[at:]


def claim(length: int) -> bytes:
    """Return the description in the photo's XMP that names a gain map of ``length`` bytes."""
    spaces = {"rdf": _RDF, "hdrgm": HDRGM, "container": CONTAINER, "item": ITEM}
    return _CLAIM.format(length=length, **spaces).encode()


def append_gain_map(photo: bytes, gain: GainMap, encoded: bytes) -> bytes:
    """Put an encoded gain map behind a photo's JPEG file, with an index of both (MPF)."""
    at = max((end for marker, _, end in jpeg_segments(photo) if marker in (0xE0, 0xE1)), default=2)
    version = jpeg_segment(0xE2, _ISO + gain.version) if gain.version else b""
    head = b"MM\0*" + struct.pack(">IH", 8, 3)
    head += struct.pack(">HHI4s", 0xB000, 7, 4, b"0100") + struct.pack(">HHII", 0xB001, 4, 1, 2)
    head += struct.pack(">HHII", 0xB002, 7, 32, 50) + bytes(4)
    index_at = at + len(version) + 8  # marker, length and name
    length = len(photo) + len(version) + 8 + len(head) + 32
    entries = struct.pack(">IIIHH", 0x030000, length, 0, 0, 0)
    entries += struct.pack(">IIIHH", 0, len(encoded), length - index_at, 0, 0)
    index = jpeg_segment(0xE2, b"MPF\0" + head + entries)
    return photo[:at] + version + index + photo[at:] + encoded
