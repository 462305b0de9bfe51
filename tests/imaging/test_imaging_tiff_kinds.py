"""Kinds of TIFF beyond the usual: read where a library can, called by their name where none can."""

import builtins
import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.imaging.samples import noise, tiff, tiff_page

from retouch.errors import RetouchError
from retouch.imaging import read_mask, read_photo, write_photo

RGB, RGB16 = noise(32, 48, 3), noise(32, 48, 3, dtype=np.uint16)
PLANES = np.ascontiguousarray(np.moveaxis(RGB, 2, 0))


@pytest.mark.parametrize("compression", ["zstd", "lzma", "lerc", "png", "jpegxl", "jpeg2000", "webp", "lzw"])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_lossless_compressions(compression, tile):
    photo = read_photo(tiff(RGB, photometric="rgb", compression=compression, tile=tile))
    np.testing.assert_array_equal(photo.pixels, RGB)
    np.testing.assert_array_equal(tiff_page(write_photo(photo, None))[0], RGB)


@pytest.mark.parametrize(
    "options", [{"bigtiff": True}, {"byteorder": ">"}, {"bigtiff": True, "byteorder": ">"}]
)
@pytest.mark.parametrize("compression", [None, "lzw", "zstd"])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_headers_of_every_kind(options, compression, tile):
    data = tiff(
        RGB16,
        photometric="rgb",
        compression=compression,
        predictor=compression is not None,
        tile=tile,
        **options,
    )
    np.testing.assert_array_equal(read_photo(data).pixels, RGB16)


@pytest.mark.parametrize("compression", [None, "deflate", "lzma"])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_planes(compression, tile):
    data = tiff(PLANES, photometric="rgb", planarconfig="separate", compression=compression, tile=tile)
    np.testing.assert_array_equal(read_photo(data).pixels, RGB)


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("channels", [1, 3])
def test_more_than_eight_bits_use_all_of_sixteen(bits, channels):
    values = RGB16[..., :channels] >> (16 - bits)
    values[0, 0], values[0, 1] = 0, 2**bits - 1
    kind = "rgb" if channels == 3 else "minisblack"
    photo = read_photo(tiff(values.squeeze(), photometric=kind, bitspersample=bits))
    np.testing.assert_array_equal(photo.pixels, np.rint(values * (65535 / (2**bits - 1))))
    assert (photo.pixels[0, 0, 0], photo.pixels[0, 1, 0]) == (0, 65535)


def test_twelve_bits_with_white_as_zero():
    values = RGB16[..., 0] >> 4
    photo = read_photo(tiff(values, photometric="miniswhite", bitspersample=12))
    np.testing.assert_array_equal(photo.pixels[..., 0], 65535 - np.rint(values * (65535 / 4095)))


@pytest.mark.parametrize("compression", [None, "zstd"])
def test_palette(compression):
    colours = noise(3, 256, dtype=np.uint16)
    photo = read_photo(tiff(RGB[..., 0], photometric="palette", colormap=colours, compression=compression))
    np.testing.assert_array_equal(photo.pixels, (colours.T >> 8)[RGB[..., 0]])


def test_a_mask_of_a_rare_kind():
    mask = RGB[..., 0] > 127
    np.testing.assert_array_equal(read_mask(tiff(mask * np.uint8(255), compression="lzma"), mask.shape), mask)


def refused(data, *words):
    with pytest.raises(RetouchError) as caught:
        read_photo(data)
    for word in words:
        assert word in str(caught.value)
    assert "damaged" not in str(caught.value)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i2", "i4", "u4", "u8", "c8"])
@pytest.mark.parametrize("compression", [None, "zstd"])
def test_values_that_are_no_photos(dtype, compression):
    refused(tiff(np.zeros((16, 16), dtype), compression=compression), "values; convert it to 8 or 16 bits")


def test_colours_that_nobody_knows():
    refused(tiff(RGB, photometric=10), "photometric interpretation 10", "convert it to grey or RGB")


