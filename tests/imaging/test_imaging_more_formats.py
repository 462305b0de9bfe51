"""What libvips does not read: masks of whatever Pillow or OpenCV reads, photos where nothing is lost."""

import builtins
import io
import struct
import warnings

import cv2
import imagecodecs
import numpy as np
import pytest
from PIL import Image
from tests.imaging.samples import P3, encode, noise, smooth, tiff

from retouch.errors import RetouchError
from retouch.imaging import opening, read_mask, read_photo, write_photo
from retouch.imaging.gif import gif_comments
from retouch.imaging.losses import losses

HOLE = noise(24, 32) > 127
MASK = HOLE * np.uint8(255)
RGB = noise(24, 32, 3)
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">about</x:xmpmeta>'


def jp2(array, *extra, header=b"", **options):
    """JPEG 2000 with further boxes: in its header, and after it."""
    data = imagecodecs.jpeg2k_encode(array, level=0, reversible=True, codecformat="jp2", **options)
    at = data.find(b"jp2h") - 4
    length = int.from_bytes(data[at : at + 4], "big")
    inside = data[at + 8 : at + length] + header
    head = struct.pack(">I", 8 + len(inside)) + b"jp2h" + inside
    return data[:at] + head + b"".join(box(*each) for each in extra) + data[at + length :]


def box(name, content):
    return struct.pack(">I", 8 + len(content)) + name + content


@pytest.mark.parametrize("format", ["BMP", "PPM", "PCX", "TGA", "ICO", "SGI", "DDS", "JPEG2000", "GIF", "IM"])
def test_masks_of_other_formats(format):
    options = (
        {"irreversible": False} if format == "JPEG2000" else {"sizes": [(32, 24)]} if format == "ICO" else {}
    )
    np.testing.assert_array_equal(read_mask(encode(MASK, format, **options), HOLE.shape), HOLE)


@pytest.mark.parametrize("format", ["BMP", "MSP", "XBM", "PCX"])
def test_masks_of_one_bit(format):
    np.testing.assert_array_equal(read_mask(encode(Image.fromarray(HOLE), format), HOLE.shape), HOLE)


