"""Read and write the tags of EXIF blocks and TIFF files, which share one structure.

libvips reads and writes few of a TIFF's tags, and its EXIF library knows only some of the camera makers'
tags. So tags are carried past libvips.

Source: TIFF 6.0, section 2; EXIF 2.32, section 4.6; the BigTIFF design of Aware Systems.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import NamedTuple, TypeAlias

import numpy as np

Buffer: TypeAlias = bytes | bytearray | memoryview


class Value(NamedTuple):
    """A tag's value: TIFF type, number of items, and the items in little-endian order."""

    kind: int
    items: int
    data: bytes


Tags: TypeAlias = "dict[int, Value | Tags]"
"""Values by tag number. Directories of their own (EXIF, GPS) are nested dictionaries."""

IPTC, PHOTOSHOP, PROFILE, XMP, LAYERS, CREDENTIALS = 33723, 34377, 34675, 700, 37724, 52545

EXIF, _GPS, _INTEROPERABILITY = 0x8769, 0x8825, 0xA005
_DIRECTORIES = (EXIF, _GPS, _INTEROPERABILITY)
# Bytes in an item, and in each number of an item (a rational consists of two numbers of four bytes).
_ITEM = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
_NUMBER = _ITEM | {5: 4, 10: 4}
# Not carried: how the pixels are stored, which is up to the writer; what the header carries elsewhere
# (resolution, XMP, IPTC, ICC); and Photoshop's layers and content credentials, which still show what was
# removed.
_NOT_CARRIED = {
    *range(254, 260), *range(262, 267), 273, 274, *range(277, 285), *range(288, 294), 296, 297,
    317, *range(320, 326), 330, *range(332, 348), *range(512, 522), *range(529, 533),
    XMP, IPTC, PHOTOSHOP, PROFILE, LAYERS, CREDENTIALS,
}  # fmt: skip


class Field(NamedTuple):
    """An entry of a directory: TIFF type, number of items, and where their bytes lie."""

    kind: int
    items: int
    at: int
    length: int


class Structure:
    """Read access to the directories of a TIFF structure."""

    def __init__(self, data: Buffer) -> None:
        """Raise ValueError if ``data`` is not such a structure."""
        self.data = data
        magic = bytes(data[:4])
        if magic not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            raise ValueError("not a TIFF structure")
        self.order = "<" if magic[:2] == b"II" else ">"
        self.big = b"+" in magic
        self.word = "Q" if self.big else "I"
        self.first = self.number(self.word, 8 if self.big else 4)

    def number(self, code: str, at: int) -> int:
        """Read one number, of a type that :mod:`struct` has a letter for; ValueError beyond the end."""
        try:
            return int(struct.unpack_from(self.order + code, self.data, at)[0])
        except (struct.error, OverflowError) as error:
            raise ValueError("a TIFF structure ends too early") from error

    def directory(self, at: int) -> tuple[dict[int, Field], int]:
        """Return the fields of the directory at ``at``, and where the pointer to the next one lies."""
        count, at = (self.number("Q", at), at + 8) if self.big else (self.number("H", at), at + 2)
        room = 8 if self.big else 4
        fields: dict[int, Field] = {}
        for entry in range(at, at + count * (4 + 2 * room), 4 + 2 * room):
            kind, items = self.number("H", entry + 2), self.number(self.word, entry + 4)
            length = items * _ITEM.get(kind, 0)
            value = entry + 4 + room
            if length > room:
                value = self.number(self.word, value)
            if kind in _ITEM and value + length <= len(self.data):
                fields[self.number("H", entry)] = Field(kind, items, value, length)
        return fields, at + count * (4 + 2 * room)

    def integers(self, field: Field | None) -> list[int]:
        """Read all items of a field; an empty list if there is none or it holds no whole numbers."""
        code = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}.get(field.kind) if field else None
        if field is None or code is None:
            return []
        return [self.number(code, field.at + index * _ITEM[field.kind]) for index in range(field.items)]

    def rationals(self, field: Field | None) -> list[float]:
        """Read all items of a field of fractions; an empty list if there is none."""
        if field is None or field.kind != 5:
            return []
        places = range(field.at, field.at + field.length, 8)
        return [self.number("I", at) / max(1, self.number("I", at + 4)) for at in places]

    def value(self, field: Field) -> Value:
        """Read the value of a field."""
        data = bytes(self.data[field.at : field.at + field.length])
        size = _NUMBER[field.kind]
        if self.order == ">" and size > 1:
            data = np.frombuffer(data, f">u{size}").astype(f"<u{size}").tobytes()
        return Value(field.kind, field.items, data)


