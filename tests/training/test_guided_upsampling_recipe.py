"""Losses of guided upsampling."""

import numpy as np
import pytest
import torch
from torch import nn

from retouch.errors import RetouchError
from retouch.ops.resize import enlarge, shrink, shrink_mask
from retouch.training.losses import masked_l1
from retouch.training.recipes.guided_upsampling import GuidedUpsamplingRecipe
from retouch.training.recipes.sample import Sample, Term
from retouch.training.settings import build_config
from retouch.upsampling.network import strength

torch.set_num_threads(1)


def sample(mix=0.0, period=0, batch=1):
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(batch, 3, 64, 64, generator=generator)
    if period:
        image = image[..., :period, :period].repeat(1, 1, 64 // period, 64 // period)
    hole = np.zeros((batch, 1, 64, 64), bool)
    hole[..., 24:40, 20:36] = True
    mask = torch.from_numpy(hole)
    return Sample(image, mask.float(), mask, torch.full((batch,), mix))


def untrained(recipe):
    torch.manual_seed(0)
    return recipe.generator()


def test_what_repeats_is_made_exactly_and_its_strength_foretold():
    recipe = GuidedUpsamplingRecipe(scales=(2, 4))
    losses = recipe.generator_losses(untrained(recipe), None, sample(0.0, period=16))
    values = {name: term.value.item() for name, term in losses.items()}
    assert list(values) == ["affinity", "hole", "detail"]
    assert values["hole"] < 1e-3
    assert values["detail"] < 1e-2
    assert values["affinity"] < 0.3


def test_differences_are_of_the_scale_that_was_drawn():
    recipe = GuidedUpsamplingRecipe(scales=(2, 4))
    given = sample(0.9)
    network = untrained(recipe)
    with torch.no_grad():
        network._decode[-1].bias += torch.tensor([-1.0, 0, 0, 0])  # no detail at all
    losses = recipe.generator_losses(network, None, given)
    enlarged = enlarge(shrink(given.image, 4), 4)
    wanted = strength(given.image - enlarged, 4)
    made = torch.where(
        shrink_mask(given.mask, 4).repeat_interleave(4, 2).repeat_interleave(4, 3) > 0, enlarged, given.image
    )
    expected = masked_l1(enlarged, given.image, given.mask).item()
    assert losses["hole"].value.item() == pytest.approx(expected, abs=1e-5)
    there = strength(made - enlarged, 4)
    detail = masked_l1(there, wanted, shrink_mask(given.mask, 4)).item()
    assert losses["detail"].value.item() == pytest.approx(detail, abs=1e-4)


def test_every_parameter_learns_and_the_critic_by_itself():
    recipe = GuidedUpsamplingRecipe(scales=(2,), critic_width=0.05)
    network, critic, given = untrained(recipe), recipe.critic(64), sample(batch=2)
    nn.init.normal_(network._decode[-1].weight, std=0.1)  # as made it hides what is before it
    losses = recipe.generator_losses(network, critic, given)
    assert losses["adversarial"].weight == recipe.adversarial
    sum(term.weight * term.value for term in losses.values()).backward()
    for name, each in network.named_parameters():
        # A constant added to all features makes no patch more alike to any other.
        if name != "_look.6.bias":
            assert each.grad.abs().sum() > 0, name
    network.zero_grad()
    recipe.critic_losses(network, critic, given)["critic"].value.backward()
    assert all(each.grad is None for each in network.parameters())
    assert any(each.grad is not None for each in critic.parameters())


def test_the_grid_shows_both_forms():
    recipe, given = GuidedUpsamplingRecipe(), sample()
    stages = recipe.stages(untrained(recipe), given.image, given.mask)
    assert list(stages) == ["enlarged", "residual", "fill"]
    known = (given.mask == 0).expand_as(given.image)
    for each in stages.values():
        assert torch.equal(each[known], given.image[known])
    torch.testing.assert_close(stages["fill"].shape, given.image.shape)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"data": {"size": 100}, "recipe": {"scales": [2, 8]}}, "multiple of each of 2, 8"),
        ({"recipe": {"scales": [1]}}, "from 2 to 8"),
        ({"recipe": {"scales": []}}, "from 2 to 8"),
    ],
)
def test_what_is_wrong_is_said(settings, words):
    with pytest.raises(RetouchError, match=words):
        build_config({"model": "guided-upsampling", "steps": 1, **settings})


def test_half_precision_changes_nothing():
    # On a GPU the loop runs under autocast, in which neither the search nor the softmax works.
    recipe = GuidedUpsamplingRecipe(scales=(2,), critic_width=0.02)
    network, critic, given = untrained(recipe), recipe.critic(64).eval(), sample(batch=2)
    results = []
    for enabled in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            terms = recipe.generator_losses(network, critic, given)
            terms |= recipe.critic_losses(network, critic, given)
            terms |= {"grid": Term(1.0, recipe.stages(network, given.image, given.mask)["fill"].mean())}
        results.append({name: term.value.item() for name, term in terms.items()})
    assert results[0] == pytest.approx(results[1])


def test_a_picture_of_which_no_whole_patch_is_known_stops_nothing():
    given = sample(batch=2)
    hole = given.hole.clone()
    hole[0, :, ::8] = True  # at a quarter every other row of cells
    lines = Sample(given.image, hole.float(), hole, torch.full((2,), 0.9))
    recipe = GuidedUpsamplingRecipe(scales=(2, 4))
    losses = recipe.generator_losses(untrained(recipe), None, lines)
    assert losses["affinity"].value.item() == 0  # of the first picture alone, which asks nothing
    assert losses["hole"].value.item() > 0
