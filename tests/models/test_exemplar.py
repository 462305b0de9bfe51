"""Exemplar-based inpainting: what must always hold, and what must never happen."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.models.exemplar_samples import BOTH, all_but, check, hole, noise, tiles

from retouch.contract import Progress
from retouch.errors import RetouchError
from retouch.models.exemplar import ExemplarOptions

torch.set_num_threads(1)


@pytest.fixture(params=BOTH, scope="module")
def build(request):
    return request.param


@pytest.mark.parametrize("side", [0, 1])
def test_only_what_is_allowed_is_borrowed(build, side):
    """Left is red and right is blue; who may borrow only from one gets no colour of the other."""
    image = torch.zeros(1, 3, 48, 64)
    grain = 0.3 + 0.7 * noise(48, 64)[:, 0]
    image[:, 0, :, :32], image[:, 2, :, 32:] = grain[..., :32], grain[..., 32:]
    mask = hole(48, 64, slice(14, 34), slice(20, 44))
    halves = [hole(48, 64, slice(0, 48), slice(0, 32)), hole(48, 64, slice(0, 48), slice(32, 64))]
    fill = build()(image, mask, allowed=halves[side])
    check(image, mask, fill, halves[side])
    inside = mask[0, 0] == 1
    colour, other = (0, 2) if side == 0 else (2, 0)
    assert float(fill.image[0, other][inside].max()) == 0
    assert float(fill.image[0, colour][inside].min()) >= 0.3 - 1e-5
    free = build()(image, mask)
    assert float(free.image[0, other][inside].max()) > 0


def test_every_pixel_of_a_borrowed_patch_is_allowed(build):
    image, mask = noise(40, 40), hole(40, 40, slice(15, 25), slice(15, 25))
    allowed = hole(40, 40, slice(0, 9), slice(3, 40))
    sources = build(ExemplarOptions(patch=5))(image, mask, allowed=allowed).correspondence.source_map()
    row, column = sources[0][:, mask[0, 0] == 1]
    assert bool(((row >= 2) & (row <= 6) & (column >= 5) & (column <= 37)).all())


def test_what_lies_in_the_hole_is_not_looked_at(build):
    mask = hole(60, 60, slice(20, 40), slice(20, 40))
    one = noise(60, 60)
    other = torch.where(mask > 0, 1 - one, one)
    assert torch.equal(build()(one, mask).image, build()(other, mask).image)


def test_the_same_seed_gives_the_same_fill(build):
    # So large that the finest level cannot compare all pairs, where nothing is left to chance.
    image, mask = noise(110, 110), hole(110, 110, slice(30, 75), slice(30, 75))
    fills = [build()(image, mask, seed=seed) for seed in (3, 3, 4)]
    assert torch.equal(fills[0].image, fills[1].image)
    maps = [fill.correspondence.source_map() for fill in fills]
    assert torch.equal(maps[0], maps[1])
    assert not torch.equal(maps[0], maps[2])


def test_the_worlds_own_randomness_is_neither_used_nor_touched(build):
    image, mask = noise(60, 64), hole(60, 64, slice(20, 40), slice(20, 44))
    torch.manual_seed(1)
    one, drawn = build()(image, mask).image, torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(drawn, torch.rand(1))
    torch.manual_seed(2)
    assert torch.equal(one, build()(image, mask).image)


def singles_and_batch(build, image, mask):
    singles = [build()(image[item : item + 1], mask[item : item + 1]) for item in range(len(image))]
    return singles, build()(image, mask)


def test_a_batch_is_filled_as_its_items_are(build):
    image = noise(50, 50, batch=2)
    mask = torch.cat([hole(50, 50, slice(10, 30), slice(5, 25)), hole(50, 50, slice(20, 22), slice(0, 50))])
    singles, both = singles_and_batch(build, image, mask)
    check(image, mask, both)
    maps, carried = both.correspondence.source_map(), both.correspondence.transfer(image)
    for item, single in enumerate(singles):
        assert torch.equal(both.image[item], single.image[0])
        assert torch.equal(maps[item], single.correspondence.source_map()[0])
        alone = single.correspondence.transfer(image[item : item + 1])[0]
        torch.testing.assert_close(carried[item], alone)


@pytest.mark.parametrize("somewhere", [0.0, 1.0])
def test_an_item_without_a_hole_comes_back_as_it_was(build, somewhere):
    image = noise(40, 40, batch=2)
    mask = torch.cat([torch.zeros(1, 1, 40, 40), hole(40, 40, slice(10, 20), slice(10, 20))])
    allowed = torch.ones_like(mask)
    allowed[0] = somewhere
    fill = build()(image, mask, allowed=allowed)
    check(image, mask, fill, allowed)
    assert torch.equal(fill.image[0], image[0])
    assert torch.equal(fill.image[1:], build()(image[1:], mask[1:]).image)


def test_a_batch_whose_items_need_patches_of_different_size(build):
    image = noise(20, 20, batch=2)
    mask = torch.cat([hole(20, 20, slice(5, 9), slice(5, 9)), all_but(20, 20, slice(0, 3), slice(0, 3))])
    for order in ([0, 1], [1, 0]):
        singles, both = singles_and_batch(build, image[order], mask[order])
        carried = both.correspondence.transfer(image[order])
        for item, single in enumerate(singles):
            assert torch.equal(both.image[item], single.image[0])
            alone = single.correspondence.transfer(image[order][item : item + 1])[0]
            torch.testing.assert_close(carried[item], alone)


SHAPES = {
    "corner": hole(41, 53, slice(0, 12), slice(0, 15)),
    "last corner": hole(41, 53, slice(30, 41), slice(40, 53)),
    "left border": hole(41, 53, slice(8, 30), slice(0, 9)),
    "whole top": hole(41, 53, slice(0, 10), slice(0, 53)),
    "frame": all_but(41, 53, slice(12, 30), slice(12, 40)),
    "scratch across": hole(41, 53, slice(20, 21), slice(0, 53)),
    "scratch down": hole(41, 53, slice(0, 41), slice(9, 11)),
    "one pixel": hole(41, 53, slice(20, 21), slice(20, 21)),
    "last pixel": hole(41, 53, slice(40, 41), slice(52, 53)),
    "one known pixel": all_but(41, 53, slice(17, 18), slice(30, 31)),
    "one known corner": all_but(41, 53, slice(40, 41), slice(52, 53)),
    "one known column": all_but(41, 53, slice(0, 41), slice(25, 26)),
    "one known row": all_but(41, 53, slice(0, 1), slice(0, 53)),
    "every other pixel": ((torch.arange(41)[:, None] + torch.arange(53)) % 2).float()[None, None],
}


@pytest.mark.parametrize("mask", SHAPES.values(), ids=SHAPES.keys())
def test_holes_of_every_shape(build, mask):
    image = noise(41, 53)
    check(image, mask, build()(image, mask))


@pytest.mark.parametrize(
    ("height", "width"), [(1, 2), (2, 1), (2, 2), (3, 3), (1, 30), (30, 1), (7, 200), (200, 7), (49, 97)]
)
def test_sizes(build, height, width):
    image = noise(height, width)
    for rows, columns in (
        (slice(0, 1), slice(0, 1)),
        (slice(height - 1, height), slice(width - 1, width)),
        (slice(height // 2, height), slice(width // 2, width)),
    ):
        mask = hole(height, width, rows, columns)
        check(image, mask, build()(image, mask))


def test_one_known_pixel_fills_everything_with_its_colour(build):
    for height, width, row, column in [(1, 2, 0, 0), (3, 3, 1, 1), (5, 4, 4, 3), (30, 26, 0, 25)]:
        image = noise(height, width)
        fill = build()(image, all_but(height, width, slice(row, row + 1), slice(column, column + 1)))
        torch.testing.assert_close(fill.image, image[..., row, column][..., None, None].expand_as(image))


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([1, 3, 5, 7]),
    st.floats(0.02, 0.9),
    st.booleans(),
    st.integers(0, 2**31),
)
@settings(max_examples=40, deadline=None)
def test_any_size_and_hole(build, height, width, patch, part, blocks, seed):
    if height * width == 1:
        width = 2
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand(1, 3, height, width, generator=generator)
    grain = torch.rand(
        1, 1, *((-(-each // 5) if blocks else each) for each in (height, width)), generator=generator
    )
    if blocks:
        grain = grain.repeat_interleave(5, 2).repeat_interleave(5, 3)[..., :height, :width]
    mask = (grain < part).float()
    mask[..., 0, 0], mask[..., -1, -1] = 1, 0
    allowed = (torch.rand(1, 1, height, width, generator=generator) > 0.05).float()
    allowed[..., -1, -1] = 1
    options = ExemplarOptions(patch=patch, rounds=(1, 2))
    check(image, mask, build(options)(image, mask, allowed=allowed, seed=seed), allowed)


@pytest.mark.parametrize("patch", [3, 7])
def test_the_patch_is_the_one_asked_for(build, patch):
    image, mask = noise(50, 50), hole(50, 50, slice(20, 30), slice(20, 30))
    allowed = hole(50, 50, slice(0, 50), slice(0, patch))
    fill = build(ExemplarOptions(patch=patch))(image, mask, allowed=allowed)
    check(image, mask, fill, allowed)
    columns = fill.correspondence.source_map()[0, 1][mask[0, 0] == 1]
    assert bool((columns == patch // 2).all())  # the one column of patches that may be borrowed


def test_smaller_patches_serve_where_large_ones_do_not_fit(build):
    image, mask = noise(30, 30), all_but(30, 30, slice(4, 7), slice(0, 30))
    fill = build(ExemplarOptions(patch=7))(image, mask)
    check(image, mask, fill)
    rows = fill.correspondence.source_map()[0, 0][mask[0, 0] == 1]
    assert bool((rows == 5).all())  # of three known rows, so patches are 3 pixels wide


def test_what_is_reported_is_what_was_painted(build):
    """In a coherent fill, the pixel at the source is the pixel in the hole."""
    image = tiles(60, 72, 6)
    mask = hole(60, 72, slice(20, 36), slice(26, 44))
    fill = build()(image, mask)
    inside = mask[0, 0] == 1
    row, column = fill.correspondence.source_map()[0][:, inside]
    assert float((image[0][:, row, column] - fill.image[0][:, inside]).abs().mean()) < 1e-3
    # So anything else of the photo, such as its depth, can be carried over.
    carried = fill.correspondence.transfer(image.mean(1, keepdim=True))
    torch.testing.assert_close(carried[mask == 1], image.mean(1, keepdim=True)[mask == 1], atol=0.01, rtol=0)


def test_progress_goes_forward_and_ends(build):
    image = noise(100, 100, batch=2)
    mask = torch.cat(
        [hole(100, 100, slice(30, 70), slice(30, 70)), hole(100, 100, slice(0, 100), slice(4, 5))]
    )
    steps: list[Progress] = []
    build()(image, mask, on_progress=steps.append)
    parts = [step.done / step.total for step in steps]
    assert parts == sorted(parts)
    assert 0 <= parts[0] < 1
    assert steps[-1].done == steps[-1].total
    assert len(set(parts)) > 6


def test_nothing_left_to_borrow_from(build):
    mask = hole(8, 8, slice(0, 4), slice(0, 8))
    with pytest.raises(RetouchError, match="allow some"):
        build()(noise(8, 8), mask, allowed=torch.zeros_like(mask))


def test_no_model_changes_what_it_was_given(build):
    image, mask = noise(50, 50), hole(50, 50, slice(20, 30), slice(20, 30))
    allowed = hole(50, 50, slice(0, 50), slice(0, 20))
    copies = [each.clone() for each in (image, mask, allowed)]
    build()(image, mask, allowed=allowed)
    for each, copy in zip((image, mask, allowed), copies, strict=True):
        assert torch.equal(each, copy)
