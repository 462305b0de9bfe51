"""Colours that a file names by numbers mean the same in every format that is written; HDR is refused."""

import io
import struct
import zlib
from dataclasses import replace

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageCms
from tests.imaging.samples import P3, decode, encode, exif, noise, smooth, tiff, tiff_page

from retouch.errors import RetouchError
from retouch.imaging import photo_from_array, read_photo, to_srgb, write_photo
from retouch.imaging.profiles import SRGB_CURVE, SRGB_PRIMARIES, matrix_profile, profile_of_code_points

RED = np.full((16, 16, 3), (250, 40, 30), np.uint8)
ALL = slice(None)
# Columns are red, green and blue: what light of the primaries is in sRGB's, by the chromaticities of H.273.
P3_TO_SRGB = [[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]]
BT2020_TO_SRGB = [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]


def avif(array, bits=8, primaries=1, transfer=13, matrix=6):
    values = array if bits == 8 else array.astype(np.uint16) << (bits - 8)
    options = {"primaries": primaries, "transfer": transfer, "matrix": matrix}
    return imagecodecs.avif_encode(values, level=100, bitspersample=bits, pixelformat="444", **options)


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(array, *chunks):
    data = encode(array, "PNG")
    return data[:33] + b"".join(chunk(*each) for each in chunks) + data[33:]


def in_srgb(colour, matrix, decode_curve):
    light = np.array(matrix) @ decode_curve(np.array(colour) / 255)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.abs(light) ** (1 / 2.4) - 0.055).clip(0, 1)


def srgb_light(x):
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def video_light(x):
    return np.where(x < 0.081, x / 4.5, ((x + 0.099) / 1.099) ** (1 / 0.45))


@pytest.mark.parametrize(
    ("points", "matrix", "light"),
    [
        ((12, 13), P3_TO_SRGB, srgb_light),
        ((9, 14), BT2020_TO_SRGB, video_light),
        ((9, 1), BT2020_TO_SRGB, video_light),
    ],
)
@pytest.mark.parametrize("make", ["avif", "png"])
def test_models_see_the_colour_that_was_meant(points, matrix, light, make):
    colour = (150, 110, 90)
    array = np.full((16, 16, 3), colour, np.uint8)
    if make == "png":
        photo = read_photo(png(array, (b"cICP", bytes([*points, 0, 1]))))
    else:
        photo = read_photo(avif(array, primaries=points[0], transfer=points[1]))
    got = to_srgb(photo, ALL, ALL)[0, 0]
    np.testing.assert_allclose(got * 255, in_srgb(photo.pixels[0, 0], matrix, light) * 255, atol=1)
    assert np.abs(got * 255 - colour).max() > 5


def profile_in(data, name):
    """The profile as other programs find it."""
    if name == "tiff":
        return tiff_page(data)[1].iccprofile
    return Image.open(io.BytesIO(data)).info.get("icc_profile")


@pytest.mark.parametrize("name", ["avif", "png", "jpeg", "webp", "tiff"])
@pytest.mark.parametrize("points", [(12, 13), (9, 14), (9, 1), (11, 17), (1, 8)])
def test_every_format_says_what_avif_said(name, points):
    photo = read_photo(avif(smooth(16, 16), primaries=points[0], transfer=points[1]))
    written = write_photo(photo, None, format=name)
    profile = profile_in(written, name)
    assert profile == profile_of_code_points(*points)
    ImageCms.ImageCmsProfile(io.BytesIO(profile))  # other programs can use it
    again = read_photo(written)
    assert again.profile == photo.profile
    difference = np.abs(to_srgb(again, ALL, ALL) - to_srgb(photo, ALL, ALL))
    assert difference.mean() < (0.001 if name in ("png", "tiff") else 3) / 255


@pytest.mark.parametrize("points", [(1, 13), (2, 2), (1, 1), (1, 6), (1, 2)])
def test_srgb_needs_no_profile(points):
    photo = read_photo(avif(smooth(16, 16), primaries=points[0], transfer=points[1]))
    assert photo.profile is None
    assert profile_in(write_photo(photo, None), "avif") is None


