"""Losses of Iterative Confidence Feedback, with networks whose output is known."""

import numpy as np
import pytest
import torch
from torch import nn

from retouch.errors import RetouchError
from retouch.models.confidence_feedback.network import Stages
from retouch.training.recipes.confidence_feedback import ConfidenceFeedbackRecipe
from retouch.training.recipes.sample import Sample
from retouch.training.settings import build_config


class Grey(nn.Module):
    """Says ``fill`` everywhere; is sure to ``left`` of the left half, to ``right`` of the right half."""

    def __init__(self, fill=0.5, left=0.9, right=0.2):
        super().__init__()
        self.values = nn.Parameter(torch.tensor([fill, left, right]))
        self.seen, self.allowed = [], []

    def forward(self, image, mask, allowed=None):
        self.seen.append((image.clone(), mask.clone()))
        self.allowed.append(allowed)
        fill, left, right = self.values
        halves = torch.where(torch.arange(mask.shape[3]) < mask.shape[3] // 2, left, right)
        return Stages(fill.expand_as(image) / 2, fill.expand_as(image), halves.expand_as(mask), None)


class Sum(nn.Module):
    """A critic: each pixel's red, times a learned slope."""

    def __init__(self):
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(2.0))

    def forward(self, image):
        return self.slope * image[:, :1]


def sample(*mix):
    """Photos of 0 (grey), each with a hole of 4×8 in the middle of 16×16."""
    hole = np.zeros((len(mix), 1, 16, 16), bool)
    hole[..., 4:8, 4:12] = True
    mask = torch.from_numpy(hole)
    return Sample(torch.full((len(mix), 3, 16, 16), 0.5), mask.float(), mask, torch.tensor(mix))


def test_differences_and_what_teaches_the_confidence():
    network = Grey()
    losses = ConfidenceFeedbackRecipe(doubt=0.15).generator_losses(network, None, sample(0.0))
    values = {name: term.value.item() for name, term in losses.items()}
    # Colours are half as far apart in [0, 1] as in [-1, 1]; half of the hole has each confidence.
    taught = 0.25 * (0.9 + 0.2) / 2 + 0.15 * (0.1**2 + 0.8**2) / 2
    assert values == pytest.approx({"hole": 0.25, "known": 0.25, "coarse": 0.125, "confidence": taught})
    losses["confidence"].value.backward()
    assert network.values.grad[0] == 0  # the confidence learns from the difference, not the other way round


@pytest.mark.parametrize("difference", [0.1, 0.15, 0.2])
def test_confidence_falls_in_a_straight_line_with_the_difference(difference):
    recipe = ConfidenceFeedbackRecipe(doubt=0.15)
    network = Grey(fill=2 * difference)
    optimizer = torch.optim.SGD([network.values], 1.0)
    for _ in range(200):
        optimizer.zero_grad()
        recipe.generator_losses(network, None, sample(0.0))["confidence"].value.backward()
        optimizer.step()
    assert network.values[1].item() == pytest.approx(1 - difference / 0.3, abs=1e-3)


def test_later_passes_see_what_is_trusted():
    network = Grey()
    losses = ConfidenceFeedbackRecipe(passes=2).generator_losses(network, None, sample(0.2, 0.7))
    assert len(network.seen) == 2
    assert len(network.seen[0][0]) == 1  # only one item has an earlier pass
    image, mask = network.seen[1]
    assert mask.flatten(1).sum(1).tolist() == [32, 16]
    assert torch.equal(image[0], torch.zeros(3, 16, 16))
    assert (image[1, :, 4:8, 4:8] == 0.5).all()
    assert image[1].count_nonzero() == 3 * 16
    assert losses["hole"].value.item() == pytest.approx(0.25)


def test_what_an_earlier_pass_filled_is_never_borrowed_from():
    network, hidden = Grey(), sample(0.2, 0.7)
    recipe = ConfidenceFeedbackRecipe(passes=2)
    recipe.generator_losses(network, Sum(), hidden)
    recipe.critic_losses(network, Sum(), hidden)
    recipe.stages(network, hidden.image, hidden.mask)
    assert len(network.allowed) == 2 + 2 + 3
    for (image, mask), allowed in zip(network.seen, network.allowed, strict=True):
        assert torch.equal(1 - mask if allowed is None else allowed, 1 - hidden.mask[: len(image)])


def test_a_hole_that_is_trusted_whole_stays():
    network = Grey(right=0.8)
    ConfidenceFeedbackRecipe(passes=3).generator_losses(network, None, sample(0.9))
    assert [mask.sum().item() for _, mask in network.seen] == [32, 32, 32]


def test_the_critic_judges_the_fill_as_far_as_it_is_trusted():
    recipe, network, critic = ConfidenceFeedbackRecipe(), Grey(), Sum()
    losses = recipe.generator_losses(network, critic, sample(0.0))
    mean = 2.0 * 0.5 * (0.9 + 0.2) / 2 * 32 / 256
    assert losses["adversarial"].value.item() == pytest.approx(-mean)
    assert losses["adversarial"].weight == recipe.adversarial
    losses["adversarial"].value.backward()
    assert (network.values.grad < 0).all()  # more of the fill, and more sure of it, would please this critic
    network.values.grad = None
    judged = recipe.critic_losses(network, critic, sample(0.0))["critic"].value
    assert judged.item() == pytest.approx(1 + 1 + mean)
    judged.backward()
    assert network.values.grad is None
    assert critic.slope.grad is not None


def test_the_critic_judges_the_whole_fill_if_told_to():
    recipe, network, critic = ConfidenceFeedbackRecipe(judged="whole"), Grey(), Sum()
    losses = recipe.generator_losses(network, critic, sample(0.0))
    mean = 2.0 * 0.5 * 32 / 256
    assert losses["adversarial"].value.item() == pytest.approx(-mean)
    losses["adversarial"].value.backward()
    assert network.values.grad[0] < 0
    assert (network.values.grad[1:] == 0).all()  # no confidence would please this critic
    assert recipe.critic_losses(network, critic, sample(0.0))["critic"].value.item() == pytest.approx(
        2 + mean
    )


def test_the_grid_shows_the_fill_after_all_passes():
    given = sample(0.0)
    network = Grey()
    stages = ConfidenceFeedbackRecipe(passes=2).stages(network, given.image, given.mask)
    assert list(stages) == ["coarse", "confidence", "fill"]
    assert len(network.seen) == 3  # the first pass is shown, and then done again
    assert torch.equal(stages["fill"], torch.where(given.mask > 0, 0.75, given.image))
    assert stages["confidence"][0, :, 5, 5].tolist() == pytest.approx([0.9] * 3)
    assert (stages["confidence"][(given.mask == 0).expand(1, 3, 16, 16)] == 1).all()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"data": {"size": 72}}, "80, 96, 112"),
        ({"recipe": {"passes": 9}}, "passes from 1 to 8"),
        ({"recipe": {"doubt": 0.0}}, "doubt must lie in"),
        ({"recipe": {"gates": "some"}}, "one of each, one"),
        ({"recipe": {"judged": "half"}}, "one of trusted, whole"),
    ],
)
def test_what_is_wrong_is_said(settings, words):
    with pytest.raises(RetouchError, match=words):
        build_config({"model": "confidence-feedback", "steps": 1, **settings})
