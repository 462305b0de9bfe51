from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from retouch.ops.masks import bounding_box, close, depth, dilate, hysteresis, small_islands

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


def naive_islands(mask):
    """The islands of a mask, each as a set of places, found by flooding from every known pixel."""
    islands, seen = [], set()
    for start in map(tuple, np.argwhere(~mask).tolist()):
        if start in seen:
            continue
        island, waiting, enclosed = {start}, [start], True
        while waiting:
            row, column = waiting.pop()
            for place in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                if not (0 <= place[0] < mask.shape[0] and 0 <= place[1] < mask.shape[1]):
                    enclosed = False
                elif not mask[place] and place not in island:
                    island.add(place)
                    waiting.append(place)
        seen |= island
        if enclosed:
            islands.append(island)
    return islands


def naive_close(mask, radius):
    grown, closed = naive_dilate(mask, radius), mask.copy()
    for island in naive_islands(mask):
        rows, columns = zip(*island, strict=True)
        closed[rows, columns] = grown[rows, columns].all()
    return closed


@st.composite
def holey(draw):
    """Mostly hole, so that there are islands of many shapes."""
    shape = draw(st.tuples(st.integers(3, 16), st.integers(3, 16)))
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1))).random(shape) < draw(
        st.sampled_from([0.4, 0.6, 0.8, 0.95])
    )


@given(holey(), st.integers(0, 4), st.sampled_from([0, 20_000]))
def test_close_equals_the_naive_one(mask, radius, traceable):
    before = mask.copy()
    with mock.patch("retouch.ops.masks._TRACEABLE", traceable):
        assert np.array_equal(close(mask, radius), naive_close(mask, radius))
    assert np.array_equal(mask, before)


@given(holey(), st.integers(1, 12))
def test_small_islands_equal_the_naive_ones(mask, pixels):
    count, radius = small_islands(mask, pixels)
    assert count == sum(len(island) < pixels for island in naive_islands(mask))
    # The radius is the smallest that adds them all.
    assert small_islands(close(mask, radius), pixels)[0] == 0
    assert radius == 0 or small_islands(close(mask, radius - 1), pixels)[0] > 0
    assert (radius == 0) == (count == 0)


@pytest.mark.parametrize("traceable", [0, 20_000])
def test_islands_within_islands(monkeypatch, traceable):
    monkeypatch.setattr("retouch.ops.masks._TRACEABLE", traceable)
    mask = np.zeros((40, 60), dtype=bool)
    mask[5:35, 10:50] = True
    mask[10:30, 15:45] = False  # an island of 600 pixels, less the block in it
    mask[15:20, 20:25] = True
    mask[17, 22] = False  # an island of one pixel in that block
    assert small_islands(mask, 30) == (1, 1)
    assert small_islands(mask, 600) == (2, 10)
    assert np.array_equal(np.argwhere(close(mask, 1) != mask), [[17, 22]])
    assert close(mask, 10)[5:35, 10:50].all()
    assert close(mask, 10).sum() == 30 * 40


def test_gaps_at_the_border_are_no_islands():
    mask = np.ones((6, 6), dtype=bool)
    mask[0, 2] = mask[5, 5] = False
    assert small_islands(mask, 30) == (0, 0)
    assert np.array_equal(close(mask, 3), mask)


def test_a_negative_radius_cannot_close():
    with pytest.raises(ValueError, match="negative"):
        close(np.zeros((2, 2), dtype=bool), -1)


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


def test_hysteresis_keeps_the_parts_with_something_strong():
    weak = np.zeros((6, 9), bool)
    weak[1, 1:4] = weak[2, 4] = True  # one part, by its corner
    weak[4, 6:8] = True
    strong = np.zeros_like(weak)
    strong[2, 4] = strong[0, 8] = True  # the second lies outside of what is weak
    expected = weak.copy()
    expected[4] = False
    np.testing.assert_array_equal(hysteresis(weak, strong), expected)
    assert not hysteresis(weak, np.zeros_like(weak)).any()
