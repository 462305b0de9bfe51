"""Upsampling on arrays, against the same on tensors and on planted detail."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from retouch.contract import Fill, SourceMap
from retouch.ops.cells import enlarge, shrink, shrink_mask
from retouch.upsampling import guided, residual


def tensor(array):
    return torch.from_numpy(np.ascontiguousarray(array)).permute(2, 0, 1)[None]


@given(st.integers(2, 9), st.integers(2, 9), st.integers(2, 5), st.integers(0, 2**31))
def test_it_is_the_form_on_tensors(height, width, scale, seed):
    random = np.random.default_rng(seed)
    photo = random.random((height * scale, width * scale, 3), dtype=np.float32)
    mask = random.random(photo.shape[:2]) < 0.5 / scale**2
    hole = shrink_mask(mask, scale)
    usable = ~hole & (random.random(hole.shape) < 0.8)
    fill = random.random((height, width, 3), dtype=np.float32)
    sources = random.integers(0, hole.shape, (height, width, 2)).astype(np.int32)
    sources[~hole | (random.random(hole.shape) < 0.2)] = -1
    mine = residual.upsample(photo, fill, sources, usable, scale)

    found = Fill(tensor(fill), None, SourceMap(tensor(sources).long()))
    maps = [np.kron(each, np.ones((scale, scale))) for each in (hole, usable)]
    masks = [torch.from_numpy(each).float()[None, None] for each in maps]
    other = guided.upsample(tensor(photo), masks[0], found, scale, allowed=masks[1]).image
    inside = maps[0] > 0
    assert mine[inside] == pytest.approx(other[0].permute(1, 2, 0).numpy()[inside], abs=1e-4)


def test_large_holes_are_carried_over_in_parts(monkeypatch):
    random = np.random.default_rng(0)
    photo, fill = (random.random((side, side, 3), dtype=np.float32) for side in (24, 8))
    usable = np.zeros((8, 8), bool)
    usable[:3] = True
    sources = np.full((8, 8, 2), -1, np.int32)
    sources[4:] = random.integers(0, 3, (4, 8, 2))
    whole = residual.upsample(photo, fill, sources, usable, 3)
    monkeypatch.setattr(residual, "CHUNK", 20)
    assert np.array_equal(residual.upsample(photo, fill, sources, usable, 3), whole)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_detail_comes_back_exactly_from_a_coherent_correspondence(scale):
    # The photo repeats every 8 cells, and the fill at low resolution is right.
    tile = np.random.default_rng(0).random((8 * scale, 8 * scale, 3), dtype=np.float32)
    photo = np.tile(tile, (4, 4, 1))
    hole = np.zeros((32, 32), bool)
    hole[12:18, 11:19] = True
    sources = np.full((32, 32, 2), -1, np.int32)
    sources[hole] = np.argwhere(hole) + np.array([8, 0])
    found = residual.upsample(photo, shrink(photo, scale), sources, ~hole, scale)
    inside = np.kron(hole, np.ones((scale, scale))) > 0
    assert found[inside] == pytest.approx(photo[inside], abs=1e-5)


def test_cells_without_a_source_get_no_detail():
    photo = np.random.default_rng(0).random((40, 40, 3), dtype=np.float32)
    fill = shrink(photo, 4)
    nothing = np.full((10, 10, 2), -1, np.int32)
    found = residual.upsample(photo, fill, nothing, np.ones((10, 10), bool), 4)
    assert np.array_equal(found, np.clip(enlarge(fill, 4), 0, 1))