def test_a_made_profile_is_that_of_others():
    made = profile_of_code_points(12, 13)
    cube = np.stack(np.meshgrid(*[np.arange(60, 256, 39, dtype=np.uint8)] * 3), -1).reshape(6, 36, 3)
    ours, theirs = (to_srgb(replace(photo_from_array(cube), profile=each), ALL, ALL) for each in (made, P3))
    assert np.abs(ours - theirs).max() < 4 / 255  # theirs keeps its curve as a coarse table
    assert np.abs(ours - theirs).mean() < 0.2 / 255


def test_a_made_profile_of_srgb_changes_nothing():
    same = matrix_profile("sRGB", SRGB_PRIMARIES, SRGB_CURVE)
    array = noise(20, 20, 3)
    got = to_srgb(replace(photo_from_array(array), profile=same), ALL, ALL)
    np.testing.assert_allclose(got * 255, array, atol=1e-3)


def test_a_profile_goes_before_code_points_in_avif():
    written = write_photo(replace(photo_from_array(smooth(16, 16)), profile=P3), None, format="avif")
    assert read_photo(written).profile == P3
    assert b"colrprof" in written


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("alpha", [False, True])
def test_deep_avif_keeps_its_depth(bits, alpha):
    steps = np.linspace(0, 2**bits - 1, 64 * 64).astype(np.uint16).reshape(64, 64)
    array = np.dstack([steps, steps[::-1], steps.T] + [np.full_like(steps, 2**bits - 1)] * alpha)
    data = imagecodecs.avif_encode(array, level=100, bitspersample=bits, pixelformat="444")
    photo = read_photo(data)
    assert (photo.pixels.dtype, photo.bits) == (np.uint16, bits)
    assert photo.pixels[..., 0].max() == 65535  # white is white, also in PNG
    wanted = imagecodecs.avif_decode(data)
    np.testing.assert_allclose(photo.pixels, wanted[..., :3] * (65535 / (2**bits - 1)), atol=65535 / 2**bits)
    again = imagecodecs.avif_decode(write_photo(photo, None))
    assert again.dtype == np.uint16
    assert again[..., :3].max() >= 2**bits - 4
    assert np.abs(again[..., :3].astype(int) - wanted[..., :3]).mean() < 3 * 2 ** (bits - 8)
    assert read_photo(write_photo(photo, None)).bits == bits


def test_sixteen_bits_do_not_fit_into_avif():
    with pytest.raises(RetouchError, match="16 bits a channel"):
        write_photo(photo_from_array(noise(8, 8, 3, dtype=np.uint16)), None, format="avif")


def test_ten_bits_do_not_fit_into_jpeg():
    with pytest.raises(RetouchError, match="10 bits a channel"):
        write_photo(read_photo(avif(RED, bits=10)), None, format="jpeg")


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
@pytest.mark.parametrize("bits", [8, 10])
def test_hdr_avif_is_refused(transfer, name, bits):
    refused_as_hdr(avif(RED, bits=bits, primaries=9, transfer=transfer, matrix=9), name)


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_png_is_refused(transfer, name):
    refused_as_hdr(png(RED, (b"cICP", bytes([9, transfer, 0, 1]))), name)


def test_hdr_profiles_are_refused_in_every_format():
    cicp = b"cicp" + bytes([0, 0, 0, 0, 9, 16, 0, 1])
    profile = matrix_profile("Rec. 2100 PQ", SRGB_PRIMARIES, SRGB_CURVE, extra=((b"cicp", cicp),))
    old = matrix_profile("ITUR_2100_PQ_FULL", SRGB_PRIMARIES, SRGB_CURVE)
    for each in (profile, old):
        for format in ("PNG", "JPEG", "WEBP", "TIFF", "AVIF"):
            refused_as_hdr(encode(RED, format, icc_profile=each), "PQ")


def refused_as_hdr(data, name):
    with pytest.raises(RetouchError, match=rf"high dynamic range \({name}\); convert it to standard range"):
        read_photo(data)


def test_video_range_is_refused():
    with pytest.raises(RetouchError, match="narrow range"):
        read_photo(png(RED, (b"cICP", bytes([9, 14, 0, 0]))))


def test_png_keeps_its_own_numbers():
    numbers = (b"cICP", bytes([12, 13, 0, 1]))
    written = write_photo(read_photo(png(RED, numbers)), None)
    assert chunk(*numbers) in written
    assert b"iCCP" not in written
    assert profile_in(write_photo(read_photo(png(RED, numbers)), None, format="jpeg"), "jpeg") is not None


