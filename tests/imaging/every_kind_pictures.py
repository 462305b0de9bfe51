"""What all writers of files of every kind need: samples, metadata, and images of Pillow and libvips."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pyvips
from PIL import Image
from tests.imaging.every_kind import MULTIPLIED, Kind
from tests.imaging.samples import P3, SRGB, exif

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="A title"/>'
    b"</rdf:RDF></x:xmpmeta>"
)
IPTC = b"\x1c\x02\x78\x00\x07hello!!"  # libvips writes whole words into a TIFF
COMMENT, TEXT = b"A comment", "A text"
PROFILES = {"srgb": SRGB, "p3": P3, "cut short": P3[:300]}
CODE_POINTS = {"cicp p3": bytes([12, 13, 0, 1]), "cicp pq": bytes([9, 16, 0, 1])}
_CHANNELS = {"grey": 1, "white is 0": 1, "palette": 1, "cmyk": 4}
FULL = {1: 1, 2: 3, 4: 15, 8: 255, 10: 1023, 12: 4095, 16: 65535}


def samples(kind: Kind) -> np.ndarray:
    """Slopes with some noise, ``H×W×C`` as they are stored; no turned or mirrored copy is like another."""
    chance = np.random.default_rng(zlib.crc32(repr(kind).encode()))
    height, width = chance.choice(np.arange(24, 49), 2, replace=False)
    rows, columns = np.mgrid[0:height, 0:width]
    count = _CHANNELS.get(kind.colours, 3) + len(kind.extra)
    slopes = [(rows / height * (1 + at) + columns / width * 2) / (3 + at) for at in range(count)]
    values = (np.stack(slopes, -1) * 0.8 + 0.1 + chance.uniform(-0.05, 0.05, (height, width, count))).clip(
        0, 1
    )
    if MULTIPLIED in kind.extra:
        opacity = values[..., [_CHANNELS.get(kind.colours, 3) + kind.extra.index(MULTIPLIED)]]
        values[..., : _CHANNELS.get(kind.colours, 3)] *= opacity
    if kind.depth == 32:
        return values.astype(np.float32)
    stored = np.rint(values * FULL[kind.depth])
    return stored.astype(np.uint8 if kind.depth <= 8 else np.uint16)


def block_of(kind: Kind) -> Image.Exif | None:
    if "exif" in kind.metadata:
        return exif(kind.orientation)
    block = Image.Exif()
    block[0x0112] = kind.orientation
    return block if kind.orientation != 1 else None


def options_of(kind: Kind) -> dict[str, Any]:
    """What Pillow takes for EXIF, XMP and the profile."""
    block = block_of(kind)
    wanted = {
        "exif": None if block is None else block.tobytes(),
        "xmp": XMP if "xmp" in kind.metadata else None,
        "icc_profile": PROFILES.get(kind.profile),
    }
    return {name: value for name, value in wanted.items() if value is not None}


def image_of(kind: Kind, array: np.ndarray) -> Image.Image:
    if kind.depth == 1:
        return Image.fromarray(array[..., 0] > 0)
    image = Image.fromarray(array.squeeze(-1) if array.shape[2] == 1 else array)
    if kind.colours == "palette":
        image.putpalette(palette().T.tobytes())
    modes = {"cmyk": "CMYK", "lab": "LAB", "ycbcr": "YCbCr"}
    if kind.colours in modes:
        return Image.frombytes(modes[kind.colours], image.size, array.tobytes())
    return image


def palette() -> np.ndarray:
    """Colours, ``3×256`` uint8."""
    return np.random.default_rng(0).permuted(np.tile(np.arange(256, dtype=np.uint8), (3, 1)), axis=1)


def save(image: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def vips_image(array: np.ndarray, colours: str = "rgb") -> pyvips.Image:
    deep = array.dtype == np.uint16
    names = {"grey": ("b-w", "grey16"), "white is 0": ("b-w", "grey16"), "cmyk": ("cmyk", "cmyk")}
    image = pyvips.Image.new_from_array(np.ascontiguousarray(array))
    return image.copy(interpretation=names.get(colours, ("srgb", "rgb16"))[deep])


def resource() -> bytes:
    """IPTC as one of Photoshop's resources."""
    return b"8BIM" + struct.pack(">HHI", 0x0404, 0, len(IPTC)) + IPTC + bytes(len(IPTC) % 2)
