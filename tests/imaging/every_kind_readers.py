"""Say what is in a file, with libraries only: nothing of retouch takes part."""

import io
from dataclasses import dataclass, field
from typing import Any

import imagecodecs
import numpy as np
import pillow_heif
import pyvips
import tifffile
from PIL import ExifTags, Image
from tests.imaging.every_kind_pictures import IPTC

WHITE_IS_ZERO, GREY, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6  # what colours are, in numbers of TIFF
_JPEG = 7
_EXIF = ("ImageDescription", "Make", "DateTimeOriginal", "MakerNote", "GPSLatitudeRef")


@dataclass(frozen=True)
class Content:
    """What is in a file.

    Attributes:
        samples: ``H×W×C`` in [0, 1], as they are stored, not turned.
        bits: bits a channel.
        orientation: how the samples are to be turned.
        colours: TIFF's number for what the colours are: 0 white is 0, 1 grey, 2 RGB, 5 CMYK, 6 YCbCr, 8 and 9
            L*a*b*.
        extra: what the channels after the colours are, in the numbers of TIFF.
        profile: the ICC profile.
        blocks: values by block: the fields of EXIF that are compared, XMP, IPTC, comment and text.
    """

    samples: np.ndarray
    bits: int
    orientation: int
    colours: int
    extra: tuple[int, ...]
    profile: bytes | None
    blocks: dict[str, Any] = field(repr=False)

    @property
    def upright(self) -> np.ndarray:
        """The samples, turned as EXIF says."""
        array = self.samples if self.orientation < 5 else self.samples.swapaxes(0, 1)
        down, across = self.orientation in (3, 4, 7, 8), self.orientation in (2, 3, 6, 7)
        return array[:: -1 if down else 1, :: -1 if across else 1]


def read(data: bytes) -> Content:
    """Read a file of any of the formats."""
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return _tiff(data)
    if data[4:12] in (b"ftypheic", b"ftypheix"):
        return _heic(data)
    with Image.open(io.BytesIO(data)) as image:
        image.load()
    samples, bits = _samples(data, image)
    grey = samples.shape[2] < 3
    blocks = {
        "exif": _fields(image.getexif()),
        "xmp": image.info.get("xmp"),
        "iptc": _iptc(image),
        # Encoders of JPEG 2000 sign in a comment; that is no word of the photographer.
        "comment": image.info.get("comment") if image.format != "JPEG2000" else None,
        "text": getattr(image, "text", {}).get("Title"),
        "cicp": data.partition(b"cICP")[2][:4] if image.format == "PNG" else None,
    }
    orientation = image.getexif().get(0x0112, 1) if image.format in ("JPEG", "PNG", "WEBP") else 1
    profile = image.info.get("icc_profile")
    extra = (2,) if samples.shape[2] in (2, 4) else ()
    return Content(samples, bits, orientation, GREY if grey else RGB, extra, profile, _there(blocks))


def _there(blocks: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in blocks.items() if value}


def _samples(data: bytes, image: Image.Image) -> tuple[np.ndarray, int]:
    """The samples in [0, 1], and bits a channel."""
    kind, bits = image.format, 8
    if kind == "PNG" and data[24] == 16:
        array, bits = pyvips.Image.pngload_buffer(data).numpy(), 16
    elif kind == "JPEG2000":
        array = imagecodecs.jpeg2k_decode(data)
        bits = array.itemsize * 8
    elif kind == "AVIF":
        vips = pyvips.Image.new_from_buffer(data, "")
        bits, array = vips.get("bits-per-sample"), vips.numpy()
        array = array >> (16 - bits) if bits > 8 else array
    elif kind == "JPEG":
        array = pyvips.Image.jpegload_buffer(data).numpy()  # another library may round another way
    elif kind == "PPM" and data.split()[3] == b"65535":
        array, bits = np.frombuffer(data.split(b"\n", 1)[1], ">u2").reshape(image.height, image.width, -1), 16
    else:
        bits = data[24] if kind == "PNG" and data[25] == 0 else 8
        array = np.asarray(_without_palette(image))
        if bits < 8:
            array = np.rint(array * (1 if bits == 1 else (2**bits - 1) / 255))
    array = array[..., None] if array.ndim == 2 else array
    return array / (2**bits - 1), bits


def _without_palette(image: Image.Image) -> Image.Image:
    if image.mode != "P":
        return image
    return image.convert("RGBA" if "transparency" in image.info else "RGB")


def _fields(block: Any) -> dict[str, Any]:
    """The fields that are compared, by name."""
    named = {ExifTags.TAGS.get(tag): value for tag, value in dict(block).items()}
    named |= {ExifTags.TAGS.get(tag): value for tag, value in block.get_ifd(0x8769).items()}
    named |= {ExifTags.GPSTAGS.get(tag): value for tag, value in block.get_ifd(0x8825).items()}
    return {name: named[name] for name in _EXIF if name in named}


def _iptc(image: Image.Image) -> bytes | None:
    found = image.info.get("photoshop")
    if found is not None:
        return found.get(0x0404)
    texts = getattr(image, "text", {})
    text = texts.get("Raw profile type iptc") or texts.get("Raw profile type 8bim")
    return IPTC if text and IPTC in bytes.fromhex("".join(text.split()[2:])) else None


def _heic(data: bytes) -> Content:
    file = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)
    array, bits = np.asarray(file), file.info.get("bit_depth", 8)
    array = array >> (16 - bits) if bits > 8 else array
    block = Image.Exif()
    block.load(file.info.get("exif") or b"")
    extra = (2,) if array.shape[2] == 4 else ()
    blocks = {"exif": _fields(block), "xmp": file.info.get("xmp")}
    return Content(array / (2**bits - 1), bits, 1, RGB, extra, file.info.get("icc_profile"), _there(blocks))


def _tiff(data: bytes) -> Content:
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        array = np.asarray(page.asarray())
        tags = {tag.code: tag.value for tag in page.tags}
    bits = page.bitspersample
    array = np.moveaxis(array, 0, -1) if page.planarconfig == 2 and page.samplesperpixel > 1 else array
    array = array[..., None] if array.ndim == 2 else array
    values = array / (1.0 if array.dtype.kind == "f" else 2**bits - 1)
    colours = int(page.photometric)
    if colours == PALETTE:
        values, colours = (page.colormap.T[array[..., 0]] >> 8) / 255, RGB
    if colours == YCBCR and page.compression == _JPEG:
        colours = RGB  # tifffile has converted them
    named = {ExifTags.TAGS.get(code): value for code, value in tags.items()}
    named |= tags.get(0x8769) or {}
    named |= tags.get(0x8825) or {}
    blocks = {
        "exif": {name: named[name] for name in _EXIF if name in named},
        "xmp": tags.get(700),
        "iptc": IPTC if IPTC in (_bytes(tags.get(33723)) or b"") else None,
    }
    extra = tuple(int(each) for each in page.extrasamples)
    orientation = int(tags.get(274, 1))
    return Content(values, bits, orientation, colours, extra, page.iccprofile, _there(blocks))


def _bytes(value: Any) -> bytes | None:
    if isinstance(value, tuple):
        return b"".join(each.to_bytes(4, "little") for each in value)
    return value
