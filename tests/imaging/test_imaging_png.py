"""The metadata of a PNG is found wherever it stands, and carried into every format that has a place."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from tests.imaging.samples import decode, encode, noise, smooth

from retouch.imaging import containers, read_photo, tags, write_photo
from retouch.imaging.losses import losses
from retouch.imaging.png_metadata import fit_depth

MAKE = {0x010F: tags.Value(2, 5, b"Scan\0")}
EXIF = tags.exif_block(MAKE)
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a b="4"/></x:xmpmeta>'
RECORDS = b"\x1c\x02\x69\0\x04fair"
IPTC = b"8BIM" + struct.pack(">HHI", 0x0404, 0, len(RECORDS)) + RECORDS + b"\0"
PNG = encode(smooth(20, 30), "PNG")


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def raw(kind, content, packed=True, heading=None):
    lines = content.hex()
    lines = "\n".join(lines[at : at + 72] for at in range(0, len(lines), 72))
    text = f"\n{heading or kind}\n{len(content):8d}\n{lines}\n".encode()
    keyword = f"Raw profile type {kind}".encode() + b"\0"
    return chunk(b"zTXt", keyword + b"\0" + zlib.compress(text)) if packed else chunk(b"tEXt", keyword + text)


def xmp_text(packed):
    head = b"XML:com.adobe.xmp\0" + bytes([packed, 0]) + b"\0\0"
    return chunk(b"iTXt", head + (zlib.compress(XMP) if packed else XMP))


def insert(*chunks, behind=False, data=PNG):
    at = len(data) - 12 if behind else 33
    return data[:at] + b"".join(chunks) + data[at:]


PLACES = {
    "chunks before the pixels": ((chunk(b"eXIf", EXIF), xmp_text(False), raw("iptc", IPTC)), False),
    "chunks behind the pixels": ((chunk(b"eXIf", EXIF), xmp_text(True), raw("iptc", IPTC)), True),
    "packed text": ((raw("exif", b"Exif\0\0" + EXIF), raw("xmp", XMP), raw("8bim", IPTC)), False),
    "plain text behind": (
        (raw("APP1", b"Exif\0\0" + EXIF, False), raw("xmp", XMP, False), raw("iptc", IPTC, False)),
        True,
    ),
    "text of exiftool": (
        (raw("exif", EXIF, heading="EXIF profile"), xmp_text(0), raw("iptc", IPTC, heading="IPTC profile")),
        False,
    ),
    "bare records": (
        (raw("exif", EXIF), raw("APP1", b"http://ns.adobe.com/xap/1.0/\0" + XMP), raw("iptc", RECORDS)),
        False,
    ),
}


@pytest.mark.parametrize(("chunks", "behind"), PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("target", ["png", "jpeg", "tiff", "webp"])
def test_metadata_is_carried(chunks, behind, target):
    photo = read_photo(insert(*chunks, behind=behind))
    assert photo.header.notes == ()
    after = write_photo(photo, None, format=target)
    assert Image.open(io.BytesIO(after)).getexif()[0x010F] == "Scan"
    again = read_photo(after).header
    assert again.xmp == XMP
    if target == "webp":
        assert "IPTC" in losses(photo.header, "webp")[0]
    else:
        assert RECORDS in again.photoshop
    if target == "tiff":
        assert Image.open(io.BytesIO(after)).tag_v2[33723] == RECORDS


def test_iptc_alone_and_among_all_resources():
    """ImageMagick writes both."""
    other = b"8BIM" + struct.pack(">HHI", 0x0421, 0, 2) + b"ab"
    for chunks in (
        (raw("8bim", IPTC + other), raw("iptc", RECORDS)),
        (raw("iptc", IPTC), raw("8bim", other + IPTC)),
    ):
        assert read_photo(insert(*chunks)).header.photoshop == IPTC + other


def test_the_chunk_goes_before_the_text():
    other = tags.exif_block({0x010F: tags.Value(2, 4, b"Old\0")})
    for chunks in ((chunk(b"eXIf", EXIF), raw("exif", other)), (raw("exif", other), chunk(b"eXIf", EXIF))):
        assert read_photo(insert(*chunks)).header.exif == EXIF


@pytest.mark.parametrize("behind", [True, False])
@pytest.mark.parametrize("text", [True, False])
def test_the_photo_stands_as_its_exif_says(behind, text):
    block = tags.exif_block(MAKE | {0x0112: tags.Value(3, 1, b"\x06\0")})
    data = insert(raw("exif", b"Exif\0\0" + block) if text else chunk(b"eXIf", block), behind=behind)
    photo = read_photo(data)
    np.testing.assert_array_equal(photo.pixels, np.rot90(smooth(20, 30), -1))
    assert Image.open(io.BytesIO(write_photo(photo, None))).getexif()[0x0112] == 1


KEPT = {
    b"sBIT": bytes([5, 6, 5]),
    b"bKGD": struct.pack(">3H", 1, 2, 3),
    b"tIME": struct.pack(">H5B", 2001, 2, 3, 4, 5, 6),
    b"oFFs": struct.pack(">iiB", -7, 9, 0),
    b"pHYs": struct.pack(">IIB", 2, 1, 0),
    b"mDCV": bytes(range(24)),
    b"cLLI": bytes(range(8)),
    b"gAMA": struct.pack(">I", 45455),
    b"prIb": b"safe to copy",
}


def chunks_of(data):
    return {name: data[start + 8 : end - 4] for name, start, end in containers.png_chunks(data)}


@pytest.mark.parametrize("name", KEPT)
def test_chunks_are_kept(name):
    data = insert(chunk(name, KEPT[name]), behind=name in (b"tIME", b"prIb"))
    photo = read_photo(data)
    written = write_photo(photo, None)
    assert chunks_of(written)[name] == KEPT[name]
    names = [each for each, _, _ in containers.png_chunks(written)]
    assert len(names) == len({*names} - {b"IDAT"}) + names.count(b"IDAT")
    np.testing.assert_array_equal(decode(written), smooth(20, 30))
    said = losses(photo.header, "tiff")
    assert bool(said) == (name not in (b"gAMA", b"pHYs"))


def test_the_resolution_is_written_once():
    data = insert(chunk(b"pHYs", struct.pack(">IIB", 11811, 5906, 1)))
    names = [name for name, _, _ in containers.png_chunks(write_photo(read_photo(data), None))]
    assert names.count(b"pHYs") == 1
    assert Image.open(io.BytesIO(write_photo(read_photo(data), None))).info["dpi"] == pytest.approx(
        (300, 150), abs=0.1
    )


def test_the_shape_of_pixels_and_the_offset_when_the_photo_is_turned():
    block = tags.exif_block({0x0112: tags.Value(3, 1, b"\x06\0")})
    photo = read_photo(
        insert(chunk(b"eXIf", block), *(chunk(name, KEPT[name]) for name in (b"pHYs", b"oFFs")))
    )
    written = chunks_of(write_photo(photo, None))
    assert written[b"pHYs"] == struct.pack(">IIB", 1, 2, 0)
    assert b"oFFs" not in written
    assert photo.header.notes == ("Not carried over: the offset on a page.",)


def palette(alpha=False):
    image = Image.fromarray(smooth(20, 20)).quantize(16)
    return image, encode(image, "PNG", **({"transparency": 3} if alpha else {}))


def test_the_background_and_bits_of_a_palette():
    image, data = palette()
    given = insert(chunk(b"sBIT", bytes([5, 6, 5])), data=data)
    before_pixels = data.index(b"IDAT") - 4
    given = given[: before_pixels + 15] + chunk(b"bKGD", bytes([7])) + given[before_pixels + 15 :]
    written = chunks_of(write_photo(read_photo(given), None))
    assert struct.unpack(">3H", written[b"bKGD"]) == tuple(image.getpalette()[21:24])
    assert written[b"sBIT"] == bytes([5, 6, 5])
    with_alpha = insert(chunk(b"sBIT", bytes([5, 6, 5])), data=palette(alpha=True)[1])
    assert chunks_of(write_photo(read_photo(with_alpha), None))[b"sBIT"] == bytes([5, 6, 5, 8])


def test_the_background_and_bits_of_few_bits():
    data = insert(
        chunk(b"sBIT", b"\x01"),
        chunk(b"bKGD", b"\0\x01"),
        data=encode(Image.fromarray(noise(9, 9) > 127), "PNG"),
    )
    written = chunks_of(write_photo(read_photo(data), None))
    white = 2 ** written[b"IHDR"][8] - 1
    assert (written[b"sBIT"], written[b"bKGD"]) == (b"\x01", bytes([0, white]))


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_chunks_fit_few_bits(depth):
    given = chunk(b"sBIT", b"\x08") + chunk(b"bKGD", b"\0\xff") + chunk(b"tEXt", b"a\0b")
    wanted = (
        chunk(b"sBIT", bytes([depth])) + chunk(b"bKGD", bytes([0, 2**depth - 1])) + chunk(b"tEXt", b"a\0b")
    )
    assert fit_depth(given, depth) == wanted
    assert fit_depth(given, 8) == given


GONE = {
    "a preview of Fireworks": (chunk(b"prVW", b"unsafe to copy"), "the chunk prVW"),
    "a gain map of Skia": (chunk(b"gdAT", b"abc"), "a gain map"),
    "a picture in text": (chunk(b"tEXt", b"init\0/9j/" + b"QUJD" * 40), "a picture in a text field"),
    "a picture in a private chunk": (
        chunk(b"prIb", encode(noise(8, 8, 3), "JPEG")),
        "a picture in the chunk prIb",
    ),
    "a damaged profile": (
        chunk(b"tEXt", b"Raw profile type exif\0\nexif\n 9\nxyz"),
        "a text field of metadata that cannot be read",
    ),
}


@pytest.mark.parametrize(("given", "word"), GONE.values(), ids=GONE)
def test_what_goes_is_said(given, word):
    photo = read_photo(insert(given, chunk(b"tEXt", b"Author\0me")))
    assert photo.header.notes == (f"Not carried over: {word}.",)
    assert photo.header.chunks == chunk(b"tEXt", b"Author\0me")
    assert losses(photo.header, "jpeg") == (
        "JPEG has no place for text fields, so that is not carried over.",
    )


@pytest.mark.parametrize("source", [encode(smooth(20, 30), "JPEG", xmp=XMP), insert(xmp_text(True))])
def test_xmp_is_written_where_every_program_looks(source):
    data = write_photo(read_photo(source), None, format="png")
    assert xmp_text(False) in data
    assert Image.open(io.BytesIO(data)).info["xmp"] == XMP


def test_a_second_header_means_nothing():
    data = encode(noise(8, 8, 3), "PNG")
    extra = containers.png_chunk(b"sBIT", b"\5\6\5")
    data = data[:33] + extra + data[33:-12] + containers.png_chunk(b"IHDR", b"") + data[-12:]
    assert extra in read_photo(data).header.chunks
