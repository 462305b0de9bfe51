"""What a file says besides its pixels comes back; what shows the removed thing does not."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from tests.imaging.samples import CMYK, P3, encode, exif, exif_of, noise, smooth

from retouch.errors import RetouchError
from retouch.imaging import check_target, containers, read_photo, tags, write_photo
from retouch.imaging.turning import Turn
from retouch.imaging.xmp import clean_xmp

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6" dc:title="A title"/></x:xmpmeta>'
IPTC = b"\x1c\x02\x78\x00\x05hello"


def resource(number, content):
    return b"8BIM" + struct.pack(">HHI", number, 0, len(content)) + content + bytes(len(content) % 2)


@pytest.mark.parametrize("source", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("target", ["jpeg", "png", "webp", "tiff", "avif"])
def test_exif_is_kept(source, target):
    before = encode(smooth(30, 40), source, exif=exif())
    after = exif_of(write_photo(read_photo(before), None, format=target))
    wanted = exif_of(before)
    assert wanted[0x9286] == b"UNICODE\0\0\xe9"
    for tag, value in wanted.items():
        assert after.get(tag, 1 if tag == 0x0112 else None) == value


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_exif_is_kept_byte_for_byte(format):
    block = exif().tobytes().removeprefix(b"Exif\0\0")
    data = write_photo(read_photo(encode(smooth(30, 40), format, exif=exif())), None)
    assert read_photo(data).header.exif == block
    assert block in data


@pytest.mark.parametrize("source", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("target", ["jpeg", "png", "webp", "tiff", "avif"])
def test_orientation_is_reset_everywhere(source, target):
    data = encode(smooth(30, 40), source, exif=exif(6, size=(40, 30)))
    photo = read_photo(data)
    after = write_photo(photo, None, format=target)
    assert photo.pixels.shape[:2] == (40, 30)
    assert read_photo(after).pixels.shape == photo.pixels.shape
    image = Image.open(io.BytesIO(after))
    assert image.getexif().get(0x0112, 1) == 1
    inner = image.getexif().get_ifd(0x8769)
    assert (inner[0xA002], inner[0xA003]) == image.size


def test_orientation_in_xmp_is_reset():
    data = encode(smooth(30, 40), "JPEG", exif=exif(6), xmp=XMP)
    after = Image.open(io.BytesIO(write_photo(read_photo(data), None))).info["xmp"]
    assert after == XMP.replace(b'"6"', b'"1"')
    said = b"<tiff:Orientation>8</tiff:Orientation>"
    assert clean_xmp(said, Turn(8, 40, 30)).packet == said.replace(b"8", b"1")


def test_orientation_in_xmp_alone_turns_nothing_and_stays():
    photo = read_photo(encode(smooth(30, 40), "JPEG", xmp=XMP))
    assert photo.pixels.shape[:2] == (30, 40)
    assert photo.header.xmp == XMP


@pytest.mark.parametrize("source", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("target", ["jpeg", "png", "webp", "tiff", "avif"])
def test_profile_and_xmp_are_kept(source, target):
    if source == "TIFF":
        data = encode(smooth(30, 40), source, icc_profile=P3, tiffinfo={700: XMP})
    elif source == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", XMP.decode())
        data = encode(smooth(30, 40), source, icc_profile=P3, pnginfo=text)
    else:
        data = encode(smooth(30, 40), source, icc_profile=P3, xmp=XMP)
    after = read_photo(write_photo(read_photo(data), None, format=target))
    assert after.profile == P3
    assert after.header.xmp == XMP


@pytest.mark.parametrize("profile", [b"junk" * 50, P3[:300], CMYK], ids=["junk", "cut short", "CMYK"])
@pytest.mark.parametrize("source", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("target", ["jpeg", "png", "tiff"])
def test_profiles_that_do_not_fit_are_kept(profile, source, target):
    data = write_photo(read_photo(encode(smooth(30, 40), source, icc_profile=profile)), None, format=target)
    assert Image.open(io.BytesIO(data)).info["icc_profile"] == profile
    assert read_photo(data).profile == profile


@pytest.mark.parametrize("target", ["jpeg", "png", "tiff"])
def test_profile_of_a_grey_photo_is_kept(target):
    before = read_photo(encode(smooth(30, 40)[..., 0], "JPEG", icc_profile=P3))
    after = read_photo(write_photo(before, None, format=target))
    assert after.profile == P3
    assert after.pixels.shape == before.pixels.shape


def with_photoshop(blocks):
    return containers.add_to_jpeg(encode(smooth(30, 40), "JPEG"), photoshop=blocks)


def test_iptc_of_a_jpeg_is_kept_and_photoshops_thumbnail_is_not():
    name, thumbnail = resource(0x0404, IPTC), resource(0x040C, b"\xff\xd8 a picture")
    other = resource(0x0421, b"version")
    data = write_photo(read_photo(with_photoshop(name + thumbnail + other)), None)
    assert containers.jpeg_photoshop(data) == name + other
    assert Image.open(io.BytesIO(data)).info["photoshop"] == {0x0404: IPTC, 0x0421: b"version"}


def test_long_photoshop_resources_go_on_over_segments():
    blocks = resource(0x0404, IPTC) + resource(0x07D0, noise(150_000).tobytes())
    data = write_photo(read_photo(with_photoshop(blocks)), None)
    assert containers.jpeg_photoshop(data) == blocks
    assert read_photo(data).pixels.shape == (30, 40, 3)


def test_iptc_goes_from_jpeg_to_tiff_and_back():
    tiff = write_photo(read_photo(with_photoshop(resource(0x0404, IPTC))), None, format="tiff")
    assert Image.open(io.BytesIO(tiff)).tag_v2[33723] == IPTC
    again = write_photo(read_photo(tiff), None)
    assert Image.open(io.BytesIO(again)).tag_v2[33723] == IPTC
    back = write_photo(read_photo(tiff), None, format="jpeg")
    assert Image.open(io.BytesIO(back)).info["photoshop"] == {0x0404: IPTC}


def test_iptc_alone_in_a_tiff():
    data = write_photo(read_photo(encode(smooth(9, 9), "TIFF", tiffinfo={33723: IPTC})), None)
    assert Image.open(io.BytesIO(data)).tag_v2[33723] == IPTC


def test_tiff_tags_are_kept():
    known = {269: "A document", 305: "Some software", 315: "An artist", 33432: "Copyright", 65000: "private"}
    data = write_photo(read_photo(encode(smooth(9, 9), "TIFF", tiffinfo=known)), None)
    after = Image.open(io.BytesIO(data)).tag_v2
    assert {tag: after[tag] for tag in known} == known


@pytest.mark.parametrize(
    ("source", "target"), [("JPEG", "jpeg"), ("PNG", "png"), ("TIFF", "tiff"), ("PNG", "tiff")]
)
def test_resolution_is_kept(source, target):
    data = write_photo(read_photo(encode(smooth(9, 9), source, dpi=(300, 150))), None, format=target)
    assert Image.open(io.BytesIO(data)).info["dpi"] == pytest.approx((300, 150), abs=0.02)


def test_unknown_resolution_is_72_dpi():
    data = write_photo(read_photo(encode(smooth(9, 9), "WEBP")), None, format="jpeg")
    assert Image.open(io.BytesIO(data)).info["dpi"] == (72, 72)


def test_jpeg_comment_is_kept():
    data = write_photo(read_photo(encode(smooth(9, 9), "JPEG", comment="héllo")), None)
    assert Image.open(io.BytesIO(data)).info["comment"] == "héllo".encode()


def test_png_text_and_colour_chunks_are_kept():
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "me")
    text.add_itxt("Title", "Café", zip=True)
    text.add(b"gAMA", struct.pack(">I", 45455))
    before = encode(smooth(9, 9), "PNG", pnginfo=text)
    image = Image.open(io.BytesIO(write_photo(read_photo(before), None)))
    image.load()
    assert (image.info["Author"], image.info["Title"], image.info["gamma"]) == ("me", "Café", 0.45455)


def jpeg_with_thumbnail(thumbnail, note=b"note"):
    """A JPEG whose EXIF has a maker's note, and after it a directory for ``thumbnail``."""
    first = {0x010F: tags.Value(2, 4, b"Me!\0"), 0x8769: {0x927C: tags.Value(7, len(note), note)}}
    block = bytearray(tags.exif_block(first))
    next_at = 8 + 2 + 12 * len(first)
    struct.pack_into("<I", block, next_at, len(block))
    at = len(block) + 2 + 24 + 4
    block += struct.pack("<HHHIIHHIII", 2, 513, 4, 1, at, 514, 4, 1, len(thumbnail), 0) + thumbnail
    return containers.add_to_jpeg(encode(smooth(30, 40), "JPEG"), exif=bytes(block))


