"""TIFF says what each channel means; nothing is guessed from its place, and everything comes back."""

from dataclasses import replace

import numpy as np
import pytest
from tests.imaging.samples import CMYK, P3, decode, encode, noise, smooth, tiff, tiff_page

from retouch.errors import RetouchError
from retouch.imaging import check_target, from_srgb, read_mask, read_photo, to_srgb, write_photo

BYTES, WORDS = np.uint8, np.uint16
COLOURS = {"minisblack": 1, "rgb": 3, "separated": 4, "cielab": 3, "icclab": 3}


def filled(photo, value=None):
    """The photo with the middle set to ``value``, or inverted, as an engine would: new arrays, same rest."""
    pixels = photo.pixels.copy()
    hole = (slice(3, 6), slice(2, 7))
    pixels[hole] = ~pixels[hole] if value is None else value
    alpha = None if photo.alpha is None else photo.alpha.copy()
    if alpha is not None:
        alpha[hole] = np.iinfo(alpha.dtype).max
    return replace(photo, pixels=pixels, alpha=alpha)


def known():
    mask = np.ones((12, 10), bool)
    mask[3:6, 2:7] = False
    return mask


@pytest.mark.parametrize("dtype", [BYTES, WORDS])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("extra", [[0], [1], [2], [0, 0], [2, 0], [0, 2], [1, 0], [0, 1]])
@pytest.mark.parametrize("photometric", ["minisblack", "rgb", "separated", "cielab", "icclab"])
def test_every_known_sample_comes_back(photometric, extra, dtype, byteorder):
    array = noise(12, 10, COLOURS[photometric] + len(extra), dtype=dtype)
    photo = read_photo(tiff(array, photometric=photometric, extrasamples=extra, byteorder=byteorder))
    unspecified = [index for index, kind in enumerate(extra) if kind == 0]
    assert (photo.alpha is not None) == any(extra)
    if unspecified:
        wanted = array[..., [COLOURS[photometric] + index for index in unspecified]]
        np.testing.assert_array_equal(photo.extra, wanted)
    else:
        assert photo.extra is None
    after, page = tiff_page(write_photo(filled(photo), None))
    np.testing.assert_array_equal(after[known()], array[known()])
    assert [int(each) for each in page.extrasamples] == extra
    assert page.photometric.name == photometric.upper()
    assert (after[~known()] != array[~known()]).any()
    for index in unspecified:  # also in the hole: nobody knows what they mean
        channel = COLOURS[photometric] + index
        np.testing.assert_array_equal(after[..., channel], array[..., channel])


def test_infrared_is_no_transparency():
    array = noise(12, 10, 4, dtype=WORDS)
    photo = read_photo(tiff(array, photometric="rgb", extrasamples=[0]))
    assert photo.alpha is None
    np.testing.assert_array_equal(photo.pixels, array[..., :3])


def test_a_missing_tag_is_no_transparency():
    array = noise(12, 10, 4)
    data = tiff(array, photometric="rgb", extrasamples=[0])
    # Another number in place of 338: a reader that does not know it sees a file without the tag.
    data = data.replace(
        (338).to_bytes(2, "little") + b"\3\0\1\0\0\0", (65000).to_bytes(2, "little") + b"\3\0\1\0\0\0"
    )
    photo = read_photo(data)
    assert photo.alpha is None
    np.testing.assert_array_equal(photo.extra, array[..., 3:])


def test_only_the_first_alpha_is_the_transparency():
    photo = read_photo(tiff(noise(12, 10, 5), photometric="rgb", extrasamples=[2, 2]))
    np.testing.assert_array_equal(photo.alpha, noise(12, 10, 5)[..., 3])
    np.testing.assert_array_equal(photo.extra, noise(12, 10, 5)[..., 4:])


