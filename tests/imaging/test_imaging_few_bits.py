"""A photo of 1, 2 or 4 bits stays one."""

import io
from dataclasses import replace

import numpy as np
import pytest
import pyvips
from PIL import Image
from tests.imaging.samples import decode, encode, noise, smooth, tiff, tiff_page

from retouch.imaging import from_srgb, read_photo, write_photo
from retouch.imaging.few_bits import few_values


def line_art():
    art = np.full((60, 80), 255, np.uint8)
    art[:, ::9], art[::7] = 0, 0
    return art


def one_bit(array, format="TIFF", **options):
    return encode(Image.fromarray(array).convert("1"), format, **options)


@pytest.mark.parametrize("compression", ["group4", "group3", "tiff_ccitt", "tiff_lzw", "packbits", None])
def test_one_bit_tiff_stays(compression):
    photo = read_photo(one_bit(line_art(), compression=compression))
    assert photo.bits == 1
    assert not photo.dithered
    written = write_photo(photo, None)
    _, page = tiff_page(written)
    assert page.bitspersample == 1
    fax = compression in ("group4", "group3", "tiff_ccitt")
    assert page.compression.name == (
        "CCITTFAX4" if fax else {"tiff_lzw": "LZW", "packbits": "PACKBITS"}.get(compression, "NONE")
    )
    np.testing.assert_array_equal(decode(written), line_art() > 0)
    if fax:
        assert len(written) < 60 * 80 / 8 + 1000


@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("bits", [1, 2, 4])
def test_values_and_their_meaning_stay(photometric, bits):
    array = noise(16, 24) >> (8 - bits)
    data = tiff(array > 0 if bits == 1 else array, photometric=photometric, bitspersample=bits)
    photo = read_photo(data)
    shown = array * (255 // (2**bits - 1))
    np.testing.assert_array_equal(photo.pixels[..., 0], shown if photometric == "minisblack" else 255 - shown)
    after, page = tiff_page(write_photo(photo, None))
    assert (page.bitspersample, page.photometric.name) == (bits, photometric.upper())
    np.testing.assert_array_equal(after, array)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_png_stays(bits):
    step = 255 // (2**bits - 1)
    array = (noise(16, 24) >> (8 - bits)) * np.uint8(step)
    data = pyvips.Image.new_from_array(array).pngsave_buffer(bitdepth=bits)
    photo = read_photo(data)
    assert photo.bits == bits
    written = write_photo(photo, None)
    assert written[24:26] == bytes([bits, 0])
    np.testing.assert_array_equal(read_photo(written).pixels[..., 0], array)


@pytest.mark.parametrize("colours", [[0, 0, 0, 255, 255, 255], [255, 255, 255, 0, 0, 0]])
def test_a_palette_of_black_and_white_is_one_bit(colours):
    image = Image.fromarray((line_art() > 0).astype(np.uint8), "P")
    image.putpalette(colours)
    data = encode(image, "PNG", bits=1)
    assert data[24:26] == bytes([1, 3])
    photo = read_photo(data)
    assert (photo.pixels.shape[2], photo.bits) == (1, 1)
    written = write_photo(photo, None)
    assert written[24] == 1
    np.testing.assert_array_equal(
        np.asarray(Image.open(io.BytesIO(written)).convert("L")), np.asarray(image.convert("L"))
    )


def test_a_palette_of_other_colours_is_rgb():
    image = Image.fromarray((line_art() > 0).astype(np.uint8), "P")
    image.putpalette([200, 0, 0, 255, 255, 255])
    photo = read_photo(encode(image, "PNG", bits=1))
    assert (photo.pixels.shape[2], photo.bits) == (3, None)


@pytest.mark.parametrize("format", ["jpeg", "webp", "avif"])
def test_formats_without_few_bits_get_eight(format):
    photo = read_photo(one_bit(line_art()))
    assert read_photo(write_photo(photo, None, format=format)).pixels.shape[:2] == (60, 80)


def test_a_fill_is_black_or_white_by_a_threshold():
    photo = read_photo(one_bit(line_art(), compression="group4"))
    greys = np.linspace(0, 1, 256, dtype=np.float32).reshape(1, 256, 1).repeat(3, 2)
    got = from_srgb(photo, greys)[0, :, 0]
    np.testing.assert_array_equal(got, np.where(np.arange(256) > 127, 255, 0))


@pytest.mark.parametrize(("bits", "step"), [(2, 85), (4, 17)])
def test_a_fill_has_the_nearest_of_few_levels(bits, step):
    photo = replace(read_photo(one_bit(line_art())), bits=bits)
    greys = np.linspace(0, 1, 256, dtype=np.float32).reshape(1, 256, 1).repeat(3, 2)
    got = from_srgb(photo, greys)[0, :, 0].astype(int)
    assert set(got) == set(range(0, 256, step))
    assert np.abs(got - np.arange(256)).max() <= step // 2 + 1


def test_a_dithered_photo_is_known_and_filled_in_kind():
    image = Image.fromarray(smooth(300, 300)[..., 0])
    data = encode(image.convert("1", dither=Image.Dither.FLOYDSTEINBERG), "TIFF", compression="group4")
    photo = read_photo(data)
    assert photo.dithered
    grey = np.full((40, 40, 3), 0.3, np.float32)
    got = from_srgb(photo, grey)
    assert set(np.unique(got)) == {0, 255}
    assert abs(got.mean() / 255 - 0.3) < 0.02
    text = one_bit(np.where(noise(30, 40).repeat(10, 0).repeat(10, 1) > 127, 255, 0).astype(np.uint8))
    assert not read_photo(text).dithered


def test_dithering_leaves_what_is_black_and_white():
    array = ((noise(20, 30, 1) > 127) * 255).astype(np.uint8)
    np.testing.assert_array_equal(few_values(array, 1, dithered=True), array)


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (3, 3)])
def test_small_ones(size):
    photo = read_photo(one_bit(np.zeros(size, np.uint8)))
    assert photo.bits == 1
    assert not photo.dithered


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("width", [1, 41, 42, 43, 44, 45])
@pytest.mark.parametrize(
    "layout", [{}, {"tile": True, "tile_width": 32, "tile_height": 16}, {"bigtiff": True}]
)
def test_every_width_comes_back(bits, width, layout):
    levels = noise(19, width) >> (8 - bits)
    wide = np.repeat(levels, 2, axis=1) * np.uint8(255 // (2**bits - 1))
    image = pyvips.Image.new_from_array(wide[..., None]).copy(interpretation="b-w")
    photo = read_photo(image.tiffsave_buffer(compression="lzw", predictor="none", bitdepth=bits, **layout))
    photo = replace(photo, pixels=photo.pixels[:, ::2])
    written, page = tiff_page(write_photo(photo, None))
    np.testing.assert_array_equal(written.reshape(19, width), levels)
    assert page.bitspersample == bits
