"""Losses of Contextual Attention, with networks whose output is known."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from retouch.models.contextual_attention.network import Stages
from retouch.training.data import Batch, uniforms
from retouch.training.recipes.contextual_attention import ContextualAttentionRecipe
from retouch.training.recipes.crops import local_corner
from retouch.training.recipes.sample import Sample


class Grey(nn.Module):
    """Says ``coarse`` and ``fine`` everywhere, in [-1, 1]."""

    def __init__(self, coarse, fine):
        super().__init__()
        self.levels = nn.Parameter(torch.tensor([coarse, fine]))

    def forward(self, image, mask):
        return Stages(*(level.expand_as(image) for level in self.levels), None)


class Mean(nn.Module):
    """A critic: the mean of what it sees, times a learned slope."""

    def __init__(self, slope):
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(slope))

    def forward(self, image):
        return self.slope * image.flatten(1).mean(1, keepdim=True)


def sample(hole):
    image = torch.full((1, 3, *hole.shape), 0.5)
    mask = torch.from_numpy(hole)[None, None]
    return Sample(image, mask.float(), mask, torch.tensor([0.5]))


def critics(slope=1.0):
    return nn.ModuleDict({"global": Mean(slope), "local": Mean(slope)})


@pytest.fixture
def square():
    """A hole of 4×4 in 16×16."""
    hole = np.zeros((16, 16), bool)
    hole[4:8, 6:10] = True
    return hole


def test_differences_of_both_stages_are_discounted_in_the_hole(square):
    recipe = ContextualAttentionRecipe(gamma=0.5)
    losses = recipe.generator_losses(Grey(0.5, -0.25), None, sample(square))
    # The image is 0. Of the hole 12 pixels touch the known and 4 are two deep: (12·0.5 + 4·0.25) / 16.
    discounted = 7 / 16
    values = {name: term.value.item() for name, term in losses.items()}
    assert values == pytest.approx(
        {
            "coarse_hole": 0.5 * discounted,
            "coarse_known": 0.5,
            "hole": 0.25 * discounted,
            "known": 0.25,
        }
    )
    assert {name: term.weight for name, term in losses.items()} == pytest.approx(
        {"coarse_hole": 1.44, "coarse_known": 1.44, "hole": 1.2, "known": 1.2}
    )


def test_critics_see_the_fill_pasted_into_the_photo(square):
    recipe = ContextualAttentionRecipe()
    losses = recipe.generator_losses(Grey(0.0, 1.0), critics(), sample(square))
    # The photo is 0, the fill 1: the whole is 16 of 256 pixels, the half of the side 16 of 64.
    assert losses["adversarial_global"].value.item() == pytest.approx(-16 / 256)
    assert losses["adversarial_local"].value.item() == pytest.approx(-16 / 64)
    assert losses["adversarial_local"].weight == 1e-3


def test_critics_learn_to_tell_fill_from_photo_and_the_generator_learns_nothing_then(square):
    generator, judges = Grey(0.0, 1.0), critics(2.0)
    losses = ContextualAttentionRecipe().critic_losses(generator, judges, sample(square))
    assert losses["critic_global"].value.item() == pytest.approx(2 * 16 / 256)
    assert losses["critic_local"].value.item() == pytest.approx(2 * 16 / 64)
    # The gradient of slope · mean is slope / N for each of N values; in the hole lie 48 of them.
    for name, count in (("global", 3 * 256), ("local", 3 * 64)):
        expected = (2 / count * 48**0.5 - 1) ** 2
        assert losses[f"penalty_{name}"].value.item() == pytest.approx(expected, rel=1e-5)
        assert losses[f"penalty_{name}"].weight == 10
    sum(term.weight * term.value for term in losses.values()).backward()
    assert generator.levels.grad is None
    assert all(judge.slope.grad is not None for judge in judges.values())


def test_the_networks_of_the_paper_have_the_published_sizes():
    recipe = ContextualAttentionRecipe()
    counts = [
        sum(each.numel() for each in network.parameters())
        for network in (recipe.generator(), recipe.critic(256))
    ]
    assert counts == [3_601_542, 4_339_329 + 2_733_441]


def test_the_fill_of_the_grid_keeps_the_photo(square):
    image = torch.rand(1, 3, 16, 16)
    mask = torch.from_numpy(square)[None, None].float()
    stages = ContextualAttentionRecipe().stages(Grey(0.0, 1.0), image, mask)
    assert list(stages) == ["coarse", "fill"]
    assert torch.equal(stages["fill"], torch.where(mask > 0, 1.0, image))
    assert torch.equal(stages["coarse"], torch.full_like(image, 0.5))


def naive_corner(hole, side):
    rows, columns = np.nonzero(hole)
    centre = ((rows.min() + rows.max() + 1) / 2, (columns.min() + columns.max() + 1) / 2)

    def rank(corner):
        top, left = corner
        held = hole[top : top + side, left : left + side].sum()
        away = (top + side / 2 - centre[0]) ** 2 + (left + side / 2 - centre[1]) ** 2
        return (-held, away)

    corners = [(t, left) for t in range(len(hole) - side + 1) for left in range(hole.shape[1] - side + 1)]
    return rank(min(corners, key=rank)), rank


@given(st.integers(0, 2**32 - 1), st.integers(3, 8))
def test_the_local_critic_sees_most_of_the_hole(seed, side):
    hole = np.random.default_rng(seed).random((12, 10)) < 0.15
    hole[3, 4] = True
    best, rank = naive_corner(hole, side)
    assert rank(local_corner(hole, side)) == pytest.approx(best)


def test_a_sample_is_the_same_however_it_is_spread():
    assert torch.equal(uniforms(3, 10, 4)[2:], uniforms(3, 12, 2))
    assert not torch.equal(uniforms(3, 10, 4), uniforms(4, 10, 4))
    images, masks = torch.full((2, 3, 4, 4), 51, dtype=torch.uint8), torch.ones(2, 1, 4, 4, dtype=torch.bool)
    made = Sample.of(Batch(10, images, masks), 3, torch.device("cpu"))
    assert torch.equal(made.mix, uniforms(3, 10, 2))
    assert made.image.unique().tolist() == pytest.approx([0.2])
    assert made.mask.dtype == torch.float32
    assert made.hole.dtype == torch.bool
