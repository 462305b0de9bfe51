"""Halving an image with a hole, and the smooth guess of what it holds."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from retouch.synthesis.pyramid import Level, halve, smooth_fill

torch.set_num_threads(1)
GARBAGE = 1e3
TAPS = {-1: 1, 0: 3, 1: 3, 2: 1}


def level(height, width, seed=0, hole=0.4, forbidden=0.0):
    """Random pixels with a random hole (never everything) and a random area that is not to be read."""
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand(3, height, width, generator=generator)
    known = torch.rand(height, width, generator=generator) >= hole
    known[height // 2, width // 2] = True
    readable = known & (torch.rand(height, width, generator=generator) >= forbidden)
    return Level(image, known.float(), readable)


def footprint(row, column, height, width):
    """The fine pixels under a coarse one, and what each counts."""
    return [
        (2 * row + y, 2 * column + x, TAPS[y] * TAPS[x])
        for y in TAPS
        for x in TAPS
        if 0 <= 2 * row + y < height and 0 <= 2 * column + x < width
    ]


SIZES = pytest.mark.parametrize(
    ("height", "width"), [(8, 8), (7, 8), (8, 9), (5, 11), (1, 6), (3, 1), (1, 1)]
)


@SIZES
def test_halves_as_plain_loops_do(height, width):
    for seed in range(4):
        fine = level(height, width, seed, forbidden=0.1)
        coarse = halve(fine)
        assert coarse.known.shape == coarse.image.shape[1:] == ((height + 1) // 2, (width + 1) // 2)
        for row, column in torch.cartesian_prod(*map(torch.arange, coarse.known.shape)).tolist():
            below = footprint(row, column, height, width)
            known = [each for each in below if fine.known[each[:2]]]
            part = sum(each[2] for each in known) / sum(each[2] for each in below)
            # Where the line is drawn is a matter of taste; that there is one between these is not.
            if part > 0.5:
                assert coarse.known[row, column]
            if part < 0.1:
                assert not coarse.known[row, column]
            if coarse.known[row, column]:
                colours = sum(fine.image[:, y, x].double() * count for y, x, count in known)
                mean = (colours / sum(each[2] for each in known)).float()
                torch.testing.assert_close(coarse.image[:, row, column], mean)
                torch.testing.assert_close(float(coarse.certainty[row, column]), part, rtol=1e-5, atol=0)
            readable = all(bool(fine.readable[y, x]) for y, x, _ in known)
            assert bool(coarse.readable[row, column]) == (bool(coarse.known[row, column]) and readable)


@given(st.integers(1, 24), st.integers(1, 24), st.floats(0, 0.95), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_nothing_of_the_hole_leaks(height, width, hole, seed):
    fine = level(height, width, seed, hole)
    other = Level(torch.where(fine.known, fine.image, GARBAGE), fine.certainty, fine.readable)
    one, two = halve(fine), halve(other)
    assert torch.equal(one.image, two.image)
    assert torch.equal(one.known, two.known)
    assert torch.equal(one.readable, two.readable)


@given(st.integers(1, 24), st.integers(1, 24), st.floats(0, 0.95), st.floats(0, 1), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_a_constant_stays_constant(height, width, hole, value, seed):
    fine = level(height, width, seed, hole)
    image = torch.where(fine.known, torch.full_like(fine.image, value), GARBAGE)
    coarse = halve(Level(image, fine.certainty, fine.readable))
    torch.testing.assert_close(
        coarse.image[:, coarse.known], torch.full_like(coarse.image, value)[:, coarse.known]
    )
    filled = smooth_fill(image, fine.known)
    torch.testing.assert_close(filled, torch.full_like(filled, value), rtol=1e-5, atol=1e-6)


def test_a_symmetric_image_stays_symmetric():
    fine = level(12, 16, hole=0.3)
    both = Level(
        *(torch.cat([each, each.flip(-1)], -1) for each in (fine.image, fine.certainty, fine.readable))
    )
    coarse = halve(both)
    torch.testing.assert_close(coarse.image, coarse.image.flip(-1))
    assert torch.equal(coarse.known, coarse.known.flip(-1))


def test_a_thin_scratch_vanishes_and_a_block_stays():
    known = torch.ones(32, 32, dtype=torch.bool)
    known[5, :] = False
    known[16:28, 8:24] = False
    coarse = halve(Level(torch.rand(3, 32, 32), known.float(), known))
    assert bool(coarse.known[:6].all())
    assert not bool(coarse.known[9:13, 5:11].any())


def test_an_uncertain_cell_counts_less_in_the_next_mean():
    """Beside a known half that is 0, one cell of 1 with a fifth of the certainty."""
    image, certainty = torch.zeros(3, 2, 2), torch.tensor([[1.0, 0.2], [1.0, 0.0]])
    image[:, :, 1] = 1.0
    coarse = halve(Level(image, certainty, certainty > 0))
    torch.testing.assert_close(coarse.image, torch.full((3, 1, 1), 0.2 / 2.2))
    torch.testing.assert_close(coarse.certainty, torch.tensor([[2.2 / 4]]))


def test_the_texture_of_a_ramp_is_the_root_of_its_slope():
    """Also in the hole, whose content must not show, and also two levels up."""
    known = torch.ones(48, 64)
    known[16:30, 20:40] = 0
    ramp = torch.arange(64.0).div(64).expand(3, 48, 64)
    fine = Level(torch.where(known > 0, ramp, GARBAGE), known, known > 0)
    assert fine.texture is None
    coarse = halve(fine)
    for inner in (coarse.texture[:, 4:-4, 4:-4], halve(coarse).texture[:, 2:-2, 2:-2]):
        torch.testing.assert_close(inner[0], torch.full_like(inner[0], (1 / 64) ** 0.5))
        assert float(inner[1].abs().max()) == 0


def test_there_is_no_texture_to_measure_where_every_gradient_touches_the_hole():
    known = torch.zeros(6, 6)
    known[0, 0] = 1
    assert not bool(halve(Level(torch.rand(3, 6, 6), known, known > 0)).texture.any())


def test_a_forbidden_area_never_shrinks():
    known = torch.ones(16, 16, dtype=torch.bool)
    readable = known.clone()
    readable[7, 7] = False
    coarse = halve(Level(torch.rand(3, 16, 16), known.float(), readable))
    assert bool(coarse.known.all())
    assert (~coarse.readable).nonzero().tolist() == [[3, 3], [3, 4], [4, 3], [4, 4]]


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0, 1), st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_the_guess_lies_between_the_known_extremes(height, width, hole, seed):
    fine = level(height, width, seed, hole)
    image = torch.where(fine.known, fine.image, GARBAGE)
    filled = smooth_fill(image, fine.known)
    seen = fine.image[:, fine.known]
    assert torch.equal(filled[:, fine.known], seen)
    assert bool((filled.amin((1, 2)) >= seen.amin(1) - 1e-5).all())
    assert bool((filled.amax((1, 2)) <= seen.amax(1) + 1e-5).all())


def test_the_guess_follows_its_surroundings():
    columns = torch.linspace(0, 1, 64).expand(3, 48, 64)
    known = torch.ones(48, 64, dtype=torch.bool)
    known[12:36, 20:44] = False
    filled = smooth_fill(torch.where(known, columns, GARBAGE), known)
    assert float((filled - columns).abs().max()) < 0.15
    assert float((filled - columns)[:, 23:25, 31:33].abs().max()) < 0.05


def test_the_guess_takes_any_number_of_channels():
    known = torch.rand(20, 30, generator=torch.Generator().manual_seed(0)) > 0.5
    stack = torch.rand(5, 20, 30)
    alone = torch.cat([smooth_fill(each[None], known) for each in stack])
    torch.testing.assert_close(smooth_fill(stack, known), alone)


def test_no_hole_is_no_work():
    image = torch.rand(3, 6, 7)
    assert torch.equal(smooth_fill(image, torch.ones(6, 7, dtype=torch.bool)), image)
