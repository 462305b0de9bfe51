"""What a run keeps between two steps."""

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from retouch.errors import RetouchError
from retouch.training.settings import Config, Run
from retouch.training.state import State

CPU = torch.device("cpu")


class Recipe:
    """A line for a generator, and a critic under spectral normalisation, whose vectors are buffers."""

    def generator(self):
        return nn.Linear(2, 2)

    def critic(self, size):
        return spectral_norm(nn.Linear(6, 4))


@pytest.fixture
def config(monkeypatch):
    monkeypatch.setattr("retouch.training.state.dump_config", lambda config: {"seed": config.run.seed})
    return Config(Run("test", 10), Recipe())


def step(state):
    values = torch.linspace(-1, 1, 6)
    for network, optimizer, inputs in (
        (state.generator, state.optimizers["generator"], values[:2]),
        (state.critic, state.optimizers["critic"], values),
    ):
        optimizer.zero_grad()
        network(inputs).square().sum().backward()
        optimizer.step()
    state.step += 1
    state.follow(0.5)


def test_the_seed_decides_the_weights(config):
    one, other = State.begin(config, CPU), State.begin(config, CPU)
    assert torch.equal(one.generator.weight, other.generator.weight)
    different = State.begin(Config(Run("test", 10, seed=1), Recipe()), CPU)
    assert not torch.equal(one.generator.weight, different.generator.weight)


def test_the_average_forgets_the_first_weights_quickly_and_the_later_ones_slowly(config):
    state = State.begin(config, CPU)
    with torch.no_grad():
        state.average.weight.fill_(0.0)
        state.generator.weight.fill_(1.0)
    state.step = 1
    state.follow(0.9)  # at step 1 the decay is 2/11
    assert state.average.weight.unique().item() == pytest.approx(9 / 11)
    with torch.no_grad():
        state.average.weight.fill_(0.0)
    state.step = 10_000
    state.follow(0.9)
    assert state.average.weight.unique().item() == pytest.approx(0.1)
    assert not any(each.requires_grad for each in state.average.parameters())


def test_what_is_dumped_goes_on_as_if_nothing_had_happened(config):
    whole = State.begin(config, CPU)
    step(whole)
    content = deepcopy(whole.dump(config))
    step(whole)
    resumed = State.begin(config, CPU)
    resumed.load(content)
    step(resumed)
    for name in ("generator", "critic", "average"):
        one, other = getattr(whole, name).state_dict(), getattr(resumed, name).state_dict()
        assert all(torch.equal(one[key], other[key]) for key in one)
    assert resumed.step == whole.step == 2


def test_moments_that_lie_otherwise_in_memory_are_those_of_the_same_weights(monkeypatch):
    """As in a checkpoint of a network that was not channels last."""

    class Convolution(Recipe):
        def generator(self):
            return nn.Conv2d(3, 4, 3)

    monkeypatch.setattr("retouch.training.state.dump_config", lambda config: {})
    config = Config(Run("test", 10), Convolution())
    shown = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))

    def step(state):
        for _ in range(3):
            state.optimizers["generator"].zero_grad()
            state.generator(shown).square().sum().backward()
            state.optimizers["generator"].step()

    whole = State.begin(config, CPU)
    assert whole.generator.weight.is_contiguous(memory_format=torch.channels_last)
    step(whole)
    content = deepcopy(whole.dump(config))
    for moments in content["optimizers"]["generator"]["state"].values():
        for name in ("exp_avg", "exp_avg_sq"):
            moments[name] = moments[name].contiguous()
    step(whole)
    resumed = State.begin(config, CPU)
    resumed.load(content)
    step(resumed)
    assert torch.equal(whole.generator.weight, resumed.generator.weight)


def test_spectral_normalisation_brings_the_largest_singular_value_to_one(config):
    critic = State.begin(config, CPU).critic
    for _ in range(50):
        critic(torch.zeros(6))
    assert torch.linalg.svdvals(critic.weight)[0].item() == pytest.approx(1, abs=1e-4)


def test_a_state_of_another_shape_is_refused(config):
    state = State.begin(config, CPU)
    content = state.dump(config)
    content["critic"] = nn.Linear(3, 3).state_dict()
    with pytest.raises(RetouchError, match="does not fit the networks"):
        State.begin(config, CPU).load(content)