def test_associated_alpha_is_divided_for_models_and_multiplied_back():
    array = np.zeros((12, 10, 4), BYTES)
    array[:] = (100, 50, 25, 128)
    array[0] = (7, 0, 0, 0)  # nothing shows, so nothing can be divided
    photo = read_photo(tiff(array, photometric="rgb", extrasamples=[1]))
    np.testing.assert_array_equal(photo.pixels[1, 0], [199, 100, 50])  # 100 · 255 / 128
    np.testing.assert_array_equal(photo.pixels[0, 0], [7, 0, 0])
    pixels, alpha = photo.pixels.copy(), photo.alpha.copy()
    pixels[5, 5], alpha[5, 5] = (200, 100, 30), 51
    after, _ = tiff_page(write_photo(replace(photo, pixels=pixels, alpha=alpha), None))
    np.testing.assert_array_equal(after[5, 5], [40, 20, 6, 51])
    np.testing.assert_array_equal(after[0], array[0])


def test_associated_alpha_becomes_unassociated_in_png():
    array = np.full((12, 10, 4), (100, 50, 25, 128), BYTES)
    photo = read_photo(tiff(array, photometric="rgb", extrasamples=[1]))
    np.testing.assert_array_equal(decode(write_photo(photo, None, format="png"))[0, 0], [199, 100, 50, 128])


@pytest.mark.parametrize("name", ["out.png", "out.jpg", "out.webp"])
def test_other_formats_cannot_hold_further_channels(tmp_path, name):
    photo = read_photo(tiff(noise(12, 10, 4), photometric="rgb", extrasamples=[0]))
    with pytest.raises(RetouchError, match=r"channels besides colour and transparency; use \.tif"):
        check_target(tmp_path / name, photo=photo)
    check_target(tmp_path / "out.tif", photo=photo)


def test_a_mask_ignores_further_channels():
    mask = noise(12, 10) > 127
    array = np.dstack([mask * BYTES(255), noise(12, 10, seed=1)])
    np.testing.assert_array_equal(read_mask(tiff(array, extrasamples=[0]), (12, 10)), mask)


@pytest.mark.parametrize(
    ("photometric", "dtype", "stored"),
    [
        ("cielab", BYTES, (153, 20, 256 - 30)),
        ("cielab", WORDS, (39321, 20 * 256, 65536 - 30 * 256)),
        ("icclab", BYTES, (153, 148, 98)),
        ("icclab", WORDS, (39168, 148 * 256, 98 * 256)),
    ],
)
def test_lab_is_read_as_its_colour(photometric, dtype, stored):
    photo = read_photo(tiff(np.full((12, 10, 3), stored, dtype), photometric=photometric))
    # L* = 60, a* = 20, b* = −30, relative to D50, is this in sRGB (computed with skimage's colours).
    got = to_srgb(photo, slice(None), slice(None))[0, 0] * 255
    np.testing.assert_allclose(got, [160.9, 132.4, 197.9], atol=1.5)


@pytest.mark.parametrize("photometric", ["cielab", "icclab", "separated", "ycbcr"])
@pytest.mark.parametrize("dtype", [BYTES, WORDS])
def test_a_fill_gets_the_colour_that_was_meant(photometric, dtype):
    if photometric == "ycbcr" and dtype == WORDS:
        return
    bands = 4 if photometric == "separated" else 3
    full = np.iinfo(dtype).max
    middle = {"cielab": (0.5, 0.1, 0.9), "icclab": (0.5, 0.55, 0.4), "separated": (0.3, 0.5, 0.2, 0.1)}
    values = np.rint(np.array(middle.get(photometric, (0.6, 0.4, 0.55))) * full).astype(dtype)
    options = {"subsampling": (1, 1)} if photometric == "ycbcr" else {}
    profile = {"iccprofile": CMYK} if bands == 4 else {}
    photo = read_photo(tiff(np.full((12, 10, bands), values), photometric=photometric, **options, **profile))
    own = to_srgb(photo, slice(0, 1), slice(0, 1))
    # The fill is one step beside what was read, so that it is converted and not copied.
    value = from_srgb(photo, own)[0, 0].astype(int)
    after, page = tiff_page(write_photo(filled(photo, value + 1), None))
    np.testing.assert_array_equal(after[known()], np.full((12, 10, bands), values)[known()])
    again = to_srgb(read_photo(write_photo(filled(photo, value + 1), None)), slice(3, 6), slice(2, 7))
    np.testing.assert_allclose(again * 255, np.broadcast_to(own * 255, again.shape), atol=3)
    assert page.photometric.name == photometric.upper()


