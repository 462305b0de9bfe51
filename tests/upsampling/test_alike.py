"""The search for cells of the same colours."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from retouch.upsampling.alike import BLOCK, PATCH, alike


def texture(height, width, period, seed=0):
    tile = np.random.default_rng(seed).random((period, period, 3), dtype=np.float32)
    return np.tile(tile, (-(-height // period), -(-width // period), 1))[:height, :width]


def square(height, width, rows, columns):
    hole = np.zeros((height, width), bool)
    hole[rows, columns] = True
    return hole


def test_a_planted_texture_is_found():
    image, hole = texture(60, 70, 11), square(60, 70, slice(20, 41), slice(22, 45))
    found = alike(image, hole, ~hole, 0)
    places = found[hole]
    assert np.abs(image[places[:, 0], places[:, 1]] - image[hole]).mean() < 0.02
    assert not hole[places[:, 0], places[:, 1]].any()
    assert (found[~hole] == -1).all()
    assert found.dtype == np.int32


@given(st.integers(1, 24), st.integers(1, 24), st.integers(0, 2**31))
@settings(max_examples=60)
def test_any_size_borrows_only_from_what_is_usable_and_a_block_from_one_place(height, width, seed):
    random = np.random.default_rng(seed)
    image = random.random((height, width, 3), dtype=np.float32)
    hole = random.random((height, width)) < random.choice([0.02, 0.3])
    usable = ~hole & (random.random(hole.shape) < random.choice([0.97, 1]))
    found = alike(image, hole, usable, seed)
    whole = min(hole.shape) >= PATCH and sliding_window_view(usable, (PATCH, PATCH)).all(axis=(2, 3)).any()
    if not whole:
        assert (found == -1).all()
        return
    places = found[hole]
    assert (places >= 0).all()
    assert usable[places[:, 0], places[:, 1]].all()
    cells = np.argwhere(hole)
    blocks = [tuple(each) for each in cells // BLOCK]
    offsets = {}
    for block, offset in zip(blocks, places - cells, strict=True):
        assert tuple(offsets.setdefault(block, offset)) == tuple(offset)


def test_it_is_nearly_as_good_as_comparing_everything():
    random = np.random.default_rng(1)
    image = random.random((48, 48, 3), dtype=np.float32).cumsum(0).cumsum(1) % 1
    image, hole = image.astype(np.float32), square(48, 48, slice(16, 36), slice(12, 36))
    found = alike(image, hole, ~hole, 0)
    reach = PATCH // 2
    padded = np.pad(image, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    patches = sliding_window_view(padded, (PATCH, PATCH), axis=(0, 1)).reshape(48, 48, -1)
    sources = patches[reach:-reach, reach:-reach][sliding_window_view(~hole, (PATCH, PATCH)).all(axis=(2, 3))]
    mine, least = [], []
    for row, column in np.argwhere(hole):
        if row % BLOCK == 1 and column % BLOCK == 1:  # a leader: the first of the four most central cells
            mine.append(np.square(patches[row, column] - patches[tuple(found[row, column])]).sum())
            least.append(np.square(patches[row, column] - sources).sum(1).min())
    assert len(mine) == 30
    assert np.mean(mine) < 1.02 * np.mean(least)


def test_the_seed_decides():
    image, hole = np.random.default_rng(0).random((40, 40, 3), dtype=np.float32), square(40, 40, 15, 20)
    image = image.repeat(2, 0).repeat(2, 1)
    hole = hole.repeat(2, 0).repeat(2, 1)
    one, again = (alike(image, hole, ~hole, 3) for _ in range(2))
    assert np.array_equal(one, again)