def test_thumbnail_is_removed():
    thumbnail = encode(noise(16, 16, 3), "JPEG")
    data = jpeg_with_thumbnail(thumbnail)
    assert Image.open(io.BytesIO(data)).getexif().get_ifd(-1)[514] == len(thumbnail)
    after = write_photo(read_photo(data), None)
    found = Image.open(io.BytesIO(after)).getexif()
    assert found.get_ifd(-1) == {}
    assert found[0x010F] == "Me!"
    assert found.get_ifd(0x8769)[0x927C] == b"note"
    assert thumbnail[-60:-2] not in after  # the picture in it; tables are alike
    assert len(read_photo(data).header.exif) < 200


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_preview_in_a_makers_note_is_blanked(format):
    preview = encode(noise(16, 16, 3), "JPEG")
    block = exif()
    block.get_ifd(0x8769)[0x927C] = b"Maker\0" + preview + b"settings"
    after = exif_of(write_photo(read_photo(encode(smooth(9, 9), format, exif=block)), None))
    assert after[0x927C] == b"Maker\0" + bytes(len(preview)) + b"settings"


def test_thumbnails_in_xmp_are_removed():
    packet = b"<a><xmp:Thumbnails><rdf:Alt>AAAA</rdf:Alt></xmp:Thumbnails><b/></a>"
    assert clean_xmp(packet).packet == b"<a><b/></a>"