def test_cmyk_keeps_its_profile_and_inks():
    array = noise(12, 10, 5)
    inks = [(333, "s", 0, "Cyan\0Magenta\0Yellow\0Black\0Gold\0", True), (334, "H", 1, 5, True)]
    photo = read_photo(
        tiff(array, photometric="separated", extrasamples=[0], iccprofile=CMYK, extratags=inks)
    )
    after, page = tiff_page(write_photo(filled(photo), None))
    assert page.iccprofile == CMYK
    assert page.tags[333].value.split("\0")[4] == "Gold"
    assert page.tags[334].value == 5
    np.testing.assert_array_equal(after[..., 4], array[..., 4])


def test_other_inks_are_refused():
    data = tiff(noise(12, 10, 4), photometric="separated", extratags=[(332, "H", 1, 2, True)])
    with pytest.raises(RetouchError, match="other inks than CMYK; convert it to RGB"):
        read_photo(data)


def test_ycbcr_is_read_as_its_colour():
    rgb = smooth(12, 10)
    y = rgb @ [0.299, 0.587, 0.114]
    blue, red = (rgb[..., 2] - y) / 1.772 + 128, (rgb[..., 0] - y) / 1.402 + 128
    stored = np.rint(np.dstack([y, blue, red])).astype(BYTES)
    for compression in (None, "lzw", "zstd"):
        photo = read_photo(tiff(stored, photometric="ycbcr", subsampling=(1, 1), compression=compression))
        assert np.abs(photo.pixels.astype(int) - rgb).max() <= 1
        after, _ = tiff_page(write_photo(photo, None))
        np.testing.assert_array_equal(after, stored)


def test_ycbcr_of_another_kind_is_refused():
    limits = (16, 1, 235, 1, 128, 1, 240, 1, 128, 1, 240, 1)
    data = tiff(
        noise(12, 10, 3), photometric="ycbcr", subsampling=(1, 1), extratags=[(532, "2I", 6, limits, True)]
    )
    with pytest.raises(RetouchError, match="YCbCr"):
        read_photo(data)


def test_turned_photos_turn_all_their_channels():
    array = noise(12, 10, 5)
    data = tiff(array, photometric="rgb", extrasamples=[1, 0], extratags=[(274, "H", 1, 6, True)])
    photo = read_photo(data)
    turned = np.rot90(array, -1)
    np.testing.assert_array_equal(photo.extra[..., 0], turned[..., 4])
    after, page = tiff_page(write_photo(photo, None))
    np.testing.assert_array_equal(after, turned)
    assert 274 not in page.tags or page.tags[274].value == 1


@pytest.mark.parametrize("dtype", [BYTES, WORDS])
@pytest.mark.parametrize("extra", [[], [2], [0]])
def test_white_is_zero(dtype, extra):
    array = noise(12, 10, 1 + len(extra), dtype=dtype)
    array = array if extra else array[..., 0]
    photo = read_photo(tiff(array, photometric="miniswhite", extrasamples=extra or None))
    np.testing.assert_array_equal(photo.pixels[..., 0], ~(array[..., 0] if extra else array))
    after, page = tiff_page(write_photo(photo, None))
    np.testing.assert_array_equal(after, array)
    assert page.photometric.name == "MINISWHITE"
    seen = decode(write_photo(photo, None, format="png")) if extra != [0] else None
    if extra == []:
        np.testing.assert_array_equal(seen, ~array)
    if extra == [2]:
        assert encode(
            smooth(2, 2), "PNG"
        )  # Pillow shows 16-bit grey with alpha as 8 bits; alpha is what counts
        np.testing.assert_array_equal(photo.alpha, array[..., 1])


@pytest.mark.parametrize("profile", [P3, CMYK[:300], b"junk" * 50], ids=["RGB", "cut short", "junk"])
def test_cmyk_with_a_profile_that_is_none_of_inks(profile):
    array = noise(12, 10, 4)
    photo = read_photo(tiff(array, photometric="separated", iccprofile=profile))
    usual = read_photo(tiff(array, photometric="separated"))
    np.testing.assert_array_equal(photo.pixels, usual.pixels)
    after, page = tiff_page(write_photo(filled(photo), None))
    np.testing.assert_array_equal(after[known()], array[known()])
    assert page.iccprofile == profile
