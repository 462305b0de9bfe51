"""How the structure network is trained."""

import math

import pytest
import torch
from torch.nn import functional as F

from retouch.errors import RetouchError
from retouch.models.structure.network import StructureNetwork
from retouch.training.recipes.sample import Sample
from retouch.training.recipes.structure import StructureRecipe

torch.set_num_threads(1)
RECIPE = StructureRecipe()


def sample_of(count=4, side=64):
    generator = torch.Generator().manual_seed(0)
    image = F.interpolate(torch.rand(count, 3, 8, 8, generator=generator), side, mode="bilinear")
    mask = torch.zeros(count, 1, side, side)
    mask[..., 10:41, 20:51] = 1
    return Sample(image.clamp(0, 1), mask, mask > 0, torch.linspace(0, 0.99, count))


def test_the_likelihood_is_that_of_a_laplace_distribution():
    sample, network = sample_of(), RECIPE.generator()
    with torch.no_grad():
        losses = RECIPE.generator_losses(network, None, sample)
        said = network(sample.image * 2 - 1, sample.mask)
    truth, hole = F.avg_pool2d(sample.image * 2 - 1, 2), F.max_pool2d(sample.mask, 2) > 0
    density = torch.distributions.Laplace(said.image, said.scale.expand_as(said.image)).log_prob(truth)
    expected = -density.mean(1, keepdim=True)[hole].mean() - math.log(2)
    assert losses["likelihood"].value.item() == pytest.approx(expected.item(), rel=1e-4)


def test_coarse_differences_are_of_mean_colours():
    class Off(torch.nn.Module):
        def forward(self, image, mask):
            said = StructureNetwork()(image, mask)
            rows, columns = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
            return type(said)(F.avg_pool2d(image, 2) + 0.1 * (-1.0) ** (rows + columns), said.scale)

    sample = sample_of()
    sample.mask[:] = 0
    sample.mask[..., 16:48, 16:48] = 1  # whole squares
    losses = StructureRecipe(perceptual=0).generator_losses(Off(), None, sample)
    assert losses["coarse"].value.item() == pytest.approx(0, abs=1e-6), "a chequerboard has no mean"
    assert list(losses) == ["likelihood", "coarse"]


def test_a_batch_may_be_parted():
    sample, network = sample_of(4), RECIPE.generator()
    with torch.no_grad():
        whole = RECIPE.generator_losses(network, None, sample)
        parts = []
        for part in (slice(0, 2), slice(2, 4)):
            each = Sample(sample.image[part], sample.mask[part], sample.hole[part], sample.mix[part])
            parts.append(RECIPE.generator_losses(network, None, each))
    for name, term in whole.items():
        values = [each[name].value.item() for each in parts]
        assert term.value.item() == pytest.approx(sum(values) / 2, rel=1e-4)


def test_there_is_no_critic():
    assert RECIPE.critic_steps == 0
    assert RECIPE.critic_losses(StructureNetwork(), RECIPE.critic(64), sample_of()) == {}
    assert sum(each.numel() for each in RECIPE.critic(64).parameters()) == 0


def test_it_begins_with_pretrained_features_or_random_ones():
    torch.manual_seed(0)
    one, two = RECIPE.generator(), StructureRecipe(pretrained=False).generator()
    image = torch.rand(1, 4, 64, 64)
    with torch.no_grad():
        assert not torch.allclose(one.trunk(image).quarter, two.trunk(image).quarter, atol=0.1)


def test_a_few_steps_lessen_the_loss():
    torch.manual_seed(0)
    sample, network = sample_of(4), RECIPE.generator()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    values = []
    for _ in range(6):
        losses = RECIPE.generator_losses(network, None, sample)
        total = torch.stack([term.weight * term.value for term in losses.values()]).sum()
        optimizer.zero_grad()
        total.backward()
        assert all(each.grad is not None for name, each in network.named_parameters())
        optimizer.step()
        values.append(total.item())
    assert values[-1] < values[0]


def test_validation_shows_doubt_and_fill():
    sample = sample_of(2)
    with torch.no_grad():
        stages = RECIPE.stages(RECIPE.generator(), sample.image, sample.mask)
    assert list(stages) == ["unsure", "fill"]
    known = sample.mask.expand_as(sample.image) == 0
    assert torch.equal(stages["fill"][known], sample.image[known])
    assert (stages["unsure"][known] == 0).all()


def test_the_size_of_crops_is_checked():
    RECIPE.check(128)
    with pytest.raises(RetouchError, match="64, 128, 192"):
        RECIPE.check(96)


def test_all_processes_have_the_same_terms():
    """Whichever items they hold: what they learn is averaged, term by term."""
    sample, network = sample_of(2), RECIPE.generator()
    names = []
    for mix in (0.9, 0.1):
        sample.mix[:] = mix
        losses = RECIPE.generator_losses(network, None, sample)
        losses["perceptual"].value.backward()
        names.append(list(losses))
        assert (losses["perceptual"].value.item() == 0) == (mix == 0.9)
    assert names[0] == names[1]
