"""Layouts: the compiled one and its plain twin give the same numbers; copying inwards goes on as it began."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retouch.errors import RetouchError
from retouch.native import laying_out, library
from retouch.synthesis.layout import lay_out
from retouch.synthesis.peeling import Manner, Peeling

compiled = pytest.mark.skipif(library() is None, reason="nothing was compiled")


def sample(height, width, seed):
    """A level with smooth and grainy parts, a hole, cells that are partly known, and some that are barred."""
    random = np.random.default_rng(seed)
    image = random.random((height, width, 3), np.float32)
    image[: height // 2] = np.linspace(0, 1, width, dtype=np.float32)[:, None]
    hole = np.zeros((height, width), bool)
    top, left = random.integers(0, height - 6), random.integers(0, width - 6)
    hole[top : top + height // 2, left : left + width // 3] = True
    hole |= random.random((height, width)) < 0.02
    hole[-5:, -5:] = False  # one whole patch, at least
    certainty = np.where(hole, 0, random.uniform(0.06, 1, hole.shape)).astype(np.float32)
    readable = ~hole & (random.random(hole.shape) > 0.01)
    readable[-5:, -5:] = True
    texture = random.random((height, width, 2), np.float32)
    lines = (random.random(hole.shape) < 0.1).astype(np.float32)
    guess = (np.where(hole[..., None], 0.5, image) * 255).astype(np.uint8)
    return image, certainty, readable, texture, lines, guess


@compiled
@given(
    st.integers(8, 22), st.integers(8, 26), st.integers(0, 2**40), st.booleans(), st.booleans(), st.booleans()
)
@settings(max_examples=12, deadline=None)
def test_the_compiled_layout_is_the_plain_one(height, width, seed, textured, lined, guessed):
    image, certainty, readable, texture, lines, guess = sample(height, width, seed)
    other = np.random.default_rng(seed).random((height, width, 4), np.float32) if guessed else None
    given_ = (
        image,
        certainty,
        readable,
        texture if textured else None,
        lines if lined else None,
        guess,
        other,
    )
    plain = lay_out(*given_, seed=seed)
    for threads, portable in ((1, False), (2, True)):
        made = laying_out.lay_out(*given_, seed=seed, threads=threads, portable=portable)
        hole = certainty == 0
        np.testing.assert_array_equal(made[0][hole], plain[0][hole])
        for each, same in zip(made[1:], plain[1:], strict=True):
            np.testing.assert_array_equal(each, same)


def test_every_pixel_of_the_hole_is_a_copy_of_a_readable_one():
    image, certainty, readable, texture, _, guess = sample(24, 30, 5)
    _, colours, sources = lay_out(image, certainty, readable, texture, None, guess, seed=1)
    hole = certainty == 0
    assert (sources[~hole] == -1).all()
    assert readable.ravel()[sources[hole]].all()
    np.testing.assert_array_equal(colours[hole], guess.reshape(-1, 3)[sources[hole]])
    np.testing.assert_array_equal(colours[~hole], guess[~hole])


def stripes(height=24, width=32, period=8):
    picture = np.zeros((height, width, 3), np.uint8)
    picture[(np.arange(height) % period) < period // 2] = 255
    return picture


def test_stripes_go_on_through_a_hole_where_the_guess_is_grey():
    picture = stripes()
    hole = np.zeros(picture.shape[:2], bool)
    hole[4:20, 11:21] = True
    guess = np.where(hole[..., None], np.uint8(128), picture)
    certainty = (~hole).astype(np.float32)
    better, colours, _ = lay_out(
        picture.astype(np.float32) / 255, certainty, ~hole, None, None, guess, seed=0
    )
    np.testing.assert_array_equal(colours, picture)
    assert np.abs(better[hole] - picture[hole] / 255.0).mean() < 0.15  # blurred a little


def test_a_line_is_filled_first_and_from_the_line():
    """A dark line crosses a noisy picture; the rest of the hole would else grow over its place."""
    random = np.random.default_rng(3)
    picture = random.integers(90, 160, (30, 40, 3), np.uint8)
    picture[14:16] = 0
    hole = np.zeros(picture.shape[:2], bool)
    hole[5:25, 8:32] = True
    lines = np.zeros(hole.shape, np.float32)
    lines[14:16] = 1
    guess = np.where(hole[..., None], np.uint8(125), picture)
    certainty = (~hole).astype(np.float32)
    drawn = Peeling(certainty, ~hole, None, lines, guess).fill(Manner(), 0)[0]
    assert (drawn[14:16] == 0).all()
    assert (drawn[hole].mean(1) == 0).sum() == 2 * 24


@pytest.mark.parametrize(("variance", "heeded"), [(1e-6, True), (1e3, False)])
def test_a_sure_guess_is_heeded_and_an_unsure_one_is_not(variance, heeded):
    picture = stripes()
    hole = np.zeros(picture.shape[:2], bool)
    hole[4:20, 11:21] = True
    shown = np.where(hole[..., None], np.uint8(128), picture)
    other = np.full((*hole.shape, 4), 0.5, np.float32)
    other[..., 3] = variance
    given_ = picture.astype(np.float32) / 255, (~hole).astype(np.float32), ~hole, None, None, shown
    better = lay_out(*given_, other, seed=0)[0][hole]
    without = lay_out(*given_, seed=0)[0][hole]
    np.testing.assert_allclose(better, 0.5 if heeded else without, atol=1e-3)


def test_another_seed_is_another_layout():
    image, certainty, readable, texture, _, guess = sample(24, 30, 5)
    one, same, other = (
        lay_out(image, certainty, readable, texture, None, guess, seed=seed)[0] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


@compiled
def test_without_a_whole_patch_there_is_no_layout():
    image, certainty, _, _, _, guess = sample(12, 12, 0)
    with pytest.raises(RetouchError, match="left to borrow"):
        laying_out.lay_out(image, certainty, np.zeros((12, 12), bool), None, None, guess, seed=0)
