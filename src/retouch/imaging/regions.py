"""Places in a photo that its XMP names: turned with the photo, or taken out.

Source: Metadata Working Group, "Guidelines for Handling Image Metadata" 2.0, section 5.9; Microsoft, "People
Tagging Overview"; IPTC Photo Metadata Standard 2019.1, "Image Region"; Adobe, XMP specification, part 2.
"""

from __future__ import annotations

import re
from contextlib import suppress

from retouch.imaging.markup import Edit, Element, Name, Part, items, members, walk
from retouch.imaging.turning import Turn

MWG, AREA = "http://www.metadataworkinggroup.com/schemas/regions/", "http://ns.adobe.com/xmp/sType/Area#"
_SIZE = "http://ns.adobe.com/xap/1.0/sType/Dimensions#"
MP_REGION = "http://ns.microsoft.com/photo/1.2/t/Region#"
IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
EXIF = "http://ns.adobe.com/exif/1.0/"
_CAMERA_RAW = "http://ns.adobe.com/camera-raw-settings/1.0/"
_FIXED = {
    "http://ns.acdsee.com/regions/": "ACDSee's face regions",
    "http://ns.apple.com/faceinfo/1.0/": "angles of faces",
    "http://ns.google.com/photos/1.0/panorama/": "the panorama's place on the sphere",
}
# Camera Raw's crop and perspective, and all that it paints at a place.
_DEVELOPED = re.compile(
    "Crop|HasCrop|Perspective|Upright|LensBlur|DepthMap|Retouch|RedEye|.*Corrections$|.*Masks?$|.*MaskGroup"
)
# What drones say of the middle of the lens and its distortion, which is not symmetric.
_LENS = re.compile("PrincipalPoint|PerspectiveDistortion|CalibratedOpticalCenter|DewarpData|FisheyeAffine")
_ALIKE = 0.02  # of the ratio of width to height


def turned(root: Element, turn: Turn) -> tuple[list[Edit], set[str]]:
    """Turn the regions of a packet, and the subject's place.

    Returns:
        The changes to make; and what is not turned and goes, such as "crop settings".
    """
    edits: list[Edit] = []
    dropped: set[str] = set()
    for part in walk(root):
        lost = _fixed(part)
        if lost is not None:
            edits.append((part.start, part.end, b""))
            dropped.add(lost)
        elif part.name == Name(MP_REGION, "Rectangle"):
            edits += _turned_rectangle(part, turn)
        elif not isinstance(part, Element):
            continue
        elif part.name == Name(MWG, "Regions"):
            edits += _turned_faces(part, turn)
        elif part.name == Name(IPTC, "RegionBoundary"):
            edits += _turned_boundary(part, turn)
        elif part.name in (Name(EXIF, "SubjectArea"), Name(EXIF, "SubjectLocation")):
            edits += _turned_subject(part, turn)
    return edits, dropped


def _fixed(part: Part) -> str | None:
    """What a property is called if it holds places that are not turned."""
    if part.name.space == _CAMERA_RAW and _DEVELOPED.match(part.name.local):
        return "crop and local settings of Camera Raw"
    if part.name == Name(MWG, "Rotation"):
        return "angles of faces"
    return "the lens's geometry" if _LENS.match(part.name.local) else _FIXED.get(part.name.space)


def _turned_rectangle(part: Part, turn: Turn) -> list[Edit]:
    """Microsoft's rectangle: left, top, width and height as shares of the photo."""
    with suppress(ValueError):
        left, top, width, height = (float(each) for each in part.value.split(","))
        x, y = turn.point(left + width / 2, top + height / 2)
        width, height = turn.both(width, height)
        return [_put(part, ", ".join(_text(each) for each in (x - width / 2, y - height / 2, width, height)))]
    return [(part.start, part.end, b"")]


def _turned_faces(regions: Element, turn: Turn) -> list[Edit]:
    """The Metadata Working Group's regions, which say to which size of the photo they apply."""
    parts = [each for each in walk(regions) if isinstance(each, Element)]
    sizes = [numbers(each, _SIZE) for each in parts if each.name == Name(MWG, "AppliedToDimensions")]
    for size in sizes:
        if "w" in size and "h" in size and _stands(size["w"][1], size["h"][1], turn):
            return []
    edits = [edit for each in parts if each.name == Name(MWG, "Area") for edit in _turned_area(each, turn)]
    return edits + [edit for size in sizes if turn.sideways for edit in _exchanged(size, "w", "h")]