@pytest.mark.parametrize("missing", ["tifffile", "imagecodecs"])
def test_the_sentence_names_the_kind_and_what_to_install(monkeypatch, missing):
    files = {
        "Zstandard compression": tiff(RGB, photometric="rgb", compression="zstd"),
        "LZMA compression": tiff(RGB, photometric="rgb", compression="lzma", tile=(16, 16)),
        "12 bits a channel": tiff(RGB16[..., 0] >> 4, bitspersample=12),
        "tiles for each channel": tiff(PLANES, photometric="rgb", planarconfig="separate", tile=(16, 16)),
    }
    known = builtins.__import__

    def without(name, *arguments, **options):
        if name == missing:
            raise ImportError(name)
        return known(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    for kind, data in files.items():
        refused(data, kind, "pip install '.[tiff]'", "LZW or Deflate")


def test_a_compression_that_nothing_reads():
    data = bytearray(tiff(RGB, photometric="rgb"))
    at = data.find(struct.pack("<HHI", 259, 3, 1))
    data[at + 8 : at + 10] = struct.pack("<H", 32809)
    refused(bytes(data), "ThunderScan compression", "convert it to a TIFF with LZW or Deflate")


@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "zstd", "lzma"])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_cut_short(compression, tile):
    data = tiff(RGB, photometric="rgb", compression=compression, tile=tile)
    with pytest.raises(RetouchError, match="damaged or cut short"):
        read_photo(data[: len(data) * 2 // 3])


@pytest.mark.parametrize("compression", ["deflate", "lzma"])  # zstd has no checksum here
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_corrupted(compression, tile):
    data = bytearray(tiff(RGB, photometric="rgb", compression=compression, tile=tile))
    for at in range(len(data) // 2, len(data) // 2 + 300):
        data[at] ^= 0x55
    with pytest.raises(RetouchError, match="damaged or cut short"):
        read_photo(bytes(data))


def test_a_warning_is_no_damage():
    tag = struct.pack("<HHI", 338, 3, 1)
    for tile in (None, (16, 16)):
        data = tiff(np.dstack([RGB, RGB[..., 0]]), photometric="rgb", extrasamples=[0], tile=tile)
        data = data.replace(
            tag, struct.pack("<HHI", 65000, 3, 1)
        )  # libtiff warns of channels without a meaning
        np.testing.assert_array_equal(read_photo(data).pixels, RGB)
        with pytest.raises(RetouchError, match="damaged"):
            read_photo(data[:-900] if tile else data[:-9])


def pages(*arrays, **options):
    """A TIFF of several pages: each array with its NewSubfileType, and perhaps arrays below it."""
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for array, kind, below in arrays:
            writer.write(
                array, photometric="rgb", subfiletype=kind, subifds=len(below), metadata=None, **options
            )
            for inner, inner_kind in below:
                writer.write(inner, photometric="rgb", subfiletype=inner_kind, metadata=None)
    return file.getvalue()


ARTIST = [(315, "s", 0, "Someone", True)]
SMALL = np.ascontiguousarray(RGB[::4, ::4])


def test_a_smaller_version_is_no_second_page():
    np.testing.assert_array_equal(read_photo(pages((RGB, 0, []), (SMALL, 1, []))).pixels, RGB)
    np.testing.assert_array_equal(read_photo(pages((RGB, 0, [(SMALL, 1)]))).pixels, RGB)


def test_a_thumbnail_that_comes_first_is_not_the_photo():
    data = pages((SMALL, 1, []), (RGB, 0, []))
    photo = read_photo(data)
    np.testing.assert_array_equal(photo.pixels, RGB)
    after = write_photo(photo, None)
    with tifffile.TiffFile(io.BytesIO(after)) as file:
        assert len(file.pages) == 1  # the thumbnail still showed what was removed
        np.testing.assert_array_equal(file.pages[0].asarray(), RGB)
    np.testing.assert_array_equal(
        read_mask(data, RGB.shape[:2]), read_mask(pages((RGB, 0, [])), RGB.shape[:2])
    )


def test_the_photo_may_lie_below_its_thumbnail():
    for compression in (None, "zstd"):
        file = io.BytesIO()
        with tifffile.TiffWriter(file) as writer:
            writer.write(SMALL, photometric="rgb", subfiletype=1, subifds=1, metadata=None, extratags=ARTIST)
            writer.write(RGB, photometric="rgb", subfiletype=0, metadata=None, compression=compression)
        photo = read_photo(file.getvalue())
        np.testing.assert_array_equal(photo.pixels, RGB)
        assert tiff_page(write_photo(photo, None))[1].tags[315].value == "Someone"


def test_the_thumbnails_description_is_about_the_photo():
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(
            SMALL, photometric="rgb", subfiletype=1, metadata=None, extratags=ARTIST, iccprofile=b"x" * 200
        )
        writer.write(RGB, photometric="rgb", metadata=None, description="A view")
    page = tiff_page(write_photo(read_photo(file.getvalue()), None))[1]
    assert (page.tags[315].value, page.description, page.iccprofile) == ("Someone", "A view", b"x" * 200)


def test_an_only_page_is_the_photo_whatever_it_is_called():
    np.testing.assert_array_equal(read_photo(pages((RGB, 1, []))).pixels, RGB)


@pytest.mark.parametrize("kinds", [(0, 0), (0, 2), (1, 0, 0), (0, 1, 0)])
def test_several_photos_are_refused(kinds):
    refused(pages(*((RGB, kind, []) for kind in kinds)), "2 frames or pages", "save the one you want")


def test_a_pyramid_is_one_photo():
    file = io.BytesIO()
    Image.fromarray(RGB).save(file, "TIFF", append_images=[], save_all=True)
    np.testing.assert_array_equal(read_photo(file.getvalue()).pixels, RGB)
    data = pages((RGB, 0, []), (SMALL, 1, []), (SMALL[::2, ::2].copy(), 1, []))
    np.testing.assert_array_equal(read_photo(data).pixels, RGB)


@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("extra", [[0], [2], [0, 0], [2, 0]])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_planes_beside_grey(photometric, extra, dtype):
    planes = noise(1 + len(extra), 45, 28, dtype=dtype)
    data = tiff(planes, photometric=photometric, planarconfig="separate", extrasamples=extra)
    np.testing.assert_array_equal(
        tiff_page(write_photo(read_photo(data), None))[0], np.moveaxis(planes, 0, 2)
    )


@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_one_bit_in_a_rare_compression(photometric, tile):
    bits = RGB[..., 0] > 127
    photo = read_photo(tiff(bits, photometric=photometric, compression="lzma", tile=tile))
    np.testing.assert_array_equal(photo.pixels[..., 0] == 255, bits == (photometric == "minisblack"))
    assert (photo.pixels.dtype, photo.bits) == (np.uint8, 1)
    np.testing.assert_array_equal(tiff_page(write_photo(photo, None))[0], bits)
