"""Regions in a photo's XMP of which so much was filled that they no longer show what they name.

Source: as in :mod:`retouch.imaging.regions`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from retouch.imaging.markup import Element, Name, change, items, members, parse, walk
from retouch.imaging.regions import AREA, EXIF, IPTC, MP_REGION, MWG, children, numbers, unit_size

_MP_INFO = "http://ns.microsoft.com/photo/1.2/t/RegionInfo#"
_HALF = 0.5
Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, width and height in pixels."""


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
    gone = [item for item, box in _regions(root, *hole.shape) if filled_share(hole, box) >= _HALF]
    return change(packet, [(item.start, item.end, b"") for item in gone]), len(gone)


def filled_share(hole: NDArray[np.bool_], box: Box) -> float:
    """The share of a box that was filled; of a point, whether its pixel was. 0 outside of the photo."""
    left, top, width, height = box
    bounds = []
    for start, length, limit in ((top, height, hole.shape[0]), (left, width, hole.shape[1])):
        if not (np.isfinite(start) and np.isfinite(length)):
            return 0.0
        first = int(min(max(start, 0), limit))
        bounds.append(slice(first, max(first + 1, int(min(max(round(start + length), 0), limit)))))
    inside = hole[bounds[0], bounds[1]]
    return float(inside.mean()) if inside.size else 0.0


def _regions(root: Element, height: int, width: int) -> Iterator[tuple[Element, Box]]:
    """The items of all lists of regions, and their boxes."""
    makers = {
        Name(MWG, "RegionList"): _mwg_box,
        Name(_MP_INFO, "Regions"): _mp_box,
        Name(IPTC, "ImageRegion"): _iptc_box,
    }
    for part in walk(root):
        if not isinstance(part, Element):
            continue
        if part.name in (Name(EXIF, "SubjectArea"), Name(EXIF, "SubjectLocation")):
            box = _subject_box(part)
            if box is not None:
                yield part, box
        elif part.name in makers:
            for item in items(part):
                box = makers[part.name](item, height, width)
                if box is not None:
                    yield item, box


def _subject_box(subject: Element) -> Box | None:
    with suppress(ValueError):
        x, y, *extent = (float(each.value) for each in items(subject))
        width, height = (extent[0], extent[-1]) if extent else (1, 1)
        return x - width / 2, y - height / 2, width, height
    return None


def _mwg_box(item: Element, height: int, width: int) -> Box | None:
    for area in children(item, Name(MWG, "Area")):
        found = {key: value for key, (_, value) in numbers(area, AREA).items()}
        if "x" not in found or "y" not in found:
            return None
        across, down = _pixels(area, Name(AREA, "unit"), height, width)
        diameter = found.get("d", 0) * min(across, down)  # of a circle, as a share of the shorter side
        wide, high = found.get("w", 0) * across or diameter, found.get("h", 0) * down or diameter
        return found["x"] * across - wide / 2, found["y"] * down - high / 2, wide, high
    return None


def _mp_box(item: Element, height: int, width: int) -> Box | None:
    text = next((each.value for each in members(item) if each.name == Name(MP_REGION, "Rectangle")), "")
    with suppress(ValueError):
        left, top, wide, high = (float(each) for each in text.split(","))
        return left * width, top * height, wide * width, high * height
    return None


def _iptc_box(item: Element, height: int, width: int) -> Box | None:
    for boundary in children(item, Name(IPTC, "RegionBoundary")):
        across, down = _pixels(boundary, Name(IPTC, "rbUnit"), height, width)
        found = {key: value for key, (_, value) in numbers(boundary, IPTC).items()}
        corners = [
            numbers(each, IPTC)
            for list_ in children(boundary, Name(IPTC, "rbVertices"))
            for each in items(list_)
        ]
        points = [(each["rbX"][1], each["rbY"][1]) for each in corners if "rbX" in each and "rbY" in each]
        if points:
            (left, top), (right, bottom) = np.min(points, axis=0), np.max(points, axis=0)
            return left * across, top * down, (right - left) * across, (bottom - top) * down
        if "rbX" not in found or "rbY" not in found:
            return None
        radius = found.get("rbRx", 0) * across
        wide, high = found.get("rbW", 0) * across, found.get("rbH", 0) * down
        return (
            found["rbX"] * across - radius,
            found["rbY"] * down - radius,
            wide or 2 * radius,
            high or 2 * radius,
        )
    return None


def _pixels(structure: Element, unit: Name, height: int, width: int) -> tuple[float, float]:
    """Pixels in one step of a structure's unit, across and down."""
    across, down = unit_size(structure, unit, width, height)
    return width / across, height / down
