"""Coherent search: what it compares, that it only ever improves, and what it must find."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.matching.fields import (
    block,
    disagreements,
    energy,
    naive_distance,
    random_comparison,
    random_grid,
    random_sources,
    two_maps,
)

from retouch.matching import coherence
from retouch.matching.coherence import CoherentField, Comparison
from retouch.matching.torch_search import TorchSearch

torch.set_num_threads(1)


@pytest.mark.parametrize("weighted", [False, True])
def test_distance_is_that_of_plain_loops(weighted):
    grid = block(9, 10, 3, slice(3, 6), slice(4, 7))
    comparison = random_comparison(grid, 0, weighted=weighted)
    sources = random_sources(grid, 1)
    expected = [naive_distance(comparison, *pair) for pair in enumerate(sources.tolist())]
    torch.testing.assert_close(comparison.distance(None, sources), torch.tensor(expected))
    rows = torch.tensor([3, 0, 7])
    torch.testing.assert_close(comparison.distance(rows, sources[rows]), torch.tensor(expected)[rows])


def test_distance_leaves_its_operands_alone():
    grid = block(9, 10, 3, slice(3, 6), slice(4, 7))
    comparison = random_comparison(grid, 0, weighted=True)
    before = [each.clone() for each in (comparison.queries, comparison.table, comparison.weights)]
    comparison.distance(None, random_sources(grid, 1))
    comparison.nearest(grid.sources.nonzero()[:, 0])
    for each, old in zip((comparison.queries, comparison.table, comparison.weights), before, strict=True):
        assert torch.equal(each, old)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("chunk", [1, 100, 2**20])
def test_nearest_is_that_of_plain_loops(weighted, chunk, monkeypatch):
    monkeypatch.setattr(coherence, "_BLOCK", chunk)
    grid = block(9, 10, 3, slice(3, 6), slice(4, 7))
    comparison = random_comparison(grid, 2, weighted=weighted)
    valid = grid.sources.nonzero()[:, 0]
    found = comparison.nearest(valid)
    for query, source in enumerate(found.tolist()):
        least = min(naive_distance(comparison, query, each) for each in valid.tolist())
        assert source in valid.tolist()
        assert naive_distance(comparison, query, source) == pytest.approx(least, abs=1e-5)


def test_nearest_of_no_queries_is_nothing():
    grid = block(9, 10, 3, slice(0, 0), slice(0, 0))
    found = random_comparison(grid, 0).nearest(grid.sources.nonzero()[:, 0])
    assert found.shape == (0,)


@given(
    st.integers(4, 12), st.integers(4, 12), st.sampled_from([3, 5]), st.floats(0, 1.5), st.integers(0, 2**31)
)
@settings(max_examples=25, deadline=None)
def test_the_energy_never_rises(height, width, patch, price, seed):
    if min(height, width) <= patch:
        height = width = patch + 4
    grid = random_grid(height, width, patch, seed)
    comparison = random_comparison(grid, seed, weighted=bool(seed % 2))
    field = CoherentField(grid, random_sources(grid, seed), price, torch.ones(len(grid.queries)))
    field.judge(comparison)
    fee = price * float(field.distances.median())
    generator = torch.Generator().manual_seed(seed)
    before = energy(grid, comparison, field.sources, fee)
    steps = [lambda: field.propagate(comparison)] * 2
    steps += [
        lambda: field.explore(comparison, 6, generator),
        lambda: field.explore(comparison, 1, generator),
    ]
    for step in [*steps, *steps]:
        step()
        after = energy(grid, comparison, field.sources, fee)
        assert after <= before + 1e-4 * (1 + before)
        before = after
        # What it says of its distances is kept up to date.
        torch.testing.assert_close(field.distances, comparison.distance(None, field.sources))


@given(st.sampled_from([3, 5]), st.integers(0, 2**31))
@settings(max_examples=15, deadline=None)
def test_a_patch_without_doubt_only_ever_comes_nearer(patch, seed):
    grid = random_grid(12, 11, patch, seed)
    comparison = random_comparison(grid, seed)
    doubt = torch.rand(len(grid.queries), generator=torch.Generator().manual_seed(seed)).round()
    field = CoherentField(grid, random_sources(grid, seed), 0.5, doubt)
    field.judge(comparison)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(3):
        before = field.distances.clone()
        field.propagate(comparison)
        field.explore(comparison, 4, generator)
        assert bool((field.distances <= before)[doubt == 0].all())


def test_a_query_alone_is_not_paid_for_following_itself():
    """It has no neighbours that could agree, so no price may draw it to a source that is worse."""
    grid = block(5, 9, 1, slice(2, 3), slice(4, 5))
    slope = 1 + 0.1 * torch.rand(grid.cells, 1, generator=torch.Generator().manual_seed(0))
    comparison = Comparison(torch.zeros(1, 1), slope)
    valid = grid.sources.nonzero()[:, 0]
    field = CoherentField(grid, comparison.nearest(valid), 0.5, torch.ones(1))
    best = field.sources.clone()
    field.judge(comparison)
    for _ in range(3):
        field.propagate(comparison)
        field.explore(comparison, 2, torch.Generator().manual_seed(1))
    assert torch.equal(field.sources, best)


class Watched(Comparison):
    """A comparison that remembers all sources it was asked about."""

    def distance(self, rows, sources):
        ASKED.append(sources)
        return super().distance(rows, sources)


ASKED = []


@given(
    st.integers(1, 12),
    st.integers(1, 12),
    st.sampled_from([1, 3, 5]),
    st.integers(1, 12),
    st.integers(0, 2**31),
)
@settings(max_examples=60, deadline=None)
def test_only_sources_are_tried_and_kept(height, width, patch, radius, seed):
    if height * width == 1 or min(height, width) < patch or max(height, width) == patch:
        height = width = patch + 3
    grid = random_grid(height, width, patch, seed)
    plain = random_comparison(grid, seed)
    comparison = Watched(plain.queries, plain.table)
    field = CoherentField(grid, random_sources(grid, seed), 0.3, torch.ones(len(grid.queries)))
    ASKED.clear()
    field.judge(comparison)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(3):
        field.propagate(comparison)
        field.explore(comparison, radius, generator)
    asked = torch.cat(ASKED)
    assert bool(((asked >= 0) & (asked < grid.cells)).all())
    assert bool(grid.sources[asked].all())
    assert bool(grid.sources[field.sources].all())


@given(st.sampled_from([1, 3]), st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_sources_in_two_maps(patch, seed):
    """Only sources are tried; the price counts neighbours as agreeing only within one map."""
    grid = two_maps(patch)
    layout = grid.source_layout
    generator = torch.Generator().manual_seed(seed)
    table = torch.rand(layout.cells, 4, generator=generator)
    comparison = Watched(torch.rand(len(grid.queries), 4, generator=generator), table)
    field = CoherentField(grid, random_sources(grid, seed), 0.3, torch.ones(len(grid.queries)))
    ASKED.clear()
    field.judge(comparison)
    fee = 0.3 * float(field.distances.median())

    def energy_of(sources):
        places = torch.stack(layout.place(sources), 1).tolist()
        asked = torch.stack(grid.row_column(grid.queries), 1).tolist()
        found = dict(zip(map(tuple, asked), map(tuple, places), strict=True))
        disagreeing = sum(
            (row + down, column + right) in found
            and found[row + down, column + right] != (index, there + down, across + right)
            for (row, column), (index, there, across) in found.items()
            for down, right in ((0, 1), (1, 0))
        )
        return float(comparison.distance(None, sources).sum()) + fee * disagreeing

    before = energy_of(field.sources)
    for radius in (4, 2, 1):
        TorchSearch().coherent(field, comparison, [radius], generator)
        after = energy_of(field.sources)
        assert after <= before + 1e-4
        before = after
    assert bool(grid.sources[torch.cat(ASKED)].all())
    torch.testing.assert_close(field.distances, comparison.distance(None, field.sources))


def test_a_sweep_explores_within_the_map():
    grid = two_maps(3)
    start = random_sources(grid, 1)
    field = CoherentField(grid, start.clone(), 0.0, torch.ones(len(start)))
    generator = torch.Generator().manual_seed(0)
    comparison = Comparison(
        torch.zeros(len(start), 3), torch.rand(grid.source_layout.cells, 3, generator=generator)
    )
    field.judge(comparison)
    for _ in range(4):
        field.explore(comparison, 30, generator)
    assert bool((field.sources != start).any())
    assert torch.equal(grid.source_layout.place(field.sources)[0], grid.source_layout.place(start)[0])


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_planted_shift_spreads_from_a_few_seeds(seeds):
    grid = block(24, 40, 3, slice(8, 16), slice(4, 14))
    # Every query looks exactly like the patch 20 columns to its right, and like no other.
    table = torch.rand(grid.cells, 12, generator=torch.Generator().manual_seed(0))
    truth = grid.queries + 20
    assert bool(grid.sources[truth].all())
    comparison = Comparison(table[truth], table)
    start = random_sources(grid, 1)
    chosen = torch.randint(len(start), (seeds,), generator=torch.Generator().manual_seed(2))
    start[chosen] = truth[chosen]
    field = CoherentField(grid, start, 0.1, torch.ones(len(start)))
    field.judge(comparison)
    for _ in range(12):
        field.propagate(comparison)
    assert torch.equal(field.sources, truth)
    assert float(field.distances.max()) == 0


def test_exploring_goes_downhill():
    """Where the distance is that between rows and columns, random steps lead to its bottom."""
    grid = block(24, 40, 3, slice(8, 16), slice(4, 14))
    table = torch.stack(grid.row_column(torch.arange(grid.cells)), 1).float()
    truth = grid.queries + 20
    comparison = Comparison(table[truth], table)
    field = CoherentField(grid, truth + 2 - 3 * grid.stride, 0.0, torch.ones(len(truth)))
    field.judge(comparison)
    generator = torch.Generator().manual_seed(3)
    for _ in range(200):
        field.explore(comparison, 2, generator)
    assert torch.equal(field.sources, truth)


def test_exploring_stays_within_its_radius():
    grid = block(24, 40, 3, slice(8, 16), slice(4, 14))
    start = random_sources(grid, 0)
    field = CoherentField(grid, start.clone(), 0.0, torch.ones(len(start)))
    comparison = random_comparison(grid, 0)
    field.judge(comparison)
    field.explore(comparison, 2, torch.Generator().manual_seed(0))
    moved = [
        (now - old).abs()
        for now, old in zip(grid.row_column(field.sources), grid.row_column(start), strict=True)
    ]
    assert max(int(each.max()) for each in moved) <= 2
    assert bool((field.sources != start).any())


def test_coherence_settles_what_distance_leaves_open():
    """All sources are equally near: with a price they line up, so that the field becomes shifts."""
    grid = block(24, 40, 3, slice(8, 16), slice(4, 14))
    comparison = Comparison(torch.ones(len(grid.queries), 1), torch.zeros(grid.cells, 1))
    counts = {}
    for price in (0.0, 0.5):
        field = CoherentField(grid, random_sources(grid, 5), price, torch.ones(len(grid.queries)))
        field.judge(comparison)
        before = disagreements(grid, field.sources)
        for _ in range(10):
            field.propagate(comparison)
        counts[price] = disagreements(grid, field.sources)
    assert counts[0.0] == before
    assert counts[0.5] < 0.8 * before


def test_the_same_seed_searches_alike():
    grid = block(16, 20, 3, slice(4, 9), slice(4, 12))
    comparison = random_comparison(grid, 0)
    found = []
    for seed in (0, 0, 1):
        field = CoherentField(grid, random_sources(grid, 0), 0.2, torch.ones(len(grid.queries)))
        field.judge(comparison)
        generator = torch.Generator().manual_seed(seed)
        for _ in range(2):
            field.explore(comparison, 5, generator)
        found.append(field.sources)
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_the_loops_of_this_file_count_what_they_should():
    grid = block(12, 24, 3, slice(4, 7), slice(3, 7))
    coherent = grid.queries + 10
    assert disagreements(grid, coherent) == 0
    broken = coherent.clone()
    row, column = (each.tolist() for each in grid.row_column(grid.queries))
    middle = list(zip(row, column, strict=True)).index((5, 5))
    broken[middle] += 1
    assert disagreements(grid, broken) == 4
    pairs = itertools.combinations(zip(row, column, strict=True), 2)
    beside = sum(abs(one[0] - two[0]) + abs(one[1] - two[1]) == 1 for one, two in pairs)
    assert disagreements(grid, torch.full_like(coherent, int(coherent[0]))) == beside
