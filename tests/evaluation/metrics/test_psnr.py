"""PSNR against loops, scikit-image and a closed form."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from skimage.metrics import peak_signal_noise_ratio
from tests.evaluation.metrics.samples import HOLES, PIXELS, sample

from retouch.evaluation.metrics.psnr import PSNR_CAP, psnr


def naive(fill, truth, places):
    squared = count = 0
    for row, column in places:
        for colour in range(3):
            difference = int(fill[row, column, colour]) - int(truth[row, column, colour])
            squared, count = squared + difference**2, count + 1
    return min(100.0, 10 * math.log10(255**2 * count / squared)) if squared else 100.0


@settings(deadline=None, max_examples=50)
@given(PIXELS, PIXELS, HOLES)
def test_it_is_the_naive_one(fill, truth, hole):
    found = psnr(fill, truth, hole)
    for part, places in (("image", np.argwhere(np.ones_like(hole))), ("hole", np.argwhere(hole))):
        assert found[f"psnr_{part}"] == pytest.approx(naive(fill, truth, places))


def test_it_is_that_of_scikit_image():
    fill, truth, hole = sample()
    assert psnr(fill, truth, hole)["psnr_image"] == pytest.approx(peak_signal_noise_ratio(truth, fill))


def test_a_constant_difference():
    truth = np.full((8, 8, 3), 100, np.uint8)
    hole = np.zeros((8, 8), bool)
    hole[2:4, 2:6] = True
    found = psnr(np.where(hole[..., None], np.uint8(151), truth), truth, hole)
    assert found["psnr_hole"] == pytest.approx(20 * math.log10(5))


def test_a_perfect_fill_has_a_number_too():
    _, truth, hole = sample()
    assert psnr(truth.copy(), truth, hole) == {"psnr_hole": PSNR_CAP, "psnr_image": PSNR_CAP}
