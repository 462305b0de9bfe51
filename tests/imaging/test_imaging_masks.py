import numpy as np
import pytest
from PIL import Image
from tests.imaging.samples import encode, exif, noise

from retouch.errors import RetouchError
from retouch.imaging import mask_from_alpha, mask_from_array, photo_from_array, read_mask

CHECKER = np.indices((6, 8)).sum(0) % 2 == 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_threshold_is_half_of_the_full_range(dtype):
    high = np.iinfo(dtype).max
    below, above = high // 2, high // 2 + 1
    array = np.array([[0, below, above, high]], dtype)
    wanted = [[False, False, True, True]]
    np.testing.assert_array_equal(mask_from_array(array, (1, 4)), wanted)
    np.testing.assert_array_equal(read_mask(encode(array, "PNG"), (1, 4)), wanted)


def test_colours_count_by_luminance_as_pillow_has_it():
    array = noise(60, 70, 3)
    wanted = np.asarray(Image.fromarray(array).convert("L")) >= 128
    np.testing.assert_array_equal(read_mask(encode(array, "PNG"), (60, 70)), wanted)
    np.testing.assert_array_equal(mask_from_array(array, (60, 70)), wanted)
    np.testing.assert_array_equal(mask_from_array(array.astype(np.uint16) * 257, (60, 70)), wanted)


def test_luminance_in_strips(monkeypatch):
    monkeypatch.setattr("retouch.imaging.masks._ROWS", 7)
    array = noise(60, 5, 3)
    np.testing.assert_array_equal(
        mask_from_array(array, (60, 5)), np.asarray(Image.fromarray(array).convert("L")) >= 128
    )


def test_one_bit_and_palette_files():
    np.testing.assert_array_equal(read_mask(encode(Image.fromarray(CHECKER), "PNG"), (6, 8)), CHECKER)
    palette = Image.fromarray(CHECKER.astype(np.uint8) * 255).convert("RGB").quantize(2)
    np.testing.assert_array_equal(read_mask(encode(palette, "PNG"), (6, 8)), CHECKER)


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("colour", [0, 255])
def test_strokes_on_a_transparent_layer(channels, colour):
    array = np.full((6, 8, channels), colour, np.uint8)
    array[..., -1] = CHECKER * 200
    np.testing.assert_array_equal(mask_from_array(array, (6, 8)), CHECKER)
    np.testing.assert_array_equal(read_mask(encode(array, "PNG"), (6, 8)), CHECKER)


@pytest.mark.parametrize("channels", [2, 4])
def test_opaque_alpha_says_nothing(channels):
    array = np.repeat((CHECKER * 255).astype(np.uint8)[..., None], channels, axis=2)
    array[..., -1] = 255
    np.testing.assert_array_equal(mask_from_array(array, (6, 8)), CHECKER)
    np.testing.assert_array_equal(read_mask(encode(array, "PNG"), (6, 8)), CHECKER)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint16, np.int32, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("channels", [None, 1, 3])
def test_zeros_and_ones_of_every_kind(dtype, channels):
    array = CHECKER.astype(dtype)
    if channels is not None:
        array = np.repeat(array[..., None], channels, axis=2)
    before = array.copy()
    hole = mask_from_array(array, (6, 8))
    assert hole.dtype == bool
    np.testing.assert_array_equal(hole, CHECKER)
    hole[:] = True
    np.testing.assert_array_equal(array, before)


def test_bools_of_other_bytes_count_as_true():
    # Pillow hands over such ones; numpy would count them wrong.
    array = np.array([[0, 255, 1, 2]], np.uint8).view(bool)
    hole = mask_from_array(array, (1, 4))
    np.testing.assert_array_equal(hole.view(np.uint8), [[0, 1, 1, 1]])
    np.testing.assert_array_equal(mask_from_array(array[..., None], (1, 4)), hole)


def test_an_error_names_the_mask():
    with pytest.raises(RetouchError, match="The avoid mask is 3 × 2 pixels"):
        mask_from_array(np.zeros((2, 3), bool), (4, 4), name="avoid mask")
    with pytest.raises(RetouchError, match="The include mask is empty"):
        mask_from_array(np.zeros((0, 3), bool), (4, 4), name="include mask")


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float32])
def test_all_and_nothing_are_no_errors(dtype):
    assert mask_from_array(np.ones((3, 3), dtype), (3, 3)).all()
    assert not mask_from_array(np.zeros((3, 3), dtype), (3, 3)).any()