def test_metadata_too_long_for_jpeg_is_refused_before_the_work(tmp_path):
    photo = read_photo(encode(smooth(9, 9), "TIFF", tiffinfo={65000: "x" * 70_000}))
    with pytest.raises(RetouchError, match="metadata is longer"):
        check_target(tmp_path / "out.jpg", photo=photo)
    check_target(tmp_path / "out.tiff", photo=photo)


@settings(max_examples=50, deadline=None)
@given(
    values=st.dictionaries(
        st.sampled_from([269, 270, 271, 272, 305, 315, 33432, 40000]), st.binary(min_size=1, max_size=50)
    ),
    inner=st.dictionaries(st.integers(36000, 40000), st.binary(min_size=1, max_size=50)),
)
def test_tags_survive_packing(values, inner):
    wanted = {tag: tags.Value(7, len(data), data) for tag, data in values.items()}
    wanted[0x8769] = {tag: tags.Value(7, len(data), data) for tag, data in inner.items()}
    assert tags.read_tags(tags.exif_block(wanted)) == wanted
    big = write_photo(read_photo(encode(np.zeros((2, 2), np.uint8), "TIFF")), None)
    assert tags.read_tags(tags.add_tags(big, wanted)) == wanted


def test_a_directory_that_names_itself_ends():
    block = bytearray(tags.exif_block({0x8769: {}}))
    struct.pack_into("<I", block, 8 + 2 + 8, 8)
    assert tags.read_tags(block) == {0x8769: {}}
