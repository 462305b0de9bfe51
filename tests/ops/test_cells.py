"""Arrays are resized as tensors are: the tensors' functions are the reference."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from retouch.ops import cells, resize


def tensor(array):
    return torch.from_numpy(np.ascontiguousarray(array)).permute(2, 0, 1)[None]


def array(tensor):
    return tensor[0].permute(1, 2, 0).numpy()


SIZES = {"height": st.integers(1, 9), "width": st.integers(1, 9), "scale": st.integers(1, 9)}


@given(**SIZES, seed=st.integers(0, 2**31))
def test_shrinking(height, width, scale, seed):
    image = np.random.default_rng(seed).random((height * scale, width * scale, 3), dtype=np.float32)
    assert cells.shrink(image, scale) == pytest.approx(array(resize.shrink(tensor(image), scale)), abs=1e-6)


@given(**SIZES, seed=st.integers(0, 2**31))
def test_shrinking_a_mask(height, width, scale, seed):
    mask = np.random.default_rng(seed).random((height * scale, width * scale)) < 1 / scale**2
    expected = resize.shrink_mask(torch.from_numpy(mask).float()[None, None], scale)[0, 0].numpy() > 0
    assert np.array_equal(cells.shrink_mask(mask, scale), expected)


@given(**SIZES, seed=st.integers(0, 2**31))
def test_enlarging(height, width, scale, seed):
    image = np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)
    expected = array(resize.enlarge(tensor(image), scale))
    assert cells.enlarge(image, scale) == pytest.approx(expected, abs=1e-4)


def test_a_straight_ramp_stays_straight():
    ramp = np.linspace(0, 1, 12, dtype=np.float32)[:, None, None].repeat(5, 1).repeat(3, 2)
    steps = np.diff(cells.enlarge(ramp, 4)[8:-8], axis=0)
    assert steps == pytest.approx(np.full_like(steps, 1 / 44), abs=1e-6)


def test_blocks_are_a_view_of_the_pixels():
    image = np.arange(4 * 6 * 3).reshape(4, 6, 3)
    seen = cells.blocks(image, 2)
    assert np.array_equal(seen[1, :, 2], image[2:4, 4:6])
    seen[0, :, 0] = 0
    assert (image[:2, :2] == 0).all()
