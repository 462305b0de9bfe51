"""Mutations of image files that know what the files consist of, for fuzz_files.py."""

from __future__ import annotations

import random
import struct
import zlib

# Numbers at which lengths and counts go wrong.
_ODD = (
    0, 1, 2, 3, 7, 8, 16, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF,
)  # fmt: skip
Piece = tuple[int, int, int, str]
"""Start and end of a chunk, segment, box or entry; where its length or count is; that number's form."""


def pieces(data: bytes) -> list[Piece]:
    """The parts that a file of a known format consists of; an empty list for other formats."""
    found: list[Piece] = []
    if data[:2] in (b"II", b"MM") and len(data) > 8:
        order = "<" if data[:2] == b"II" else ">"
        (at,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, at) if at + 2 <= len(data) else (0,)
        entries = range(at + 2, min(at + 2 + 12 * count, len(data) - 11), 12)
        return [(entry, entry + 12, entry + 4, order + "I") for entry in entries]
    at = 8 if data[:4] == b"\x89PNG" else 12 if data[:4] == b"RIFF" else 2 if data[:2] == b"\xff\xd8" else 0
    boxes = data[4:8] in (b"ftyp", b"jP  ")
    while at + 8 <= len(data) and (at or boxes):
        if at >= 8 and data[:4] == b"\x89PNG":
            end, form, length = at + 12, ">I", at
        elif data[:4] == b"RIFF":
            end, form, length = at + 8, "<I", at + 4
        elif data[:2] == b"\xff\xd8":
            end, form, length = at + 2, ">H", at + 2
        else:
            end, form, length = at, ">I", at
        end += int(struct.unpack_from(form, data, length)[0])
        if end <= at or end > len(data) or (form == ">H" and data[at] != 0xFF):
            break
        found.append((at, end, length, form))
        # What a box of metadata consists of is next.
        at = (
            at + 12
            if data[at + 4 : at + 8] == b"meta"
            else at + 8
            if data[at + 4 : at + 8] == b"iprp"
            else end
        )
    return found


def mutate(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Change a file in one to four ways; ``other`` lends what is spliced in."""
    for _ in range(chance.choice((1, 1, 1, 1, 2, 3))):
        data = (
            _mutate_pieces(data, other, chance)
            if chance.random() < 0.5
            else _mutate_bytes(data, other, chance)
        )
    if data[:4] == b"\x89PNG" and chance.random() < 0.8:
        for start, end, _, _ in pieces(data):
            data = data[: end - 4] + struct.pack(">I", zlib.crc32(data[start + 4 : end - 4])) + data[end:]
    return data


def _mutate_pieces(data: bytes, other: bytes, chance: random.Random) -> bytes:
    found, others = pieces(data), pieces(other)
    if not found:
        return _mutate_bytes(data, other, chance)
    one, two = sorted((chance.choice(found), chance.choice(found)))
    start, end, length, form = one
    match chance.randrange(6):
        case 0 if end <= two[0]:
            return (
                data[:start] + data[two[0] : two[1]] + data[end : two[0]] + data[start:end] + data[two[1] :]
            )
        case 1:
            return data[:start] + data[end:]
        case 2:
            return data[: two[0]] + data[start:end] + data[two[0] :]
        case 3 if others:
            new = chance.choice(others)
            return data[:start] + other[new[0] : new[1]] + data[chance.choice((start, end)) :]
        case 4:
            size = struct.calcsize(form)
            number = (chance.choice(_ODD) + chance.choice((0, 0, -1, len(data)))) % 256**size
            return data[:length] + struct.pack(form, number) + data[length + size :]
    return data[:start] + _mutate_bytes(data[start:end], other, chance) + data[end:]


def _mutate_bytes(data: bytes, other: bytes, chance: random.Random) -> bytes:
    size = len(data)
    # Headers matter most, so half of the places are among the first bytes.
    at, to = sorted(chance.randrange(1 + min(size, chance.choice((64, 600, size, size)))) for _ in range(2))
    match chance.randrange(8):
        case 0:
            return data[:to]
        case 1:
            return data[:at] + data[to:]
        case 2:
            return data[:to] + data[at:]
        case 3:
            return data[:at] + other[min(at, len(other)) :]
        case 4:
            return data[:at] + chance.randbytes(chance.randrange(1, 9)) + data[at:]
        case 5:
            form = chance.choice((">B", ">H", "<H", ">I", "<I", ">Q", "<Q"))
            number = (chance.choice(_ODD) - chance.choice((0, 0, 1))) % 256 ** struct.calcsize(form)
            return data[:at] + struct.pack(form, number) + data[at + struct.calcsize(form) :]
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16)) if out else 0):
        out[chance.randrange(size) if chance.random() < 0.5 else min(at, size - 1)] ^= 1 << chance.randrange(
            8
        )
        at = chance.randrange(1 + min(size, 600))
    return bytes(out)
