"""Exact matching and its transfer, against loops."""

import pytest
import tests.matching.reference as naive
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from retouch.errors import RetouchError
from retouch.matching.correspondence import HardCorrespondence, match
from retouch.matching.paste import paste_spans


def box_mask(height, width, top, left, bottom, right):
    mask = torch.zeros(1, 1, height, width)
    mask[..., top:bottom, left:right] = 1
    return mask


@st.composite
def scenes(draw):
    """Integer features, so that squared distances are exact and equal ones tie exactly."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10**6)))
    height, width = draw(st.integers(7, 11)), draw(st.integers(7, 11))
    channels = draw(st.sampled_from([1, 2, 17]))
    patch = draw(st.sampled_from([1, 3]))
    features = torch.randint(-2, 3, (1, channels, height, width), generator=generator).float()
    top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
    mask = box_mask(height, width, top, left, top + draw(st.integers(1, 3)), left + draw(st.integers(1, 3)))
    allowed = (
        torch.rand(1, 1, height, width, generator=generator) > draw(st.sampled_from([0, 0.05]))
    ).float()
    allowed[..., :3, :3] = allowed[..., -3:, -3:] = allowed[..., :3, -3:] = 1
    return features, mask, allowed, patch


@settings(max_examples=30, deadline=None)
@given(scenes(), st.sampled_from([1, 3]))
def test_exact_matches_the_loops(scene, top):
    features, mask, allowed, patch = scene
    hole = mask[0, 0] > 0
    readable = ~hole & (allowed[0, 0] > 0)
    for kind in ("squared-distance", "cosine"):
        asked, offered, expected = naive.scores(features[0], hole, readable, patch, kind)
        result = match(features, mask, patch=patch, similarity=kind, top=top, allowed=allowed)
        grid = result.grids[0]
        rows, columns = grid.row_column(grid.queries)
        order = {place: number for number, place in enumerate(asked)}
        numbers = [order[place] for place in zip(rows.tolist(), columns.tolist(), strict=True)]
        assert sorted(numbers) == list(range(len(asked)))
        best = torch.sort(expected[numbers], dim=1, descending=True, stable=True)
        assert torch.allclose(result.similarities[0].double(), best.values[:, 0], atol=1e-5)
        position = {place: number for number, place in enumerate(offered)}
        kept = min(top, len(offered))
        assert result.sources[0].shape == (len(asked), kept)
        for rank in range(kept):
            row, column = grid.row_column(result.sources[0][:, rank])
            chosen = torch.tensor([position[p] for p in zip(row.tolist(), column.tolist(), strict=True)])
            value = expected[numbers].gather(1, chosen[:, None])[:, 0]
            assert torch.allclose(value, best.values[:, rank], atol=1e-5)
            if kind == "squared-distance":  # of equal ones the first
                assert torch.equal(chosen, best.indices[:, rank])


@pytest.mark.parametrize("kind", ["cosine", "squared-distance"])
@pytest.mark.parametrize("patch", [3, 5])
def test_planted_patch_is_found(kind, patch):
    torch.manual_seed(1)
    features = torch.randn(2, 4, 24, 30)
    mask = box_mask(24, 30, 9, 4, 14, 9).repeat(2, 1, 1, 1)
    features[:, :, 4:19, :14] = features[:, :, 7:22, 16:30]  # the hole and its surroundings, elsewhere
    result = match(features, mask, patch=patch, similarity=kind)
    hole = mask[0, 0] > 0
    rows, columns = hole.nonzero().T
    for item in range(2):
        sources = result.source_map()[item][:, hole]
        assert torch.equal(sources, torch.stack([rows + 3, columns + 16]))
    assert torch.allclose(result.transfer(features), features)
    best = 1.0 if kind == "cosine" else 0.0
    assert torch.allclose(result.similarity_map()[0, 0][hole], torch.tensor(best), atol=1e-5)


def test_source_map_and_field():
    mask = box_mask(12, 12, 4, 4, 6, 7)
    result = match(torch.rand(1, 3, 12, 12), mask)
    hole = mask[0, 0] > 0
    assert result.source_map().dtype == torch.int64
    assert torch.equal((result.source_map()[0] >= 0).all(0), hole)
    assert (result.source_map()[0][:, ~hole] == -1).all()
    touched = torch.zeros(12, 12, dtype=torch.bool)
    touched[3:7, 3:8] = True
    assert torch.equal((result.field()[0] >= 0).all(0), touched)
    assert torch.equal(result.field()[0][:, hole], result.source_map()[0][:, hole])


@pytest.mark.parametrize("top", [1, 4])
@pytest.mark.parametrize("kind", ["cosine", "squared-distance"])
def test_memory_does_not_change_the_result(top, kind):
    torch.manual_seed(2)
    features = torch.randn(1, 5, 40, 50)
    features[..., 25:, :] = features[..., 10:25, :]  # many ties
    features[..., :6, :] = 1
    mask = box_mask(40, 50, 4, 10, 12, 30)
    results = [
        match(features, mask, similarity=kind, top=top, memory=memory) for memory in (8_000, 300_000, 2**28)
    ]
    for other in results[1:]:
        assert torch.equal(results[0].sources[0], other.sources[0])
        assert torch.equal(results[0].weights[0], other.weights[0])


def test_equal_sources_resolve_to_the_first():
    features = torch.full((1, 3, 20, 20), 0.3)
    result = match(features, box_mask(20, 20, 8, 8, 12, 12), patch=5)
    assert torch.equal(result.source_map()[0][:, 8:12, 8:12], torch.full((2, 4, 4), 2))


def test_only_allowed_sources():
    torch.manual_seed(3)
    features = torch.rand(1, 3, 24, 24)
    mask = box_mask(24, 24, 10, 10, 14, 14)
    allowed = box_mask(24, 24, 0, 15, 24, 24)
    for method in ("exact", "approximate"):
        sources = match(features, mask, allowed=allowed, method=method).field()[0]
        columns = sources[1][sources[1] >= 0]
        assert int(columns.min()) >= 16
        assert int(columns.max()) <= 22


@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 10**6), st.sampled_from([1, 2, 3]), st.sampled_from([1, 2]), st.sampled_from([None, 1, 2])
)
def test_transfer_averages_overlaps(seed, scale, top, patch):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randint(-3, 4, (1, 2, 8, 9), generator=generator).float()
    values = torch.rand(1, 3, 8 * scale, 9 * scale, generator=generator)
    corner = torch.randint(0, 5, (2,), generator=generator).tolist()
    mask = box_mask(8, 9, *corner, corner[0] + 2, corner[1] + 2)
    result = match(features, mask, similarity="squared-distance", top=top)
    grid = result.grids[0]
    position = {place: n for n, place in enumerate((r, c) for r in range(8) for c in range(9))}
    asked = list(zip(*(each.tolist() for each in grid.row_column(grid.queries)), strict=True))
    weights = torch.zeros(len(asked), 72)
    rows, columns = grid.row_column(result.sources[0])
    for number in range(len(asked)):
        for rank in range(rows.shape[1]):
            place = position[int(rows[number, rank]), int(columns[number, rank])]
            weights[number, place] += result.weights[0][number, rank]
    hole = mask[0, 0] > 0
    expected = naive.vote(values[0], hole, weights, asked, list(position), patch or 3, scale)
    assert torch.allclose(result.transfer(values, scale, patch)[0].double(), expected, atol=1e-5)


@pytest.mark.parametrize("top", [1, 3, None])
@pytest.mark.parametrize(("scale", "patch"), [(1, None), (2, 2), (3, 1), (1, 2)])
def test_constants_stay_and_known_pixels_are_untouched(top, scale, patch):
    torch.manual_seed(4)
    mask = torch.zeros(2, 1, 12, 13)
    mask[0, :, :3, 9:] = 1  # at the corner
    mask[1, :, 5:8, 5:8] = 1
    correspondence = match(torch.randn(2, 3, 12, 13), mask, top=top)
    fine = mask.repeat_interleave(scale, 2).repeat_interleave(scale, 3).bool()
    values = torch.full((2, 2, 12 * scale, 13 * scale), 0.7)
    hidden = values.masked_fill(fine, float("nan"))
    assert torch.allclose(correspondence.transfer(hidden, scale, patch), values)
    values = torch.randn(2, 2, 12 * scale, 13 * scale)
    known = ~fine.expand_as(values)
    assert torch.equal(correspondence.transfer(values, scale, patch)[known], values[known])


def test_items_are_independent_and_may_have_no_hole():
    torch.manual_seed(5)
    features = torch.randn(3, 4, 14, 14)
    mask = torch.zeros(3, 1, 14, 14)
    mask[0, :, 3:6, 3:6] = 1
    mask[2, :, 8:13, 2:12] = 1
    for top in (1, None):
        together = match(features, mask, top=top)
        values = together.transfer(features)
        assert torch.equal(values[1], features[1])
        assert (together.source_map()[1] == -1).all()
        for item in (0, 2):
            alone = match(features[item : item + 1], mask[item : item + 1], top=top)
            assert torch.allclose(alone.transfer(features[item : item + 1])[0], values[item])
            assert torch.equal(alone.source_map()[0], together.source_map()[item])


def test_gradient_reaches_transferred_values():
    torch.manual_seed(6)
    result = match(torch.randn(1, 2, 7, 7), box_mask(7, 7, 2, 2, 3, 4), top=2)
    values = torch.randn(1, 2, 14, 14, dtype=torch.float64, requires_grad=True)
    assert isinstance(result, HardCorrespondence)
    assert torch.autograd.gradcheck(lambda each: result.transfer(each, 2), values)


def test_half_precision_features():
    torch.manual_seed(7)
    features = torch.randn(1, 4, 16, 16).to(torch.bfloat16)
    mask = box_mask(16, 16, 5, 5, 8, 8)
    expected = match(features.float(), mask).source_map()
    assert torch.equal(match(features, mask).source_map(), expected)
    assert match(features, mask).transfer(features).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("patch", "scale", "expected"),
    [
        (1, 2, {(0,): [0, 1]}),
        (3, 2, {(-1, 0, 1): [0, 1]}),
        (2, 2, {(0, 1): [0], (-1, 0): [1]}),
        (2, 1, {(0, 1): [0]}),
        (2, 4, {(0, 1): [0, 1], (-1, 0): [2, 3]}),
    ],
)
def test_paste_spans(patch, scale, expected):
    spans = paste_spans(patch, scale)
    assert {tuple(sorted(steps)): pixels for steps, pixels in spans.items()} == expected


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"patch": 2}, "odd"),
        ({"patch": 9}, "No 9×9 patch is left"),
        ({"top": 0}, "At least one source"),
        ({"softmax_scale": 0.0}, "greater than 0"),
        ({"method": "approximate", "top": 2}, "keeps one source"),
        ({"method": "approximate", "top": None}, "keeps one source"),
        ({"method": "guess"}, "exact"),
        ({"start": torch.zeros(1, 2, 9, 9)}, "Only the approximate"),
        ({"allowed": torch.zeros(1, 1, 9, 9)}, "No 3×3 patch is left"),
        ({"allowed": torch.zeros(1, 1, 3, 9)}, "allowed sources"),
        ({"memory": 10}, "raise memory"),
        ({"similarity": "likeness"}, "similarity"),
    ],
)
def test_bad_options(options, sentence):
    with pytest.raises(RetouchError, match=sentence):
        match(torch.rand(1, 3, 9, 9), box_mask(9, 9, 4, 4, 6, 6), **options)


def test_bad_inputs():
    mask = box_mask(9, 9, 4, 4, 6, 6)
    with pytest.raises(RetouchError, match="floating point"):
        match(torch.zeros(1, 3, 9, 9, dtype=torch.int32), mask)
    with pytest.raises(RetouchError, match="mask must have the shape"):
        match(torch.rand(1, 3, 9, 8), mask)
    with pytest.raises(RetouchError, match="finite"):
        match(torch.full((1, 3, 9, 9), float("nan")), mask)
    result = match(torch.rand(1, 3, 9, 9), mask)
    with pytest.raises(RetouchError, match="Values to transfer"):
        result.transfer(torch.rand(1, 3, 9, 9), 2)
    with pytest.raises(RetouchError, match="floating point"):
        result.transfer(torch.zeros(1, 3, 9, 9, dtype=torch.int64))
    with pytest.raises(RetouchError, match="patch of 1 to 3"):
        result.transfer(torch.rand(1, 3, 9, 9), patch=4)


def test_equal_sources_of_a_query_that_is_almost_nothing():
    """The first of them wins, though the mean, which is taken away first, leaves nothing of the query."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        features = torch.randint(-2, 3, (1, 2, 9, 9), generator=generator).float()
        mask = box_mask(9, 9, 4, 4, 5, 5)
        features[..., 4, 4] = features.mean((2, 3)).round()
        squares = (features - features[..., 4:5, 4:5]).square().sum(1).flatten()
        squares[4 * 9 + 4] = torch.inf
        expected = torch.sort(squares, stable=True).indices[:20]
        found = match(features, mask, patch=1, similarity="squared-distance", top=20)
        row, column = found.grids[0].row_column(found.sources[0][0])
        assert torch.equal(9 * row + column, expected)
