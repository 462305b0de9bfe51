import numpy as np
import pytest
from tests.engine.fakes import Constant, Nearest

from retouch.drawing.sources import SHEET_TILE, draw_sources, sheet
from retouch.engine.filled import source_map
from retouch.engine.pipeline import fill_photo
from retouch.imaging import photo_from_array


def photo_and_mask():
    photo = photo_from_array(np.full((300, 280, 3), 100, dtype=np.uint8))
    mask = np.zeros((300, 280), dtype=bool)
    mask[100:140, 90:150] = True
    return photo, mask


def colourful(picture):
    return np.ptp(picture.astype(int), axis=-1) > 20


def test_the_hole_is_coloured_its_sources_are_tinted_and_the_rest_is_grey():
    photo, mask = photo_and_mask()
    result = fill_photo(photo, mask, Nearest())
    picture = draw_sources(photo, result)
    assert picture.shape == (300, 280, 3)
    assert picture.dtype == np.uint8
    used = np.zeros_like(mask)
    used[tuple(source_map(result)[mask].T)] = True
    outline = (picture == 255).all(axis=-1)
    assert colourful(picture)[mask].mean() > 0.9
    assert np.array_equal(colourful(picture) & ~mask, colourful(picture) & used)
    rest = ~mask & ~used & ~outline
    assert (picture[rest] == picture[0, 0]).all()


def test_the_outline_surrounds_the_hole():
    photo, mask = photo_and_mask()
    picture = draw_sources(photo, fill_photo(photo, mask, Constant(0.5)))
    outline = (picture == 255).all(axis=-1)
    assert not (outline & mask).any()
    assert outline[99, 90:150].all()
    assert outline[140, 90:150].all()
    assert outline[100:140, 89].all()
    assert outline[100:140, 150].all()
    assert outline.sum() == 2 * (40 + 60)


def test_the_same_place_has_the_same_colour_in_the_hole():
    photo, mask = photo_and_mask()
    result = fill_photo(photo, mask, Nearest())
    picture, sources = draw_sources(photo, result)[mask], source_map(result)[mask]
    _, first, same = np.unique(sources, axis=0, return_index=True, return_inverse=True)
    assert np.array_equal(picture, picture[first][same.reshape(-1)])
    assert len(np.unique(picture, axis=0)) > 50


def test_a_hole_borrowed_from_nowhere_is_grey():
    photo, mask = photo_and_mask()
    picture = draw_sources(photo, fill_photo(photo, mask, Constant(0.5)))
    assert not colourful(picture).any()
    assert len(np.unique(picture[mask], axis=0)) == 1


def test_nothing_filled_is_just_the_dimmed_photo():
    photo, mask = photo_and_mask()
    picture = draw_sources(photo, fill_photo(photo, np.zeros_like(mask), Constant(0.5)))
    assert (picture == picture[0, 0]).all()
    assert 0 < picture[0, 0, 0] < 100


def plain(value, height=30, width=50):
    return np.full((height, width, 3), value, dtype=np.uint8)


def test_one_picture_is_all_of_the_sheet():
    assert np.array_equal(sheet([plain(7)], 1), plain(7))


def test_five_pictures_stand_in_three_rows_in_their_order():
    laid = sheet([plain(value) for value in (10, 20, 30, 40, 50)], 5)
    middle = laid.shape[0] // 2
    corners = laid[[0, 0, middle, middle, -1, -1], [0, -1, 0, -1, 0, -1], 0]
    assert corners.tolist() == [10, 20, 30, 40, 50, 255]
    for value in (10, 20, 30, 40, 50):
        assert (laid == value).all(axis=-1).sum() == 30 * 50


def test_large_pictures_are_made_smaller_on_a_sheet():
    side = 2 * SHEET_TILE
    laid = sheet(iter([plain(10, side, side), plain(20, side, side)]), 2)
    assert (laid == 10).all(axis=-1).sum() == SHEET_TILE**2


@pytest.mark.parametrize(("height", "width", "rows"), [(24, 1000, 5), (1000, 24, 1), (100, 100, 2)])
def test_a_sheet_is_about_as_high_as_wide(height, width, rows):
    laid = sheet([plain(10, height, width)] * 5, 5)
    assert laid.shape[0] == pytest.approx(rows * height, abs=50)
    assert (laid == 10).all(axis=-1).sum() == 5 * height * width
