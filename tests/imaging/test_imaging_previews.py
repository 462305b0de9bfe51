"""No picture inside the metadata survives, because it still shows what was removed from the photo."""

import base64
import contextlib
import hashlib
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from tests.imaging.samples import encode, exif, noise, smooth

from retouch.imaging import containers, read_photo, resources, tags, write_photo
from retouch.imaging.exif import clean_exif
from retouch.imaging.previews import blank_previews, jpeg_streams
from retouch.imaging.xmp import clean_xmp

SOURCES = ("JPEG", "PNG", "WEBP", "TIFF")
TARGETS = ("jpeg", "png", "webp", "tiff", "avif")
PREVIEW = encode(noise(40, 40, 3), "JPEG")
PROGRESSIVE = encode(noise(40, 40, 3, seed=1), "JPEG", progressive=True)
NESTED = containers.add_to_jpeg(PREVIEW, exif=b"a thumbnail of its own: " + encode(noise(8, 8, 3), "JPEG"))
PREVIEWS = {"plain": PREVIEW, "progressive": PROGRESSIVE, "with a preview of its own": NESTED}
each_preview = pytest.mark.parametrize("preview", PREVIEWS.values(), ids=PREVIEWS)


def unpacked(data: bytes) -> list[bytes]:
    """A file, and what a PNG has in packed text."""
    found = [data]
    if data.startswith(b"\x89PNG"):
        for name, start, end in containers.png_chunks(data):
            for at in range(start + 8, end - 4) if name in (b"zTXt", b"iTXt") else ():
                if data[at] & 15 == 8 and int.from_bytes(data[at : at + 2], "big") % 31 == 0:
                    with contextlib.suppress(zlib.error):
                        found.append(zlib.decompressobj().decompress(data[at : end - 4]))
    return found


