"""The ratio of high frequencies: fills whose grain is known, and a naive reference."""

import cv2
import numpy as np
import pytest
from scipy import ndimage

from retouch.evaluation.metrics.frequency_ratio import RING, frequency_ratio

SIDE = 160


def grainy(amplitude=10.0, seed=0):
    noise = np.random.default_rng(seed).normal(size=(SIDE, SIDE, 1))
    return np.repeat(128 + amplitude * noise, 3, axis=2)


def pixels(values):
    return np.rint(values).clip(0, 255).astype(np.uint8)


@pytest.fixture
def hole():
    rows, columns = np.indices((SIDE, SIDE))
    return np.hypot(rows - 76, columns - 80) < 38


def test_grain_continued_is_one(hole):
    assert frequency_ratio(pixels(grainy()), hole) == pytest.approx(1, rel=0.1)
    other = np.where(hole[..., None], grainy(seed=1), grainy(seed=2))
    assert frequency_ratio(pixels(other), hole) == pytest.approx(1, rel=0.1)


def test_a_smear_is_near_zero(hole):
    picture = pixels(grainy())
    assert frequency_ratio(cv2.inpaint(picture, hole.astype(np.uint8), 3, cv2.INPAINT_TELEA), hole) < 0.05
    assert frequency_ratio(pixels(np.where(hole[..., None], 128, grainy())), hole) < 0.01


def test_speckle_is_far_above_one(hole):
    rows, columns = np.indices((SIDE, SIDE)) / 25
    smooth = np.repeat((128 + 60 * np.sin(rows) * np.cos(columns))[..., None], 3, axis=2)
    assert frequency_ratio(pixels(smooth), hole) == pytest.approx(1, rel=0.5)
    dots = np.random.default_rng(0).random((SIDE, SIDE, 1)) < 0.02
    assert frequency_ratio(pixels(np.where(hole[..., None] & dots, 255, smooth)), hole) > 100


def test_twice_the_amplitude_is_four_times_the_energy(hole):
    values = np.where(hole[..., None], grainy(20, seed=1), grainy(10))
    assert frequency_ratio(pixels(values), hole) == pytest.approx(4, rel=0.1)


def test_the_border_of_the_hole_does_not_count(hole):
    picture = grainy()
    assert frequency_ratio(pixels(picture + 60 * hole[..., None]), hole) == pytest.approx(
        frequency_ratio(pixels(picture), hole), rel=0.01
    )


def test_flat_and_flat_are_alike(hole):
    flat = np.full((SIDE, SIDE, 3), 90, np.uint8)
    assert frequency_ratio(flat, hole) == pytest.approx(1)


def test_rounding_alone_is_no_difference(hole):
    """A slow gradient has rounding noise, a flat area none; neither is grain that can be seen."""
    rows, columns = np.indices((SIDE, SIDE))
    slow = (100 + 0.31 * rows + 0.17 * columns)[..., None] + np.array([0, 0.3, 0.6])
    ratio = frequency_ratio(pixels(np.where(hole[..., None], 120, slow)), hole)
    assert 1 / 3 < ratio < 1


def test_only_the_ring_counts(hole):
    far = cv2.distanceTransform((~hole).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) > RING + 4
    picture = grainy()
    assert far.any()
    changed = np.where(far[..., None], 0, picture)
    assert frequency_ratio(pixels(changed), hole) == frequency_ratio(pixels(picture), hole)


def test_holes_without_room_have_none():
    thin = np.zeros((SIDE, SIDE), bool)
    thin[40:44] = True
    assert frequency_ratio(pixels(grainy()), thin) is None
    assert frequency_ratio(pixels(grainy()), np.ones((SIDE, SIDE), bool)) is None
    thin[40:45] = True
    assert frequency_ratio(pixels(grainy()), thin) is not None


@pytest.mark.parametrize("levels", [256, 3])
def test_the_naive_reference(levels):
    """Pixel by pixel, with the blur written out."""
    random = np.random.default_rng(4)
    picture = random.integers(0, levels, (60, 50, 3), dtype=np.uint8)
    hole = ndimage.binary_dilation(random.random((60, 50)) < 0.004, iterations=5)
    luminance = picture @ np.array([0.299, 0.587, 0.114])
    binomial = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256
    energies = {True: [], False: []}
    places = np.argwhere(hole)
    for row in range(2, 58):
        for column in range(2, 48):
            window = hole[row - 2 : row + 3, column - 2 : column + 3]
            near = np.hypot(*(places - (row, column)).T).min() <= RING
            if window.all() or (not window.any() and near):
                values = luminance[row - 2 : row + 3, column - 2 : column + 3]
                energies[bool(window.all())].append((values[2, 2] - (values * binomial).sum()) ** 2)
    # The filter's response to rounding, uniform over one grey level and independent in the colours.
    response = -binomial
    response[2, 2] += 1
    rounding = (response**2).sum() * (0.299**2 + 0.587**2 + 0.114**2) / 12
    expected = (np.mean(energies[True]) + rounding) / (np.mean(energies[False]) + rounding)
    assert len(energies[True]) > 20
    assert frequency_ratio(picture, hole) == pytest.approx(expected, rel=1e-6)
