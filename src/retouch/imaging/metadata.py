"""Collect the metadata of a file, cleaned for a photo that was turned upright and will be filled."""

from __future__ import annotations

from dataclasses import dataclass

from retouch.imaging import containers, resources, tags
from retouch.imaging.behind import look_behind
from retouch.imaging.exif import clean_exif, has_sealed_notes
from retouch.imaging.gain_map import GainMap
from retouch.imaging.gif import gif_comments
from retouch.imaging.heif import heif_auxiliaries, heif_turn
from retouch.imaging.places import has_fixed_places
from retouch.imaging.png_metadata import read_metadata
from retouch.imaging.turning import Turn
from retouch.imaging.xmp import CREDENTIALS, clean_xmp
from retouch.imaging.xmp_packets import join_xmp

CREDENTIALS_GONE = (
    "The photo's content credentials (C2PA) do not hold for an edited photo, so they were removed; "
    "retouch fill --sign makes new ones that name the photo as their parent."
)
"""The note on a photo that was signed; a signature names the photo as its parent, and the note is void."""


@dataclass(frozen=True)
class Metadata:
    """What a file says of its photo; the attributes are those of :class:`~retouch.imaging.Header`."""

    exif: bytes | None
    xmp: bytes | None
    photoshop: bytes
    comments: tuple[bytes, ...]
    chunks: bytes
    gain: GainMap | None
    notes: tuple[str, ...]


def collect(
    data: tags.Buffer,
    kind: str,
    turn: Turn,
    channels: int,
    *,
    exif: bytes | None,
    xmp: bytes | None,
    photoshop: bytes,
) -> Metadata:
    """Collect the metadata of a file.

    Args:
        data: the file.
        kind: its format, such as "jpeg".
        turn: how the photo is turned upright.
        channels: of the photo as it is written: 1 to 4; 2 and 4 have alpha.
        exif: its EXIF block, as far as it was read already.
        xmp: its XMP packet, likewise.
        photoshop: its Photoshop resources, likewise.
    """
    comments: tuple[bytes, ...] = ()
    chunks, gain = b"", None
    lost: set[str] = set()
    if kind == "jpeg":
        photoshop, comments = containers.jpeg_photoshop(data), containers.jpeg_comments(data)
        xmp, complete = join_xmp(containers.jpeg_contents(data, 0xE1))
        lost |= set() if complete else {"extended XMP that is incomplete"}
        behind = look_behind(data, turn)
        gain, lost = behind.gain, lost | behind.others
    elif kind == "png":
        found = read_metadata(data, turn=turn, channels=channels)
        exif, xmp, photoshop, chunks = found.exif, found.xmp, found.photoshop, found.chunks
        lost |= found.dropped
    elif kind == "tiff":
        for tag, what in ((tags.LAYERS, "Photoshop's layers"), (tags.CREDENTIALS, CREDENTIALS)):
            lost |= {what} if tags.raw_tag(data, tag) else set()
    elif kind == "gif":
        comments = gif_comments(data)
    elif kind == "webp":
        lost |= containers.foreign_webp_chunks(data)
    elif kind in ("avif", "heic"):
        lost |= heif_auxiliaries(data)
        turn = heif_turn(data, *turn.size) if not turn.needed else turn
    if turn.needed and resources.has_places(photoshop):
        lost.add("guides, slices and paths")
    exif, lost_exif = _cleaned_exif(exif, turn)
    xmp, lost_xmp = _cleaned_xmp(xmp, turn)
    lost |= lost_exif | lost_xmp
    if gain is not None:
        lost.discard("a gain map")  # XMP promises it, and it is there
    notes = (CREDENTIALS_GONE,) if CREDENTIALS in lost else ()
    lost.discard(CREDENTIALS)
    return Metadata(
        exif,
        xmp,
        resources.clean_resources(photoshop, turn),
        comments,
        chunks,
        gain,
        (f"Not carried over: {', '.join(sorted(lost))}.", *notes) if lost else notes,
    )


def _cleaned_exif(exif: bytes | None, turn: Turn) -> tuple[bytes | None, set[str]]:
    """The block, and what it no longer holds."""
    if not exif:
        return None, set()
    block = exif.removeprefix(b"Exif\0\0")
    cleaned = clean_exif(block, *turn.size, turn)
    if cleaned is None:
        return None, {"EXIF that cannot be read"}
    lost = {"crop, lens and map coordinates in EXIF"} if turn.needed and has_fixed_places(block) else set()
    return cleaned, lost | ({"sealed notes of the camera"} if has_sealed_notes(block) else set())


def _cleaned_xmp(xmp: bytes | None, turn: Turn) -> tuple[bytes | None, set[str]]:
    """The packet, and what it no longer holds."""
    if not xmp:
        return None, set()
    cleaned = clean_xmp(xmp, turn)
    if cleaned.packet is None:
        return None, {"XMP that cannot be read"}
    return cleaned.packet, {*cleaned.promised, *cleaned.dropped}
