"""Total variation against loops and closed forms."""

import numpy as np
import pytest
from hypothesis import given
from tests.evaluation.metrics.samples import HOLES, PIXELS

from retouch.evaluation.metrics.total_variation import measure, total_variation


@pytest.mark.parametrize(("height", "width"), [(6, 6), (5, 9), (1, 2)])
def test_a_checkerboard_has_all_the_variation_there_is(height, width):
    board = np.indices((height, width)).sum(axis=0) % 2 * 255
    pixels = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    assert total_variation(pixels, np.ones((height, width), bool)) == pytest.approx(100)
    assert total_variation(pixels // 255 * 51, np.ones((height, width), bool)) == pytest.approx(20)


def test_stripes_have_half_the_variation_of_a_checkerboard():
    pixels = np.repeat((np.indices((8, 8))[0] % 2 * 255)[..., None], 3, axis=2).astype(np.uint8)
    assert total_variation(pixels, np.ones((8, 8), bool)) == pytest.approx(50)


def test_a_single_pixel_has_no_variation():
    assert total_variation(np.zeros((1, 1, 3), np.uint8), np.ones((1, 1), bool)) is None


@given(PIXELS, HOLES)
def test_variation_in_the_hole_is_the_naive_one(pixels, hole):
    steps = []
    for row in range(5):
        for column in range(4):
            for other_row, other_column in ((row + 1, column), (row, column + 1)):
                inside = other_row < 5 and other_column < 4
                if inside and (hole[row, column] or hole[other_row, other_column]):
                    step = pixels[row, column].astype(int) - pixels[other_row, other_column].astype(int)
                    steps.append(np.abs(step).mean() / 2.55)
    assert total_variation(pixels, hole) == pytest.approx(np.mean(steps))


def test_the_image_counts_every_pair_and_the_hole_its_own():
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[:, 4:] = 255
    hole = np.zeros((8, 8), bool)
    hole[:, :2] = True
    assert measure(pixels, pixels, hole) == {"tv_hole": 0, "tv_image": pytest.approx(100 * 8 / (2 * 7 * 8))}
