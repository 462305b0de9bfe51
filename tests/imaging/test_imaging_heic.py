"""HEIC, as phones write it, is read and written where pillow-heif is installed, and named where it is not."""

import builtins
import importlib.util
import io

import numpy as np
import pillow_heif
import pytest
from PIL import Image
from tests.imaging.samples import MAKER_NOTE, P3, exif, exif_of, noise, smooth

from retouch.errors import RetouchError
from retouch.imaging import check_target, photo_from_array, read_mask, read_photo, write_photo
from retouch.imaging.profiles import profile_of_code_points

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="1"/></x:xmpmeta>'


def heic(array, **options):
    file = io.BytesIO()
    image = pillow_heif.from_pillow(Image.fromarray(array))
    image.save(file, **({"quality": 100, "chroma": 444} | options))
    return file.getvalue()


def deep(array, bits, **options):
    file = io.BytesIO()
    mode = "RGB;16" if array.shape[2] == 3 else "RGBA;16"
    image = pillow_heif.from_bytes(mode, (array.shape[1], array.shape[0]), array.tobytes())
    image.save(file, **({"quality": 100, "chroma": 444, "bit_depth": bits} | options))
    return file.getvalue()


@pytest.mark.parametrize("size", [(64, 96), (33, 21)])
def test_pixels(size):
    photo = read_photo(heic(smooth(*size)))
    assert (photo.format, photo.pixels.shape, photo.alpha, photo.bits) == ("heic", (*size, 3), None, None)
    assert np.abs(photo.pixels.astype(int) - smooth(*size)).max() <= 4
    assert not photo.header.lossless


def test_metadata_profile_and_transparency():
    array = np.dstack([smooth(40, 40), np.full((40, 40), 255, np.uint8)])
    array[10:20, 10:20, 3] = 0
    photo = read_photo(heic(array, exif=exif(1, (40, 40)).tobytes(), xmp=XMP, icc_profile=P3))
    assert photo.alpha[15, 15] == 0
    assert photo.alpha[30, 30] == 255
    assert (photo.profile, photo.header.xmp) == (P3, XMP)
    for name in ("png", "heic"):
        written = write_photo(photo, None, format=name)
        again = read_photo(written)
        assert (again.profile, again.header.xmp) == (P3, XMP)
        assert again.header.exif is not None
        assert MAKER_NOTE in again.header.exif
        assert again.alpha[15, 15] == 0
        assert again.alpha[30, 30] == 255
    assert exif_of(write_photo(photo, None, format="png"))[0x9003] == "2020:01:01 00:00:00"


def test_the_file_turns_the_pixels_and_exif_says_upright():
    data = heic(smooth(40, 60), exif=exif(6, (60, 40)).tobytes())
    photo = read_photo(data)
    shown = pillow_heif.open_heif(data)
    assert photo.pixels.shape[:2] == (shown.size[1], shown.size[0])
    assert exif_of(write_photo(photo, None, format="png"))[0x0112] == 1


def test_colours_by_numbers():
    photo = read_photo(
        heic(
            smooth(40, 40),
            color_primaries=12,
            transfer_characteristics=13,
            matrix_coefficients=6,
            full_range_flag=1,
        )
    )
    assert photo.profile == profile_of_code_points(12, 13)
    for name in ("heic", "jpeg", "png"):
        assert read_photo(write_photo(photo, None, format=name)).profile == photo.profile


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_refused(transfer, name):
    data = heic(
        smooth(40, 40),
        color_primaries=9,
        transfer_characteristics=transfer,
        matrix_coefficients=9,
        full_range_flag=1,
    )
    with pytest.raises(RetouchError, match=rf"high dynamic range \({name}\)"):
        read_photo(data)


def test_ten_bits_stay_ten():
    steps = np.linspace(0, 65535, 64 * 64 * 3).astype(np.uint16).reshape(64, 64, 3)
    photo = read_photo(deep(steps, 10))
    assert (photo.pixels.dtype, photo.bits) == (np.uint16, 10)
    assert photo.pixels.max() == 65535
    assert np.abs(photo.pixels.astype(int) - steps).mean() < 200
    again = read_photo(write_photo(photo, None))
    assert (again.format, again.bits) == ("heic", 10)
    assert np.abs(again.pixels.astype(int) - photo.pixels).mean() < 400


def test_a_photo_of_another_format_becomes_heic(tmp_path):
    photo = photo_from_array(smooth(40, 40))
    check_target(tmp_path / "out.heic", photo=photo)
    write_photo(photo, tmp_path / "out.heic")
    again = read_photo(tmp_path / "out.heic")
    assert again.format == "heic"
    assert np.abs(again.pixels.astype(int) - photo.pixels).max() <= 6
    grey = write_photo(photo_from_array(smooth(40, 40)[..., 0].copy()), None, format="heic")
    assert np.ptp(read_photo(grey).pixels.astype(int), axis=2).max() <= 2


def test_a_mask():
    mask = np.zeros((64, 64), np.uint8)
    mask[16:48, 16:32] = 255
    got = read_mask(heic(np.dstack([mask] * 3)), (64, 64))
    np.testing.assert_array_equal(got, mask > 0)


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_cut_short(part):
    data = heic(noise(64, 64, 3))
    with pytest.raises(RetouchError, match="damaged or cut short"):
        read_photo(data[: int(len(data) * part)])


def test_without_pillow_heif(monkeypatch, tmp_path):
    data = heic(smooth(40, 40))
    known, find = builtins.__import__, importlib.util.find_spec

    def without(name, *arguments, **options):
        if name == "pillow_heif":
            raise ImportError(name)
        return known(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pillow_heif" else find(name)
    )
    with pytest.raises(
        RetouchError, match=r"HEIC photo, which needs pillow-heif; .* pip install '\.\[heif\]'"
    ):
        read_photo(data)
    with pytest.raises(RetouchError, match=r"cannot be written as HEIC here"):
        check_target(tmp_path / "out.heic", photo=photo_from_array(smooth(40, 40)))


@pytest.mark.parametrize("bits", [10, 12])
def test_bits_are_written_as_they_were_read(bits):
    steps = np.linspace(0, 65535, 64 * 64 * 3).astype(np.uint16).reshape(64, 64, 3)
    written = pillow_heif.open_heif(write_photo(read_photo(deep(steps, bits)), None))
    assert written.info["bit_depth"] == bits
