"""Clean an XMP packet: what it promises but the file no longer has, pictures, and places in the picture.

Source: XMP specification, parts 1 and 2; Google, "Ultra HDR Image Format", "Motion Photo format" and "Dynamic
Depth"; Adobe, "Gain map specification".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from retouch.imaging import regions
from retouch.imaging.markup import Edit, Element, Name, Part, change, parse, to_utf8, walk
from retouch.imaging.turning import Turn

HDRGM = "http://ns.adobe.com/hdr-gain-map/1.0/"
CONTAINER = "http://ns.google.com/photos/1.0/container/"
ITEM = CONTAINER + "item/"
_CAMERA = "http://ns.google.com/photos/1.0/camera/"
_BASIC, _GRAPHICS = "http://ns.adobe.com/xap/1.0/", "http://ns.adobe.com/xap/1.0/g/img/"
_TIFF, _EXIF = "http://ns.adobe.com/tiff/1.0/", "http://ns.adobe.com/exif/1.0/"
_VIDEO, _DEPTH, _GAIN = "a motion video", "a depth map", "a gain map"
_SEALED = "sealed notes of the camera"
CREDENTIALS = "content credentials"
_REMOTE = ("http://purl.org/dc/terms/", "provenance")  # where a manifest of C2PA lies on the network

# What the properties of a namespace promise. The empty text stands for what another property names.
_PROMISES = {
    HDRGM: "", CONTAINER: "", ITEM: "",
    "http://ns.apple.com/HDRGainMap/1.0/": _GAIN,
    "http://ns.apple.com/pixeldatainfo/1.0/": "",
    "http://ns.google.com/photos/1.0/depthmap/": _DEPTH,
    "http://ns.google.com/photos/1.0/focus/": _DEPTH,
    "http://ns.google.com/photos/1.0/image/": "a picture in XMP",
    "http://ns.google.com/photos/1.0/audio/": "sound in XMP",
    "http://ns.xiaomi.com/photos/1.0/camera/": "the camera's second picture",
    "http://ns.oplus.com/photos/1.0/camera/": _VIDEO,
}  # fmt: skip
_DYNAMIC_DEPTH = "http://ns.google.com/photos/dd/1.0/"
_CAMERA_PROMISES = (
    ("MicroVideo", _VIDEO),
    ("MotionPhoto", _VIDEO),
    ("hdrp_", _SEALED),
    ("shot_log", _SEALED),
)
_SEMANTICS = {"MotionPhoto": _VIDEO, "GainMap": _GAIN, "Depth": _DEPTH, "Confidence": _DEPTH,
              "Original": "the picture before it was edited"}  # fmt: skip
_PREVIEWS = {(_BASIC, "Thumbnails"), (_GRAPHICS, "image")}
# JPEG, PNG, GIF, WebP, TIFF, HEIF or AVIF in base64, maybe in lines; shorter ones could be words.
_BASE64 = re.compile(
    rb"(?:/9j/|iVBORw0KGgo|R0lGOD[dl]h|UklGR|SUkqA|TU0AK|AAAA.GZ0eX)(?:[\w+/=\s]|&#x[aAdD];|&#1[03];){64,}",
    re.ASCII,
)
_UNREADABLE = re.compile(rb"(?i)GainMap|hdrgm|GCamera|GDepth|GImage|Container:|mwg-rs|RegionInfo")


@dataclass(frozen=True)
class Cleaned:
    """A cleaned packet.

    Attributes:
        packet: the packet; None if it could not be read and might show what was removed.
        promised: what the packet promised that lies elsewhere in the file, such as "a depth map".
        dropped: what else it no longer says, such as "crop settings".
    """

    packet: bytes | None
    promised: frozenset[str] = frozenset()
    dropped: frozenset[str] = frozenset()


def clean_xmp(packet: bytes, turn: Turn | None = None) -> Cleaned:
    """Clean a packet of a photo that was turned upright.

    Pictures, and all that is said of what lies behind the photo in its file, go: the writer knows what is
    there, and says it again. Places in the photo are turned with it, or go. An orientation in XMP alone, by
    which nothing was turned, stays. If nothing changes, the packet stays byte for byte.
    """
    turn = Turn() if turn is None else turn
    try:
        packet = to_utf8(packet)
        root = parse(packet)
    except ValueError:
        # Nobody knows what a damaged packet shows, unless it mentions nothing that could show something.
        kept = _BASE64.sub(b"", packet)
        return Cleaned(None if _UNREADABLE.search(kept) or turn.needed else kept)
    edits: list[Edit] = []
    promised: set[str] = set()
    dropped: set[str] = set()
    for part in walk(root):
        promise = _promise(part)
        if promise is not None:
            edits.append((part.start, part.end, b""))
            promised.add(promise)
        elif (part.name.space, part.name.local) in _PREVIEWS:
            edits.append((part.start, part.end, b""))
        elif turn.needed and part.name == Name(_TIFF, "Orientation"):
            edits.append((part.inner, part.inner_end, b"1"))
        elif turn.needed:
            edits += _resized(part, turn)
    if turn.needed:
        turned, dropped = regions.turned(root, turn)
        edits += turned
    cleaned = _BASE64.sub(b"", change(packet, edits))
    return Cleaned(cleaned, frozenset(promised - {""}), frozenset(dropped))


def _promise(part: Part) -> str | None:
    """What a property promises; None if it promises nothing that lies elsewhere."""
    space, local = part.name.space, part.name.local
    if space == ITEM and local == "Semantic":
        return _SEMANTICS.get(part.value, "" if part.value == "Primary" else "a second picture")
    if space == _CAMERA:
        return next((what for start, what in _CAMERA_PROMISES if local.startswith(start)), None)
    if space.startswith(_DYNAMIC_DEPTH):
        return _DEPTH
    if (space, local) == _REMOTE and part.value.startswith(("http://", "https://", "self#")):
        return CREDENTIALS  # else a statement in words, which stays
    # A container goes as a whole, but its items are still looked at.
    return _PROMISES.get(space)


def _resized(part: Part, turn: Turn) -> list[Edit]:
    """The size of the picture, which also stands in XMP, exchanged if it is the stored one."""
    names = {
        (_TIFF, "ImageWidth"): (turn.width, turn.size[0]),
        (_TIFF, "ImageLength"): (turn.height, turn.size[1]),
        (_EXIF, "PixelXDimension"): (turn.width, turn.size[0]),
        (_EXIF, "PixelYDimension"): (turn.height, turn.size[1]),
    }
    old, new = names.get((part.name.space, part.name.local), (None, None))
    if old is None or part.value != str(old) or (isinstance(part, Element) and part.children):
        return []
    return [(part.inner, part.inner_end, str(new).encode())]
