"""All combinations of what an image file can be, and a sample of them that is always the same.

``every_kind_rules`` says which can be made, ``every_kind_writers`` makes a file of them, and
``every_kind_readers`` says what is in a file.
"""

import itertools
import random
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from tests.imaging.every_kind_rules import can_be_made

TARGETS = ("jpg", "png", "webp", "tif", "avif", "heic")
OWN = {"jpeg": "jpg", "tiff": "tif", "pnm": "ppm"}  # extensions that are not the name of the format
TRANSPARENT, MULTIPLIED, OTHER = 2, 1, 0  # ExtraSamples of TIFF


def _subsets(*blocks: str) -> tuple[tuple[str, ...], ...]:
    sizes = range(len(blocks) + 1)
    return tuple(each for size in sizes for each in itertools.combinations(blocks, size))


@dataclass(frozen=True)
class Kind:
    """The parameters of a file, and what is to be written.

    Attributes:
        format: the format, as retouch names it.
        writer: the library that makes the file.
        colours: "grey", "white is 0", "rgb", "palette", "cmyk", "lab", "icclab" or "ycbcr".
        depth: bits a channel; 32 = floats.
        extra: what the channels after the colours are, in the numbers of TIFF.
        compression: as the writer names it.
        layout: how the samples are arranged.
        orientation: that of EXIF.
        profile: what the file says of its colours.
        metadata: the blocks that it has.
        target: the extension to write.
    """

    format: str
    writer: str = "pillow"
    colours: str = "rgb"
    depth: int = 8
    extra: tuple[int, ...] = ()
    compression: str = ""
    layout: str = ""
    orientation: int = 1
    profile: str = "none"
    metadata: tuple[str, ...] = ()
    target: str = "png"

    @property
    def own(self) -> str:
        """The extension of the format itself."""
        return OWN.get(self.format, self.format)

    @property
    def transparent(self) -> bool:
        """Whether one of the channels is alpha."""
        return any(each != OTHER for each in self.extra)


_ALL = range(1, 9)
_ALPHA = ((), (TRANSPARENT,))
# What each format can be. An attribute that is missing has its default.
AXES: dict[str, dict[str, Any]] = {
    "jpeg": {
        "colours": ("grey", "rgb", "rgb", "cmyk"),
        "compression": ("4:4:4", "4:2:0"),
        "layout": ("", "progressive"),
        "orientation": _ALL,
        "profile": ("none", "srgb", "p3", "cut short"),
        "metadata": _subsets("exif", "xmp", "iptc", "comment"),
    },
    "png": {
        "writer": ("pillow", "libvips"),
        "colours": ("grey", "rgb", "palette"),
        "depth": (1, 2, 4, 8, 8, 8, 16, 16),
        "extra": _ALPHA,
        "layout": ("", "interlaced", "metadata last"),
        "orientation": _ALL,
        "profile": ("none", "srgb", "p3", "cut short", "cicp p3", "cicp pq"),
        "metadata": _subsets("exif", "xmp", "iptc", "text"),
    },
    "webp": {
        "extra": _ALPHA,
        "compression": ("lossless", "lossy"),
        "layout": ("", "", "", "animated"),
        "orientation": _ALL,
        "profile": ("none", "srgb", "p3"),
        "metadata": _subsets("exif", "xmp"),
    },
    "avif": {
        "writer": ("pillow", "libvips"),
        "colours": ("grey", "rgb"),
        "depth": (8, 10, 12),
        "extra": _ALPHA,
        "orientation": _ALL,
        "profile": ("none", "srgb", "p3"),
        "metadata": _subsets("exif", "xmp"),
    },
    "heic": {
        "writer": ("pillow-heif",),
        "depth": (8, 10, 12),
        "extra": _ALPHA,
        "profile": ("none", "srgb", "p3"),
        "metadata": _subsets("exif", "xmp"),
    },
    "jp2": {
        "writer": ("imagecodecs",),
        "colours": ("grey", "rgb"),
        "depth": (8, 16),
        "extra": _ALPHA,
        "compression": ("lossless", "lossy"),
    },
    "gif": {"colours": ("grey", "palette"), "layout": ("", "animated"), "metadata": _subsets("comment")},
    "bmp": {"colours": ("grey", "rgb", "palette")},
    "pnm": {"writer": ("numpy",), "colours": ("grey", "rgb"), "depth": (8, 16)},
    "tiff": {
        "writer": ("tifffile", "tifffile", "libvips", "pillow"),
        "colours": ("grey", "white is 0", "rgb", "rgb", "palette", "cmyk", "lab", "icclab", "ycbcr"),
        "depth": (1, 2, 4, 8, 8, 8, 12, 16, 16, 16, 32),
        "extra": ((), (), (0,), (1,), (2,), (0, 0), (2, 0), (0, 2), (1, 0), (0, 0, 0)),
        "compression": (
            *("none", "lzw", "deflate", "packbits", "fax", "jpeg"),
            *("zstd", "lzma", "webp", "jpeg2000", "jpegxl", "lerc", "png"),
        ),
        "layout": ("", "tiles", "planes", "tiled planes", "predictor", "BigTIFF", "big-endian", "two pages"),
        "orientation": _ALL,
        "profile": ("none", "srgb", "p3", "cut short"),
        "metadata": _subsets("exif", "xmp", "iptc"),
    },
}
_SHARES = {"jpeg": 12, "png": 18, "webp": 8, "avif": 6, "heic": 3, "jp2": 3, "gif": 1, "bmp": 1, "pnm": 1}
_SHARES["tiff"] = 100 - sum(_SHARES.values())


@cache
def sample(count: int) -> tuple[Kind, ...]:
    """Draw ``count`` different kinds that can be made, the same ones in every run."""
    chance, found = random.Random(0), dict[Kind, None]()
    while len(found) < count:
        format = chance.choices(list(_SHARES), list(_SHARES.values()))[0]
        writer = chance.choice(AXES[format].get("writer", ("pillow",)))
        kind = _draw(chance, format, writer)
        while not can_be_made(kind):
            kind = _draw(chance, format, writer)
        found[kind] = None
    return tuple(found)


def _draw(chance: random.Random, format: str, writer: str) -> Kind:
    kind = Kind(format, **{name: chance.choice(values) for name, values in AXES[format].items()})
    return replace(kind, writer=writer, target=chance.choice((kind.own, chance.choice(TARGETS))))
