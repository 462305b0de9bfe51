"""Find out which colours a file means where it says so by numbers instead of a profile.

Source: ISO/IEC 14496-12, sections 8.11 and 12.1.5; ISO/IEC 23008-12; PNG (W3C, third edition), sections 4.3
and 11.3.2.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import Any

from retouch.errors import RetouchError
from retouch.imaging import tags
from retouch.imaging.boxes import boxes
from retouch.imaging.containers import png_chunks
from retouch.imaging.profiles import (
    ADOBE_CURVE,
    ADOBE_RGB,
    HDR,
    SRGB_CURVE,
    SRGB_PRIMARIES,
    hdr_transfer,
    matrix_profile,
    near_srgb,
    profile_of_code_points,
    same_primaries,
)
from retouch.imaging.tags import Buffer
from retouch.imaging.tiff import Page

_SRGB_GAMMA = 45455  # in a PNG: 100,000 / 2.2
_WHITE_POINT, _PRIMARIES, _TRANSFER_FUNCTION = 318, 319, 301
_INTEROPERABILITY, _ADOBE_RGB = 0xA005, b"R03"


def check_range(name: str, data: Buffer, kind: str, profile: bytes | None) -> None:
    """Raise :class:`RetouchError` if the values of a file are of high dynamic range, or of video's range.

    Args:
        name: what the sentence calls the file.
        data: the file.
        kind: "png", "avif", "heic" or another format.
        profile: the ICC profile in the file.
    """
    points = _points(data, kind)
    transfer = HDR.get(points[1]) if points else None
    transfer = transfer or hdr_transfer(profile)
    if transfer:
        raise RetouchError(
            f"{name} is a photo of high dynamic range ({transfer}); convert it to standard range (SDR) first."
        )
    if points and kind == "png" and not points[3]:
        raise RetouchError(
            f"{name} stores its values in the narrow range of video; convert it to full range first."
        )


def profile_of_file(data: Buffer, kind: str, profile: bytes | None) -> bytes | None:
    """Return the profile that says what a file's values mean.

    Code points go before a profile in PNG, and after it in AVIF and HEIC. A PNG may also give its primaries
    and its exponent.

    Args:
        data: the file.
        kind: "png", "avif", "heic" or another format.
        profile: the ICC profile in the file.

    Returns:
        A profile, or None for sRGB.
    """
    if kind == "png":
        told = b"cICP" in _png_numbers(data)
        made = _png_profile(data) if told or profile is None else None
        return made if profile is None or (told and not same_primaries(profile, made)) else profile
    points = _points(data, kind)
    return profile_of_code_points(*points[:2]) if profile is None and points else profile


def profile_of_exif(exif: bytes | None) -> bytes | None:
    """Return the profile of Adobe RGB if an EXIF block says so, as cameras do that embed no profile."""
    with suppress(ValueError, KeyError, TypeError):
        inner: Any = tags.read_tags(exif or b"")[tags.EXIF]
        if inner[_INTEROPERABILITY][1].data.startswith(_ADOBE_RGB):
            return matrix_profile("Adobe RGB (1998)", ADOBE_RGB, ADOBE_CURVE)
    return None


def profile_of_tiff(page: Page) -> bytes | None:
    """Return the profile of the primaries that a TIFF names; None for sRGB or if it names none."""
    numbers = [page.structure.rationals(page.fields.get(tag)) for tag in (_PRIMARIES, _WHITE_POINT)]
    if page.colours != 3 or len(numbers[0]) != 6 or _TRANSFER_FUNCTION in page.fields:
        return None
    red, green, blue = zip(numbers[0][::2], numbers[0][1::2], strict=True)
    white = (numbers[1][0], numbers[1][1]) if len(numbers[1]) == 2 else SRGB_PRIMARIES[3]
    primaries = (red, green, blue, white)
    if near_srgb(primaries) or any(y <= 0 for _, y in primaries):
        return None
    return matrix_profile("TIFF", primaries, SRGB_CURVE)


def says_itself(chunks: bytes, profile: bytes | None) -> bool:
    """Whether the chunks of a PNG say by numbers what ``profile`` says."""
    return profile is not None and _png_profile(bytes(8) + chunks) == profile


def _points(data: Buffer, kind: str) -> tuple[int, int, int, int] | None:
    """Primaries, transfer, matrix and whether the full range is used."""
    if kind in ("avif", "heic"):
        return _heif_points(data)
    if kind == "png":
        content = _png_numbers(data).get(b"cICP", b"")
        return struct.unpack("4B", content) if len(content) == 4 else None
    return None


def _png_numbers(data: Buffer) -> dict[bytes, bytes]:
    names = (b"cICP", b"gAMA", b"cHRM", b"sRGB")
    return {name: bytes(data[start + 8 : end - 4]) for name, start, end in png_chunks(data) if name in names}


def _png_profile(data: Buffer) -> bytes | None:
    """The profile of the numbers in a PNG, by precedence; None for sRGB or if there are none."""
    numbers = _png_numbers(data)
    if len(numbers.get(b"cICP", b"")) == 4:
        return profile_of_code_points(*numbers[b"cICP"][:2])
    if b"sRGB" in numbers:
        return None
    gamma = int.from_bytes(numbers.get(b"gAMA", b"")[:4], "big")
    primaries = SRGB_PRIMARIES
    if len(numbers.get(b"cHRM", b"")) == 32:
        white, *colours = struct.iter_unpack(">II", numbers[b"cHRM"])
        primaries = tuple((x / 100_000, y / 100_000) for x, y in (*colours, white))
    usual = not gamma or abs(gamma - _SRGB_GAMMA) < 1000
    if (near_srgb(primaries) and usual) or any(y <= 0 for _, y in primaries):
        return None
    # Without an exponent, and near that of sRGB, the curve is meant that this exponent stands for.
    return matrix_profile("PNG", primaries, (100_000 / (gamma or _SRGB_GAMMA),))


def _heif_points(data: Buffer) -> tuple[int, int, int, int] | None:
    """The code points of the main picture, or else the first in the file, which are those of its tiles."""
    meta = next(((at, end) for name, at, end in boxes(data, 0, len(data)) if name == b"meta"), None)
    if meta is None:
        return None
    inside = {name: (at, end) for name, at, end in boxes(data, meta[0] + 4, meta[1])}
    if b"iprp" not in inside:
        return None
    properties = {name: (at, end) for name, at, end in boxes(data, *inside[b"iprp"])}
    listed = list(boxes(data, *properties[b"ipco"])) if b"ipco" in properties else []
    found = {
        number: struct.unpack(">HHHB", data[at + 4 : at + 11])
        for number, (name, at, end) in enumerate(listed, 1)
        if name == b"colr" and end - at >= 11 and bytes(data[at : at + 4]) == b"nclx"
    }
    main = _main_properties(data, inside.get(b"pitm"), properties.get(b"ipma"))
    number = next((each for each in main if each in found), next(iter(found), None))
    if number is None:
        return None
    primaries, transfer, matrix, full = found[number]
    return primaries, transfer, matrix, full >> 7


def _main_properties(data: Buffer, pitm: tuple[int, int] | None, ipma: tuple[int, int] | None) -> list[int]:
    """The numbers of the properties of the main picture."""
    if pitm is None or ipma is None:
        return []
    wide = 4 if data[pitm[0]] else 2
    main = int.from_bytes(data[pitm[0] + 4 : pitm[0] + 4 + wide], "big")
    at, end = ipma
    wide, two = 4 if data[at] else 2, data[at + 3] & 1
    at += 8
    while at + wide + 1 <= end:
        item, count = int.from_bytes(data[at : at + wide], "big"), data[at + wide]
        at += wide + 1
        step = 2 if two else 1
        if item == main:
            places = range(at, at + count * step, step)
            numbers = (int.from_bytes(data[each : each + step], "big") for each in places)
            return [number & (0x7FFF if two else 0x7F) for number in numbers]
        at += count * step
    return []
