import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from retouch.ops.masks import bounding_box, depth, dilate

MASKS = st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(lambda shape: arrays(np.bool_, shape))


def naive_dilate(mask, radius):
    grown = np.zeros_like(mask)
    for row, column in np.argwhere(mask):
        y, x = np.ogrid[: mask.shape[0], : mask.shape[1]]
        grown |= (y - row) ** 2 + (x - column) ** 2 <= radius**2
    return grown


@given(MASKS, st.integers(0, 6))
def test_dilate_equals_the_naive_one(mask, radius):
    before = mask.copy()
    assert np.array_equal(dilate(mask, radius), naive_dilate(mask, radius))
    assert np.array_equal(mask, before)


def test_dilate_is_exact_at_a_large_radius():
    mask = np.zeros((401, 401), dtype=bool)
    mask[200, 200] = True
    assert np.array_equal(dilate(mask, 180), naive_dilate(mask, 180))


def test_dilate_returns_a_copy():
    mask = np.zeros((3, 3), dtype=bool)
    dilate(mask, 0)[1, 1] = True
    assert not mask.any()


def test_a_negative_radius_is_refused():
    with pytest.raises(ValueError, match="negative"):
        dilate(np.zeros((2, 2), dtype=bool), -1)


@given(MASKS)
def test_bounding_box_is_the_smallest(mask):
    box = bounding_box(mask)
    if not mask.any():
        assert box is None
        return
    assert mask[box].sum() == mask.sum()
    inside = mask[box]
    assert inside[0].any()
    assert inside[-1].any()
    assert inside[:, 0].any()
    assert inside[:, -1].any()


@given(MASKS.filter(lambda mask: not mask.all()))
def test_depth_is_the_distance_to_the_nearest_known_pixel(mask):
    known = np.argwhere(~mask)
    for (row, column), distance in np.ndenumerate(depth(mask)):
        expected = np.sqrt(((known - (row, column)) ** 2).sum(axis=1)).min()
        assert distance == pytest.approx(expected, abs=1e-3)