def test_code_points_go_before_a_profile_in_png():
    narrow = matrix_profile("sRGB", SRGB_PRIMARIES, (2.2,))
    icc = (b"iCCP", b"name\0\0" + zlib.compress(narrow))
    photo = read_photo(png(RED, (b"cICP", bytes([12, 13, 0, 1])), icc))
    assert photo.profile == profile_of_code_points(12, 13)
    wide = (b"iCCP", b"name\0\0" + zlib.compress(P3))
    both = read_photo(png(RED, (b"cICP", bytes([12, 13, 0, 1])), wide))
    assert both.profile == P3  # they agree, so it stays
    assert zlib.compress(P3) in write_photo(both, None)


def chromaticities(primaries):
    red, green, blue, white = primaries
    return struct.pack(
        ">8I", *(round(each * 100_000) for point in (white, red, green, blue) for each in point)
    )


WIDE = ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), (0.3127, 0.3290))


def test_png_with_primaries_and_exponent():
    data = png(RED, (b"gAMA", (100_000).to_bytes(4, "big")), (b"cHRM", chromaticities(WIDE)))
    photo = read_photo(data)
    wanted = in_srgb(RED[0, 0], P3_TO_SRGB, lambda x: x)  # an exponent of 1: light itself
    np.testing.assert_allclose(to_srgb(photo, ALL, ALL)[0, 0], wanted, atol=0.005)
    assert profile_in(write_photo(photo, None, format="tiff"), "tiff") == photo.profile
    assert b"iCCP" not in write_photo(photo, None)
    assert chunk(b"gAMA", (100_000).to_bytes(4, "big")) in write_photo(photo, None)


@pytest.mark.parametrize(
    "chunks",
    [
        [(b"gAMA", (45455).to_bytes(4, "big"))],
        [(b"gAMA", (45455).to_bytes(4, "big")), (b"cHRM", chromaticities(SRGB_PRIMARIES))],
        [(b"sRGB", b"\0"), (b"gAMA", (100_000).to_bytes(4, "big"))],
        [(b"cHRM", bytes(32))],
        [(b"cICP", bytes([1, 13, 0, 1])), (b"cHRM", chromaticities(WIDE))],
    ],
)
def test_png_whose_numbers_are_those_of_srgb(chunks):
    assert read_photo(png(RED, *chunks)).profile is None


def test_tiff_with_primaries():
    steps = [number for point in WIDE[:3] for each in point for number in (round(each * 10_000), 10_000)]
    tags = [(318, "2I", 2, (3127, 10_000, 3290, 10_000), True), (319, "2I", 6, tuple(steps), True)]
    photo = read_photo(tiff(RED, photometric="rgb", extratags=tags))
    wanted = in_srgb(RED[0, 0], P3_TO_SRGB, srgb_light)
    np.testing.assert_allclose(to_srgb(photo, ALL, ALL)[0, 0], wanted, atol=0.005)
    page = tiff_page(write_photo(photo, None))[1]
    assert (page.tags[318].value, page.tags[319].value) == ((3127, 10_000, 3290, 10_000), tuple(steps))
    assert page.iccprofile == photo.profile


def adobe_rgb():
    block = exif()
    inner = block.get_ifd(0x8769)
    inner[0xA001] = 65535
    inner[0xA005] = {1: "R03"}
    return block


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_cameras_that_name_adobe_rgb_in_exif(format):
    photo = read_photo(encode(smooth(16, 16), format, exif=adobe_rgb()))
    description = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(photo.profile)))
    assert "Adobe RGB" in description
    assert profile_in(write_photo(photo, None, format="png"), "png") == photo.profile
    assert read_photo(encode(smooth(16, 16), format, exif=exif())).profile is None
    assert read_photo(encode(smooth(16, 16), format, exif=adobe_rgb(), icc_profile=P3)).profile == P3


def test_grey_needs_no_primaries():
    photo = read_photo(png(RED[..., 0], (b"cICP", bytes([12, 13, 0, 1]))))
    np.testing.assert_array_equal(decode(write_photo(photo, None, format="png")), RED[..., 0])
