import colorsys

import numpy as np
import pytest
import torch
from tests.engine.fakes import Constant, Nearest, Offset

from retouch.contract import Fill, Model
from retouch.drawing.sources import SHEET_GAP, SHEET_TILE, dimmed, draw_sources, outline, sheet
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


class Spread(Model):
    """Borrows each pixel of the hole from 50 pixels above."""

    name = "spread"

    def infer(self, image, mask, allowed, *, seed, on_progress):
        place = torch.stack(torch.meshgrid(*map(torch.arange, mask.shape[2:]), indexing="ij"))[None]
        return Fill(
            image, None, Offset(torch.where(mask > 0, place - torch.tensor([50, 0])[:, None, None], -1))
        )


def reference(row, column):
    """The colour of a place in an area from (0, 0) to (1, 1), by Python's own HSV."""
    pure = np.array(colorsys.hsv_to_rgb(column * 5 / 6, 1, 1))
    pale, deep = max(0, 1 - 2 * row), max(0, 2 * row - 1)
    return 255 * (pure + (1 - pure) * 0.6 * pale) * (1 - 0.5 * deep)


def test_every_pixel_has_the_colour_of_its_place_and_the_place_a_tint_of_it():
    photo, mask = photo_and_mask()
    picture = draw_sources(photo, fill_photo(photo, mask, Spread())).astype(float)
    for row in range(40):
        for column in range(60):
            colour = reference(row / 39, column / 59)
            assert np.abs(picture[100 + row, 90 + column] - colour).max() <= 0.51
            assert np.abs(picture[50 + row, 90 + column] - (0.45 * 60 + 0.55 * colour)).max() <= 0.51
    # Red, pale above and deep below, to magenta.
    corners = picture[[100, 100, 139, 139], [90, 149, 90, 149]].tolist()
    assert corners == [[255, 153, 153], [255, 153, 255], [128, 0, 0], [128, 0, 128]]


def test_the_photo_is_dimmed_in_every_strip():
    photo = photo_from_array(np.random.default_rng(0).integers(0, 256, (700, 9, 3), dtype=np.uint8))
    grey = photo.pixels.astype(float).mean(axis=2, keepdims=True) * 0.6
    assert np.abs(dimmed(photo) - grey).max() <= 0.51
    colours = photo_from_array(photo.pixels[..., :1])
    assert np.abs(dimmed(colours) - colours.pixels * 0.6).max() <= 0.51


@pytest.mark.parametrize(("width", "reach"), [(40, 1), (1999, 1), (3000, 3)])
def test_the_outline_is_wider_in_a_larger_picture(width, reach):
    filled = np.zeros((21, width), dtype=bool)
    filled[8:12, 20:30] = True
    rows, columns = np.indices(filled.shape)
    down = np.maximum(0, np.maximum(8 - rows, rows - 11))
    right = np.maximum(0, np.maximum(20 - columns, columns - 29))
    distance = down**2 + right**2
    assert np.array_equal(outline(filled), (distance > 0) & (distance <= reach**2))


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


def test_pictures_on_a_sheet_stay_what_they_are():
    pictures = [
        np.random.default_rng(number).integers(0, 255, (30, 50, 3), dtype=np.uint8) for number in range(5)
    ]
    laid = sheet(pictures, 5)
    assert laid.shape == (3 * 30 + 2 * SHEET_GAP, 2 * 50 + SHEET_GAP, 3)
    rest = np.ones(laid.shape[:2], dtype=bool)
    for number, picture in enumerate(pictures):
        top, left = number // 2 * (30 + SHEET_GAP), number % 2 * (50 + SHEET_GAP)
        assert np.array_equal(laid[top : top + 30, left : left + 50], picture)
        rest[top : top + 30, left : left + 50] = False
    assert (laid[rest] == 255).all()


def test_large_pictures_are_made_smaller_on_a_sheet():
    side = 2 * SHEET_TILE
    laid = sheet(iter([plain(10, side, side), plain(20, side, side)]), 2)
    assert (laid == 10).all(axis=-1).sum() == SHEET_TILE**2


@pytest.mark.parametrize(("height", "width", "rows"), [(24, 1000, 5), (1000, 24, 1), (100, 100, 2)])
def test_a_sheet_is_about_as_high_as_wide(height, width, rows):
    laid = sheet([plain(10, height, width)] * 5, 5)
    assert laid.shape[0] == pytest.approx(rows * height, abs=50)
    assert (laid == 10).all(axis=-1).sum() == 5 * height * width
