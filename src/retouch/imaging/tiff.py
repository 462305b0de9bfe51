"""Find the photo in a TIFF file, and what each of its channels means.

Source: TIFF 6.0, sections 3, 8, 18, 21 and 23; Adobe Photoshop TIFF technical notes; DNG 1.7, chapter 4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from retouch.imaging.tags import Buffer, Field, Structure, Value

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, CIELAB, ICCLAB = 0, 1, 2, 3, 5, 6, 8, 9
EXTRA_SAMPLES, PHOTOMETRIC = 338, 262
UNSPECIFIED, ASSOCIATED = 0, 1

_SUBFILE, _OLD_SUBFILE, _SUB_DIRECTORIES, _DNG_VERSION = 254, 255, 330, 50706
_BITS, _COMPRESSION, _SAMPLES, _PLANAR, _SAMPLE_FORMAT, _TILE = 258, 259, 277, 284, 339, 322
_MOSAIC = {32803: "colour filter array", 34892: "linear raw"}  # photometric interpretations
_COLOURS = {0: 1, 1: 1, RGB: 3, PALETTE: 3, CMYK: 4, YCBCR: 3, CIELAB: 3, ICCLAB: 3}
_ALPHA = (1, 2)  # kinds of extra sample
_PIECES = ((273, 279), (324, 325))  # offsets and lengths of strips, and of tiles
_NUMBER = {3: "H", 4: "I", 16: "Q"}

# What every libvips reads. Whatever else it fails on may be intact.
_USUAL_COMPRESSIONS = (1, 2, 3, 4, 5, 7, 8, 32773, 32946)
_USUAL_BITS = (1, 2, 4, 8, 16, 32)
_COMPRESSIONS = {
    6: "old-style JPEG",
    9: "JBIG",
    10: "JBIG",
    34661: "JBIG",
    32809: "ThunderScan",
    33003: "JPEG 2000",
    33005: "JPEG 2000",
    34676: "SGI log",
    34677: "SGI log",
    34712: "JPEG 2000",
    34887: "LERC",
    34892: "lossy JPEG",
    34925: "LZMA",
    34926: "Zstandard",
    34927: "WebP",
    34933: "PNG",
    34934: "JPEG XR",
    50000: "Zstandard",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}


@dataclass(frozen=True)
class Page:
    """One directory of a TIFF file.

    Attributes:
        structure: the file.
        fields: the entries of the directory.
        number: its place in the chain of directories, or that of the directory above it.
        below: its place among the directories below that one; -1 if it is in the chain itself.
    """

    structure: Structure
    fields: dict[int, Field]
    number: int = 0
    below: int = -1

    def integers(self, tag: int) -> list[int]:
        """All items of a tag; an empty list if it is missing."""
        return self.structure.integers(self.fields.get(tag))

    def integer(self, tag: int, default: int = 0) -> int:
        """The first item of a tag."""
        return (self.integers(tag) or [default])[0]

    @property
    def reduced(self) -> bool:
        """Whether the page is a smaller version of another one."""
        return bool(self.integer(_SUBFILE) & 1) or self.integer(_OLD_SUBFILE) == 2

    @property
    def photometric(self) -> int:
        """What the colours mean."""
        return self.integer(PHOTOMETRIC, 1)

    @property
    def colours(self) -> int:
        """The number of channels before the extra samples; 0 if what they mean is unknown."""
        return _COLOURS.get(self.photometric, 0)

    @cached_property
    def extra(self) -> tuple[int, ...]:
        """What each channel after the colours is: 0 unspecified, 1 associated alpha, 2 unassociated alpha."""
        stored = 1 if self.photometric == PALETTE else self.colours
        count = max(0, self.integer(_SAMPLES, 1) - stored) if stored else 0
        said = self.integers(EXTRA_SAMPLES)[:count]
        kinds = [*said, *[UNSPECIFIED] * (count - len(said))]
        # Only the first alpha is the photo's transparency.
        first = next((index for index, kind in enumerate(kinds) if kind in _ALPHA), count)
        return tuple(
            kind if kind not in _ALPHA or index == first else UNSPECIFIED for index, kind in enumerate(kinds)
        )

    @property
    def bits(self) -> int:
        """The largest number of bits in a sample."""
        return max(self.integers(_BITS) or [1])

    @property
    def plain(self) -> bool:
        """Whether the samples are grey or RGB as they stand, whatever their type."""
        return self.photometric in (BLACK_IS_ZERO, RGB) and ASSOCIATED not in self.extra

    @property
    def tiled(self) -> bool:
        """Whether the pixels are in tiles."""
        return _TILE in self.fields

    @property
    def tiled_planes(self) -> bool:
        """Whether each channel has tiles of its own."""
        return self.tiled and self.integer(_PLANAR, 1) == 2 and self.integer(_SAMPLES, 1) > 1

    @property
    def grey_planes(self) -> bool:
        """Whether grey and what is beside it have a plane each. libvips mixes their rows up."""
        return self.colours == 1 and self.integer(_PLANAR, 1) == 2 and self.integer(_SAMPLES, 1) > 1

    def unusual(self) -> str | None:
        """Name what not every libvips reads; None if this is a usual TIFF."""
        compression, bits = self.integer(_COMPRESSION, 1), self.integers(_BITS)
        if compression not in _USUAL_COMPRESSIONS:
            known = _COMPRESSIONS.get(compression)
            return f"{known} compression" if known else f"compression {compression}"
        if any(each not in _USUAL_BITS for each in bits) or len(set(bits)) > 1:
            return f"{self.bits} bits a channel"
        if self.tiled_planes:
            return "tiles for each channel"
        if self.grey_planes:
            return "a plane for each channel beside grey"
        return None if self.colours else f"photometric interpretation {self.photometric}"

    def complete(self) -> bool:
        """Whether all pieces of the picture lie inside the file."""
        pieces = [
            piece
            for at, length in _PIECES
            for piece in zip(self.integers(at), self.integers(length), strict=False)
        ]
        end = len(self.structure.data)
        return bool(pieces) and all(at > 0 and at + length <= end for at, length in pieces)


def is_tiff(data: Buffer) -> bool:
    """Whether data starts as a TIFF does."""
    return bytes(data[:4]) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def pages(data: Buffer) -> list[Page]:
    """All directories of a TIFF with a picture, each followed by those below it.

    Raises:
        ValueError: the first directory is damaged.
    """
    structure = Structure(data)
    return [page for page in _walk(structure, structure.first) if 256 in page.fields]


def _walk(structure: Structure, at: int) -> Iterator[Page]:
    seen: set[int] = set()
    number = 0
    while at and at not in seen:
        seen.add(at)
        try:
            fields, next_at = structure.directory(at)
            at = structure.number(structure.word, next_at)
        except ValueError:
            if number == 0:
                raise
            return
        page = Page(structure, fields, number)
        yield page
        for index, below in enumerate(page.integers(_SUB_DIRECTORIES)):
            if below not in seen:
                seen.add(below)
                try:
                    yield Page(structure, structure.directory(below)[0], number, index)
                except ValueError:
                    continue
        number += 1


def is_raw(data: Buffer) -> bool:
    """Whether a TIFF is a camera's raw file: the photo in it is yet to be developed."""
    found = pages(data)
    return any(page.photometric in _MOSAIC or _DNG_VERSION in page.fields for page in found)


