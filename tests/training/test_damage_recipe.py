"""How the network that finds damage is trained."""

import pytest
import torch

from retouch.errors import RetouchError
from retouch.networks.damage import Found
from retouch.training.recipes.damage import DamageRecipe
from retouch.training.recipes.sample import Sample

torch.set_num_threads(1)
RECIPE = DamageRecipe()


def sample_of(count=2, side=64):
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(count, 3, side, side, generator=generator) * 0.3
    mask = torch.zeros(count, 1, side, side)
    mask[..., 10:20, 20:51] = 1
    image = torch.where(mask > 0, 0.9, image)
    return Sample(image, mask, mask > 0, torch.zeros(count))


class Says(torch.nn.Module):
    """Stands for the network: the truth, or its opposite."""

    def __init__(self, mask, sign):
        super().__init__()
        squares = torch.nn.functional.max_pool2d(mask, 16)
        self.said = Found(*(sign * 40 * (each - 0.5) for each in (mask, squares)))

    def forward(self, image):
        return self.said


def test_the_truth_costs_nothing_and_its_opposite_much():
    sample = sample_of()
    right = RECIPE.generator_losses(Says(sample.mask, 1), None, sample)
    wrong = RECIPE.generator_losses(Says(sample.mask, -1), None, sample)
    for name in ("entropy", "overlap", "worth"):
        assert right[name].value.item() == pytest.approx(0, abs=1e-4)
        assert wrong[name].value.item() > 0.5


def test_the_scout_had_better_send_for_nothing_than_miss():
    sample = sample_of()
    every, none = Says(sample.mask, 1), Says(sample.mask, 1)
    every.said = Found(every.said.damage, torch.full_like(every.said.worth, 2.0))
    none.said = Found(none.said.damage, torch.full_like(none.said.worth, -2.0))
    sent, missed = (RECIPE.generator_losses(each, None, sample)["worth"].value for each in (every, none))
    assert sent < missed


def test_the_scout_learns_what_the_finder_finds_and_not_the_truth():
    sample = sample_of()
    nothing, squares = torch.full_like(sample.mask, -20.0), torch.nn.functional.max_pool2d(sample.mask, 16)
    blind, shy = Says(sample.mask, 1), Says(sample.mask, 1)
    blind.said = Found(nothing, 40 * (squares - 0.5))  # sends where there is damage that is not found
    shy.said = Found(nothing, torch.full_like(squares, -20.0))
    cost, free = (RECIPE.generator_losses(each, None, sample)["worth"].value for each in (blind, shy))
    assert free.item() == pytest.approx(0, abs=1e-4)
    assert cost > 1
    finder = torch.zeros_like(sample.mask, requires_grad=True)
    blind.said = Found(finder, torch.zeros_like(squares, requires_grad=True))
    RECIPE.generator_losses(blind, None, sample)["worth"].value.backward()
    assert finder.grad is None, "the finder does not learn to be foreseen"


def test_the_scout_may_learn_alone():
    sample = sample_of()
    torch.manual_seed(0)
    recipe = DamageRecipe(networks="scout")
    network = recipe.generator().train()
    before = {name: each.clone() for name, each in network.state_dict().items()}
    losses = recipe.generator_losses(network, None, sample)
    assert list(losses) == ["worth"]
    losses["worth"].value.backward()
    for name, each in network.named_parameters():
        assert (each.grad is not None) == name.startswith("scout."), name
    for name, each in network.state_dict().items():
        assert name.startswith("scout.") or torch.equal(each, before[name]), name
    network.eval()
    told = recipe.generator_losses(network, None, sample)["worth"].value
    assert told.item() == pytest.approx(RECIPE.generator_losses(network, None, sample)["worth"].value.item())


def test_a_batch_may_be_parted():
    sample = sample_of(4)
    torch.manual_seed(0)
    network = RECIPE.generator().eval()
    with torch.no_grad():
        whole = RECIPE.generator_losses(network, None, sample)
        parts = [
            RECIPE.generator_losses(network, None, Sample(*(each[part] for each in vars(sample).values())))
            for part in (slice(0, 2), slice(2, 4))
        ]
    for name, term in whole.items():
        mean = sum(each[name].value.item() for each in parts) / 2
        assert term.value.item() == pytest.approx(mean, rel=1e-4)


def test_a_few_steps_lessen_the_loss():
    torch.manual_seed(0)
    sample, network = sample_of(), RECIPE.generator()
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    values = []
    for _ in range(6):
        losses = RECIPE.generator_losses(network, None, sample)
        total = torch.stack([term.weight * term.value for term in losses.values()]).sum()
        optimizer.zero_grad()
        total.backward()
        assert all(each.grad is not None for each in network.parameters())
        optimizer.step()
        values.append(total.item())
    assert values[-1] < values[0]


def test_validation_shows_what_is_found_and_counts_the_overlap():
    sample = sample_of()
    stages = RECIPE.stages(Says(sample.mask, 1), sample.image, sample.mask)
    assert list(stages) == ["photo", "worth", "found", "damage", "wrong"]
    assert torch.allclose(stages["wrong"], sample.image, atol=1e-4)
    opposite = RECIPE.stages(Says(sample.mask, -1), sample.image, sample.mask)
    assert torch.allclose(opposite["wrong"], sample.image + 1, atol=1e-4)


def test_the_size_of_crops_is_checked():
    RECIPE.check(96)
    with pytest.raises(RetouchError, match="multiple of 32"):
        RECIPE.check(100)
