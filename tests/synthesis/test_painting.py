"""Painting a hole: against plain loops, and what must have no say in it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.matching.reference import neighbours, patch_at

from retouch.matching.patches import patch_grid
from retouch.synthesis import painting
from retouch.synthesis.painting import Canvas
from retouch.synthesis.pyramid import Level, smooth_fill

torch.set_num_threads(1)
OPTIONS = {"guidance": 0.0, "trust": 0.5, "fading": 0.6}


def level(height, width, rows, columns, seed=0):
    """Random colours with a rectangular hole."""
    known = torch.ones(height, width, dtype=torch.bool)
    known[rows, columns] = False
    image = torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))
    return Level(image, known.float(), known)


def canvas(at, patch, **options):
    grid = patch_grid(~at.known, at.readable, patch)
    return Canvas(at, grid, **(OPTIONS | options), generator=torch.Generator().manual_seed(0))


def random_sources(grid, seed=0):
    valid = grid.sources.nonzero()[:, 0]
    draw = torch.randint(len(valid), grid.queries.shape, generator=torch.Generator().manual_seed(seed))
    return valid[draw]


def places(grid, flat):
    return list(map(tuple, torch.stack(grid.row_column(flat), 1).tolist()))


def naive_paint(at, grid, before, sources, fading, silent=()):
    """Each pixel of the hole is the mean of what all patches over it show, deep ones counting less."""
    known = at.known.nonzero().double()
    result = before.clone()
    voters = list(zip(places(grid, grid.queries), places(grid, sources), strict=True))
    for row, column in places(grid, grid.hole):
        total, votes = torch.zeros(3, dtype=torch.float64), 0.0
        for number, (query, source) in enumerate(voters):
            down, right = row - query[0], column - query[1]
            if max(abs(down), abs(right)) > grid.margin or number in silent:
                continue
            depth = float((known - torch.tensor(query)).norm(dim=1).min())
            total += fading**depth * at.image[:, source[0] + down, source[1] + right].double()
            votes += fading**depth
        if votes:
            result[:, row, column] = (total / votes).float()
    return result


HOLES = pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (slice(5, 9), slice(6, 11)),
        (slice(0, 3), slice(0, 4)),
        (slice(9, 14), slice(2, 3)),
        (slice(6, 7), slice(3, 13)),
    ],
    ids=["middle", "corner", "border", "scratch"],
)


@HOLES
@pytest.mark.parametrize("patch", [1, 3, 5])
def test_paints_as_plain_loops_do(rows, columns, patch):
    at = level(14, 16, rows, columns)
    paper = canvas(at, patch)
    sources = random_sources(paper.grid)
    expected = naive_paint(at, paper.grid, paper.painted, sources, OPTIONS["fading"])
    paper.paint(sources)
    torch.testing.assert_close(paper.painted, expected)
    assert torch.equal(paper.painted[:, at.known], at.image[:, at.known])


def test_a_shifted_copy_is_painted_exactly():
    """All patches borrow from ten columns to the right, so all overlaps agree."""
    at = level(14, 30, slice(4, 10), slice(4, 10))
    paper = canvas(at, 5)
    paper.paint(paper.grid.queries + 10)
    torch.testing.assert_close(paper.painted[:, 4:10, 4:10], at.image[:, 4:10, 14:20])


def test_equal_distances_change_nothing():
    at = level(14, 16, slice(5, 9), slice(6, 11))
    plain, measured = canvas(at, 3), canvas(at, 3)
    sources = random_sources(plain.grid)
    plain.paint(sources)
    for distance in (0.0, 1e-3, 2.0, 1e3):
        measured.paint(sources, torch.full((len(sources),), distance))
        torch.testing.assert_close(measured.painted, plain.painted)


def test_a_bad_patch_has_next_to_no_say():
    at = level(14, 16, slice(5, 9), slice(6, 11))
    paper = canvas(at, 3)
    sources = random_sources(paper.grid)
    bad = set(range(0, len(sources), 7))
    distances = torch.full((len(sources),), 0.01)
    distances[sorted(bad)] = 100.0
    expected = naive_paint(at, paper.grid, paper.painted, sources, OPTIONS["fading"], bad)
    paper.paint(sources, distances)
    torch.testing.assert_close(paper.painted, expected)


def test_where_all_are_bad_they_still_paint():
    at = level(20, 40, slice(5, 15), slice(5, 15))
    paper = canvas(at, 3)
    distances = torch.full(paper.grid.queries.shape, 1e-3)
    row, column = paper.grid.row_column(paper.grid.queries)
    distances[(row - 10).abs().maximum((column - 10).abs()) < 4] = 1e6
    paper.paint(paper.grid.queries + 20, distances)
    torch.testing.assert_close(paper.painted[:, 5:15, 5:15], at.image[:, 5:15, 25:35])


def test_unknown_queries_have_no_say():
    at = level(14, 16, slice(4, 10), slice(5, 12))
    grid = canvas(at, 3).grid
    unknown = torch.rand(grid.queries.shape, generator=torch.Generator().manual_seed(4)) < 0.3
    # All patches over one pixel in the middle are unknown, so it must stay as it was.
    row, column = grid.row_column(grid.queries)
    unknown |= ((row - 7).abs() <= 1) & ((column - 8).abs() <= 1)
    sources, other = random_sources(grid, 1), random_sources(grid, 2)
    painted = []
    for each in (sources, torch.where(unknown, other, sources)):
        paper = canvas(at, 3)
        before = paper.painted
        paper.paint(each, unknown=unknown)
        painted.append(paper.painted)
    assert torch.equal(*painted)
    assert torch.equal(painted[0][:, 7, 8], before[:, 7, 8])
    silent = set(unknown.nonzero()[:, 0].tolist())
    torch.testing.assert_close(painted[0], naive_paint(at, grid, before, sources, OPTIONS["fading"], silent))


def test_painting_makes_a_new_picture():
    """What was painted before is not changed under the hands of whoever keeps it."""
    at = level(14, 16, slice(5, 9), slice(6, 11))
    image = at.image.clone()
    paper = canvas(at, 3)
    before, copy = paper.painted, paper.painted.clone()
    paper.paint(random_sources(paper.grid))
    assert torch.equal(before, copy)
    assert torch.equal(at.image, image)


@pytest.mark.parametrize(("fading", "reach"), [(0.7, 200), (0.05, 40)])
def test_the_middle_of_a_deep_hole_is_painted_too(fading, reach):
    """Votes that fade with depth become very small; their mean must not."""
    side = 2 * reach + 8
    known = torch.zeros(side, side, dtype=torch.bool)
    known[:, :8] = True
    at = Level(torch.full((3, side, side), 0.5), known.float(), known)
    paper = canvas(at, 3, fading=fading)
    paper.painted = torch.zeros(3, side, side)
    sources = torch.full_like(paper.grid.queries, int(paper.grid.sources.nonzero()[0, 0]))
    paper.paint(sources)
    torch.testing.assert_close(paper.painted[:, ~known], torch.full_like(at.image, 0.5)[:, ~known])


@given(st.integers(6, 14), st.integers(6, 14), st.sampled_from([1, 3, 5]), st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_what_is_painted_lies_between_what_is_known(height, width, patch, seed):
    generator = torch.Generator().manual_seed(seed)
    known = torch.rand(height, width, generator=generator) > 0.3
    known[:5, :5] = True
    known[-1, -1] = False
    at = Level(torch.rand(3, height, width, generator=generator), known.float(), known)
    paper = canvas(at, patch)
    distances = torch.rand(paper.grid.queries.shape, generator=generator) * 10
    paper.paint(random_sources(paper.grid, seed), distances)
    seen = at.image[:, known]
    assert torch.equal(paper.painted[:, known], seen)
    assert bool((paper.painted.amin((1, 2)) >= seen.amin(1) - 1e-5).all())
    assert bool((paper.painted.amax((1, 2)) <= seen.amax(1) + 1e-5).all())


@HOLES
@pytest.mark.parametrize("patch", [1, 3, 5])
def test_compares_whole_patches_as_plain_loops_do(rows, columns, patch):
    at = level(14, 16, rows, columns)
    paper = canvas(at, patch)
    grid = paper.grid
    paper.paint(random_sources(grid, 1))
    sources = random_sources(grid, 2)
    found = paper.compare().distance(None, sources)
    expected = []
    for query, source in zip(places(grid, grid.queries), places(grid, sources), strict=True):
        weights = []
        for row, column in neighbours(*query, patch):
            inside = 0 <= row < 14 and 0 <= column < 16
            weights.append((1.0 if at.known[row, column] else OPTIONS["trust"]) if inside else 0.0)
        difference = patch_at(paper.painted, *query, patch) - patch_at(at.image, *source, patch)
        squares = difference.reshape(-1, 3).square().sum(1)
        weights = torch.tensor(weights, dtype=torch.float64)
        expected.append(float((squares * weights / weights.mean()).sum()))
    torch.testing.assert_close(found, torch.tensor(expected))


def test_the_guess_counts_with_the_difference_of_means():
    at = level(14, 16, slice(5, 9), slice(6, 11))
    grid = canvas(at, 3).grid
    plain, once, twice = (canvas(at, 3, guidance=each).compare() for each in (0.0, 1.0, 2.0))
    guess = smooth_fill(at.image, at.known)
    scales = []
    for seed in range(4):
        sources = random_sources(grid, seed)
        extra = once.distance(None, sources) - plain.distance(None, sources)
        # Twice the guidance is four times the distance, as everything else in it is squared.
        quadruple = twice.distance(None, sources) - plain.distance(None, sources)
        torch.testing.assert_close(quadruple, 4 * extra, rtol=1e-3, atol=1e-4)
        means = []
        for query, source in zip(places(grid, grid.queries), places(grid, sources), strict=True):
            there = patch_at(at.image, *source, 3).reshape(-1, 3).mean(0)
            means.append((patch_at(guess, *query, 3).reshape(-1, 3).mean(0) - there).square().sum())
        scales.append(extra / torch.stack(means).float())
    # For each query it is one number times the squared difference of the patches' mean colours.
    for each in scales[1:]:
        torch.testing.assert_close(each, scales[0], rtol=2e-2, atol=1e-3)
    # The less of a patch is known, the more the guess counts.
    order = canvas(at, 3).share.argsort()
    assert scales[0][order[0]] < scales[0][order[-1]]


def test_the_share_is_the_part_in_the_hole():
    at = level(14, 16, slice(0, 4), slice(6, 11))
    paper = canvas(at, 3)
    hole = (~at.known).float()[None]
    expected = [patch_at(hole, *query, 3).mean() for query in places(paper.grid, paper.grid.queries)]
    torch.testing.assert_close(paper.share, torch.stack(expected).float())


def components(monkeypatch, number):
    monkeypatch.setattr(painting, "_WHOLE_PATCHES", 0)
    monkeypatch.setattr(painting, "_COMPONENTS", number)


def test_all_components_together_are_the_patches(monkeypatch):
    """A rotation keeps distances: those of colours and of the two slopes of brightness."""
    components(monkeypatch, 5 * 9)
    at = level(14, 16, slice(5, 9), slice(6, 11))
    paper = canvas(at, 3)
    grid = paper.grid
    paper.paint(random_sources(grid, 1))

    def described(image, row, column):
        parts = []
        for y, x in neighbours(row, column, 3):
            y, x = min(max(y, 0), 13), min(max(x, 0), 15)
            left, right = image[:, y, max(x - 1, 0)].mean(), image[:, y, min(x + 1, 15)].mean()
            above, below = image[:, max(y - 1, 0), x].mean(), image[:, min(y + 1, 13), x].mean()
            parts += [*image[:, y, x], (right - left) / 2, (below - above) / 2]
        return torch.stack(parts)

    # Where the slopes of a source touch the hole, what lies there has a say in them.
    near = torch.nn.functional.max_pool2d((~at.known)[None].float(), 5, 1, 2)[0] > 0
    clear = [source for source in grid.sources.nonzero()[:, 0].tolist() if not near[grid_place(grid, source)]]
    sources = torch.tensor(clear)[torch.arange(len(grid.queries)) % len(clear)]
    expected = [
        (described(paper.painted, *query) - described(at.image, *source)).square().sum()
        for query, source in zip(places(grid, grid.queries), places(grid, sources), strict=True)
    ]
    found = paper.compare().distance(None, sources)
    torch.testing.assert_close(found, torch.stack(expected), rtol=1e-3, atol=1e-4)


def grid_place(grid, flat):
    return tuple(int(each) for each in grid.row_column(torch.tensor(flat)))


def test_fewer_components_see_less_but_never_more(monkeypatch):
    at = level(20, 24, slice(5, 9), slice(6, 11))
    before = None
    for number in (45, 20, 5):
        components(monkeypatch, number)
        paper = canvas(at, 3)
        distance = paper.compare().distance(None, random_sources(paper.grid))
        if before is not None:
            assert bool((distance <= before + 1e-4).all())
            assert distance.sum() < before.sum()
        before = distance


def test_queries_described_in_chunks_are_the_same(monkeypatch):
    components(monkeypatch, 8)
    at = level(20, 24, slice(5, 9), slice(6, 11))
    whole = canvas(at, 3).compare()
    monkeypatch.setattr(painting, "_CHUNK", 7)
    torch.testing.assert_close(canvas(at, 3).compare().queries, whole.queries)


@pytest.mark.parametrize("large", [False, True])
def test_what_the_hole_held_is_not_looked_at(large, monkeypatch):
    if large:
        components(monkeypatch, 20)
    at = level(14, 16, slice(5, 9), slice(6, 11))
    other = Level(torch.where(at.known, at.image, 1 - at.image), at.certainty, at.readable)
    one, two = canvas(at, 3, guidance=0.5), canvas(other, 3, guidance=0.5)
    assert torch.equal(one.painted, two.painted)
    for seed in range(4):
        sources = random_sources(one.grid, seed)
        distances = [each.compare().distance(None, sources) for each in (one, two)]
        torch.testing.assert_close(*distances)