def photo_pages(found: list[Page]) -> list[Page]:
    """The pages that are no smaller versions of others; if all are, the largest.

    Directories below a page count only if no page of the chain is a photo.
    """
    chain = [page for page in found if page.below < 0]
    for group in (chain, found):
        full = [page for page in group if not page.reduced]
        if full:
            return full
    return [max(chain, key=lambda page: page.integer(256) * page.integer(257))]


def with_plain_samples(data: Buffer, page: Page) -> bytes:
    """A copy of a file that gives its samples as they are stored, whatever they mean.

    libvips divides colours by alpha, halves 16-bit L*a*b*, refuses that of 8 bits, and takes uncompressed
    YCbCr for RGB. It leaves grey and RGB with unspecified extra samples alone.
    """
    out = bytearray(data)
    plain = {EXTRA_SAMPLES: UNSPECIFIED} | ({PHOTOMETRIC: RGB} if page.photometric in (CIELAB, YCBCR) else {})
    if page.integer(_COMPRESSION, 1) == 7:
        plain.pop(PHOTOMETRIC, None)  # the JPEG within brings its own colours
    for tag, number in plain.items():
        field = page.fields.get(tag)
        code = _NUMBER.get(field.kind) if field else None
        if field is not None and code is not None:
            form = f"{page.structure.order}{field.items}{code}"
            struct.pack_into(form, out, field.at, *[number] * field.items)
    return bytes(out)


def short(*numbers: int) -> Value:
    """A tag's value of whole numbers of 16 bits."""
    return Value(3, len(numbers), struct.pack(f"<{len(numbers)}H", *numbers))


def long(number: int) -> Value:
    """A tag's value of one whole number of 32 bits."""
    return Value(4, 1, struct.pack("<I", number))
