"""A gain map is filled with the photo; the HDR picture is right inside and outside the hole."""

import io
import struct

import numpy as np
import pytest
import pyvips
from PIL import Image
from tests.imaging.samples import decode, encode, exif, noise, smooth

import retouch
from retouch.imaging import containers, read_photo, write_photo
from retouch.imaging.behind import jpeg_end
from retouch.imaging.gain_map import GainMap, fill_gain_map

XMP = b"http://ns.adobe.com/xap/1.0/\0"
ISO = b"urn:iso:std:iso:ts:21496:-1\0"
DESCRIBED = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" {}/>'
    "</rdf:RDF></x:xmpmeta>"
)
# Gains of 1 (a value of 0) to 4 (255).
HOW = DESCRIBED.format(
    'hdrgm:Version="1.0" hdrgm:GainMapMin="0" hdrgm:GainMapMax="2" hdrgm:Gamma="1" '
    'hdrgm:OffsetSDR="0.015625" hdrgm:OffsetHDR="0.015625" hdrgm:HDRCapacityMin="0" '
    'hdrgm:HDRCapacityMax="2" hdrgm:BaseRenditionIsHDR="False"'
)
# ISO 21496-1, annex C: version, one channel, headrooms, and minimum, maximum, gamma and offsets as fractions.
ISO_HOW = struct.pack(">HHB", 0, 0, 0x40) + struct.pack(">4I", 0, 1, 2, 1)
ISO_HOW += struct.pack(">iIiIIIiIiI", 0, 1, 2, 1, 1, 1, 1, 64, 1, 64)


def tagged(picture, *segments, **options):
    data = encode(picture, "JPEG", quality=98, subsampling=0, **options)
    return data[:2] + b"".join(containers.jpeg_segment(*each) for each in segments) + data[2:]


def gain_map(values, how=HOW, iso=False):
    return tagged(values, (0xE2, ISO + ISO_HOW) if iso else (0xE1, XMP + how.encode()))


def ultra_hdr(picture, values, iso=False, behind=b"", orientation=1):
    """A JPEG with a gain map."""
    gain = gain_map(values, iso=iso)
    items = "".join(
        f'<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="{what}" Item:Mime="{kind}" '
        f'Item:Length="{length}"/></rdf:li>'
        for what, kind, length in (("Primary", "image/jpeg", 0), ("GainMap", "image/jpeg", len(gain)),
                                   ("MotionPhoto", "video/mp4", len(behind)))[: 3 if behind else 2]
    )  # fmt: skip
    spaces = 'xmlns:Container="http://ns.google.com/photos/1.0/container/" xmlns:Item="http://ns.google.com/photos/1.0/container/item/"'
    claim = DESCRIBED.format(f'{spaces} hdrgm:Version="1.0"').replace(
        "/></rdf:RDF>",
        f"><Container:Directory><rdf:Seq>{items}</rdf:Seq></Container:Directory></rdf:Description></rdf:RDF>",
    )
    said = (0xE2, ISO + bytes(4)) if iso else (0xE1, XMP + claim.encode())
    block = [(0xE1, exif(orientation).tobytes())] if orientation != 1 else []
    photo = tagged(picture, *block, said)
    return photo + gain + behind


def hdr(data):
    """Linear light as libultrahdr decodes it, ``H×W×3``, 1 = the white of an SDR screen."""
    image = pyvips.Image.new_from_buffer(data, "")
    assert image.get("vips-loader") == "uhdrload_buffer"
    return image.uhdr2scRGB().numpy()[..., :3]


def light(picture, values):
    """The same by Adobe's formula, with gains between 1 and 4 and offsets of 1/64."""
    encoded = picture / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    gains = 4.0 ** (values.repeat(4, 0).repeat(4, 1)[..., None] / 255)
    return (linear + 1 / 64) * gains - 1 / 64


def scene():
    """A grey photo, dark on the left, bright on the right; gains of 1 on the left, 4 on the right."""
    picture = np.full((96, 128, 3), 60, np.uint8)
    picture[:, 64:] = 180
    values = np.zeros((24, 32), np.uint8)
    values[:, 16:] = 255
    return picture, values


