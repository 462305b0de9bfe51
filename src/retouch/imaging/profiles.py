"""Make ICC profiles for colours that a file names by numbers.

Source: ICC.1:2022, sections 7 to 10; ITU-T H.273, tables 2 and 3; Lindbloom, "Chromatic Adaptation".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
Curve = tuple[float, ...]
"""Numbers of an ICC parametric curve: the exponent alone, or exponent, a, b, c and d of function type 3."""

_D65, _C, _DCI, _E = (0.3127, 0.3290), (0.310, 0.316), (0.314, 0.351), (1 / 3, 1 / 3)
_D50 = (0.9642, 1.0, 0.8249)  # XYZ of the profile connection space
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])

SRGB_PRIMARIES: tuple[Point, ...] = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), _D65)
_SMPTE = ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65)
# Red, green, blue and white, by number of H.273.
_PRIMARIES: dict[int, tuple[Point, ...]] = {
    1: SRGB_PRIMARIES,
    4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), _C),
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), _D65),
    6: _SMPTE,
    7: _SMPTE,
    8: ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), _C),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
    10: ((1.0, 0.0), (0.0, 1.0), (0.0, 0.0), _E),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _DCI),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),
    22: ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), _D65),
}
ADOBE_RGB: tuple[Point, ...] = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), _D65)
ADOBE_CURVE: Curve = (563 / 256,)
SRGB_CURVE: Curve = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_VIDEO: Curve = (1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081)
_CURVES: dict[int, Curve] = {
    1: _VIDEO,
    4: (2.2,),
    5: (2.8,),
    6: _VIDEO,
    7: (1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 1 / 4.0, 0.0912),
    8: (1.0,),
    11: _VIDEO,
    12: _VIDEO,
    13: SRGB_CURVE,
    14: _VIDEO,
    15: _VIDEO,
    17: (2.6,),
}
_UNSPECIFIED = 2
HDR = {16: "PQ", 18: "HLG"}
"""Names of the transfer characteristics of high dynamic range."""

_OLD_PQ = "ITUR_2100_PQ_FULL"  # how a PNG named PQ before it had code points
_COLOURS = (b"rXYZ", b"gXYZ", b"bXYZ")
_ALIKE = ((1, 1), (1, 6), (1, 13))  # what programs show as sRGB


def profile_of_code_points(primaries: int, transfer: int) -> bytes | None:
    """Make the profile of colour primaries and transfer characteristics, by their numbers in H.273.

    Returns:
        The profile; None for sRGB, for what viewers show as sRGB, and for numbers without a meaning here.
    """
    primaries = 1 if primaries == _UNSPECIFIED else primaries
    transfer = 13 if transfer == _UNSPECIFIED else transfer
    if (primaries, transfer) in _ALIKE or primaries not in _PRIMARIES or transfer not in _CURVES:
        return None
    name = {(12, 13): "Display P3", (9, 14): "BT.2020"}.get(
        (primaries, transfer), f"Primaries {primaries}, transfer {transfer} of ITU-T H.273"
    )
    # Programs that know code points read them from the profile, too.
    cicp = b"cicp" + bytes([0, 0, 0, 0, primaries, transfer, 0, 1])
    return matrix_profile(name, _PRIMARIES[primaries], _CURVES[transfer], extra=((b"cicp", cicp),))


def hdr_transfer(profile: bytes | None) -> str | None:
    """Name the transfer of high dynamic range that a profile says its values have; None if it says none."""
    if profile is None:
        return None
    for at in range(132, min(len(profile) - 11, 132 + 12 * 100), 12):
        if profile[at : at + 4] == b"cicp":
            place = int.from_bytes(profile[at + 4 : at + 8], "big")
            return HDR.get(profile[place + 9]) if place + 9 < len(profile) else None
    return "PQ" if any(_OLD_PQ.encode(code) in profile for code in ("ascii", "utf-16be")) else None


def near_srgb(primaries: Sequence[Point]) -> bool:
    """Whether primaries and white are those of sRGB, but for rounding."""
    return bool(np.allclose(primaries, SRGB_PRIMARIES, atol=0.002))


def same_primaries(one: bytes, other: bytes | None) -> bool:
    """Whether two matrix profiles have the same primaries; None is sRGB."""
    other = other or matrix_profile("sRGB", SRGB_PRIMARIES, SRGB_CURVE)
    return all(np.allclose(_tag(one, each), _tag(other, each), atol=0.003) for each in _COLOURS)


def _tag(profile: bytes, signature: bytes) -> tuple[float, ...]:
    """The colour in a profile's tag; three NaN if it has none."""
    entries = range(132, min(len(profile), 1332), 12)
    at = next((each for each in entries if profile[each : each + 4] == signature), None)
    if at is None:
        return (np.nan,) * 3
    place = int.from_bytes(profile[at + 4 : at + 8], "big")
    steps = profile[place + 8 : place + 20].ljust(12, b"\0")
    return tuple(each / 65536 for each in struct.unpack(">3i", steps))


def matrix_profile(
    name: str,
    primaries: Sequence[Point],
    curve: Curve,
    *,
    extra: tuple[tuple[bytes, bytes], ...] = (),
) -> bytes:
    """Make an ICC profile of three primaries and one curve.

    Args:
        name: what programs show.
        primaries: chromaticities x, y of red, green, blue and white.
        curve: from encoded values to light.
        extra: further tags, with their signatures.
    """
    white = _xyz(primaries[3])
    adapt = np.linalg.inv(_BRADFORD) @ np.diag((_BRADFORD @ _D50) / (_BRADFORD @ white)) @ _BRADFORD
    colours = np.stack([_xyz(point) for point in primaries[:3]], axis=1)
    colours = adapt @ (colours * np.linalg.solve(colours, white))
    trc = b"para" + struct.pack(">IHH", 0, 0 if len(curve) == 1 else 3, 0) + _fixed(curve)
    tags = [
        (b"desc", _text(name)),
        (b"cprt", _text("No copyright, use freely")),
        (b"wtpt", _colour(_D50)),
        (b"chad", b"sf32\0\0\0\0" + _fixed(adapt.ravel())),
        *((each, _colour(colours[:, index])) for index, each in enumerate(_COLOURS)),
        *((each, trc) for each in (b"rTRC", b"gTRC", b"bTRC")),
        *extra,
    ]
    at = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for signature, content in tags:
        table += signature + struct.pack(">II", at + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(">I4sI4s4s4s", at + len(body), b"\0" * 4, 0x04400000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H4s", 2024, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + _fixed(_D50)
    return head.ljust(128, b"\0") + table + body


def _xyz(point: Point) -> NDArray[np.float64]:
    x, y = point
    return np.array([x, y, 1 - x - y]) if y == 0 else np.array([x / y, 1.0, (1 - x - y) / y])


def _fixed(numbers: Sequence[float] | NDArray[np.float64]) -> bytes:
    steps = [min(max(round(float(number) * 65536), -(2**31)), 2**31 - 1) for number in numbers]
    return struct.pack(f">{len(steps)}i", *steps)


def _colour(numbers: Sequence[float] | NDArray[np.float64]) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(numbers)


def _text(text: str) -> bytes:
    content = text.encode("utf-16be")
    return b"mluc" + struct.pack(">IIIHHII", 0, 1, 12, 0x656E, 0x5553, len(content), 28) + content