def test_floats_are_thresholded_at_half():
    array = np.array([[0.0, 0.49, 0.5, 1.0]])
    np.testing.assert_array_equal(mask_from_array(array, (1, 4)), [[False, False, True, True]])
    grey = np.repeat(array[..., None], 3, axis=2)
    np.testing.assert_array_equal(mask_from_array(grey, (1, 4)), [[False, False, True, True]])


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.array([[0, -1]]), "negative numbers, down to -1.*mask > 0"),
        (np.array([[-0.1, 1.0], [0, 0]]), r"negative numbers, down to -0\.1"),
        (np.array([[-3.0, 4], [5, 5]]), "negative numbers, down to -3"),
        (np.array([[0.0, np.nan]]), "holds NaN or infinity"),
        (np.array([[0.0, np.inf]]), "holds NaN or infinity"),
        (np.array([[0.0, 1e6 + 0.5]]), r"floats up to 1e\+06; scale them to \[0, 1\]"),
        (np.array([["a", "b"]]), "bool, uint8 or uint16"),
        (np.array([[1j, 0]]), "bool, uint8 or uint16"),
        (np.zeros((2, 2, 5), np.uint8), r"\(2, 2, 5\)"),
        (np.zeros(4, np.uint8), r"\(4,\)"),
        (np.zeros((0, 4), np.uint8), "empty"),
    ],
)
def test_arrays_that_are_no_masks(array, words):
    with pytest.raises(RetouchError, match=words):
        mask_from_array(array, array.shape[:2])


def test_invert():
    np.testing.assert_array_equal(mask_from_array(CHECKER, (6, 8), invert=True), ~CHECKER)
    data = encode(Image.fromarray(CHECKER), "PNG")
    np.testing.assert_array_equal(read_mask(data, (6, 8), invert=True), ~CHECKER)


def test_mask_is_turned_upright():
    hole = np.zeros((6, 8), bool)
    hole[0, :3] = True
    data = encode((hole * 255).astype(np.uint8), "PNG", exif=exif(6))
    np.testing.assert_array_equal(read_mask(data, (8, 6)), np.rot90(hole, -1))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_transparent_area(dtype):
    high = np.iinfo(dtype).max
    array = np.full((1, 4, 4), high, dtype)
    array[0, :, 3] = [0, high // 2, high // 2 + 1, high]
    np.testing.assert_array_equal(mask_from_alpha(photo_from_array(array)), [[True, True, True, False]])


def test_the_whole_soft_edge_of_a_cut_out_is_transparent():
    alpha = np.array([[0, 90, 254, 255, 255]], np.uint8)
    array = np.dstack([np.full((1, 5, 3), 7, np.uint8), alpha])
    np.testing.assert_array_equal(mask_from_alpha(photo_from_array(array)), [[True] * 3 + [False] * 2])
    # In a photo that is translucent everywhere, the most opaque pixels are the known ones.
    array[..., 3] = [[0, 90, 199, 200, 200]]
    np.testing.assert_array_equal(mask_from_alpha(photo_from_array(array)), [[True] * 3 + [False] * 2])


def test_nothing_transparent():
    with pytest.raises(RetouchError, match="no transparent area"):
        mask_from_alpha(photo_from_array(noise(3, 3, 3)))
    with pytest.raises(RetouchError, match="Nothing in the photo is transparent"):
        mask_from_alpha(photo_from_array(np.full((3, 3, 4), 255, np.uint8)))
    soft = np.full((3, 3, 4), 255, np.uint8)
    soft[1, 1, 3] = 128  # half opaque
    with pytest.raises(RetouchError, match="Nothing in the photo is transparent"):
        mask_from_alpha(photo_from_array(soft))


def test_a_photo_without_anything_opaque_has_no_hole():
    for alpha in (0, 100):
        array = np.dstack([noise(4, 4, 3), np.full((4, 4), alpha, np.uint8)])
        with pytest.raises(RetouchError, match="equally transparent"):
            mask_from_alpha(photo_from_array(array))