@pytest.mark.parametrize("iso", [False, True])
@pytest.mark.parametrize("model", ["exemplar", "telea"])
def test_the_hdr_picture_is_right_inside_and_outside(iso, model):
    picture, values = scene()
    wanted = light(picture, values)
    # A lamp in the dark half, and something dark in the bright half, each with gains of its own.
    picture[40:52, 20:32], values[10:13, 5:8] = 255, 255
    picture[40:52, 96:108], values[10:13, 24:27] = 0, 0
    hole = np.zeros((96, 128), np.uint8)
    hole[38:54, 18:34] = hole[38:54, 94:110] = 255
    photo = ultra_hdr(picture, values, iso=iso)
    result = retouch.fill(photo, hole, model=model)
    assert result.notes == ()
    made = hdr(result.image)
    assert wanted[45, 100, 0] > 3 * 0.45  # brighter than an SDR screen's white
    made[:, 60:69] = wanted[:, 60:69]  # decoders interpolate where the gains change, known or not
    np.testing.assert_allclose(made, wanted, rtol=0.06, atol=0.01)
    assert np.abs(hdr(write_photo(read_photo(photo), None)) - wanted)[38:54, 18:34].max() > 1


def test_how_to_apply_it_is_kept():
    picture, values = scene()
    for iso in (False, True):
        data = write_photo(read_photo(ultra_hdr(picture, values, iso=iso)), None)
        end = jpeg_end(data)
        contents = [data[end:][start:stop] for _, start, stop in containers.jpeg_segments(data[end:])]
        assert (ISO + ISO_HOW if iso else XMP + HOW.encode()) in contents
        assert (ISO + bytes(4) in containers.jpeg_contents(data, 0xE2)) == iso
        np.testing.assert_allclose(decode(data[end:]).astype(int), values, atol=4)
        if iso:  # Pillow leaves the index unread where XMP says that there is a gain map
            with Image.open(io.BytesIO(data)) as image:
                assert image.format == "MPO"
                image.seek(1)
                assert image.size == (32, 24)


def test_the_length_in_xmp_is_right():
    data = write_photo(read_photo(ultra_hdr(*scene())), None)
    (packet,) = (each for each in containers.jpeg_contents(data, 0xE1) if each.startswith(XMP))
    assert f'Item:Length="{len(data) - jpeg_end(data)}"'.encode() in packet
    assert packet.count(b"Container:Directory>") == 2


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_gain_map_turns_with_its_photo(orientation):
    picture, values = scene()
    picture[:20, :40], values[:5, :10] = 120, 128
    upright = read_photo(ultra_hdr(picture, values, orientation=orientation))
    turned = Image.fromarray(values).transpose({2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}[orientation])
    np.testing.assert_allclose(upright.header.gain.pixels[..., 0].astype(int), np.asarray(turned), atol=4)
    shape = upright.pixels.shape[:2]
    assert hdr(write_photo(upright, None)).shape[:2] == shape


