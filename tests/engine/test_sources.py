import numpy as np
from fakes import Constant, Nearest

from retouch.engine.pipeline import fill_photo, source_map
from retouch.engine.sources import SHEET_TILE, draw_sources, sheet
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
    assert np.array_equal(sheet([plain(7)]), plain(7))


def test_five_pictures_stand_in_two_rows_in_their_order():
    laid = sheet([plain(value) for value in (10, 20, 30, 40, 50)])
    height, width = laid.shape[:2]
    assert height > 2 * 30
    assert width > 3 * 50
    corners = laid[[0, 0, 0, -1, -1], [0, width // 2, -1, 0, width // 2], 0]
    assert corners.tolist() == [10, 20, 30, 40, 50]
    assert laid[-1, -1].tolist() == [255, 255, 255]
    for value in (10, 20, 30, 40, 50):
        assert (laid == value).all(axis=-1).sum() == 30 * 50


def test_large_pictures_are_made_smaller_on_a_sheet():
    laid = sheet([plain(10, 40, 2 * SHEET_TILE), plain(20, 40, 2 * SHEET_TILE)])
    assert (laid == 10).all(axis=-1).sum() == 20 * SHEET_TILE
