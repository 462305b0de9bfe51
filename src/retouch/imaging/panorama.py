"""Recognise photos of the whole sphere, whose left and right edges meet.

Source: Google, "Photo Sphere XMP Metadata".
"""

from __future__ import annotations

from xml.etree import ElementTree

from retouch.imaging.photo import Photo

_NAMESPACE = "{http://ns.google.com/photos/1.0/panorama/}"


def goes_around(photo: Photo) -> bool:
    """Whether a photo is equirectangular and covers 360 degrees, so that its left and right edges meet."""
    found = _panorama(photo.header.xmp)
    if found.get("ProjectionType", "").lower() != "equirectangular":
        return False
    whole, cropped = found.get("FullPanoWidthPixels"), found.get("CroppedAreaImageWidthPixels")
    return _shape(photo) if whole is None or cropped is None else whole == cropped


def shows_poles(photo: Photo) -> bool:
    """Whether a photo that goes around also reaches from pole to pole."""
    return _shape(photo)


def _shape(photo: Photo) -> bool:
    height, width = photo.pixels.shape[:2]
    return bool(abs(width - 2 * height) <= 2)  # both sides may be rounded


def _panorama(xmp: bytes | None) -> dict[str, str]:
    """The values of the panorama's namespace, by name. XMP writes them as attributes or as elements."""
    try:
        tree = ElementTree.fromstring(xmp) if xmp else None
    except (ElementTree.ParseError, ValueError, LookupError):
        tree = None
    found: dict[str, str] = {}
    for element in () if tree is None else tree.iter():
        pairs = [*element.attrib.items(), (element.tag, element.text or "")]
        found |= {
            name.removeprefix(_NAMESPACE): value.strip()
            for name, value in pairs
            if name.startswith(_NAMESPACE)
        }
    return found
