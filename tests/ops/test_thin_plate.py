import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retouch.ops.thin_plate import continue_smoothly

ROWS, COLUMNS = np.mgrid[:48, :64].astype(np.float32)
HOLES = {
    "middle": (slice(12, 36), slice(20, 44)),
    "edge": (slice(0, 20), slice(10, 40)),
    "corner": (slice(30, 48), slice(50, 64)),
    "through": (slice(20, 26), slice(0, 64)),
    "most": (slice(3, 48), slice(2, 64)),
}


def naive(values, known, hole):
    """The least sum of squared second differences, by dense least squares."""
    height, width = hole.shape
    number = np.arange(height * width).reshape(height, width)
    domain, equations = known | hole, []

    def add(weight, *terms):
        if all(0 <= r < height and 0 <= c < width and domain[r, c] for r, c, _ in terms):
            row = np.zeros(height * width)
            for r, c, factor in terms:
                row[number[r, c]] += weight * factor
            equations.append(row)

    for r in range(height):
        for c in range(width):
            add(1, (r, c - 1, 1), (r, c, -2), (r, c + 1, 1))
            add(1, (r - 1, c, 1), (r, c, -2), (r + 1, c, 1))
            add(2**0.5, (r, c, 1), (r + 1, c, -1), (r, c + 1, -1), (r + 1, c + 1, 1))
    system = np.array(equations)
    free = number[hole]
    right = -system[:, number[known]] @ values[known].astype(np.float64)
    found, *_ = np.linalg.lstsq(system[:, free], right, rcond=None)
    filled = values.astype(np.float64).copy()
    filled[hole] = found
    return filled


@pytest.mark.parametrize("hole", HOLES.values(), ids=HOLES.keys())
@given(st.floats(-1, 1), st.floats(-0.02, 0.02), st.floats(-0.02, 0.02))
@settings(max_examples=20, deadline=None)
def test_a_plane_goes_on_exactly(hole, start, down, across):
    plane = (start + down * ROWS + across * COLUMNS)[..., None]
    mask = np.zeros(plane.shape[:2], bool)
    mask[hole] = True
    filled = continue_smoothly(np.where(mask[..., None], np.float32(9), plane), ~mask, mask)
    assert np.abs(filled - plane).max() < 1e-5
    assert np.array_equal(filled[~mask], plane[~mask])


@given(st.integers(0, 2**31), st.floats(0.1, 0.8))
@settings(max_examples=15, deadline=None)
def test_it_is_the_plate_that_bends_least(seed, share):
    random = np.random.default_rng(seed)
    values = random.random((12, 14, 2), np.float32)
    hole = random.random((12, 14)) < share
    known = ~hole & (random.random((12, 14)) < 0.9)
    known[:2, :2], hole[:2, :2] = True, False
    known[-2:, -2:], hole[-2:, -2:] = True, False
    filled = continue_smoothly(values, known, hole)
    for channel in range(2):
        wanted = naive(values[..., channel], known, hole)
        # Where a pixel is hardly held by any second difference, many plates bend alike; so energy counts.
        assert _energy(filled[..., channel], known | hole) <= 1.02 * _energy(wanted, known | hole) + 1e-3


def _energy(image, domain):
    def within(*parts):
        return np.logical_and.reduce(parts)

    i, d = image.astype(np.float64), domain
    across = (i[:, :-2] - 2 * i[:, 1:-1] + i[:, 2:])[within(d[:, :-2], d[:, 1:-1], d[:, 2:])]
    down = (i[:-2] - 2 * i[1:-1] + i[2:])[within(d[:-2], d[1:-1], d[2:])]
    twist = (i[:-1, :-1] - i[1:, :-1] - i[:-1, 1:] + i[1:, 1:])[
        within(d[:-1, :-1], d[1:, :-1], d[:-1, 1:], d[1:, 1:])
    ]
    return (across**2).sum() + (down**2).sum() + 2 * (twist**2).sum()


@pytest.mark.parametrize("shape", [(1, 2), (2, 1), (1, 9), (3, 3), (2, 2)])
@pytest.mark.parametrize("rounds", [0, 40])
def test_of_one_known_pixel_its_value_goes_on_everywhere(shape, rounds):
    known = np.zeros(shape, bool)
    known[0, 0] = True
    values = np.where(known[..., None], np.float32(0.3), np.float32(7))
    assert continue_smoothly(values, known, ~known, rounds) == pytest.approx(0.3, abs=1e-5)


def test_what_is_neither_known_nor_hole_is_not_looked_at():
    random = np.random.default_rng(0)
    values = random.random((30, 40, 3), np.float32)
    hole = np.zeros((30, 40), bool)
    hole[10:20, 10:20] = True
    known = ~hole
    known[:, 20:] = False
    other = values.copy()
    other[:, 20:] = 5
    other[hole] = -5
    one, two = (continue_smoothly(each, known, hole)[hole] for each in (values, other))
    assert np.array_equal(one, two)


def test_a_wave_comes_back_from_half_of_its_pixels():
    wave = (0.5 + 0.3 * np.sin(ROWS / 5) * np.cos(COLUMNS / 7))[..., None]
    hole = np.random.default_rng(0).random(ROWS.shape) < 0.5
    filled = continue_smoothly(np.where(hole[..., None], np.float32(0), wave), ~hole, hole)
    assert np.abs(filled - wave)[hole].mean() < 0.002
