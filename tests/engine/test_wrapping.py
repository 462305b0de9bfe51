"""Photos whose opposite edges meet."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.fakes import Nearest
from tests.engine.test_pipeline import box_mask, noise

from retouch.engine.filled import confidence_map, source_map, split_levels
from retouch.engine.pipeline import fill_photo
from retouch.engine.rolling import Edges, Roll, edges_that_meet, find_roll
from retouch.engine.wrapping import fill_wrapping
from retouch.errors import RetouchError
from retouch.imaging import photo_from_array
from retouch.models import CARDS

ACROSS, BOTH = Edges(across=True), Edges(across=True, down=True)
TELEA = next(card for card in CARDS if card.name == "telea").build("cpu", {})


def waves(height, width, periods=1):
    """A soft picture without a line where its left and right edges meet."""
    row, column = np.mgrid[:height, :width]
    light = 128 + 60 * np.sin(2 * np.pi * periods * (column + 0.5) / width) + 20 * row / height
    return np.rint(np.stack([light, 0.8 * light, 255 - light], -1)).astype(np.uint8)


def over_the_edge(height, width, reach=12):
    mask = np.zeros((height, width), bool)
    mask[height // 4 : height // 2, :reach] = mask[height // 4 : height // 2, width - reach :] = True
    return mask


def jump(pixels, mask):
    """The mean step from the last column to the first, inside the hole."""
    rows = mask[:, 0] & mask[:, -1]
    return np.abs(pixels[rows, 0].astype(int) - pixels[rows, -1]).mean()


def _copied(fill, array, mask):
    """Whether the sources are those of the colours, which may be adjusted where they meet the photo."""
    copied = array[tuple(source_map(fill)[mask].T)].astype(int)
    return np.abs(fill.photo.pixels[mask] - copied).mean() < 2


def test_no_line_is_left_where_the_edges_meet():
    array, mask = waves(64, 128), over_the_edge(64, 128, reach=16)
    photo = photo_from_array(array.copy())
    wrapped = fill_wrapping(photo, mask, TELEA, edges=ACROSS).photo.pixels
    plain = fill_wrapping(photo, mask, TELEA, edges=Edges()).photo.pixels
    np.testing.assert_array_equal(plain, fill_photo(photo, mask, TELEA).photo.pixels)
    np.testing.assert_array_equal(wrapped[~mask], array[~mask])
    np.testing.assert_array_equal(photo.pixels, array)
    assert jump(wrapped, mask) < min(4, 0.6 * jump(plain, mask))
    errors = [np.abs(each[mask].astype(int) - array[mask]).mean() for each in (wrapped, plain)]
    assert errors[0] < errors[1]


@pytest.mark.parametrize("working_size", [512, 24])
@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_the_fill_of_the_rolled_photo_rolled_back(channels, working_size):
    array, mask = noise(60, 200, channels), over_the_edge(60, 200)
    mask[40:44, 90:95] = True
    options = {"working_size": working_size, "seed": 1}
    got = fill_wrapping(photo_from_array(array), mask, Nearest(), edges=ACROSS, **options)
    right = find_roll(mask, ACROSS).right
    assert right
    rolled = fill_photo(
        photo_from_array(np.roll(array, right, 1)), np.roll(mask, right, 1), Nearest(), **options
    )
    np.testing.assert_array_equal(got.photo.pixels, np.roll(rolled.photo.pixels, -right, 1))
    np.testing.assert_array_equal(confidence_map(got), np.roll(confidence_map(rolled), -right, 1))
    wanted = np.roll(source_map(rolled), -right, 1)
    wanted[mask, 1] = (wanted[mask, 1] - right) % 200
    np.testing.assert_array_equal(source_map(got), wanted)
    if working_size == 512:
        assert _copied(got, array, mask)
    for region in got.regions:
        assert 0 <= region.box.left <= region.box.left + region.box.width <= 200


def test_a_texture_tiles_in_both_directions():
    array, mask = noise(60, 60), np.zeros((60, 60), bool)
    mask[:4, :4] = mask[-4:, :4] = mask[:4, -4:] = mask[-4:, -4:] = True  # one hole over all four corners
    got = fill_wrapping(photo_from_array(array), mask, Nearest(), edges=BOTH)
    assert len(got.regions) == 4
    np.testing.assert_array_equal(got.photo.pixels[~mask], array[~mask])
    sources = source_map(got)
    assert _copied(got, array, mask)
    # The nearest known pixel of a pixel in the corner lies 4 away on either side of the edge.
    distance = np.abs(sources[0, 0] - [0, 0])
    assert np.minimum(distance, 60 - distance).sum() <= 5


def test_each_level_is_rolled_back():
    array, mask = waves(64, 256), over_the_edge(64, 256)
    model = next(card for card in CARDS if card.name == "exemplar").build("cpu", {})
    got = fill_wrapping(photo_from_array(array), mask, model, edges=ACROSS)
    levels = list(split_levels(got))
    for level in levels:
        sources = source_map(level)
        assert (sources[~mask] == -1).all()
        assert not mask[tuple(sources[mask & (sources[..., 0] >= 0)].T)].any() or level is not levels[-1]


def test_a_hole_without_a_free_column_leaves_no_line_either():
    array, mask = waves(64, 160), np.zeros((64, 160), bool)
    mask[44:] = True  # a tripod
    mask[40:44, 30:60] = True
    allowed = np.ones_like(mask)
    allowed[:10] = False
    for options in ({}, {"allowed": allowed}):
        got = fill_wrapping(photo_from_array(array), mask, TELEA, edges=ACROSS, **options)
        pixels = got.photo.pixels
        np.testing.assert_array_equal(pixels[~mask], array[~mask])
        steps = np.abs(np.diff(pixels.astype(int), axis=1, append=pixels[:, :1])).mean(axis=(0, 2))
        assert steps.max() < 6
        covered = np.zeros(mask.shape, int)
        for region in got.regions:
            covered[region.box.rows, region.box.columns] += region.hole
        np.testing.assert_array_equal(covered, mask)  # each pixel of the hole belongs to one region
    copied = fill_wrapping(photo_from_array(array), mask, Nearest(), edges=ACROSS)
    sources = source_map(copied)
    assert not mask[tuple(sources[mask].T)].any()
    assert _copied(copied, array, mask)


def test_alpha_and_the_photo_itself():
    array = np.dstack([waves(40, 80), np.full((40, 80), 255, np.uint8)])
    mask = over_the_edge(40, 80, 4)
    array[mask, 3] = 0
    photo = photo_from_array(array)
    got = fill_wrapping(photo, mask, TELEA, edges=ACROSS, in_place=True)
    assert got.photo is photo
    rolled = fill_photo(photo_from_array(np.roll(array, 40, 1)), np.roll(mask, 40, 1), TELEA).photo
    np.testing.assert_array_equal(photo.alpha, np.roll(rolled.alpha, -40, 1))
    np.testing.assert_array_equal(photo.pixels, np.roll(rolled.pixels, -40, 1))


def test_nothing_to_do_and_too_much_to_do():
    photo = photo_from_array(waves(40, 80))
    nothing = fill_wrapping(photo, np.zeros((40, 80), bool), TELEA, edges=BOTH)
    assert nothing.regions == ()
    np.testing.assert_array_equal(nothing.photo.pixels, photo.pixels)
    with pytest.raises(RetouchError, match="covers the whole photo"):
        fill_wrapping(photo, np.ones((40, 80), bool), TELEA, edges=BOTH)


def test_previews_show_what_they_say():
    array, mask = waves(64, 160), over_the_edge(64, 160)
    seen = []

    def listen(progress):
        if progress.preview is not None:
            seen.append((progress.place, progress.preview()))

    fill_wrapping(photo_from_array(array), mask, TELEA, edges=ACROSS, on_progress=listen)
    assert seen
    for place, preview in seen:
        shown, known = array[place] / 255, ~mask[place]
        assert preview.shape == shown.shape
        np.testing.assert_allclose(preview[known], shown[known], atol=1e-3)


def test_the_progress_of_two_passes_is_that_of_one_work():
    mask = box_mask(60, 160, slice(40, 60), slice(None))
    steps = []
    fill_wrapping(photo_from_array(noise(60, 160)), mask, Nearest(), edges=ACROSS, on_progress=steps.append)
    for stage in ("fill", "blend"):
        shares = [step.done / step.total for step in steps if step.stage == stage]
        assert shares == sorted(shares)
        assert shares[-1] == 1


@pytest.mark.parametrize(
    ("columns", "begins"),
    [
        ([], 0),
        ([30, 50], 0),  # far from the edge
        ([0], 40),
        ([79], 39),
        ([0, 1, 78, 79], 40),
        ([0, 10], 45),
        ([5, 6, 74], 40),
    ],
)
def test_where_a_rolled_photo_begins(columns, begins):
    mask = np.zeros((4, 80), bool)
    mask[2, columns] = True
    assert find_roll(mask, ACROSS) == Roll((4, 80), 0, -begins)


def test_without_a_free_column_it_begins_where_the_hole_is_smallest():
    mask = np.ones((9, 20), bool)
    mask[4:, 13] = mask[7:, 2] = False
    assert find_roll(mask, ACROSS).right == -13


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_the_pieces_of_a_box_make_up_the_box(data):
    height, width = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 12))
    roll = Roll((height, width), data.draw(st.integers(-20, 20)), data.draw(st.integers(-20, 20)))
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    rows = slice(top, data.draw(st.integers(top + 1, height)))
    columns = slice(left, data.draw(st.integers(left + 1, width)))
    numbers = np.arange(height * width).reshape(height, width)
    wanted = np.roll(numbers, (roll.down, roll.right), (0, 1))[rows, columns]
    got = np.full(wanted.shape, -1)
    for box, part in roll.pieces(rows, columns):
        assert (got[part] == -1).all()
        got[part] = numbers[box.rows, box.columns]
    np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(roll.undo(roll.apply(numbers)), numbers)


def test_edges_by_name():
    photo = photo_from_array(noise(4, 8))
    assert [edges_that_meet(each, photo) for each in ("auto", "none", "horizontal", "both")] == [
        Edges(),
        Edges(),
        ACROSS,
        BOTH,
    ]
    with pytest.raises(RetouchError, match="auto, none, horizontal, both, not 'vertical'"):
        edges_that_meet("vertical", photo)