def _stands(width: float, height: float, turn: Turn) -> bool:
    """Whether regions of a photo of this size are upright already, although the photo is not."""
    upright, stored = turn.size[0] * height, turn.width * height
    return abs(upright - turn.size[1] * width) < _ALIKE * upright and (
        abs(stored - turn.height * width) > _ALIKE * stored
    )


def _turned_area(area: Element, turn: Turn) -> list[Edit]:
    found = numbers(area, AREA)
    if "x" not in found or "y" not in found:
        return [(area.start, area.end, b"")]
    x, y = turn.point(
        found["x"][1], found["y"][1], *unit_size(area, Name(AREA, "unit"), turn.width, turn.height)
    )
    edits = [_put(found["x"][0], _text(x)), _put(found["y"][0], _text(y))]
    return edits + (_exchanged(found, "w", "h") if turn.sideways else [])


def _turned_boundary(boundary: Element, turn: Turn) -> list[Edit]:
    """IPTC's rectangle (a corner and a size), circle (its middle and a share of the width) or polygon."""
    size = unit_size(boundary, Name(IPTC, "rbUnit"), turn.width, turn.height)
    found = numbers(boundary, IPTC)
    edits: list[Edit] = []
    corners = [
        numbers(item, IPTC) for each in children(boundary, Name(IPTC, "rbVertices")) for item in items(each)
    ]
    for point in (found, *corners):
        if "rbX" in point and "rbY" in point:
            width, height = (point[key][1] if key in point else 0.0 for key in ("rbW", "rbH"))
            x, y = turn.point(point["rbX"][1] + width / 2, point["rbY"][1] + height / 2, *size)
            width, height = turn.both(width, height)
            edits += [
                _put(point["rbX"][0], _text(x - width / 2)),
                _put(point["rbY"][0], _text(y - height / 2)),
            ]
    if turn.sideways:
        edits += _exchanged(found, "rbW", "rbH")
        if "rbRx" in found and size == (1, 1):
            edits.append(_put(found["rbRx"][0], _text(found["rbRx"][1] * turn.width / turn.height)))
    return edits


def _turned_subject(subject: Element, turn: Turn) -> list[Edit]:
    """EXIF's point, circle or rectangle around a point, in pixels."""
    parts = items(subject)
    with suppress(ValueError):
        x, y, *extent = (float(each.value) for each in parts)
        if len(extent) == 2:
            extent = list(turn.both(*extent))
        new = (*turn.point(x, y, turn.width, turn.height), *extent)
        return [_put(part, _text(number)) for part, number in zip(parts, new, strict=True)]
    return [(subject.start, subject.end, b"")]


def _put(part: Part, text: str) -> Edit:
    return part.inner, part.inner_end, text.encode()


def _exchanged(found: dict[str, tuple[Part, float]], one: str, other: str) -> list[Edit]:
    if one not in found or other not in found:
        return []
    first, second = found[one][0], found[other][0]
    return [_put(first, second.value), _put(second, first.value)]


def _text(number: float) -> str:
    return f"{number:.9f}".rstrip("0").rstrip(".")


def numbers(structure: Element, space: str) -> dict[str, tuple[Part, float]]:
    """The fields of a structure that hold numbers, by their names."""
    found: dict[str, tuple[Part, float]] = {}
    for part in members(structure):
        if part.name.space == space:
            with suppress(ValueError):
                found[part.name.local] = (part, float(part.value))
    return found


def children(structure: Element, name: Name) -> list[Element]:
    """The structures and arrays with this name in a structure."""
    return [each for each in members(structure) if isinstance(each, Element) and each.name == name]


def unit_size(structure: Element, unit: Name, width: float, height: float) -> tuple[float, float]:
    """Width and height of the photo in the unit of a structure: pixels, or shares of the photo."""
    pixels = any(each.name == unit and each.value == "pixel" for each in members(structure))
    return (width, height) if pixels else (1, 1)
