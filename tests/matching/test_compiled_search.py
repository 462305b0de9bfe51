"""The compiled search against the one in torch: allowed sources, no worse, and the same on any threads."""

import os
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.matching.fields import (
    block,
    disagreements,
    energy,
    random_comparison,
    random_grid,
    random_sources,
    two_maps,
)

from retouch.matching.coherence import CoherentField, Comparison
from retouch.matching.compiled_search import CompiledSearch
from retouch.matching.patch_scores import patch_scores
from retouch.matching.patches import patch_grid
from retouch.matching.torch_search import TorchSearch
from retouch.native import library

torch.set_num_threads(1)
pytestmark = pytest.mark.skipif(library() is None, reason="not compiled")
COMPILED, REFERENCE = CompiledSearch(), TorchSearch()
KINDS = st.sampled_from(["cosine", "squared-distance"])


def judged(grid, comparison, price, seed=0):
    field = CoherentField(grid, random_sources(grid, seed), price, torch.ones(len(grid.queries)))
    field.judge(comparison)
    return field


def generator(seed):
    return torch.Generator().manual_seed(seed)


def scores_of(kind, patch, maps, size=None, seed=0, channels=3):
    """Scores of a map that is all hole and borrows from ``maps``; or of one with a hole, from itself."""
    features = torch.rand(channels, *(size or (20, 24)), generator=generator(seed))
    if maps is None:
        hole = torch.zeros(features.shape[1:], dtype=torch.bool)
        hole[2 : hole.shape[0] // 2, 2 : hole.shape[1] // 2] = True
        return patch_scores(features, patch_grid(hole, ~hole, patch), kind)
    hole = torch.ones(features.shape[1:], dtype=torch.bool)
    grid = patch_grid(hole, None, patch, [torch.ones(each, dtype=torch.bool) for each in maps])
    return patch_scores(
        features, grid, kind, [torch.rand(channels, *each, generator=generator(seed + 1)) for each in maps]
    )


@given(
    st.integers(8, 40),
    st.integers(8, 60),
    st.sampled_from([1, 3, 5]),
    st.integers(1, 40),
    st.booleans(),
    st.floats(0, 1.5),
    st.lists(st.integers(1, 50), max_size=5),
    st.integers(0, 2**31),
)
@settings(max_examples=40, deadline=None)
def test_a_sweep_never_raises_the_energy(height, width, patch, depth, weighted, price, radii, seed):
    grid = random_grid(height, width, patch, seed)
    comparison = random_comparison(grid, seed, depth, weighted)
    field = judged(grid, comparison, price, seed)
    fee = price * float(field.distances.median())
    before = energy(grid, comparison, field.sources, fee)
    for _ in range(2):
        COMPILED.coherent(field, comparison, radii, generator(seed))
        after = energy(grid, comparison, field.sources, fee)
        assert after <= before + 1e-4 * (1 + before)
        assert bool(grid.sources[field.sources].all())
        torch.testing.assert_close(field.distances, comparison.distance(None, field.sources))
        before = after


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("depth", [3, 25, 102])
@pytest.mark.parametrize(("height", "width"), [(40, 300), (64, 48)])
def test_sweeps_end_no_higher_than_in_torch(height, width, depth, weighted):
    grid = random_grid(height, width, 3, 5)
    comparison = random_comparison(grid, 5, depth, weighted)
    ends = []
    for search in (REFERENCE, COMPILED):
        field = judged(grid, comparison, 0.15)
        fee = float(field.prices[0])
        for turn in range(3):
            search.coherent(field, comparison, [20, 6, 2, 1], generator(turn))
        ends.append(float(field.distances.sum()) + fee * disagreements(grid, field.sources))
    assert ends[1] <= 1.02 * ends[0]


def test_sweeps_spread_a_planted_shift():
    grid = block(40, 80, 3, slice(4, 36), slice(4, 30))
    table = torch.rand(grid.cells, 12, generator=generator(0))
    truth = grid.queries + 40
    comparison = Comparison(table[truth], table)
    field = judged(grid, comparison, 0.1)
    field.sources[:1], field.distances[:1] = truth[:1], 0
    for _ in range(2):
        COMPILED.coherent(field, comparison, [], generator(0))
    assert torch.equal(field.sources, truth)
    assert float(field.distances.max()) == 0


@given(st.sampled_from([1, 3]), st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_sweeps_over_two_maps(patch, seed):
    grid = two_maps(patch)
    layout = grid.source_layout
    table = torch.rand(layout.cells, 4, generator=generator(seed))
    comparison = Comparison(torch.rand(len(grid.queries), 4, generator=generator(seed + 1)), table)
    field = judged(grid, comparison, 0.0, seed)
    start = field.sources
    COMPILED.coherent(field, comparison, [30, 4, 1], generator(seed))
    assert bool(grid.sources[field.sources].all())
    torch.testing.assert_close(field.distances, comparison.distance(None, field.sources))
    assert bool((field.distances <= comparison.distance(None, start) + 1e-6).all())


def on_threads(search):
    """What a search returns on one, two and three threads."""
    found = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(search())
    finally:
        torch.set_num_threads(before)
    return found


def test_any_number_of_threads_sweeps_alike():
    grid = block(100, 90, 3, slice(4, 94), slice(4, 50))
    assert len(grid.queries) > 2048  # fewer are not shared out
    comparison = random_comparison(grid, 0, 9)

    def sweep():
        field = judged(grid, comparison, 0.2)
        COMPILED.coherent(field, comparison, [40, 10, 1], generator(3))
        return torch.stack([field.sources.double(), field.distances.double()])

    first, *others = on_threads(sweep)
    assert all(torch.equal(first, each) for each in others)


@pytest.mark.parametrize("kind", ["cosine", "squared-distance"])
def test_any_number_of_threads_matches_alike(kind):
    scores = scores_of(kind, 3, [(60, 40), (30, 70)], (64, 48))
    first, *others = on_threads(lambda: COMPILED.approximate(scores, 1, None))
    assert all(torch.equal(first, each) for each in others)
    assert not torch.equal(first, COMPILED.approximate(scores, 2, None))


def mean(scores, found):
    return float(scores.pairs(scores.grid.queries, found).mean())


@given(
    KINDS,
    st.sampled_from([1, 3, 5]),
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 60)), min_size=1, max_size=3),
    st.tuples(st.integers(1, 20), st.integers(1, 60)),
    st.integers(1, 9),
    st.integers(0, 2**31),
)
@settings(max_examples=40, deadline=None)
def test_matching_keeps_to_what_is_allowed_and_comes_nearer_to_the_best_than_to_chance(
    kind, patch, maps, size, channels, seed
):
    maps.append((patch, patch))  # one source at least
    scores = scores_of(kind, patch, maps, size, seed, channels)
    found = COMPILED.approximate(scores, seed, None)
    assert found.shape == scores.grid.queries.shape
    assert bool(scores.grid.sources[found].all())
    if len(found) >= 200:
        valid = scores.grid.sources.nonzero()[:, 0]
        drawn = valid[torch.randint(len(valid), found.shape, generator=generator(seed))]
        best, chance = mean(scores, REFERENCE.exact(scores, 1, 2**26)[:, 0]), mean(scores, drawn)
        assert mean(scores, found) >= best - 0.5 * (best - chance) - 1e-6


