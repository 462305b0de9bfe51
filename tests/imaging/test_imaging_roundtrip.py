"""Known pixels come back bit for bit, whatever the size, depth and channels."""

import io
import struct
from dataclasses import replace

import numpy as np
import pytest
import pyvips
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.imaging.samples import P3, decode, encode, noise, smooth

from retouch.imaging import TiffLayout, photo_from_array, read_photo, write_photo

SIZES = st.one_of(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.integers(1, 40), st.integers(2900, 3000)),
    st.tuples(st.integers(2900, 3000), st.integers(1, 40)),
)
LAYOUTS = st.builds(
    TiffLayout,
    compression=st.sampled_from(["none", "lzw", "deflate", "packbits"]),
    predictor=st.booleans(),
    tile=st.sampled_from([None, (16, 16), (64, 32), (256, 256)]),
    big=st.booleans(),
)


def same(before, after):
    np.testing.assert_array_equal(after.pixels, before.pixels)
    assert after.pixels.dtype == before.pixels.dtype
    assert (after.alpha is None) == (before.alpha is None)
    if before.alpha is not None:
        np.testing.assert_array_equal(after.alpha, before.alpha)


@settings(max_examples=60, deadline=None)
@given(
    size=SIZES,
    channels=st.integers(1, 4),
    dtype=st.sampled_from([np.uint8, np.uint16]),
    format=st.sampled_from(["png", "tiff"]),
    layout=LAYOUTS,
    progressive=st.booleans(),
)
@example(size=(1, 1), channels=1, dtype=np.uint8, format="png", layout=TiffLayout(), progressive=True)
@example(size=(40, 3000), channels=4, dtype=np.uint16, format="tiff", layout=TiffLayout(), progressive=False)
def test_png_and_tiff_are_bit_identical(size, channels, dtype, format, layout, progressive):
    photo = photo_from_array(noise(*size, channels, dtype=dtype))
    photo = replace(photo, header=replace(photo.header, tiff=layout, progressive=progressive))
    same(photo, read_photo(write_photo(photo, None, format=format)))


@settings(max_examples=25, deadline=None)
@given(size=SIZES, channels=st.sampled_from([3, 4]))
def test_lossless_webp_is_bit_identical(size, channels):
    photo = photo_from_array(noise(*size, channels))
    same(photo, read_photo(write_photo(photo, None, format="webp")))


def test_colours_under_full_transparency_are_kept_in_webp():
    array = noise(8, 9, 4)
    array[..., 3] = 0
    same(photo_from_array(array), read_photo(write_photo(photo_from_array(array), None, format="webp")))


