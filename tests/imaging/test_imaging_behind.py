"""What lies behind and beside a JPEG's first picture goes, its claims with it, and it is said."""

import io
import struct

import numpy as np
import pytest
from PIL import Image
from tests.imaging.samples import encode, noise, smooth

import retouch
from retouch.imaging import containers, read_photo, write_photo
from retouch.imaging.behind import jpeg_end
from retouch.imaging.heif import heif_auxiliaries

PHOTO = encode(smooth(48, 64), "JPEG")
VIDEO = (
    struct.pack(">I", 24)
    + b"ftypmp42\0\0\0\0isommp42"
    + struct.pack(">I", 5000)
    + b"mdat"
    + noise(4992).tobytes()
)


def with_segment(marker, content):
    return PHOTO[:2] + containers.jpeg_segment(marker, content) + PHOTO[2:]


def multi_picture():
    first, second = (Image.fromarray(each) for each in (smooth(48, 64), noise(20, 30, 3)))
    file = io.BytesIO()
    first.save(file, "MPO", save_all=True, append_images=[second])
    return file.getvalue()


BEHIND = {
    "second picture": (multi_picture(), "a second picture"),
    "video": (PHOTO + VIDEO, "a motion video"),
    "Samsung's trailer": (
        PHOTO + b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data" + VIDEO + b"SEFH\0\0SEFT",
        "a motion video",
    ),
    "unknown": (PHOTO + b"something else", "14 bytes behind the picture"),
    "FLIR": (with_segment(0xE1, b"FLIR\0\x01\0\0" + bytes(50)), "FLIR's thermal picture"),
    "FlashPix": (with_segment(0xE2, b"FPXR\0\0\x01"), "FlashPix data"),
    "GoPro": (with_segment(0xE6, b"GoPro\0abc"), "segment APP6 (GoPro)"),
}


@pytest.mark.parametrize(("data", "word"), BEHIND.values(), ids=BEHIND)
def test_it_goes_and_it_is_said(data, word):
    photo = read_photo(data)
    assert photo.header.notes == (f"Not carried over: {word}.",)
    after = write_photo(photo, None)
    assert jpeg_end(after) == len(after)
    assert not any(each.startswith(b"MPF\0") for each in containers.jpeg_contents(after, 0xE2))
    with Image.open(io.BytesIO(after)) as image:
        assert image.format == "JPEG"


REMOTE = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:dcterms="http://purl.org/dc/terms/" '
    b'dcterms:provenance="https://example.org/a.c2pa"/></rdf:RDF></x:xmpmeta>'
)
CREDENTIALS = {
    "JPEG": with_segment(0xEB, b"JP\0\x01\0\0\0\x01"),
    "on the network": with_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + REMOTE),
}


@pytest.mark.parametrize("data", CREDENTIALS.values(), ids=CREDENTIALS)
def test_content_credentials_go_and_it_is_said(data):
    photo = read_photo(data)
    (note,) = photo.header.notes
    assert "do not hold for an edited photo, so they were removed" in note
    after = write_photo(photo, None)
    assert b"provenance" not in after
    assert containers.jpeg_contents(after, 0xEB) == ()


def test_a_statement_of_provenance_in_words_stays():
    said = REMOTE.replace(b"https://example.org/a.c2pa", b"Bought from the estate in 1987")
    photo = read_photo(with_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + said))
    assert photo.header.notes == ()
    assert photo.header.xmp == said


@pytest.mark.parametrize("padding", [b"", bytes(100), b"\n", b"\xff\xff"])
def test_padding_is_nothing(padding):
    assert read_photo(PHOTO + padding).header.notes == ()


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"restart_marker_blocks": 1}, {"quality": 100}]
)
def test_the_end_of_a_picture(options):
    data = encode(noise(40, 50, 3), "JPEG", **options)
    thumbnail = containers.jpeg_segment(0xE3, b"a picture: " + PHOTO)
    for each in (data, data[:2] + thumbnail + data[2:]):
        assert jpeg_end(each) == len(each)
        assert jpeg_end(each + PHOTO) == len(each)
        assert jpeg_end(each[:-2]) == len(each) - 2


def test_what_is_copied_loses_nothing(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(PHOTO + VIDEO)
    empty = np.zeros((48, 64), np.uint8)
    result = retouch.fill(tmp_path / "photo.jpg", empty, output=tmp_path / "out.jpg")
    assert (tmp_path / "out.jpg").read_bytes() == PHOTO + VIDEO
    assert result.notes == ()
    other = retouch.fill(tmp_path / "photo.jpg", empty, output=tmp_path / "out.png")
    assert other.notes == ("Not carried over: a motion video.",)


def test_other_formats_say_what_they_have_no_place_for(tmp_path):
    blocks = b"8BIM" + struct.pack(">HHI", 0x0404, 0, 10) + b"\x1c\x02\x78\x00\x05hello"
    photo = containers.add_to_jpeg(PHOTO, photoshop=blocks, comments=(b"a comment",))
    (tmp_path / "photo.jpg").write_bytes(photo)
    hole = np.zeros((48, 64), np.uint8)
    hole[10:20, 10:20] = 255
    for format, words in (
        ("jpg", ()),
        ("png", ("comments",)),
        ("tif", ("comments",)),
        ("webp", ("comments", "IPTC")),
    ):
        out = tmp_path / f"out.{format}"
        notes = retouch.fill(tmp_path / "photo.jpg", hole, output=out, model="telea").notes
        assert len(notes) == bool(words)
        assert all(word in notes[0] for word in words)
        assert (b"hello" in read_photo(out).header.photoshop) == ("IPTC" not in words)


AUXILIARY = {
    b"urn:com:apple:photo:2020:aux:hdrgainmap\0": {"a gain map"},
    b"urn:mpeg:hevc:2015:auxid:2\0": {"a depth map"},
    b"urn:com:apple:photo:2018:aux:portraiteffectsmatte\0": {"an auxiliary picture"},
    b"urn:mpeg:hevc:2015:auxid:1\0": set(),
    b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0": set(),
    b"infe\x02\0\0\0\0\x03\0\0tmap": {"a gain map"},
}


@pytest.mark.parametrize(("said", "wanted"), AUXILIARY.items())
def test_auxiliary_pictures_of_heif(said, wanted):
    assert heif_auxiliaries(b"\0\0\0\x1cftypheic....meta....auxC\0\0\0\0" + said) == wanted


def test_transparency_of_an_avif_is_no_loss():
    assert read_photo(encode(noise(16, 16, 4), "AVIF")).header.notes == ()
