"""What the numbers of a mask mean, and that every door understands them alike."""

import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter
from tests.imaging.samples import encode

from retouch import RetouchError, pictures
from retouch.imaging import mask_from_array, photo_from_array, read_mask
from retouch.imaging.label_maps import is_label_map
from retouch.imaging.mask_codes import to_codes
from retouch.imaging.mask_values import hole_of

SIZE = (60, 80)
PHOTO = photo_from_array(np.full((*SIZE, 3), 90, np.uint8))


def blocks(*values, side=8):
    """A map of classes: a block of each value on 0."""
    mask = np.zeros(SIZE, np.int64)
    for index, value in enumerate(values):
        top, left = 5 + 18 * (index // 6), 4 + 12 * (index % 6)
        mask[top : top + side, left : left + side] = value
    return mask


def strokes():
    mask = np.zeros(SIZE, np.uint8)
    cv2.line(mask, (10, 10), (60, 50), 255, 7)
    cv2.circle(mask, (60, 15), 9, 255, -1)
    return mask


def blurred(radius):
    return np.asarray(Image.fromarray(strokes()).filter(ImageFilter.GaussianBlur(radius)))


def jpeg(mask, quality):
    return np.asarray(Image.open(io.BytesIO(encode(mask, "JPEG", quality=quality))))


def voc_colours():
    """The palette of the VOC data sets: 1 is dark red, 15 light pink, 255 cream."""
    numbers = np.arange(256)
    return np.stack(
        [
            sum(((numbers >> (3 * bit + channel)) & 1) << (7 - bit) for bit in range(3))
            for channel in range(3)
        ],
        1,
    ).astype(np.uint8)


def with_palette(numbers, colours):
    image = Image.fromarray(np.asarray(numbers, np.uint8))
    image.putpalette(np.asarray(colours, np.uint8).ravel().tolist())
    return image


def test_numbers_count_where_all_colours_are_one():
    numbers = np.zeros((90, 120), np.uint8)
    numbers[10:30, 10:40], numbers[50:70, 60:100] = 1, 2
    np.testing.assert_array_equal(
        read_mask(encode(with_palette(numbers, [[0, 0, 0]] * 3), "PNG"), numbers.shape), numbers > 0
    )


def hole(mask, photo=PHOTO):
    notes = []
    return pictures.to_mask(mask, photo, notes=notes), notes


@pytest.mark.parametrize(
    ("low", "high", "dtype"),
    [
        (0, 1, np.uint8),
        (0, 255, np.uint8),
        (0, 100, np.uint8),
        (254, 255, np.uint8),
        (1, 2, np.int16),
        (0, 255, np.uint16),
        (0, 65535, np.uint16),
        (3, 9, np.int64),
        (0, 70_000, np.int64),
        (0, 2**40, np.int64),
        (0, 0.3, np.float32),
        (0, 255, np.float64),
        (0.2, 0.7, np.float64),
        (-7.1, 5.2, np.float32),
        (-1, 1, np.int8),
    ],
)
def test_of_two_values_the_larger_is_filled(low, high, dtype):
    wanted = blocks(1) > 0
    got, notes = hole(np.where(wanted, high, low).astype(dtype))
    np.testing.assert_array_equal(got, wanted)
    usual = low == 0 and high in (1, 255, 65535)
    assert len(notes) == (not usual)
    if not usual:
        assert (
            f"two values, {low:.4g} and {high:.4g}: {high:.4g} is filled, 1.3 % of it" in notes[0]
            or high > 9999
        )
        assert str(high) in notes[0]


@pytest.mark.parametrize(
    "values",
    [(1, 2), (1, 15, 255), (3, 128, 255), tuple(range(1, 19)), (26_001, 26_002, 24_000), (7, 100_000, 10**9)],
)
def test_of_a_map_of_classes_everything_is_filled(values):
    labels = blocks(*values)
    got, notes = hole(labels)
    np.testing.assert_array_equal(got, labels > 0)
    (note,) = notes
    assert note.startswith("The mask is a map of classes, with the values 0, ")
    for value in sorted(values)[:6]:
        assert f" {value}" in note


def test_borders_of_void_belong_to_a_map():
    labels = blocks(1, 15)
    labels[(cv2.dilate(labels.astype(np.uint8), np.ones((5, 5))) > 0) & (labels == 0)] = 255
    got, (note,) = hole(labels)
    np.testing.assert_array_equal(got, labels > 0)
    assert "0, 1, 15 and 255" in note


def test_numbered_specks_are_a_map():
    specks = np.random.default_rng(0).random(SIZE) > 0.98
    count, labels = cv2.connectedComponents(specks.astype(np.uint8))
    assert count > 50
    np.testing.assert_array_equal(hole(labels)[0], specks)


@pytest.mark.parametrize(
    "soft",
    [
        blurred(1),
        blurred(3),
        jpeg(strokes(), 95),
        jpeg(strokes(), 75),
        jpeg(strokes(), 20),
        jpeg(blurred(2), 60),
        np.asarray(
            Image.fromarray(strokes().repeat(3, 0).repeat(3, 1)[1:, 1:]).resize(
                SIZE[::-1], Image.Resampling.BOX
            )
        ),
        np.asarray(
            Image.fromarray(strokes().repeat(3, 0).repeat(3, 1)[1:, 1:]).resize(
                SIZE[::-1], Image.Resampling.LANCZOS
            )
        ),
        (blurred(3) // 17 * 17).astype(np.uint8),
        np.tile(np.linspace(0, 255, 80).astype(np.uint8), (60, 1)),
    ],
)
def test_greys_are_filled_from_half_of_white_on(soft):
    for enlarged in (soft, soft.repeat(4, 0).repeat(4, 1)):
        assert not is_label_map(enlarged)
        np.testing.assert_array_equal(hole_of(to_codes(enlarged, "mask"), "mask").fill, enlarged >= 128)


def test_noise_of_a_jpeg_is_not_worth_a_word():
    assert hole(jpeg(strokes(), 75))[1] == []
    assert hole(blurred(0.7))[1] == []


def test_what_soft_edges_leave_open_is_said():
    notes = hole(np.tile(np.linspace(0, 255, 80).astype(np.uint8), (60, 1)))[1]
    assert (
        "half as bright as white is filled, 50.0 % of it (from a quarter on it would be 75.0 %)" in notes[0]
    )
    faint = blurred(1).copy()
    faint[45:55, 5:15] = np.arange(70, 80)  # a stroke of its own, below half
    got, (note,) = hole(faint)
    assert not got[45:55, 5:15].any()
    assert note == "1 grey patch of the mask, 31 % of white at most, is kept; paint what should go white."


def test_a_wide_grey_area_beside_white_is_said():
    mask = blurred(0.7).copy()
    mask[30:, 60:] = 100 + np.arange(20) % 7
    got, (note,) = hole(mask)
    np.testing.assert_array_equal(got, mask >= 128)
    assert "many shades of grey" in note


def test_tinted_strokes_of_a_jpeg():
    tinted = strokes()[..., None] * np.array([1, 0.97, 0.94])
    for quality in (60, 95):
        array = jpeg(tinted.astype(np.uint8), quality)
        assert (array[..., 0] != array[..., 2]).any()
        wanted = np.asarray(Image.fromarray(array).convert("L")) >= 128
        assert (hole(array)[0] != wanted).mean() < 0.002  # luminance is rounded elsewhere


def test_two_shades_of_grey_with_noise():
    got, (note,) = hole(jpeg((strokes() > 0).astype(np.uint8) * 100, 75))
    assert (got != (strokes() > 0)).mean() < 0.02
    assert "two shades of grey, about 0 and 100: the lighter is filled" in note


def test_floats_that_a_filter_left_beyond_their_range():
    soft = blurred(1) / 255
    beyond = soft * 1.0004 - 0.0002
    assert beyond.min() < 0
    assert beyond.max() > 1
    np.testing.assert_array_equal(hole(beyond)[0], hole(soft)[0])


def test_nothing_but_0_and_nothing_but_one_value():
    for dtype in (bool, np.uint8, np.uint16, np.int64, np.float32):
        assert hole(np.zeros(SIZE, dtype)) == (pytest.approx(np.zeros(SIZE, bool)), [])
        assert hole(np.ones(SIZE, dtype))[0].all()
    assert hole(np.full(SIZE, 7))[0].all()
    dark = np.zeros(SIZE, np.uint8)
    dark[3], dark[4, ::2] = np.arange(80) % 4, 1
    got, (note,) = hole(dark)
    assert not got.any()
    assert "its lightest value is 3" in note


def test_a_map_without_background_is_refused():
    labels = np.array([[1, 2], [3, 4]]).repeat(30, 0).repeat(40, 1)
    with pytest.raises(
        RetouchError, match=r"map of classes, and 100\.0 % of it is another class than 0; make a mask"
    ):
        hole(labels)


def test_palettes_count_by_number_if_their_colours_are_those_of_classes():
    colours = voc_colours()
    for labels in (blocks(1), blocks(1, 15, 255)):
        got, _ = hole(encode(with_palette(labels, colours), "PNG"))
        np.testing.assert_array_equal(got, labels > 0)
    # Shades of grey are what they look like, whatever their numbers.
    got, _ = hole(encode(with_palette(blocks(1) == 0, [[255] * 3, [0] * 3]), "PNG"))
    np.testing.assert_array_equal(got, blocks(1) > 0)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_of_few_bits(bits):
    labels = blocks(*range(1, min(2**bits, 12)))
    data = encode(with_palette(labels, voc_colours()[: 2**bits]), "PNG", bits=bits)
    assert data[24:26] == bytes([bits, 3])
    np.testing.assert_array_equal(hole(data)[0], labels > 0)


def test_a_palette_whose_first_colour_is_not_black_is_in_doubt():
    swapped = with_palette(
        blocks(1) == 0, [[200, 0, 0], [0, 0, 0]]
    )  # red strokes on black, in the order of use
    for door in (swapped, encode(swapped, "PNG"), encode(swapped, "TIFF")):
        with pytest.raises(RetouchError, match="in colour like a photo"):
            hole(door)
        np.testing.assert_array_equal(pictures.to_mask(door, PHOTO, trust=True), blocks(1) > 0)


def test_a_photo_with_a_palette_is_a_photo(photo):
    few = Image.fromarray(photo).quantize(32)
    for door in (few, encode(few, "PNG"), encode(few, "TIFF")):
        with pytest.raises(RetouchError, match="in colour like a photo"):
            hole(door, photo_from_array(photo))


MASKS = st.one_of(
    st.lists(st.integers(0, 255), min_size=2, max_size=2, unique=True).map(
        lambda pair: np.where(blocks(1, 1) > 0, max(pair), min(pair))
    ),
    st.lists(st.integers(1, 255), min_size=1, max_size=18, unique=True).map(lambda values: blocks(*values)),
    st.floats(0.3, 4).map(blurred),
    st.integers(10, 100).map(lambda quality: jpeg(strokes(), quality)),
)


@settings(max_examples=60, deadline=None)
@given(MASKS)
def test_the_same_mask_through_every_door_is_the_same_hole(mask):
    small = mask.astype(np.uint8)
    wide = small.astype(np.uint16)
    doors = {
        "uint8": small,
        "uint16": wide,
        "uint16 of full range": wide * 257,
        "big-endian": wide.astype(">u2"),
        "int32": small.astype(np.int32),
        "int64": small.astype(np.int64),
        "float32 to 255": small.astype(np.float32),
        "float32": (small / 255).astype(np.float32),
        "float64": small / 255,
        "three channels": np.repeat(small[..., None], 3, 2),
        "opaque": np.dstack([small, small, small, np.full_like(small, 255)]),
        "turned in memory": np.asfortranarray(small),
        "PA": Image.fromarray(small).convert("PA"),
        "LA": Image.fromarray(small).convert("LA"),
        "L": Image.fromarray(small),
        "I": Image.fromarray(small.astype(np.int32)),
        "F": Image.fromarray(small.astype(np.float32)),
        "I;16": Image.fromarray(wide),
        "RGB": Image.fromarray(small).convert("RGB"),
        "P in greys": with_palette(small, np.arange(256)[:, None].repeat(3, 1)),
        "PNG": encode(small, "PNG"),
        "TIFF": encode(small, "TIFF"),
        "16-bit PNG": encode(wide, "PNG"),
        "16-bit PNG of full range": encode(wide * 257, "PNG"),
        "photo": photo_from_array(small),
    }
    if mask.dtype == np.int64 and mask.min() == 0:  # numbers, which colours can stand for
        doors["P in colour"] = with_palette(small, voc_colours())
        doors["GIF in colour"] = encode(doors["P in colour"], "GIF")
        doors["PNG in colour"] = encode(doors["P in colour"], "PNG")
        doors["TIFF in colour"] = encode(doors["P in colour"], "TIFF")
    if len(np.unique(small)) == 2:
        doors["bool"] = small > small.min()
        doors["1"] = Image.fromarray(doors["bool"])
    wanted, said = hole(small)
    if mask.dtype == np.int64:
        np.testing.assert_array_equal(wanted, mask > mask.min())
    for name, door in doors.items():
        got, notes = hole(door)
        assert np.array_equal(got, wanted), name
        assert len(notes) == len(said) or len(np.unique(small)) == 2, name  # 0 and 1 are not worth a word
    np.testing.assert_array_equal(read_mask(doors["PNG"], SIZE), mask_from_array(small, SIZE))