@pytest.mark.parametrize("format", ["png", "tiff"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pillow_reads_the_same_values(format, channels):
    array = noise(13, 17, channels)
    data = write_photo(photo_from_array(array), None, format=format)
    np.testing.assert_array_equal(decode(data).reshape(array.shape), array)


def test_sixteen_bit_grey_is_read_by_pillow():
    array = noise(13, 17, dtype=np.uint16)
    np.testing.assert_array_equal(decode(write_photo(photo_from_array(array), None, format="png")), array)


def test_deep_transparent_tiff_with_a_profile():
    array = noise(20, 30, 4, dtype=np.uint16)
    source = pyvips.Image.new_from_array(array).copy(interpretation="rgb16")
    source.set_type(pyvips.GValue.blob_type, "icc-profile-data", P3)
    data = source.tiffsave_buffer(compression="lzw", tile=True, tile_width=32, tile_height=16, bigtiff=True)
    before = read_photo(data)
    np.testing.assert_array_equal(before.pixels, array[..., :3])
    np.testing.assert_array_equal(before.alpha, array[..., 3])
    assert before.profile == P3
    assert before.header.tiff == TiffLayout("lzw", tile=(32, 16), big=True, extra=(2,))
    written = write_photo(before, None)
    after = read_photo(written)
    same(before, after)
    assert after.profile == P3
    assert after.header.tiff == before.header.tiff
    assert written[:4] == b"II+\0"


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_tiff_compression_is_kept(compression):
    before = encode(smooth(40, 40), "TIFF", compression=compression)
    after = write_photo(read_photo(before), None)
    numbers = [Image.open(io.BytesIO(data)).tag_v2[259] for data in (before, after)]
    assert numbers[0] == numbers[1]


def test_jpeg_in_tiff_becomes_lossless():
    before = read_photo(encode(smooth(40, 40), "TIFF", compression="jpeg"))
    assert not before.header.lossless
    written = write_photo(before, None)
    same(before, read_photo(written))
    assert read_photo(written).header.tiff.compression == "deflate"


def test_big_endian_tiff():
    array = noise(6, 7, dtype=np.uint16)
    title = b"A title\0"
    fields = [(256, 3, 1, 7), (257, 3, 1, 6), (258, 3, 1, 16), (259, 3, 1, 1), (262, 3, 1, 1)]
    fields += [(270, 2, len(title), 200), (273, 4, 1, 300), (277, 3, 1, 1), (278, 3, 1, 6), (279, 4, 1, 84)]
    data = b"MM\0*" + struct.pack(">IH", 8, len(fields))
    for tag, kind, items, value in fields:
        data += struct.pack(">HHI", tag, kind, items) + (
            struct.pack(">HH", value, 0) if kind == 3 else struct.pack(">I", value)
        )
    data = data.ljust(200, b"\0") + title.ljust(100, b"\0") + array.astype(">u2").tobytes()
    before = read_photo(data)
    np.testing.assert_array_equal(before.pixels[..., 0], array)
    written = write_photo(before, None)
    same(before, read_photo(written))
    assert Image.open(io.BytesIO(written)).tag_v2[270] == "A title"


def test_palette_and_bits_are_written_with_the_same_colours():
    palette = encode(Image.fromarray(smooth(20, 20)).quantize(16), "PNG", transparency=3)
    bits = encode(Image.fromarray(noise(9, 9) > 127), "PNG")
    for data in (palette, bits):
        same(read_photo(data), read_photo(write_photo(read_photo(data), None)))


@pytest.mark.parametrize("progressive", [True, False])
@pytest.mark.parametrize("grey", [True, False])
def test_a_jpeg_that_is_encoded_whole(progressive, grey):
    picture = smooth(33, 47)[..., 0] if grey else smooth(33, 47)
    before = read_photo(encode(picture, "JPEG", progressive=progressive, quality=90))
    before = replace(before, header=replace(before.header, jpeg=None))
    data = write_photo(before, None)
    image = Image.open(io.BytesIO(data))
    assert image.mode == ("L" if grey else "RGB")
    assert bool(image.info.get("progressive")) == progressive
    assert all(layer[1:3] == (1, 1) for layer in image.layer)  # 4:4:4
    reference = Image.open(io.BytesIO(encode(picture, "JPEG", quality=95)))
    assert image.quantization == reference.quantization
    assert np.abs(read_photo(data).pixels.astype(int) - before.pixels).max() <= 4


def test_interlaced_png_is_kept():
    data = pyvips.Image.new_from_array(noise(20, 20, 3)).pngsave_buffer(interlace=True)
    assert Image.open(io.BytesIO(write_photo(read_photo(data), None))).info["interlace"] == 1


@pytest.mark.parametrize(("source", "lossless"), [("PNG", True), ("JPEG", False), ("TIFF", True)])
def test_webp_is_lossless_unless_the_source_was_lossy(source, lossless):
    data = write_photo(read_photo(encode(smooth(20, 20), source)), None, format="webp")
    assert read_photo(data).header.lossless == lossless


@pytest.mark.parametrize("lossless", [True, False])
def test_webp_stays_as_it_was(lossless):
    before = read_photo(encode(noise(40, 40, 3), "WEBP", lossless=lossless, icc_profile=P3))
    assert before.header.lossless == lossless
    after = read_photo(write_photo(before, None))
    assert after.header.lossless == lossless
    assert after.profile == P3
    assert (after.pixels == before.pixels).all() == lossless


def test_avif():
    before = read_photo(encode(smooth(40, 40), "AVIF"))
    after = read_photo(write_photo(before, None))
    assert after.format == "avif"
    assert np.abs(after.pixels.astype(int) - before.pixels).max() <= 6
