import numpy as np
import pytest

from retouch.ops.scattered import NEAR, scattered

SIDE = 200


def blank():
    return np.zeros((SIDE, SIDE), bool)


def found(hole, known=None):
    thin, sparse = scattered(hole, ~hole if known is None else known)
    assert not (thin & sparse).any()
    assert not ((thin | sparse) & ~hole).any()
    return thin, sparse


def test_dead_pixels_and_lines_of_two_pixels_are_thin():
    hole = blank()
    hole[50, 60] = hole[51, 61] = True
    hole[100:102] = True
    hole[:, 150] = True
    thin, sparse = found(hole)
    assert np.array_equal(thin, hole)
    assert not sparse.any()


@pytest.mark.parametrize("place", [(slice(100, 103), slice(0, SIDE)), (slice(60, 63), slice(60, 63))])
def test_what_is_three_pixels_wide_is_not(place):
    hole = blank()
    hole[place] = True
    thin, sparse = found(hole)
    assert not thin.any()
    assert not sparse.any()


def test_a_wire_that_hangs_on_an_object_is_thin_away_from_it():
    hole = blank()
    hole[80:120, 80:120] = True
    hole[100, :] = True
    thin, _ = found(hole)
    expected = blank()
    # The object's inner pixels begin one pixel from its edge.
    expected[100, : 81 - NEAR] = expected[100, 119 + NEAR :] = True
    assert np.array_equal(thin, expected)


@pytest.mark.parametrize("missing", [0.15, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_pixels_that_miss_at_random_are_sparse(missing):
    hole = np.random.default_rng(0).random((SIDE, SIDE)) < missing
    thin, sparse = found(hole)
    assert (sparse | thin)[hole].mean() > 0.97
    assert sparse[hole].mean() > 0.9


@pytest.mark.parametrize("missing", [0.3, 0.5, 0.8])
def test_a_large_hole_among_them_is_left_whole(missing):
    large = blank()
    large[70:130, 60:130] = True
    hole = large | (np.random.default_rng(0).random((SIDE, SIDE)) < missing)
    thin, sparse = found(hole)
    assert (thin | sparse)[large].mean() < 0.03
    assert sparse[hole & ~large].mean() > 0.9


def test_a_large_hole_in_a_whole_photo_is_left_alone_and_so_are_leftovers_in_it():
    hole = blank()
    hole[60:120, 40:100] = True
    assert not np.any(found(hole))
    hole[90, 70] = hole[80:82, 60] = False
    assert not np.any(found(hole))


def test_beside_avoided_pixels_alone_nothing_is_thin():
    hole = blank()
    hole[100, 50:150] = True
    known = ~hole
    known[95:106, 90:] = False
    thin, _ = found(hole, known)
    assert thin[100, 50 : 91 - NEAR].all()
    assert not thin[100, 100:].any()


@pytest.mark.parametrize("known", [np.zeros((5, 6), bool), np.ones((5, 6), bool)])
def test_nothing_to_do(known):
    assert not np.any(scattered(np.zeros((5, 6), bool), known))


def test_without_known_pixels_nothing_is_scattered():
    assert not np.any(scattered(np.ones((5, 6), bool), np.zeros((5, 6), bool)))
