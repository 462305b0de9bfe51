"""L1 against loops, and a constant difference."""

import numpy as np
import pytest
from hypothesis import given, settings
from tests.evaluation.metrics.samples import HOLES, PIXELS

from retouch.evaluation.metrics.l1 import l1


def naive(fill, truth, places):
    absolute = count = 0
    for row, column in places:
        for colour in range(3):
            difference = int(fill[row, column, colour]) - int(truth[row, column, colour])
            absolute, count = absolute + abs(difference), count + 1
    return absolute / count / 255 * 100


@settings(deadline=None, max_examples=50)
@given(PIXELS, PIXELS, HOLES)
def test_it_is_the_naive_one(fill, truth, hole):
    found = l1(fill, truth, hole)
    for part, places in (("image", np.argwhere(np.ones_like(hole))), ("hole", np.argwhere(hole))):
        assert found[f"l1_{part}"] == pytest.approx(naive(fill, truth, places))


def test_a_constant_difference():
    truth = np.full((8, 8, 3), 100, np.uint8)
    hole = np.zeros((8, 8), bool)
    hole[2:4, 2:6] = True
    found = l1(np.where(hole[..., None], np.uint8(151), truth), truth, hole)
    assert found["l1_hole"] == pytest.approx(20)
    assert found["l1_image"] == pytest.approx(20 / 8)
