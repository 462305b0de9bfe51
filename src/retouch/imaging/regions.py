"""Places in a photo that its XMP names: turned with the photo, or taken out.

Source: Metadata Working Group, "Guidelines for Handling Image Metadata" 2.0, section 5.9; Microsoft, "People
Tagging Overview"; IPTC Photo Metadata Standard 2019.1, "Image Region"; Adobe, XMP specification, part 2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from retouch.imaging.markup import Edit, Element, Name, Part, change, items, members, parse, walk
from retouch.imaging.turning import Turn

_MWG, _AREA = "http://www.metadataworkinggroup.com/schemas/regions/", "http://ns.adobe.com/xmp/sType/Area#"
_SIZE = "http://ns.adobe.com/xap/1.0/sType/Dimensions#"
_MP_REGION = "http://ns.microsoft.com/photo/1.2/t/Region#"
_MP_INFO = "http://ns.microsoft.com/photo/1.2/t/RegionInfo#"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_CRS, _EXIF = "http://ns.adobe.com/camera-raw-settings/1.0/", "http://ns.adobe.com/exif/1.0/"
_PLACES = {"http://ns.acdsee.com/regions/": "face regions", "http://ns.apple.com/faceinfo/1.0/": "face angles",
           "http://ns.google.com/photos/1.0/panorama/": "the panorama's place on the sphere"}  # fmt: skip
# Camera Raw's crop, perspective and lens centre, and all that it paints at a place.
_CAMERA_RAW = re.compile(
    "Crop|HasCrop|Perspective|Upright|LensBlur|DepthMap|Retouch|RedEye|.*Corrections$|.*Based|Masks?$"
)
_HALF = 0.5  # of a region filled: then it no longer shows what it names


def turned(root: Element, turn: Turn) -> tuple[list[Edit], set[str]]:
    """Turn the face regions of a packet.

    Returns:
        The changes to make; and what cannot be turned and goes, such as "crop settings".
    """
    edits: list[Edit] = []
    dropped: set[str] = set()
    for part in walk(root):
        lost = _fixed(part)
        if lost is not None:
            edits.append((part.start, part.end, b""))
            dropped.add(lost)
        elif part.name == Name(_MP_REGION, "Rectangle"):
            edits += _turned_rectangle(part, turn)
        elif isinstance(part, Element) and part.name == Name(_MWG, "Area"):
            edits += _turned_area(part, turn)
        elif isinstance(part, Element) and part.name == Name(_MWG, "AppliedToDimensions") and turn.sideways:
            size = _numbers(part, _SIZE)
            edits += _exchange(size, "w", "h")
    return edits, dropped


def _fixed(part: Part) -> str | None:
    """What a property is called if it holds places that are not turned."""
    space, local = part.name.space, part.name.local
    if space == _CRS and _CAMERA_RAW.match(local):
        return "crop and local settings of Camera Raw"
    if space == _IPTC and local == "ImageRegion":
        return "IPTC image regions"
    if space == _MWG and local == "Rotation":
        return "angles of face regions"
    if space == _EXIF and local in ("SubjectArea", "SubjectLocation"):
        return "the subject's place in XMP"
    return _PLACES.get(space)


def _turned_rectangle(part: Part, turn: Turn) -> list[Edit]:
    with suppress(ValueError):
        left, top, width, height = (float(each) for each in part.value.split(","))
        x, y = turn.point(left + width / 2, top + height / 2)
        width, height = turn.both(width, height)
        text = ", ".join(_text(each) for each in (x - width / 2, y - height / 2, width, height))
        return [(part.inner, part.inner_end, text.encode())]
    return [(part.start, part.end, b"")]


def _turned_area(area: Element, turn: Turn) -> list[Edit]:
    found = _numbers(area, _AREA)
    if "x" not in found or "y" not in found:
        return [(area.start, area.end, b"")]
    (x_part, x), (y_part, y) = found["x"], found["y"]
    unit = next((each.value for each in members(area) if each.name == Name(_AREA, "unit")), "normalized")
    size = (turn.width, turn.height) if unit == "pixel" else (1, 1)
    x, y = turn.point(x, y, *size)
    edits = [(part.inner, part.inner_end, _text(new).encode()) for part, new in ((x_part, x), (y_part, y))]
    return edits + (_exchange(found, "w", "h") if turn.sideways else [])


def _exchange(found: dict[str, tuple[Part, float]], one: str, other: str) -> list[Edit]:
    if one not in found or other not in found:
        return []
    (first, _), (second, _) = found[one], found[other]
    return [
        (first.inner, first.inner_end, second.value.encode()),
        (second.inner, second.inner_end, first.value.encode()),
    ]


def _numbers(structure: Element, space: str) -> dict[str, tuple[Part, float]]:
    """The fields of a structure that hold numbers, by their names."""
    found: dict[str, tuple[Part, float]] = {}
    for part in members(structure):
        if part.name.space == space:
            with suppress(ValueError):
                found[part.name.local] = (part, float(part.value))
    return found


def _text(number: float) -> str:
    return f"{number:.9f}".rstrip("0").rstrip(".")


def without_filled(packet: bytes, hole: NDArray[np.bool_]) -> tuple[bytes, int]:
    """Take the regions out of an upright photo's packet of which at least half was filled.

    Args:
        packet: as :func:`~retouch.imaging.xmp.clean_xmp` returned it.
        hole: ``H×W``, True where the photo was filled.

    Returns:
        The packet, and the number of regions taken out.
    """
    try:
        root = parse(packet)
    except ValueError:
        return packet, 0
    gone = [item for item, box in _regions(root, *hole.shape) if _filled(hole, box) >= _HALF]
    return change(packet, [(item.start, item.end, b"") for item in gone]), len(gone)


def _regions(root: Element, height: int, width: int) -> Iterator[tuple[Element, tuple[float, ...]]]:
    """The items of all lists of regions, with left, top, width and height in pixels."""
    for listing in walk(root):
        if not isinstance(listing, Element):
            continue
        for item in items(listing):
            box = None
            if listing.name == Name(_MWG, "RegionList"):
                box = _mwg_box(item, height, width)
            elif listing.name == Name(_MP_INFO, "Regions"):
                box = _mp_box(item, height, width)
            elif listing.name == Name(_IPTC, "ImageRegion"):
                box = _iptc_box(item, height, width)
            if box is not None:
                yield item, box


def _structure(item: Element, name: Name) -> Element | None:
    return next((each for each in members(item) if isinstance(each, Element) and each.name == name), None)


def _mwg_box(item: Element, height: int, width: int) -> tuple[float, ...] | None:
    area = _structure(item, Name(_MWG, "Area"))
    if area is None:
        return None
    found = {key: value for key, (_, value) in _numbers(area, _AREA).items()}
    unit = next((each.value for each in members(area) if each.name == Name(_AREA, "unit")), "normalized")
    across, down = (1, 1) if unit == "pixel" else (width, height)
    if "d" in found:  # a circle: the share of the shorter side
        side = found["d"] * min(across, down)
        wide, high = side, side
    else:
        wide, high = found.get("w", 0) * across, found.get("h", 0) * down
    return found.get("x", 0) * across - wide / 2, found.get("y", 0) * down - high / 2, wide, high


def _mp_box(item: Element, height: int, width: int) -> tuple[float, ...] | None:
    text = next((each.value for each in members(item) if each.name == Name(_MP_REGION, "Rectangle")), "")
    with suppress(ValueError):
        left, top, wide, high = (float(each) for each in text.split(","))
        return left * width, top * height, wide * width, high * height
    return None


def _iptc_box(item: Element, height: int, width: int) -> tuple[float, ...] | None:
    boundary = _structure(item, Name(_IPTC, "RegionBoundary"))
    if boundary is None:
        return None
    unit = next((each.value for each in members(boundary) if each.name == Name(_IPTC, "rbUnit")), "relative")
    across, down = (1, 1) if unit == "pixel" else (width, height)
    found = {key: value for key, (_, value) in _numbers(boundary, _IPTC).items()}
    if "rbRx" in found:  # a circle around a point; its radius is a share of the width
        radius = found["rbRx"] * across
        return found.get("rbX", 0) * across - radius, found.get("rbY", 0) * down - radius, 2 * radius, 2 * radius
    vertices = _structure(boundary, Name(_IPTC, "rbVertices"))
    corners = [_numbers(each, _IPTC) for each in items(vertices)] if vertices else []
    points = [(each["rbX"][1], each["rbY"][1]) for each in corners if "rbX" in each and "rbY" in each]
    if points:
        (left, top), (right, bottom) = np.min(points, axis=0), np.max(points, axis=0)
        return left * across, top * down, (right - left) * across, (bottom - top) * down
    wide, high = found.get("rbW", 0) * across, found.get("rbH", 0) * down
    return found.get("rbX", 0) * across, found.get("rbY", 0) * down, wide, high


def _filled(hole: NDArray[np.bool_], box: tuple[float, ...]) -> float:
    """The share of a box that was filled; of a point, whether its pixel was."""
    left, top, width, height = box
    rows, columns = (
        slice(max(int(start), 0), max(int(start) + 1, round(start + length), 1))
        for start, length in ((top, height), (left, width))
    )
    inside = hole[rows, columns]
    return float(inside.mean()) if inside.size else 0.0
