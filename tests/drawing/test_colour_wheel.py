import colorsys

import numpy as np
import pytest
import torch
from tests.engine.fakes import Constant, Offset

from retouch.contract import Fill, Model
from retouch.drawing.colour_wheel import draw_wheel, wheel_colours
from retouch.engine.filled import source_map
from retouch.engine.pipeline import fill_photo
from retouch.imaging import photo_from_array


class Shifted(Model):
    """Borrows each hole pixel from ``down`` and ``right`` of it; the upper half twice as far if told."""

    name = "shifted"

    def __init__(self, down, right, twice=False):
        self.shift, self.twice = (down, right), twice

    def infer(self, image, mask, allowed, *, seed, on_progress):
        height, width = mask.shape[2:]
        place = np.moveaxis(np.indices((height, width)), 0, -1)
        row = np.nonzero(mask[0, 0].numpy())[0]
        factor = np.ones((height, 1, 1), int)
        if self.twice:
            factor[: (row.min() + row.max() + 1) // 2] = 2
        sources = torch.from_numpy(place + factor * self.shift).permute(2, 0, 1)[None]
        return Fill(image, None, Offset(torch.where(mask > 0, sources, -1)))


def photo_and_mask(height=300, width=280, grey=100):
    photo = photo_from_array(np.full((height, width, 3), grey, dtype=np.uint8))
    mask = np.zeros((height, width), dtype=bool)
    mask[100:140, 90:150] = True
    return photo, mask


def hue(colour):
    return colorsys.rgb_to_hsv(*(np.asarray(colour) / 255))[0]


def saturation(colour):
    return colorsys.rgb_to_hsv(*(np.asarray(colour) / 255))[1]


def colourful(picture):
    return np.ptp(picture.astype(int), axis=-1) > 0


def legend(picture, mask):
    """Rows and columns of the legend's box."""
    rows, columns = np.nonzero(colourful(picture) & ~mask)
    return slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)


@pytest.mark.parametrize(
    ("shift", "colour"),
    [
        ((0, 9), (255, 0, 0)),
        ((9, 0), (128, 255, 0)),
        ((0, -9), (0, 255, 255)),
        ((-9, 0), (128, 0, 255)),
        ((0, 0), (255, 255, 255)),
        ((0, 4.5), (255, 128, 128)),
        ((0, 90), (255, 0, 0)),
    ],
)
def test_known_colours(shift, colour):
    assert wheel_colours(np.array([shift]), 9).tolist() == [list(colour)]


@pytest.mark.parametrize("angle", np.linspace(0, 2 * np.pi, 17))
def test_opposite_displacements_have_opposite_hues(angle):
    shift = np.array([np.sin(angle), np.cos(angle)]) * 50
    one, other = wheel_colours(np.stack([shift, -shift]), 50)
    assert abs(abs(hue(one) - hue(other)) - 0.5) < 0.01
    assert min(saturation(one), saturation(other)) == 1


