"""Read JPEG 2000, as archives keep it: pixels with OpenCV, everything else from the file's boxes.

Source: ITU-T T.800, annexes A.5 and I; XMP specification, part 3, section 1.1.4 (its UUID).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from retouch.errors import RetouchError
from retouch.imaging import opencv_reader
from retouch.imaging.boxes import boxes
from retouch.imaging.few_bits import full_range
from retouch.imaging.kinds import damaged
from retouch.imaging.photo import Array
from retouch.imaging.tags import Buffer

_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_EXIF = b"JpgTiffExif->JP2"
_IPTC = bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38")
_GREY_OR_RGB = (16, 17, 18)  # enumerated colour spaces: sRGB, grey, YCC of sRGB
_OPACITY = 1


class Jpeg2000(NamedTuple):
    """What a JPEG 2000 file says about its pixels.

    Attributes:
        width, height: in pixels.
        bits: bits a channel; 0 if the channels differ or have signs.
        channels: how many there are.
        colours: the number of the enumerated colour space; None if there is none.
        alpha: whether the last channel is transparency.
        profile: the ICC profile.
        exif, xmp, iptc: the metadata.
    """

    width: int
    height: int
    bits: int
    channels: int
    colours: int | None = None
    alpha: bool = False
    profile: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None


def describe(data: Buffer) -> Jpeg2000:
    """Read the header of a JPEG 2000 file or code stream.

    Raises:
        ValueError: it is damaged.
    """
    if bytes(data[:4]) == b"\xff\x4f\xff\x51":
        return _code_stream(data, 0)
    found: dict[str, Any] = {}
    stream = None
    for name, at, end in boxes(data, 0, len(data)):
        if name == b"jp2h":
            found |= _header(data, at, end)
        elif name == b"jp2c":
            stream = at
        elif name == b"uuid":
            kinds = {_XMP: "xmp", _EXIF: "exif", _IPTC: "iptc"}
            kind = kinds.get(bytes(data[at : at + 16]))
            found |= {kind: bytes(data[at + 16 : end])} if kind else {}
    if stream is None:
        raise ValueError("no code stream")
    return _code_stream(data, stream)._replace(**found)


def decode(name: str, data: Buffer, header: Jpeg2000) -> Array:
    """Decode the pixels: ``H×W`` or ``H×W×C``, grey or RGB, perhaps with alpha, 8 bits or scaled to 16.

    Raises:
        RetouchError: the file is damaged, or has other channels.
    """
    plain = header.channels in (1, 3) or (header.channels == 4 and header.alpha)
    if not plain or header.bits not in range(1, 17) or header.colours not in (None, *_GREY_OR_RGB):
        raise RetouchError(
            f"{name} is JPEG 2000 with other channels than grey or RGB; convert it to TIFF first."
        )
    array = opencv_reader.decode(data)
    if array is None:
        raise damaged(name)
    return array if header.bits in (8, 16) else full_range(array, header.bits)


def _header(data: Buffer, at: int, end: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, start, stop in boxes(data, at, end):
        if name == b"colr" and "profile" not in found:
            if data[start] == 1:
                found["colours"] = int.from_bytes(data[start + 3 : start + 7], "big")
            elif data[start] in (2, 3):
                found["profile"] = bytes(data[start + 3 : stop])
        elif name == b"cdef":
            entries = range(start + 2, stop - 5, 6)
            found["alpha"] = any(data[each + 3] == _OPACITY for each in entries)
    return found


def _code_stream(data: Buffer, at: int) -> Jpeg2000:
    size = bytes(data[at + 4 : at + 4 + 38])
    if len(size) < 38:
        raise ValueError("a code stream without a size")
    right, down, left, top = (int.from_bytes(size[each : each + 4], "big") for each in (4, 8, 12, 16))
    channels = int.from_bytes(size[36:38], "big")
    depths = {data[at + 42 + 3 * each] for each in range(channels)}
    depth = depths.pop()
    return Jpeg2000(right - left, down - top, 0 if depths or depth & 0x80 else depth + 1, channels)