@pytest.mark.parametrize("target", ["png", "tiff", "webp", "avif"])
def test_other_formats_hold_none_and_it_is_said(target, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(ultra_hdr(*scene()))
    hole = np.zeros((96, 128), np.uint8)
    hole[10:20, 10:20] = 255
    out = tmp_path / f"out.{target}"
    result = retouch.fill(tmp_path / "photo.jpg", hole, model="telea", output=out)
    assert any("gain map" in note for note in result.notes)
    assert b"hdrgm:" not in out.read_bytes()


def test_an_ultra_hdr_file_is_a_jpeg():
    data = tagged(
        scene()[0], (0xFE, b"a comment"), (0xE1, XMP + DESCRIBED.format('hdrgm:Version="1.0"').encode())
    )
    photo = read_photo(write_photo(read_photo(data + gain_map(scene()[1])), None))
    assert photo.format == "jpeg"
    assert not photo.header.lossless
    assert photo.header.comments == (b"a comment",)


def test_a_gain_map_that_cannot_be_read_goes_and_it_is_said():
    broken = bytearray(gain_map(scene()[1]))
    start = broken.index(b"\xff\xda")
    photo = read_photo(ultra_hdr(*scene())[: -len(broken)] + bytes(broken[:start]) + b"\xff\xd9")
    assert photo.header.gain is None
    assert "a gain map" in photo.header.notes[0]
    assert b"hdrgm:" not in write_photo(photo, None)
    larger = read_photo(tagged(smooth(8, 8)) + gain_map(np.zeros((24, 32), np.uint8)))
    assert larger.header.gain is None


def test_gains_come_from_the_sources():
    pixels = np.arange(16, dtype=np.uint8).reshape(4, 4, 1) * 10
    hole = np.zeros((8, 8), bool)
    hole[2:4, 2:4] = True  # the cell 1, 1
    # From gains of 150 and 0, and from the hole, where no gain is known.
    borrowed = np.array([(2, 2, 7, 7), (2, 3, 0, 0), (3, 2, 2, 2)], np.int32)
    filled = fill_gain_map(GainMap(pixels, b"", b"", True), hole, borrowed).pixels
    assert filled[1, 1, 0] == 75
    assert (filled != pixels).sum() == 1


@pytest.mark.parametrize("at_the_edge", [False, True])
def test_gains_without_sources_are_smooth(at_the_edge):
    pixels = np.full((20, 30, 3), (40, 90, 200), np.uint8)
    hole = np.zeros((80, 120), bool)
    spoilt = pixels.copy()
    rows = slice(0, 13) if at_the_edge else slice(5, 13)
    hole[4 * rows.start : 50, 30:80] = True
    spoilt[rows, 7:20] = noise(rows.stop - rows.start, 13, 3)
    nothing = np.empty((0, 4), np.int32)
    filled = fill_gain_map(GainMap(spoilt, b"", b"", True), hole, nothing).pixels
    np.testing.assert_array_equal(filled, pixels)
    everywhere = np.ones((80, 120), bool)
    assert (
        np.ptp(fill_gain_map(GainMap(spoilt, b"", b"", True), everywhere, nothing).pixels, axis=(0, 1)).max()
        == 0
    )


def test_a_file_of_libultrahdr_itself():
    picture, values = scene()
    image = pyvips.Image.new_from_array(light(picture, values).astype(np.float32), interpretation="scrgb")
    given = bytes(image.uhdrsave_buffer(Q=98))
    assert read_photo(given).header.notes == ()
    np.testing.assert_array_equal(hdr(write_photo(read_photo(given), None)), hdr(given))
    hole = np.zeros((96, 128), np.uint8)
    hole[38:54, 94:110] = 255
    made, before = hdr(retouch.fill(given, hole, model="telea").image), hdr(given)
    np.testing.assert_allclose(made, before, rtol=0.06, atol=0.02)


def test_both_flavours_at_once_are_kept():
    picture, values = scene()
    given = ultra_hdr(picture, values)
    gain = given[jpeg_end(given) :]
    both = gain[:2] + containers.jpeg_segment(0xE2, ISO + ISO_HOW) + gain[2:]
    photo = given[:2] + containers.jpeg_segment(0xE2, ISO + bytes(4)) + given[2 : -len(gain)]
    photo = photo.replace(f'Length="{len(gain)}"'.encode(), f'Length="{len(both)}"'.encode())
    made = write_photo(read_photo(photo + both), None)
    end = jpeg_end(made)
    contents = [made[end:][start:stop] for _, start, stop in containers.jpeg_segments(made[end:])]
    assert {ISO + ISO_HOW, XMP + HOW.encode()} <= set(contents)
    assert ISO + bytes(4) in containers.jpeg_contents(made, 0xE2)
    assert f'Length="{len(made) - end}"'.encode() in made
    shown, wanted = hdr(made), light(picture, values)
    shown[:, 60:69] = wanted[:, 60:69]  # decoders interpolate
    np.testing.assert_allclose(shown, wanted, rtol=0.06, atol=0.01)


APPLE = DESCRIBED.format(
    'hdrgm:none="" xmlns:apdi="http://ns.apple.com/pixeldatainfo/1.0/" '
    'xmlns:HDRGainMap="http://ns.apple.com/HDRGainMap/1.0/" HDRGainMap:HDRGainMapVersion="65536" '
    'apdi:AuxiliaryImageType="urn:com:apple:photo:2020:aux:{}"'
)


def multi_picture(*behind):
    """A photo with further pictures behind it, which the index (MPF) alone names, as iPhones write them."""
    photo = tagged(scene()[0])
    return photo + b"".join(tagged(values, (0xE1, XMP + xmp.encode())) for values, xmp in behind)


def test_apples_gain_map_is_kept_and_filled():
    _, values = scene()
    values[10:13, 5:8] = 255
    xmp = APPLE.format("hdrgainmap")
    hole = np.zeros((96, 128), np.uint8)
    hole[38:54, 18:34] = 255
    result = retouch.fill(multi_picture((values, xmp)), hole, model="telea")
    assert result.notes == ()
    end = jpeg_end(result.image)
    assert XMP + xmp.encode() in containers.jpeg_contents(result.image[end:], 0xE1)
    np.testing.assert_allclose(decode(result.image[end:]).astype(int), scene()[1], atol=4)
    with Image.open(io.BytesIO(result.image)) as image:
        assert image.format == "MPO"
        image.seek(1)
        assert image.size == (32, 24)


def test_apples_depth_goes_and_is_named():
    gain, depth = APPLE.format("hdrgainmap"), APPLE.format("depth").replace("2020", "2018")
    photo = read_photo(multi_picture((scene()[1], depth), (scene()[1], gain)))
    assert photo.header.gain is not None
    assert photo.header.notes == ("Not carried over: a depth map.",)