@pytest.mark.parametrize("shift", [(0, 70), (0, -70), (60, 0), (-60, 0), (60, 60)])
def test_the_hole_has_the_colour_that_the_legend_shows_in_that_direction(shift):
    photo, mask = photo_and_mask()
    picture = draw_wheel(photo, fill_photo(photo, mask, Shifted(*shift)))
    assert picture.shape == (300, 280, 3)
    assert picture.dtype == np.uint8
    (colour,) = np.unique(picture[mask], axis=0)
    assert saturation(colour) == 1
    wheel = picture[legend(picture, mask)]
    side = len(wheel)
    assert wheel.shape[:2] == (side, side)
    assert 40 < side < 60
    down, right = (round((side - 1) / 2 + 0.9 * side / 2 * part / np.hypot(*shift)) for part in shift)
    assert abs((hue(wheel[down, right]) - hue(colour) + 0.5) % 1 - 0.5) < 0.02
    assert saturation(wheel[down, right]) > 0.8
    assert saturation(wheel[side // 2, side // 2]) < 0.05


def test_the_longest_is_fully_saturated_and_half_of_it_half():
    photo, mask = photo_and_mask()
    result = fill_photo(photo, mask, Shifted(0, 65, twice=True))
    picture = draw_wheel(photo, result)
    lengths = source_map(result)[mask] - np.argwhere(mask)
    longest = lengths[:, 1] == 130
    assert 0 < longest.sum() < len(longest)
    assert (picture[mask][longest] == (255, 0, 0)).all()
    assert (picture[mask][~longest] == (255, 128, 128)).all()


def test_displacements_are_those_of_the_photo_in_every_strip():
    photo = photo_from_array(np.full((900, 400, 3), 100, dtype=np.uint8))
    mask = np.zeros((900, 400), dtype=bool)
    mask[150:750, 100:160] = True
    mask[850:860, 300:310] = True
    result = fill_photo(photo, mask, Shifted(0, 65, twice=True))
    found = source_map(result)[mask] - np.argwhere(mask)
    picture = draw_wheel(photo, result)
    assert np.array_equal(picture[mask], wheel_colours(found, np.hypot(*found.T).max()))


def test_around_are_the_dimmed_photo_and_a_white_outline():
    photo, mask = photo_and_mask()
    picture = draw_wheel(photo, fill_photo(photo, mask, Shifted(0, 70)))
    rest = ~mask
    rest[legend(picture, mask)] = False
    assert (picture[99, 90:150] == 255).all()
    assert (picture[100:140, 150] == 255).all()
    assert set(np.unique(picture[rest])) == {60, 255}
    assert (picture[rest] == 255).all(axis=-1).sum() == 2 * (40 + 60)


@pytest.mark.parametrize(
    ("rows", "columns", "corner"),
    [
        (slice(100, 120), slice(90, 110), (-1, -1)),
        (slice(200, 220), slice(190, 210), (0, 0)),
        (slice(200, 220), slice(60, 80), (0, -1)),
        (slice(40, 60), slice(190, 210), (-1, 0)),
    ],
)
def test_the_legend_stands_in_the_corner_away_from_the_hole(rows, columns, corner):
    photo, mask = photo_and_mask()
    mask[:] = False
    mask[rows, columns] = True
    picture = draw_wheel(photo, fill_photo(photo, mask, Shifted(0, 25)))
    middle = [(each.start + each.stop) // 2 for each in legend(picture, mask)]
    assert [place > side / 2 for place, side in zip(middle, mask.shape, strict=True)] == [
        each == -1 for each in corner
    ]


def test_the_legend_covers_no_hole():
    photo, mask = photo_and_mask(80, 90)
    mask[:] = True
    mask[30:50, 30:60] = False
    result = fill_photo(photo, mask, Nearby())
    picture = draw_wheel(photo, result)
    assert not colourful(picture)[~mask].any()
    found = source_map(result)[mask] - np.argwhere(mask)
    assert np.array_equal(picture[mask], wheel_colours(found, np.hypot(*found.T).max()))


class Nearby(Model):
    """Borrows everything from one known pixel."""

    name = "nearby"

    def infer(self, image, mask, allowed, *, seed, on_progress):
        place = allowed[0, 0].nonzero()[0][None, :, None, None].expand(1, 2, *mask.shape[2:])
        return Fill(image, None, Offset(torch.where(mask > 0, place, -1)))


def test_a_hole_borrowed_from_nowhere_is_grey_and_needs_no_legend():
    photo, mask = photo_and_mask()
    picture = draw_wheel(photo, fill_photo(photo, mask, Constant(0.5)))
    assert not colourful(picture).any()
    assert np.unique(picture[mask]).tolist() == [110]


def test_nothing_filled_is_just_the_dimmed_photo():
    photo, mask = photo_and_mask()
    picture = draw_wheel(photo, fill_photo(photo, np.zeros_like(mask), Constant(0.5)))
    assert (picture == 60).all()


@pytest.mark.parametrize(
    ("shape", "colour"), [((1, 2), (0, 255, 255)), ((2, 1), (128, 0, 255)), ((1, 9), (0, 255, 255))]
)
def test_tiny_photos(shape, colour):
    photo = photo_from_array(np.full((*shape, 3), 100, dtype=np.uint8))
    mask = np.zeros(shape, dtype=bool)
    mask[-1, -1] = True
    picture = draw_wheel(photo, fill_photo(photo, mask, Nearby()))
    assert picture.shape == (*shape, 3)
    assert picture[-1, -1].tolist() == list(colour)  # from the first pixel, so to the left or above
    around = picture.reshape(-1, 3)[:-1]
    assert around[-1].tolist() == [255] * 3
    assert (around[:-1] == 60).all()


def test_the_legend_shows_the_colour_of_every_direction_and_length():
    photo, mask = photo_and_mask()
    picture = draw_wheel(photo, fill_photo(photo, mask, Shifted(0, 70)))
    wheel = picture[legend(picture, mask)].astype(float)
    side = len(wheel)
    # A fifth of the shorter side, 56 pixels, less the margin around the wheel.
    assert wheel.shape[:2] == (50, 50)
    for row in range(side):
        for column in range(side):
            # The disc is as wide as the legend less its margin.
            down, right = ((each + 0.5) * 2 / side - 1 for each in (row, column))
            length = np.hypot(down, right)
            if length < 0.97:
                angle = np.arctan2(down, right) / (2 * np.pi) % 1
                colour = 255 * np.array(colorsys.hsv_to_rgb(angle, length, 1))
                assert np.abs(wheel[row, column] - colour).max() <= 16
