"""Tones meet where sources from apart do, edges stay, and both solvers agree with a dense one."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retouch.native import assembling, library
from retouch.synthesis import assembly, assembly_reference
from retouch.synthesis.assembly import assemble, smooth_areas

compiled = pytest.mark.skipif(library() is None, reason="nothing was compiled")
BOTH = [
    pytest.param(assembling.corrected, id="compiled", marks=compiled),
    pytest.param(assembly_reference.corrected, id="numpy"),
]
LIMITS = assembly._LIMITS
EXACT = replace(LIMITS, steps=200, tolerance=1e-7, most=9.0)


def naive(image, fill, hole, readable, smooth, sources, limits):
    """Every pair on its own, and a dense system."""
    height, width = hole.shape
    cells = [(y, x) for y in range(height) for x in range(width) if hole[y, x]]
    number = {cell: each for each, cell in enumerate(cells)}
    matrix, right = np.eye(len(cells)) * limits.anchor, np.zeros((len(cells), 3))
    image, fill = image.astype(np.float64), fill.astype(np.float64)

    def source(cell):
        return tuple(int(each) for each in sources[cell]) if hole[cell] else cell

    def seen(cell):
        return 0 <= cell[0] < height and 0 <= cell[1] < width and readable[cell]

    def colour(cell):
        return fill[cell] if hole[cell] else image[cell]

    for down, across in ((0, 1), (1, 0)):
        pairs, excess = {}, np.zeros((height + 2, width + 2))
        for y in range(height - down):
            for x in range(width - across):
                one, other = (y, x), (y + down, x + across)
                if not (hole[one] or hole[other]) or not all(
                    hole[each] or readable[each] for each in (one, other)
                ):
                    continue
                here, there = source(one), source(other)
                coherent = hole[one] and hole[other] and there == (here[0] + down, here[1] + across)
                after, before = (here[0] + down, here[1] + across), (there[0] - down, there[1] - across)
                gradients = []
                if hole[one] and seen(after):
                    gradients.append(image[after] - image[here])
                if hole[other] and seen(before) and not coherent:
                    gradients.append(image[there] - image[before])
                nothing = np.zeros(3)
                wish = min(gradients, key=lambda each: (each**2).sum(), default=nothing)
                wish = wish - (colour(other) - colour(one))
                pairs[one, other] = wish, coherent, smooth[here], smooth[there]
                excess[y + 1, x + 1] = 0 if coherent else abs(wish).max()
        for (one, other), (wish, coherent, first, second) in pairs.items():
            y, x = one
            jump = max(excess[y + 1, x + 1], excess[y : y + 3, x : x + 3].mean())
            scale = limits.smooth_step if first and second else limits.step
            weight = max(limits.faintest, 1 / (1 + (jump / scale) ** 4))
            if first != second:
                weight = limits.faintest
            if coherent:
                weight = 1.0
            for cell, sign in ((one, -1), (other, 1)):
                if hole[cell]:
                    matrix[number[cell], number[cell]] += weight
                    right[number[cell]] += sign * weight * wish
            if hole[one] and hole[other]:
                matrix[number[one], number[other]] -= weight
                matrix[number[other], number[one]] -= weight
    made = fill.copy()
    grey = right.mean(1, keepdims=True)
    held = matrix + np.eye(len(cells)) * limits.hold
    changes = np.linalg.solve(matrix, grey) + np.linalg.solve(held, right - grey)
    for cell, change in zip(cells, changes, strict=True):
        made[cell] += change.clip(-limits.most, limits.most)
    return made


def puzzle(seed, height, width):
    """A picture with a hole of any shape, filled from patches of anywhere, some neighbours together."""
    random = np.random.default_rng(seed)
    image = random.random((height, width, 3), dtype=np.float32) * 0.2 + 0.4
    hole = random.random((height, width)) < random.choice([0.2, 0.5, 0.8])
    hole[0, 0] = False
    readable = ~hole & (random.random(hole.shape) < 0.9)
    readable[0, 0] = True
    places = np.argwhere(readable)
    sources = np.full((height, width, 2), -1, np.int32)
    for y, x in np.argwhere(hole):
        left = sources[y, x - 1] + (0, 1) if x and hole[y, x - 1] else np.array([-1, -1])
        goes_on = (left >= 0).all() and left[1] < width and readable[tuple(left)] and random.random() < 0.7
        sources[y, x] = left if goes_on else places[random.integers(len(places))]
    fill = image.copy()
    fill[hole] = image[sources[hole][:, 0], sources[hole][:, 1]]
    fill[hole] += random.normal(0, 0.01, fill[hole].shape).astype(np.float32)
    smooth = random.random(hole.shape) < 0.5
    return image, fill, hole, readable, smooth, sources


@pytest.mark.parametrize("corrected", BOTH)
@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), height=st.integers(1, 14), width=st.integers(2, 14))
def test_it_solves_the_equations(corrected, seed, height, width):
    given_puzzle = puzzle(seed, height, width)
    if not given_puzzle[2].any():
        return
    expected = naive(*given_puzzle, EXACT)
    np.testing.assert_allclose(corrected(*given_puzzle, EXACT), expected, atol=2e-4)


@compiled
@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 10**6), width=st.integers(65, 150))
def test_threads_change_no_bit(seed, width):
    given_puzzle = puzzle(seed, 80, width)
    one, three = (assembling.corrected(*given_puzzle, LIMITS, threads=each) for each in (1, 3))
    np.testing.assert_array_equal(one, three)


def lit(size=96):
    """A wall whose light falls off to the right, with a little texture that has one tone everywhere."""
    light = np.linspace(0.8, 0.4, size, dtype=np.float32)[None, :, None]
    grain = np.random.default_rng(0).normal(0, 0.004, (size, size, 1)).astype(np.float32)
    return np.broadcast_to(light + grain, (size, size, 3)).copy()


def test_patches_of_another_light_take_the_light_of_their_place():
    image = lit()
    hole = np.zeros((96, 96), bool)
    hole[30:62, 40:72] = True
    sources = np.full((96, 96, 2), -1, np.int32)
    rows, columns = np.nonzero(hole)
    # The left half comes from far left, the right half from above.
    sources[rows, columns, 0] = np.where(columns < 56, rows, rows - 30)
    sources[rows, columns, 1] = np.where(columns < 56, columns - 36, columns)
    fill = image.copy()
    fill[hole] = image[sources[hole][:, 0], sources[hole][:, 1]]
    made = assemble(image, fill, hole, ~hole, sources)

    def tone(picture):
        return abs((picture - image)[hole].mean(1).reshape(32, 32)[:, :16].mean(0)).max()

    assert tone(fill) > 0.14
    assert tone(made) < 0.02
    np.testing.assert_array_equal(made[~hole], image[~hole])
    # The grain is that of the sources.
    change = (made - fill)[30:62, 40:56, 0]
    assert np.abs(np.diff(change, axis=0)).max() < 0.02


def test_an_edge_of_the_picture_stays():
    image = np.full((68, 64, 3), 0.2, np.float32)
    image[:, 32:] = 0.9
    hole = np.zeros((68, 64), bool)
    hole[20:44, 20:44] = True
    sources = np.indices(hole.shape).transpose(1, 2, 0).astype(np.int32)
    sources[..., 0] -= np.where(sources[..., 1] < 32, 20, -24)  # the halves come from above and below
    sources[~hole] = -1
    fill = image.copy()
    np.testing.assert_allclose(assemble(image, fill, hole, ~hole, sources), image, atol=4e-3)


def test_what_is_right_is_not_touched():
    image = np.random.default_rng(1).random((40, 50, 3), dtype=np.float32)
    image[:, 25:] = image[:, :25]  # the right half repeats the left
    hole = np.zeros((40, 50), bool)
    hole[10:30, 30:45] = True
    sources = np.indices(hole.shape).transpose(1, 2, 0).astype(np.int32) - (0, 25)
    sources[~hole] = -1
    np.testing.assert_allclose(
        assemble(image, image, hole, ~hole, sources.astype(np.int32)), image, atol=1e-6
    )


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), height=st.integers(1, 30), width=st.integers(2, 30))
def test_colours_lie_between_those_that_may_be_borrowed(seed, height, width):
    image, fill, hole, readable, _, sources = puzzle(seed, height, width)
    made = assemble(image, fill, hole, readable, sources)
    np.testing.assert_array_equal(made[~hole], image[~hole])
    assert np.isfinite(made).all()
    seen = image[readable & ~hole]
    assert (made[hole] >= seen.min(0)).all()
    assert (made[hole] <= seen.max(0)).all()


def test_smooth_is_what_varies_little_and_is_large():
    random = np.random.default_rng(2)
    image = np.full((80, 120, 3), 0.5, np.float32)
    image[:, :60] += random.normal(0, 0.005, (80, 60, 3)).astype(np.float32)  # a sky, with grain
    image[:, 60:] += random.normal(0, 0.1, (80, 60, 3)).astype(np.float32)  # leaves
    image[30:50, 80:100] = 0.5  # a small plate: 400 pixels
    smooth = smooth_areas(image, np.ones((80, 120), bool))
    assert smooth[:, :50].all()
    assert not smooth[:, 66:].any()
    readable = np.ones((80, 120), bool)
    readable[:, 20:40] = False
    masked = smooth_areas(image, readable)
    assert not masked[:, 20:40].any()
    assert masked[:, :14].all()