def shows(data: bytes, preview: bytes) -> bool:
    """Whether 12 bytes in a row of a preview's coded pixels are in a file, also packed or as text."""
    pixels = preview[-len(preview) // 3 : -2]
    pieces = [pixels[at : at + 12] for at in range(0, len(pixels) - 12, 6)]
    assert len(pieces) > 20
    texts = [form for each in unpacked(data) for form in (each, b"".join(each.split()))]
    for piece in pieces:
        # In base64, three bytes are four letters, so a piece can begin in three ways.
        forms = [piece, piece.hex().encode(), *(base64.b64encode(piece[skip:])[:12] for skip in range(3))]
        if any(form in text for form in forms for text in texts):
            return True
    return False


def block_with(*, thumbnail: bytes = b"", strip: bytes = b"", note: bytes = b"note") -> bytes:
    """An EXIF block with a maker's note, and after it a directory for a JPEG or an uncompressed thumbnail."""
    first = {0x010F: tags.Value(2, 4, b"Me!\0"), 0x8769: {0x927C: tags.Value(7, len(note), note)}}
    block = bytearray(tags.exif_block(first))
    if thumbnail or strip:
        struct.pack_into("<I", block, 8 + 2 + 12 * len(first), len(block))
        numbers = (513, 514) if thumbnail else (273, 279)
        at = len(block) + 2 + 3 * 12 + 4
        compression = (259, 3, 1, 6 if thumbnail else 1)
        fields = [compression, (numbers[0], 4, 1, at), (numbers[1], 4, 1, len(thumbnail or strip))]
        block += struct.pack("<H", 3)
        for tag, kind, items, value in sorted(fields):
            block += struct.pack("<HHII", tag, kind, items, value)
        block += bytes(4) + (thumbnail or strip)
    return bytes(block)


def file_with(block: bytes, format: str) -> bytes:
    """A photo with an EXIF block as it is, however damaged."""
    picture = encode(smooth(30, 40), format)
    if format == "JPEG":
        return containers.add_to_jpeg(picture, exif=block)
    if format == "PNG":
        return containers.add_to_png(picture, block, None, b"")
    if format == "WEBP":
        return containers.replace_webp_exif(encode(smooth(30, 40), format, exif=exif()), block)
    return tags.add_tags(picture, tags.read_tags(block))


def written(data: bytes, target: str) -> bytes:
    made = write_photo(read_photo(data), None, format=target)
    assert made is not None
    assert Image.open(io.BytesIO(made)).size == (40, 30)
    return made


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("target", TARGETS)
@each_preview
def test_a_preview_in_a_makers_note(source, target, preview):
    data = file_with(block_with(note=b"Maker\0" + preview + b"settings"), source)
    assert shows(data, preview)
    after = written(data, target)
    assert not shows(after, preview)
    found = Image.open(io.BytesIO(after)).getexif()
    assert found[0x010F] == "Me!"
    assert found.get_ifd(0x8769)[0x927C] == b"Maker\0" + bytes(len(preview)) + b"settings"


@pytest.mark.parametrize("source", SOURCES[:3])
@pytest.mark.parametrize("target", TARGETS)
@each_preview
def test_a_thumbnail(source, target, preview):
    data = file_with(block_with(thumbnail=preview), source)
    assert shows(data, preview)
    after = written(data, target)
    assert not shows(after, preview)
    found = Image.open(io.BytesIO(after)).getexif()
    assert found.get_ifd(-1) == {}
    assert found[0x010F] == "Me!"


def test_a_thumbnail_that_is_not_compressed():
    strip = noise(24, 24, 3).tobytes()
    cleaned = clean_exif(block_with(strip=strip), 40, 30)
    assert cleaned is not None
    assert strip[:12] not in cleaned
    assert len(cleaned) < 200
    # Nobody knows what belongs to it if its length is missing.
    without = block_with(strip=strip).replace(struct.pack("<HH", 279, 4), struct.pack("<HH", 280, 4))
    assert clean_exif(without, 40, 30) is None
    neither = without.replace(struct.pack("<HH", 273, 4), struct.pack("<HH", 274, 4))
    assert clean_exif(neither, 40, 30) is None


def test_a_directory_after_that_of_the_thumbnail():
    block = bytearray(block_with(thumbnail=PREVIEW))
    strip = noise(24, 24, 3).tobytes()
    second = struct.unpack_from("<I", block, 8 + 2 + 24)[0]
    struct.pack_into("<I", block, second + 2 + 36, len(block))
    fields = [(273, 4, 1, len(block) + 30), (279, 4, 1, len(strip))]
    block += (
        struct.pack("<H", 2) + b"".join(struct.pack("<HHII", *each) for each in fields) + bytes(4) + strip
    )
    cleaned = clean_exif(bytes(block), 40, 30)
    assert cleaned is not None
    assert strip[100:112] not in cleaned
    assert not shows(cleaned, PREVIEW)


@pytest.mark.parametrize("link", [7, 30, 10**6])
def test_a_thumbnail_that_links_to_no_directory(link):
    """Some cameras write such links; the rest of the block is intact and stays."""
    block = bytearray(block_with(thumbnail=PREVIEW))
    second = struct.unpack_from("<I", block, 8 + 2 + 24)[0]
    struct.pack_into("<I", block, second + 2 + 36, link)
    cleaned = clean_exif(bytes(block), 40, 30)
    assert cleaned is not None
    assert tags.read_tags(cleaned)[0x010F] == tags.Value(2, 4, b"Me!\0")
    assert not shows(cleaned, PREVIEW)


def test_a_directory_without_a_thumbnail_at_the_very_end():
    block = bytearray(block_with(note=b"kept"))
    struct.pack_into("<I", block, 8 + 2 + 24, len(block))
    block += struct.pack("<HHHII", 1, 0x0131, 2, 3, 0)  # and no link
    cleaned = clean_exif(bytes(block), 40, 30)
    assert cleaned is not None
    assert tags.read_tags(cleaned)[0x010F] == tags.Value(2, 4, b"Me!\0")


@pytest.mark.parametrize("source", SOURCES[:3])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("where", ["note", "thumbnail"])
def test_exif_that_is_cut_off_in_a_preview(source, target, share, where):
    block = block_with(**{where: PREVIEW})
    start = block.index(PREVIEW[:20])
    cut = block[: start + int(share * len(PREVIEW))]
    assert not shows(written(file_with(cut, source), target), PREVIEW)


@pytest.mark.parametrize("source", SOURCES[:3])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "damage",
    {
        "no such structure": lambda block: b"??" + block[2:],
        "a first directory beyond the end": lambda block: block[:4] + b"\xff\xff\xff\x7f" + block[8:],
        "a number of fields that goes beyond": lambda block: block[:8] + b"\xff\xff" + block[10:],
        "a next directory beyond the end": lambda block: block[:34] + b"\xff\xff\xff\x7f" + block[38:],
        "no next directory": lambda block: block[:34] + bytes(4) + block[38:],
        "a preview without its first byte": lambda block: block.replace(b"\xff\xd8", b"\0\xd8"),
        "a preview without its last bytes": lambda block: block.replace(b"\xff\xd9", b"\0\0"),
        "lengths of zero": lambda block: block.replace(struct.pack("<I", len(PREVIEW)), bytes(4)),
        "a thumbnail that is the whole block": lambda block: block.replace(
            struct.pack("<HHI", 513, 4, 1) + block[block.index(b"\x01\x02\x04\0\x01\0\0\0") + 8 :][:4],
            struct.pack("<HHII", 513, 4, 1, 0),
        ),
    }.items(),
    ids=lambda damage: damage[0],
)
def test_broken_exif(source, target, damage):
    block = block_with(thumbnail=PREVIEW, note=b"Maker\0" + PREVIEW)
    broken = damage[1](block)
    assert broken != block
    assert not shows(written(file_with(broken, source), target), PREVIEW)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_exif_with_a_few_bytes_changed(data):
    """However the directories are damaged, previews go, and every format can be written."""
    block = bytearray(block_with(thumbnail=PREVIEW, note=b"Maker\0" + NESTED))
    pictures = list(jpeg_streams(bytes(block)))
    assert len(pictures) == 2
    others = [at for at in range(len(block)) if not any(start <= at < end for start, end in pictures)]
    for at in data.draw(st.lists(st.sampled_from(others), max_size=4)):
        block[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.none() | st.integers(0, len(block)))
    cleaned = clean_exif(bytes(block[:cut]), 40, 30)
    if cleaned is not None:
        assert not any(PREVIEW[at : at + 12] in cleaned for at in range(len(PREVIEW) // 2, len(PREVIEW), 6))
        assert len(cleaned) <= len(block)
        tags.read_tags(cleaned)


@settings(max_examples=60, deadline=None)
@given(
    at=st.integers(0, 400),
    byte=st.integers(0, 255),
    source=st.sampled_from(SOURCES[:3]),
    target=st.sampled_from(TARGETS[:4]),
)
def test_damaged_exif_never_breaks_writing(at, byte, source, target):
    block = bytearray(exif(6).tobytes().removeprefix(b"Exif\0\0"))
    block[at % len(block)] = byte
    made = write_photo(read_photo(file_with(bytes(block), source)), None, format=target)
    assert Image.open(io.BytesIO(made)).size in ((40, 30), (30, 40))


def test_a_directory_out_of_reach_takes_nothing_else_along():
    block = bytearray(
        tags.exif_block({0x010F: tags.Value(2, 4, b"Me!\0"), 0x8825: {1: tags.Value(2, 2, b"N\0")}})
    )
    struct.pack_into("<I", block, 8 + 2 + 12 + 8, 10**6)
    assert tags.read_tags(block) == {0x010F: tags.Value(2, 4, b"Me!\0")}


@pytest.mark.parametrize("target", TARGETS)
@each_preview
def test_previews_among_photoshops_resources(target, preview):
    def resource(number, content):
        return b"8BIM" + struct.pack(">HHI", number, 0, len(content)) + content + bytes(len(content) % 2)

    iptc = b"\x1c\x02\x78\x00\x05hello" + b"\x1c\x02\xca" + struct.pack(">H", len(preview)) + preview
    blocks = resource(0x0404, iptc) + resource(0x040C, bytes(28) + preview) + resource(0x0421, b"version")
    data = containers.add_to_jpeg(encode(smooth(30, 40), "JPEG"), photoshop=blocks)
    assert shows(data, preview)
    after = written(data, target)
    assert not shows(after, preview)
    if target in ("jpeg", "tiff"):
        assert b"hello" in after
    cut = containers.add_to_jpeg(encode(smooth(30, 40), "JPEG"), photoshop=blocks[: len(blocks) - 400])
    assert not shows(written(cut, target), preview)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "wrap",
    [
        "<xmp:Thumbnails><rdf:Alt><rdf:li><xmpGImg:image>{}</xmpGImg:image></rdf:li></rdf:Alt></xmp:Thumbnails>",
        "<rdf:Description xmpGImg:image='{}'/>",
        "<rdf:Description GImage:Data='{}'/>",
        "<xmp:Thumbnails><rdf:Alt>cut off<xmpGImg:image>{}",
    ],
)
@pytest.mark.parametrize("line", [None, "\n", "&#xA;"])
def test_previews_in_xmp(target, wrap, line):
    text = base64.b64encode(PREVIEW).decode()
    if line is not None:
        text = line.join(text[at : at + 76] for at in range(0, len(text), 76))
    packet = (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/">{wrap.format(text)}<dc:title>A title</dc:title></x:xmpmeta>'
    )
    data = encode(smooth(30, 40), "JPEG", xmp=packet.encode())
    assert shows(data, PREVIEW)
    after = written(data, target)
    assert not any(text[200:230].encode() in each for each in unpacked(after))
    assert not shows(after, PREVIEW)
    assert any(b"A title" in each for each in unpacked(after))


def test_words_in_xmp_that_look_like_pictures_stay():
    packet = b"<dc:source>https://example.org/9j/a-photo</dc:source>"
    assert clean_xmp(packet).packet == packet


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("kind", ["exif", "APP1", "8bim", "iptc"])
def test_previews_in_the_text_of_a_png(target, packed, kind):
    """ImageMagick writes metadata as hexadecimal text."""
    if kind in ("exif", "APP1"):
        block = b"Exif\0\0" + block_with(thumbnail=PREVIEW)
    else:
        block = b"8BIM" + struct.pack(">HHI", 0x040C, 0, len(PREVIEW)) + PREVIEW + bytes(len(PREVIEW) % 2)
    digits = block.hex()
    lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    text = PngImagePlugin.PngInfo()
    text.add_text(f"Raw profile type {kind}", f"\n{kind}\n{len(block):8}\n{lines}\n", zip=packed)
    text.add_text("Author", "me")
    data = encode(smooth(30, 40), "PNG", pnginfo=text)
    assert shows(data, PREVIEW)
    after = written(data, target)
    assert not shows(after, PREVIEW)
    if target == "png":
        assert Image.open(io.BytesIO(after)).info["Author"] == "me"


@each_preview
def test_streams_are_found_whole(preview):
    data = b"before" + preview + b"between" + preview + b"after"
    start, second = 6, 6 + len(preview) + 7
    assert list(jpeg_streams(data)) == [(start, start + len(preview)), (second, second + len(preview))]
    assert (
        blank_previews(data) == b"before" + bytes(len(preview)) + b"between" + bytes(len(preview)) + b"after"
    )


def test_what_is_no_picture_stays():
    for data in (b"", b"\xff\xd8", bytes(range(256)) * 4, np.arange(500, dtype=np.uint8).tobytes()):
        assert blank_previews(data) == data


def test_damaged_streams_go_to_the_next_end_or_that_of_the_data():
    damaged = PREVIEW[:20] + b"\0 no marker" + b"\xff\xd9"
    assert list(jpeg_streams(damaged + b"after")) == [(0, len(damaged))]
    assert list(jpeg_streams(PREVIEW[:-2])) == [(0, len(PREVIEW) - 2)]


def iptc_record(record, data_set, content):
    if len(content) < 0x8000:
        return bytes([0x1C, record, data_set]) + struct.pack(">H", len(content)) + content
    return bytes([0x1C, record, data_set]) + struct.pack(">HI", 0x8004, len(content)) + content


def block_of(number, content):
    return b"8BIM" + struct.pack(">HHI", number, 0, len(content)) + content + bytes(len(content) % 2)


@pytest.mark.parametrize("length", [500, 40_000])
def test_the_preview_in_iptc_goes_whatever_it_is(length):
    """A preview need not be a JPEG, and its length may have a length of its own."""
    text = iptc_record(2, 0x78, b"hello")
    picture = noise(length).tobytes()
    preview = iptc_record(2, 200, b"\0\x0b") + iptc_record(2, 201, b"\0\1") + iptc_record(2, 202, picture)
    records = iptc_record(1, 90, b"\x1b%G") + preview + text + iptc_record(8, 10, picture)
    assert resources.clean_iptc(records) == iptc_record(1, 90, b"\x1b%G") + text
    assert resources.clean_iptc(records[:-100]) == iptc_record(1, 90, b"\x1b%G") + text
    blocks = block_of(0x0404, records) + block_of(0x0425, hashlib.md5(records).digest())
    kept = iptc_record(1, 90, b"\x1b%G") + text
    assert resources.clean_resources(blocks) == (
        block_of(0x0404, kept) + block_of(0x0425, hashlib.md5(kept).digest())
    )
    stale = block_of(0x0404, records) + block_of(0x0425, bytes(16))
    assert resources.clean_resources(stale).endswith(block_of(0x0425, bytes(16)))


def test_exif_and_xmp_among_photoshops_resources():
    block = block_with(thumbnail=PREVIEW)
    packet = b'<a xmlns:x="http://ns.adobe.com/xap/1.0/"><x:Thumbnails>abc</x:Thumbnails><b/></a>'
    blocks = block_of(0x0422, block) + block_of(0x0424, packet) + block_of(0x0409, noise(300).tobytes())
    cleaned = resources.clean_resources(blocks)
    assert not shows(cleaned, PREVIEW)
    assert b"Me!" in cleaned
    assert cleaned.endswith(block_of(0x0424, b'<a xmlns:x="http://ns.adobe.com/xap/1.0/"><b/></a>'))


def test_thumbnails_of_jfif():
    """A thumbnail without compression, and one that is a JPEG."""
    plain = noise(10, 10, 3, seed=5).tobytes()
    first = containers.jpeg_segment(0xE0, b"JFIF\0\1\2\1\0H\0H\x0a\x0a" + plain)
    second = containers.jpeg_segment(0xE0, b"JFXX\0\x10" + PREVIEW)
    data = encode(smooth(30, 40), "JPEG")
    photo = read_photo(data[:2] + first + second + data[20:])
    after = written(data[:2] + first + second + data[20:], "jpeg")
    assert not shows(after, PREVIEW)
    assert plain[:12] not in after
    assert photo.header.notes == ()


@pytest.mark.parametrize("source", SOURCES[:3])
def test_a_makers_note_that_nobody_can_read(source):
    """Google compresses and scrambles its notes, and there may be a picture inside."""
    note = b"HDRP\x03" + noise(200).tobytes()
    photo = read_photo(file_with(block_with(note=note), source))
    assert photo.header.exif is not None
    assert tags.read_tags(photo.header.exif)[tags.EXIF][0x927C].data == bytes(len(note))
    assert photo.header.notes == ("Not carried over: sealed notes of the camera.",)