def raw_tag(data: Buffer, tag: int) -> bytes | None:
    """Return the bytes of a tag in a TIFF's first directory, or None if the tag is missing."""
    structure = Structure(data)
    return bytes_of(data, structure.directory(structure.first)[0].get(tag))


def bytes_of(data: Buffer, field: Field | None) -> bytes | None:
    """Return the bytes of a field, or None if there is none."""
    return bytes(data[field.at : field.at + field.length]) if field else None


def read_tags(data: Buffer) -> Tags:
    """Read all tags of an EXIF block or a TIFF file that describe the photo, not how its pixels are stored.

    A damaged nested directory is left out.

    Raises:
        ValueError: the data is neither, or its first directory is damaged.
    """
    structure = Structure(data)
    return described(structure, structure.directory(structure.first)[0], {structure.first})


def described(structure: Structure, fields: dict[int, Field], seen: set[int] | None = None) -> Tags:
    """Read those of a directory's fields that describe the photo, as :func:`read_tags` does."""
    tags = _nested(structure, fields, set() if seen is None else seen)
    return {tag: value for tag, value in tags.items() if tag not in _NOT_CARRIED}


def _nested(structure: Structure, fields: dict[int, Field], seen: set[int]) -> Tags:
    tags: Tags = {}
    for tag, field in fields.items():
        if tag in _DIRECTORIES:
            for below in structure.integers(field)[:1]:
                with suppress(ValueError):  # a damaged directory takes nothing else along
                    inner = (
                        {} if below in seen else structure.directory(below)[0]
                    )  # a file can point at itself
                    seen.add(below)
                    tags[tag] = _nested(structure, inner, seen)
        else:
            tags[tag] = structure.value(field)
    return tags


def exif_block(tags: Tags) -> bytes:
    """Make an EXIF block of tags."""
    return b"II*\0" + struct.pack("<I", 8) + _pack(tags, 8, big=False)


def add_tags(tiff: bytes, tags: Tags) -> bytes:
    """Add tags to the first directory of a TIFF. They replace tags of the same number.

    Args:
        tiff: a little-endian TIFF, as libvips writes it on every machine PyTorch runs on.
        tags: what to add.
    """
    structure = Structure(tiff)
    fields, _ = structure.directory(structure.first)
    everything: Tags = {tag: structure.value(field) for tag, field in fields.items()}
    everything.update(tags)
    at = len(tiff) + len(tiff) % 2
    out = bytearray(tiff)
    out += bytes(at - len(tiff)) + _pack(everything, at, structure.big)
    struct.pack_into("<" + structure.word, out, 8 if structure.big else 4, at)
    return bytes(out)


def _pack(tags: Tags, base: int, big: bool) -> bytes:
    """Encode a directory that will lie at ``base``, followed by its values. It links to no next directory."""
    word, room = ("<Q", 8) if big else ("<I", 4)
    entries = struct.pack("<Q" if big else "<H", len(tags))
    head = len(entries) + len(tags) * (4 + 2 * room) + room
    body = bytearray()
    for tag in sorted(tags):
        value = tags[tag]
        at = base + head + len(body)
        if isinstance(value, dict):
            below = _pack(value, at, big)
            value = Value(16 if big else 4, 1, struct.pack(word, at))
        else:
            below = value.data if len(value.data) > room else b""
        body += below + bytes(len(below) % 2)
        short = struct.pack(word, at) if len(value.data) > room else value.data.ljust(room, b"\0")
        entries += struct.pack("<HH", tag, value.kind) + struct.pack(word, value.items) + short
    return entries + bytes(room) + bytes(body)
