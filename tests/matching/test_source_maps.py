"""Matching with sources in several maps, against loops."""

import pytest
import tests.matching.reference as naive
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from retouch.errors import RetouchError
from retouch.matching.correspondence import SourceMap, match
from retouch.matching.layout import Layout

pytestmark = pytest.mark.usefixtures("each_search")
WAYS = pytest.mark.parametrize("method", ["exact", "approximate"])


def box_mask(height, width, top, left, bottom, right):
    mask = torch.zeros(1, 1, height, width)
    mask[..., top:bottom, left:right] = 1
    return mask


def noise(*shape, seed=0):
    return torch.rand(1, *shape, generator=torch.Generator().manual_seed(seed))


def all_of(features):
    return SourceMap(features, torch.ones_like(features[:, :1]))


@st.composite
def scenes(draw):
    """Integer features, so that squared distances are exact and equal ones tie exactly."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10**6)))
    channels = draw(st.sampled_from([1, 2, 17]))
    patch = draw(st.sampled_from([1, 3]))

    def drawn(height, width):
        return torch.randint(-2, 3, (1, channels, height, width), generator=generator).float()

    features = drawn(draw(st.integers(4, 7)), draw(st.integers(4, 7)))
    height, width = features.shape[2:]
    top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
    mask = box_mask(height, width, top, left, top + draw(st.integers(1, 3)), left + draw(st.integers(1, 3)))
    sizes = draw(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=3))
    maps = [drawn(*size) for size in (*sizes, (4, 4))]
    areas = [(torch.rand(1, 1, *each.shape[2:], generator=generator) > 0.05).float() for each in maps]
    areas[-1].fill_(1)  # some patch may be borrowed
    return features, mask, [SourceMap(*pair) for pair in zip(maps, areas, strict=True)], patch


def order_of(grid, asked):
    """For each query of the grid, its number in the loops."""
    rows, columns = (each.tolist() for each in grid.row_column(grid.queries))
    numbers = {place: number for number, place in enumerate(asked)}
    assert len(rows) == len(asked)
    return [numbers[place] for place in zip(rows, columns, strict=True)]


@settings(max_examples=30, deadline=None)
@given(scenes(), st.sampled_from([1, 3]), st.sampled_from([1, 2]))
def test_exact_matches_the_loops(scene, top, scale):
    features, mask, sources, patch = scene
    hole = mask[0, 0] > 0
    maps, readable = [each.features[0] for each in sources], [each.allowed[0, 0] > 0 for each in sources]
    for kind in ("squared-distance", "cosine"):
        asked, offered, expected = naive.scores_of_maps(features[0], hole, maps, readable, patch, kind)
        found = match(features, mask, sources=sources, patch=patch, similarity=kind, top=top)
        grid = found.grids[0]
        numbers = order_of(grid, asked)
        best = torch.sort(expected[numbers], dim=1, descending=True, stable=True)
        assert found.sources[0].shape == (len(asked), min(top, len(offered)))
        weights = torch.zeros_like(expected)
        for rank in range(found.sources[0].shape[1]):
            places = torch.stack(grid.source_layout.place(found.sources[0][:, rank]), 1).tolist()
            chosen = torch.tensor([offered.index(tuple(each)) for each in places])
            value = expected[numbers].gather(1, chosen[:, None])[:, 0]
            assert torch.allclose(value, best.values[:, rank], atol=1e-5)
            if kind == "squared-distance":  # of equal sources the first
                assert torch.equal(chosen, best.indices[:, rank])
            weights[torch.tensor(numbers), chosen] = found.weights[0][:, rank].double()
        values = noise(2, *(side * scale for side in features.shape[2:]))
        lent = [noise(2, *(scale * side for side in each.shape[1:]), seed=9) for each in maps]
        wanted = naive.vote_from_maps(
            values[0], [each[0] for each in lent], hole, weights, asked, offered, patch, scale
        )
        assert torch.allclose(found.transfer(values, scale, sources=lent)[0].double(), wanted, atol=1e-5)


@settings(max_examples=15, deadline=None)
@given(scenes(), st.sampled_from(["cosine", "squared-distance"]))
def test_a_softmax_over_all_maps_matches_the_loops(scene, kind):
    features, mask, sources, patch = scene
    hole = mask[0, 0] > 0
    maps, readable = [each.features[0] for each in sources], [each.allowed[0, 0] > 0 for each in sources]
    asked, offered, scores = naive.scores_of_maps(features[0], hole, maps, readable, patch, kind)
    soft = match(features, mask, sources=sources, patch=patch, similarity=kind, top=None, softmax_scale=2)
    values, lent = noise(2, *features.shape[2:]), [noise(2, *each.shape[1:], seed=1) for each in maps]
    wanted = naive.vote_from_maps(
        values[0],
        [each[0] for each in lent],
        hole,
        torch.softmax(2 * scores, 1),
        asked,
        offered,
        patch,
        1,
    )
    assert torch.allclose(soft.transfer(values, sources=lent)[0].double(), wanted, atol=1e-5)
    hard = match(features, mask, sources=sources, patch=patch, similarity=kind)
    assert torch.equal(soft.source_map(), hard.source_map())
    assert torch.equal(soft.source_index(), hard.source_index())


@settings(max_examples=15, deadline=None)
@given(scenes())
def test_the_approximate_search_keeps_to_what_may_be_borrowed(scene):
    features, mask, sources, patch = scene
    found = match(features, mask, sources=sources, patch=patch, method="approximate")
    grid = found.grids[0]
    assert bool(grid.sources[found.sources[0]].all())
    index, (row, column) = found.field_index()[0, 0], found.field()[0]
    for query in range(len(grid.queries)):
        at = tuple(int(each[query]) for each in grid.row_column(grid.queries))
        area = sources[index[at]].allowed[0, 0] > 0
        assert (int(row[at]), int(column[at])) in naive.sources(area, patch)


@WAYS
@pytest.mark.parametrize("planted", [0, 1, 2])
def test_a_planted_part_is_found_in_its_map(planted, method):
    """The maps have different sizes, and only one of them has the picture that is missing."""
    sizes = [(40, 52), (64, 36), (48, 48)]
    smooth = [F.avg_pool2d(noise(3, *(side + 4 for side in each), seed=number + 1), 5, 1)
              for number, each in enumerate(sizes)]  # fmt: skip
    features = F.avg_pool2d(noise(3, 36, 40), 5, 1)
    height, width = features.shape[2:]
    part = features[..., 6:26, 8:30].clone()
    smooth[planted][..., 15:35, 5:27] = part
    mask = box_mask(height, width, 10, 12, 22, 26)
    found = match(
        features,
        mask,
        sources=[all_of(each) for each in smooth],
        similarity="squared-distance",
        method=method,
    )
    hole = mask[0, 0] > 0
    expected = hole.nonzero().T + torch.tensor([[9], [-3]])
    right = (found.source_map()[0][:, hole] == expected).all(0) & (
        found.source_index()[0, 0, hole] == planted
    )
    assert right.all() if method == "exact" else right.float().mean() > 0.95
    assert (found.source_index()[0, 0, ~hole] == -1).all()
    if method == "exact":
        carried = found.transfer(torch.zeros_like(features), sources=smooth)
        assert torch.allclose(carried, features * mask, atol=1e-6)


def test_sources_do_not_continue_into_the_next_map():
    """The picture lies in two halves in two maps that are neighbours; one that reached over would be best."""
    features = noise(20, 12, 9)
    upper, lower = features[..., :6, :], features[..., 6:, :]
    mask = torch.ones(1, 1, 12, 9)
    for method in ("exact", "approximate"):
        found = match(features, mask, sources=[all_of(upper), all_of(lower)], method=method)
        rows = found.field()[0, 0]
        assert rows.min() >= 1
        assert rows.max() <= 4  # in maps of six rows a 3×3 patch has its middle here
        assert torch.equal(found.field_index()[0, 0, 2:4, 3:6], torch.zeros(2, 3, dtype=torch.int64))
        assert torch.equal(found.field_index()[0, 0, 8:10, 3:6], torch.ones(2, 3, dtype=torch.int64))


@pytest.mark.parametrize("top", [1, 3, None])
@pytest.mark.parametrize("kind", ["cosine", "squared-distance"])
def test_the_map_itself_as_the_only_source_map_changes_nothing(top, kind):
    features, mask, allowed = noise(5, 20, 24), box_mask(20, 24, 6, 8, 12, 14), box_mask(20, 24, 0, 3, 20, 24)
    known = SourceMap(features, allowed * (1 - mask))
    alone = match(features, mask, allowed=allowed, top=top, similarity=kind)
    listed = match(features, mask, sources=[known], top=top, similarity=kind)
    assert torch.equal(alone.source_map(), listed.source_map())
    assert torch.equal(alone.source_index(), listed.source_index())
    assert torch.equal(alone.transfer(features), listed.transfer(features, sources=[features]))


def test_the_approximate_search_of_the_map_itself_changes_nothing():
    features, mask = noise(3, 40, 44), box_mask(40, 44, 12, 14, 28, 30)
    options = {"patch": 5, "method": "approximate", "seed": 3}
    alone = match(features, mask, **options)
    listed = match(features, mask, sources=[SourceMap(features, 1 - mask)], **options)
    assert torch.equal(alone.field(), listed.field())


def test_a_search_begins_where_an_earlier_one_ended():
    maps = [noise(4, 30, 20, seed=1), noise(4, 24, 40, seed=2)]
    features = torch.cat([maps[0][..., 3:19, 2:18], maps[1][..., 4:20, 6:22]], 3)
    mask = torch.ones(1, 1, 16, 32)
    sources = [all_of(each) for each in maps]
    exact = match(features, mask, sources=sources)
    start = torch.cat([exact.field_index(), exact.field()], 1)
    again = match(features, mask, sources=sources, method="approximate", start=start)
    # Patches that stick out, or touch both parts, have no perfect match.
    inside = [(..., slice(1, 15), slice(1, 15)), (..., slice(1, 15), slice(17, 31))]
    found = torch.cat([again.field_index(), again.field()], 1)
    assert all(torch.equal(found[part], start[part]) for part in inside)
    anything = torch.randint(-9, 60, start.shape, generator=torch.Generator().manual_seed(0))
    found = match(features, mask, sources=sources, method="approximate", start=anything)
    assert bool(found.grids[0].sources[found.sources[0]].all())
    plain = match(features, mask, sources=sources, method="approximate", start=start[:, 1:])
    assert (plain.field_index() >= 0).all()


def test_items_of_a_batch_are_matched_each_on_its_own():
    features, maps = noise(3, 12, 12).repeat(2, 1, 1, 1), [noise(3, 9, 14, seed=1), noise(3, 11, 7, seed=2)]
    features[1] = features[1].flip(1)
    mask = box_mask(12, 12, 4, 4, 7, 8).repeat(2, 1, 1, 1)
    mask[1] = 0
    sources = [all_of(each.repeat(2, 1, 1, 1)) for each in maps]
    for top in (1, 2, None):
        together = match(features, mask, sources=sources, top=top)
        alone = match(features[:1], mask[:1], sources=[all_of(each) for each in maps], top=top)
        values = together.transfer(features, sources=[each.features for each in sources])
        assert torch.equal(values[1], features[1])
        assert torch.allclose(alone.transfer(features[:1], sources=maps)[0], values[0])
        assert torch.equal(together.source_index()[:1], alone.source_index())
        assert (together.source_index()[1] == -1).all()


@pytest.mark.parametrize("propagation", [1, 3])
def test_gradients_reach_all_maps(propagation):
    features = noise(2, 5, 6).double().requires_grad_()
    maps = [noise(2, *size, seed=1).double().requires_grad_() for size in ((4, 5), (5, 3))]
    mask = box_mask(5, 6, 1, 2, 3, 4).double()

    def carried(features, *maps):
        soft = match(
            features,
            mask,
            sources=[all_of(each) for each in maps],
            top=None,
            softmax_scale=2,
            propagation=propagation,
        )
        return soft.transfer(features, sources=maps)

    assert torch.autograd.gradcheck(carried, (features, *maps))


def test_memory_and_half_precision_change_nothing():
    features, mask = noise(5, 20, 30), box_mask(20, 30, 4, 10, 12, 24)
    sources = [all_of(noise(5, 26, 18, seed=1)), all_of(noise(5, 12, 44, seed=2))]
    whole = match(features, mask, sources=sources, top=2)
    little = match(features, mask, sources=sources, top=2, memory=12_000)
    assert torch.equal(whole.sources[0], little.sources[0])
    half = [SourceMap(each.features.bfloat16(), each.allowed) for each in sources]
    full = [SourceMap(each.features.float(), each.allowed) for each in half]
    one = match(features.bfloat16(), mask, sources=half)
    other = match(features.bfloat16().float(), mask, sources=full)
    assert torch.equal(one.source_map(), other.source_map())


def test_flat_positions_go_back_and_forth():
    layout = Layout(((3, 5), (4, 2), (1, 7)), 2)
    rows = layout.rows([noise(2, *size, seed=number)[0] for number, size in enumerate(layout.sizes)])
    assert rows.shape == (layout.cells, 2)
    for number, (height, width) in enumerate(layout.sizes):
        row, column = (
            each.flatten()
            for each in torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        )
        index = torch.full_like(row, number)
        flat = layout.flat(row, column, index)
        assert torch.equal(torch.stack(layout.place(flat)), torch.stack([index, row, column]))
        expected = noise(2, height, width, seed=number)[0].flatten(1).t()
        assert torch.equal(rows[flat], expected)
        corner = layout.near(flat, torch.full_like(row, -9), torch.full_like(row, 9))
        at = torch.stack([index, torch.zeros_like(row), torch.full_like(row, width - 1)])
        assert torch.equal(torch.stack(layout.place(corner)), at)


def source(height=9, width=9, channels=3):
    return all_of(noise(channels, height, width))


@pytest.mark.parametrize(
    ("sources", "options", "sentence"),
    [
        ([], {}, "at least one source map"),
        ([source()], {"allowed": torch.ones(1, 1, 9, 9)}, "Each source map says what is allowed"),
        ([source(), source(channels=2)], {}, "source map 1 must be torch.float32 with batch and channels"),
        (
            [SourceMap(noise(3, 9, 9).double(), torch.ones(1, 1, 9, 9))],
            {},
            "source map 0 must be torch.float32",
        ),
        ([SourceMap(noise(3, 9, 9), torch.ones(1, 1, 9, 8))], {}, "allowed area of source map 0"),
        ([SourceMap(noise(3, 9, 9) * torch.nan, torch.ones(1, 1, 9, 9))], {}, "source map 0 must be finite"),
        ([SourceMap(noise(3, 9, 9), torch.zeros(1, 1, 9, 9))], {}, "No 3×3 patch is left"),
        ([source(2, 2)], {}, "No 3×3 patch is left"),
        (
            [source()],
            {"method": "approximate", "start": torch.zeros(1, 4, 9, 9)},
            "start must have the shape",
        ),
    ],
)
def test_sources_that_cannot_be(sources, options, sentence):
    with pytest.raises(RetouchError, match=sentence):
        match(noise(3, 9, 9), box_mask(9, 9, 4, 4, 6, 6), sources=sources, **options)


def test_values_that_do_not_fit_the_maps():
    features, mask = noise(3, 9, 9), box_mask(9, 9, 4, 4, 6, 6)
    found = match(features, mask, sources=[source(7, 8), source(9, 5)])
    for lent in (None, [noise(3, 7, 8)]):
        with pytest.raises(RetouchError, match="values of the 2 source maps"):
            found.transfer(features, sources=lent)
    with pytest.raises(RetouchError, match="Values of this source map"):
        found.transfer(features, sources=[noise(3, 7, 8), noise(3, 9, 6)])
    with pytest.raises(RetouchError, match="matched with itself"):
        match(features, mask).transfer(features, sources=[features])
