"""Clean an EXIF block: turn it upright, with the places that it names, and take out its pictures.

The block is changed in place and as little as possible. Camera makers keep absolute offsets in it, which
would point nowhere if anything moved.

Source: EXIF 2.32, section 4.6.
"""

from __future__ import annotations

import struct
from contextlib import suppress

from retouch.imaging.places import drop_places, turn_places
from retouch.imaging.previews import jpeg_streams
from retouch.imaging.tags import EXIF, Structure
from retouch.imaging.turning import Turn

_ORIENTATION = 0x0112
_WIDTH, _HEIGHT = (0x0100, 0xA002), (0x0101, 0xA003)
_COMPRESSION = 259
_MAKER_NOTE = 0x927C
_SEALED = b"HDRP"  # Google: compressed and scrambled, and there may be a picture inside
_PICTURES = ((513, 514), (273, 279), (324, 325))  # offsets and lengths: a JPEG, strips, tiles


def clean_exif(block: bytes, width: int, height: int, turn: Turn | None = None) -> bytes | None:
    """Set the orientation of an EXIF block upright and its size to ``width × height``; remove its pictures.

    The subject's place and the resolutions are turned. Crop, lens and map coordinates of a photo that is
    turned are removed.

    The thumbnail still shows what was removed from the photo, and so do the previews that camera makers hide
    in their notes. The thumbnail's directory is unlinked. All pictures are blanked, and so is a maker's note
    that nobody can read.

    Returns:
        The block, otherwise unchanged. None if it cannot be read, because then nobody knows what it shows.
    """
    out = bytearray(block)
    try:
        structure = Structure(out)
        fields, next_at = structure.directory(structure.first)
        below = structure.integers(fields.get(EXIF))
        inner = structure.directory(below[0])[0] if below else {}
        if turn is not None and turn.needed:
            turn_places(out, structure, fields | inner, turn)
        pictures = _pictures(structure, structure.number(structure.word, next_at))
        wanted = {_ORIENTATION: 1} | dict.fromkeys(_WIDTH, width) | dict.fromkeys(_HEIGHT, height)
        for tag, field in (fields | inner).items():
            if tag in wanted and field.items == 1 and field.kind in (3, 4):
                number = min(wanted[tag], 0xFFFF) if field.kind == 3 else wanted[tag]
                struct.pack_into(structure.order + ("H" if field.kind == 3 else "I"), out, field.at, number)
        struct.pack_into(structure.order + structure.word, out, next_at, 0)
        streams = [(start, end - start) for start, end in jpeg_streams(bytes(out))]
        note = inner.get(_MAKER_NOTE)
        if note is not None and out[note.at : note.at + 4] == _SEALED:
            streams.append((note.at, note.length))
        for at, length in pictures + streams:
            end = min(at + length, len(out))
            out[at:end] = bytes(max(0, end - at))
        # A thumbnail usually comes last, where its blank space would only take room.
        if turn is not None and turn.needed:
            drop_places(out)
        last = min(
            (at for at, length in pictures[:1] if at > 8 and at + length == len(out)), default=len(out)
        )
        cleaned = bytes(out[:last])
        Structure(cleaned).directory(structure.first)  # damaged offsets may have blanked the block itself
    except ValueError:
        return None
    return cleaned


def exif_orientation(block: bytes) -> int:
    """The orientation of an EXIF block, 1 to 8; 1 if it has none or cannot be read."""
    with suppress(ValueError):
        structure = Structure(block)
        numbers = structure.integers(structure.directory(structure.first)[0].get(_ORIENTATION))
        return numbers[0] if numbers and numbers[0] in range(1, 9) else 1
    return 1


def has_sealed_notes(block: bytes) -> bool:
    """Whether there is a maker's note that nobody can read, which is blanked."""
    with suppress(ValueError):
        structure = Structure(block)
        below = structure.integers(structure.directory(structure.first)[0].get(EXIF))
        note = structure.directory(below[0])[0].get(_MAKER_NOTE) if below else None
        return note is not None and block[note.at : note.at + 4] == _SEALED
    return False


def _pictures(structure: Structure, at: int) -> list[tuple[int, int]]:
    """Offset and length of each picture in the thumbnail's directory at ``at`` and in those linked to it.

    Raises:
        ValueError: The thumbnail's directory cannot be read, or does not say where the thumbnail is.
    """
    pictures: list[tuple[int, int]] = []
    seen: set[int] = set()
    while at and at not in seen:
        seen.add(at)
        try:
            found, next_at = _directory(structure, at)
        except ValueError:
            if len(seen) == 1:
                raise
            break  # some cameras link the thumbnail's directory to something else
        pictures += found
        with suppress(ValueError):  # or let the block end before the link
            at = structure.number(structure.word, next_at)
    return pictures


def _directory(structure: Structure, at: int) -> tuple[list[tuple[int, int]], int]:
    """Offset and length of each picture in one directory, and where the pointer to the next one lies."""
    fields, next_at = structure.directory(at)
    places = [[structure.integers(fields.get(tag)) for tag in pair] for pair in _PICTURES]
    if any(len(offsets) != len(lengths) for offsets, lengths in places):
        raise ValueError("a picture without an end")
    found = [piece for offsets, lengths in places for piece in zip(offsets, lengths, strict=True)]
    if _COMPRESSION in fields and not found:
        raise ValueError("a picture without a place")
    return found, next_at