@pytest.mark.parametrize("extension", [".bmp", ".jp2", ".pgm"])
def test_masks_without_pillow(monkeypatch, extension):
    data = jp2(MASK) if extension == ".jp2" else cv2.imencode(extension, MASK)[1].tobytes()
    known = builtins.__import__

    def without(name, *arguments, **options):
        if name.startswith("PIL"):
            raise ImportError(name)
        return known(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    np.testing.assert_array_equal(read_mask(data, HOLE.shape), HOLE)


@pytest.mark.parametrize(("extension", "channels"), [(".bmp", 1), (".bmp", 3), (".ppm", 3), (".pgm", 1)])
def test_photos_of_formats_without_metadata(extension, channels):
    array = np.ascontiguousarray(RGB[..., :channels])
    photo = read_photo(cv2.imencode(extension, array[..., ::-1])[1].tobytes())
    np.testing.assert_array_equal(photo.pixels[..., : array.shape[2]], array)
    np.testing.assert_array_equal(read_photo(write_photo(photo, None, format="png")).pixels, photo.pixels)


def test_sixteen_bits_of_pnm():
    deep = noise(24, 32, dtype=np.uint16)
    photo = read_photo(cv2.imencode(".pgm", deep)[1].tobytes())
    np.testing.assert_array_equal(photo.pixels[..., 0], deep)


@pytest.mark.parametrize("codec", ["jp2", "j2k"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg2000(codec, dtype, channels):
    array = noise(24, 32, channels, dtype=dtype)
    array = array[..., 0] if channels == 1 else array
    data = imagecodecs.jpeg2k_encode(array, level=0, reversible=True, codecformat=codec)
    photo = read_photo(data)
    assert (photo.format, photo.pixels.dtype) == ("jp2", dtype)
    np.testing.assert_array_equal(photo.pixels, array.reshape(24, 32, channels))


def test_jpeg2000_of_twelve_bits_uses_all_of_sixteen():
    array = noise(24, 32, dtype=np.uint16) >> 4
    data = imagecodecs.jpeg2k_encode(array, level=0, reversible=True, bitspersample=12)
    np.testing.assert_array_equal(read_photo(data).pixels[..., 0], np.rint(array * (65535 / 4095)))


def test_jpeg2000_keeps_profile_and_metadata():
    exif = Image.Exif()
    exif[0x010E] = "A title"
    iptc = b"\x1c\x02\x50\x00\x03Ann"
    profile = box(b"colr", b"\2\0\0" + P3)
    data = jp2(
        RGB,
        (b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + XMP),
        (b"uuid", b"JpgTiffExif->JP2" + exif.tobytes().removeprefix(b"Exif\0\0")),
        (b"uuid", bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38") + iptc),
        header=profile,
    )
    photo = read_photo(data)
    assert (photo.profile, photo.header.xmp) == (P3, XMP)
    assert b"A title" in photo.header.exif
    assert iptc in photo.header.photoshop
    written = read_photo(write_photo(photo, None, format="tiff"))
    assert (written.profile, written.header.xmp) == (P3, XMP)
    assert b"A title" in written.header.exif
    assert iptc in written.header.photoshop


def test_transparency_of_jpeg2000():
    array = noise(24, 32, 4)
    opacity = box(b"cdef", struct.pack(">H12H", 4, 0, 0, 1, 1, 0, 2, 2, 0, 3, 3, 1, 0))
    photo = read_photo(jp2(array, header=opacity))
    np.testing.assert_array_equal(photo.alpha, array[..., 3])
    with pytest.raises(RetouchError, match="other channels than grey or RGB"):
        read_photo(imagecodecs.jpeg2k_encode(array, level=0, reversible=True))


@pytest.mark.parametrize("part", [0.1, 0.5])
def test_jpeg2000_cut_short(part):
    data = imagecodecs.jpeg2k_encode(RGB, level=0, reversible=True)
    with pytest.raises(RetouchError, match="damaged or cut short"):
        read_photo(data[: int(len(data) * part)])


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (imagecodecs.jpegxl_encode(RGB), "JPEG XL"),
        (imagecodecs.jpegxr_encode(smooth(24, 32)), "JPEG XR"),
        (imagecodecs.jpegls_encode(MASK), "JPEG-LS"),
        (imagecodecs.jpeg_encode(RGB.astype(np.uint16) * 16, bitspersample=12), "12-bit JPEG"),
        (b"8BPS\0\1" + bytes(300), "PSD"),
        (b"v/1\x01" + bytes(300), "OpenEXR"),
        (b"#?RADIANCE\n" + bytes(300), "Radiance HDR"),
        (bytes(128) + b"DICM" + bytes(300), "DICOM"),
        (b"gimp xcf v011" + bytes(300), "XCF"),
    ],
)
def test_what_cannot_be_read_is_called_by_its_name(data, kind):
    with pytest.raises(
        RetouchError, match=rf"of the kind {kind}, which cannot be read here; convert it"
    ) as caught:
        read_photo(data)
    assert "damaged" not in str(caught.value)


@pytest.mark.parametrize("format", ["BMP", "JPEG2000", "PCX"])
def test_too_many_pixels(monkeypatch, format):
    monkeypatch.setattr(opening, "PIXEL_LIMIT", 1000)
    data = encode(np.zeros((40, 40), np.uint8), format)
    with pytest.raises(RetouchError, match=r"40 × 40 pixels.*--allow-huge"):
        read_mask(data, (40, 40))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert not read_mask(data, (40, 40), allow_huge=True).any()


@pytest.mark.parametrize("white", [300, 1023, 65535])
@pytest.mark.parametrize("text", [False, True])
def test_pnm_of_more_than_eight_bits(white, text):
    values = np.minimum(noise(24, 32, 3, dtype=np.uint16), white)
    head = b"P%d # a comment\n32\n# another\n24 %d\n" % (3 if text else 6, white)
    body = " ".join(map(str, values.ravel())).encode() if text else values.astype(">u2").tobytes()
    photo = read_photo(head + body)
    np.testing.assert_array_equal(photo.pixels, np.rint(values * (65535 / white)))
    with pytest.raises(RetouchError, match="damaged or cut short"):
        read_photo((head + body)[: -len(body) // 2])


def test_comments_of_a_gif_are_carried_over_or_said():
    comment = b"about the photo " * 40  # longer than one block
    data = encode(Image.fromarray(RGB).quantize(64), "GIF", comment=comment)
    photo = read_photo(data)
    assert photo.header.comments == (comment,)
    assert Image.open(io.BytesIO(write_photo(photo, None, format="jpeg"))).info["comment"] == comment
    assert "comments" in losses(photo.header, "png")[0]
    for length in range(len(data)):  # a file cut short is no error here
        assert b"".join(gif_comments(data[:length])) in comment


def test_damage_that_pillow_has_no_word_for():
    """Pillow raises NotImplementedError for flags that it does not know."""
    data = bytearray(encode(MASK, "DDS"))
    data[80:84] = bytes(4)
    with pytest.raises(RetouchError, match="kind DDS, which cannot be read here"):
        read_mask(bytes(data), HOLE.shape)


@pytest.mark.parametrize("compression", [None, "zlib", "zstd"])
@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"])
def test_masks_of_any_numbers(dtype, compression):
    data = tiff(HOLE.astype(dtype), compression=compression)
    np.testing.assert_array_equal(read_mask(data, HOLE.shape), HOLE)
    with pytest.raises(RetouchError, match="convert it to 8 or 16 bits"):
        read_photo(data)


@pytest.mark.parametrize("dtype", ["i4", "i8"])
def test_numbers_of_objects_beyond_sixteen_bits(dtype):
    labels, notes = np.zeros((24, 32), dtype), []
    labels[3:9, 4:20], labels[15:20, 9:25] = 70_000, 70_001
    np.testing.assert_array_equal(read_mask(tiff(labels), (24, 32), notes=notes), labels > 0)
    assert "with the values 0, 70000 and 70001" in notes[0]


def test_numbers_that_are_no_mask():
    for values, words in ((np.where(HOLE, np.nan, 0), "NaN"), (np.where(HOLE, 1j, 0), "complex")):
        with pytest.raises(RetouchError, match=words):
            read_mask(tiff(values.astype("c8" if np.iscomplexobj(values) else "f4")), HOLE.shape)


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("high", [1, 100, 255, 256, 4095, 65535])
@pytest.mark.parametrize("channels", [1, 3])
def test_pnm_of_any_largest_number(channels, high, text):
    values = np.random.default_rng(0).integers(0, high, (5, 4, channels), endpoint=True)
    number = {1: 5, 3: 6}[channels] - (3 if text else 0)
    data = b"P%d\n# a comment\n4 # wide\n5\n%d\n" % (number, high)
    stored = values.astype(">u2" if high > 255 else "u1").tobytes()
    data += b"\n# 2\n".join(b"%d" % value for value in values.ravel()) if text else stored
    full = 255 if high < 256 else 65535
    pixels = read_photo(data).pixels
    assert pixels.dtype == (np.uint8 if high < 256 else np.uint16)
    np.testing.assert_array_equal(pixels, np.rint(values * (full / high)))


@pytest.mark.parametrize(
    "data", [b"P6 4 5 255 " + bytes(59), b"P5 4 5 0 " + bytes(20), b"P2 2 1 9 1 x", b"P2 2 1 9 1"]
)
def test_damaged_pnm(data):
    with pytest.raises(RetouchError, match="damaged or cut short"):
        read_photo(data)


def test_pnm_of_enormous_size():
    with pytest.raises(RetouchError, match="--allow-huge"):
        read_photo(b"P5 40000 40000 255 ")