@pytest.mark.parametrize("kind", ["cosine", "squared-distance"])
@pytest.mark.parametrize("channels", [1, 3, 40])
def test_matching_a_long_map_is_about_as_good_as_in_torch(kind, channels):
    scores = scores_of(kind, 3, None, (40, 300), channels=channels)
    found, reference = (each.approximate(scores, 0, None) for each in (COMPILED, REFERENCE))
    assert mean(scores, found) >= mean(scores, reference) - 0.03 * abs(mean(scores, reference))


@pytest.mark.parametrize("kind", ["cosine", "squared-distance"])
def test_matching_spreads_a_planted_copy(kind):
    features = torch.rand(5, 60, 120, generator=generator(0))
    features[:, :, :60] = features[:, :, 60:]
    hole = torch.zeros(60, 120, dtype=torch.bool)
    hole[8:52, 8:52] = True
    grid = patch_grid(hole, ~hole, 3)
    start = torch.full((grid.cells,), -1)
    start[grid.queries[300]] = grid.queries[300] + 60
    found = COMPILED.approximate(patch_scores(features, grid, kind), 0, start)
    assert torch.equal(found, grid.queries + 60)


def test_a_source_without_length_is_no_match_for_a_similar_one():
    """Whole patches decide between a source of zeros and one at an acute angle, whose cosine is greater."""
    features = torch.zeros(2, 9, 40)
    features[0, :, :12], features[1, :, :12] = 1.0, 1.0
    features[0, :, 26:] = 1.0
    hole = torch.zeros(9, 40, dtype=torch.bool)
    hole[:, :12] = True
    scores = patch_scores(features, patch_grid(hole, ~hole, 3), "cosine")
    found = COMPILED.approximate(scores, 0, None)
    expected = REFERENCE.exact(scores, 1, 2**28)[:, 0]
    torch.testing.assert_close(
        scores.pairs(scores.grid.queries, found), scores.pairs(scores.grid.queries, expected)
    )


@pytest.mark.parametrize("kind", ["cosine", "squared-distance"])
def test_a_map_of_one_cell(kind):
    scores = scores_of(kind, 1, [(1, 1)], (1, 1))
    assert torch.equal(COMPILED.approximate(scores, 0, None), torch.tensor([0]))


def test_what_it_does_not_serve_is_left_to_torch():
    grid = block(24, 40, 3, slice(8, 16), slice(4, 14))
    found = []
    for search in (REFERENCE, COMPILED):
        table = random_comparison(grid, 0).table.double()
        comparison = Comparison(table[grid.queries], table)
        field = CoherentField(grid, random_sources(grid, 0), 0.1, torch.ones(len(grid.queries)).double())
        field.judge(comparison)
        search.coherent(field, comparison, [3], generator(0))
        scores = patch_scores(torch.rand(3, 24, 40, generator=generator(1)).double(), grid, "cosine")
        found.append((field.sources, search.approximate(scores, 0, None)))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])


def test_it_can_be_left_unused():
    """``RETOUCH_COMPILED=0`` in the environment."""
    told = "from retouch.matching.search import SEARCH; print(type(SEARCH).__name__)"
    for value, expected in (("0", "TorchSearch"), ("1", "CompiledSearch")):
        environment = {**os.environ, "RETOUCH_COMPILED": value}
        command = [sys.executable, "-c", told]
        ran = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        assert ran.stdout.strip() == expected
