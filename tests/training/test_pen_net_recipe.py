"""Losses of PEN-Net, with networks whose output is known."""

import numpy as np
import pytest
import torch
from torch import nn

from retouch.errors import RetouchError
from retouch.models.pen_net.network import Output
from retouch.training.recipes.pen_net import PenNetRecipe
from retouch.training.recipes.sample import Sample
from retouch.training.settings import build_config


class Grey(nn.Module):
    """Says ``fill`` everywhere, and ``level`` in both images of its pyramid; in [-1, 1]."""

    def __init__(self, fill, level):
        super().__init__()
        self.values = nn.Parameter(torch.tensor([fill, level]))

    def forward(self, image, mask):
        fill, level = self.values
        pyramid = tuple(level.expand(len(image), 3, side, side) for side in (4, 8))
        return Output(fill.expand_as(image), pyramid, ())


class Sum(nn.Module):
    """A critic: each pixel's red, times a learned slope."""

    def __init__(self, slope):
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(slope))

    def forward(self, image):
        return self.slope * image[:, :1]


@pytest.fixture
def sample():
    """A photo of 0 (grey), a hole of 4×8 in 16×16."""
    hole = np.zeros((1, 1, 16, 16), bool)
    hole[..., 4:8, 4:12] = True
    mask = torch.from_numpy(hole)
    return Sample(torch.full((1, 3, 16, 16), 0.5), mask.float(), mask, torch.tensor([0.5]))


def values(losses):
    return {name: term.value.item() for name, term in losses.items()}


def test_differences_of_hole_known_and_levels(sample):
    losses = PenNetRecipe().generator_losses(Grey(0.5, -0.25), None, sample)
    assert values(losses) == pytest.approx({"hole": 0.5, "known": 0.5, "pyramid": 2 * 0.25})
    assert {name: term.weight for name, term in losses.items()} == {"hole": 6.0, "known": 1.0, "pyramid": 0.5}


def test_levels_are_compared_with_the_photo_shrunk(sample):
    image = torch.zeros(1, 3, 16, 16)
    image[..., ::2] = 1.0  # shrunk to grey
    losses = PenNetRecipe().generator_losses(
        Grey(0.0, 0.0), None, Sample(image, sample.mask, sample.hole, sample.mix)
    )
    assert losses["pyramid"].value.item() == pytest.approx(0, abs=1e-6)
    assert losses["known"].value.item() == pytest.approx(1)


@pytest.mark.parametrize(
    ("gan", "fooled", "told"),
    [
        # The fill is 0.5 on an eighth of the picture: scores are 1 there, 0 elsewhere and for the photo.
        ("hinge", -1 / 8, 1 + (7 + 2) / 8),
        ("non-saturating", (7 * np.log(2) + np.log1p(np.exp(-1))) / 8, None),
    ],
)
def test_what_the_critic_says_of_the_fill(sample, gan, fooled, told):
    generator, critic = Grey(0.5, 0.0), Sum(2.0)
    recipe = PenNetRecipe(gan=gan)
    losses = recipe.generator_losses(generator, critic, sample)
    assert losses["adversarial"].value.item() == pytest.approx(fooled)
    assert losses["adversarial"].weight == 0.1
    judged = recipe.critic_losses(generator, critic, sample)["critic"]
    if told is None:
        told = np.log(2) + (7 * np.log(2) + np.log1p(np.exp(1))) / 8
    assert judged.value.item() == pytest.approx(told)
    judged.value.backward()
    assert generator.values.grad is None
    assert critic.slope.grad is not None


def test_the_grid_shows_every_level(sample):
    stages = PenNetRecipe().stages(Grey(1.0, 0.0), sample.image, sample.mask)
    assert list(stages) == ["level 1", "level 2", "fill"]
    assert all(each.shape == (1, 3, 16, 16) for each in stages.values())
    assert torch.equal(stages["fill"], torch.where(sample.mask > 0, 1.0, sample.image))
    assert stages["level 1"].unique().tolist() == [0.5]


def test_levels_above_the_chosen_are_not_filled_by_attention():
    torch.manual_seed(0)
    image, mask = torch.rand(1, 3, 128, 128) * 2 - 1, torch.zeros(1, 1, 128, 128)
    mask[..., 40:60, 40:60] = 1
    all_levels, one = (PenNetRecipe(width=0.04, levels=levels).generator().eval() for levels in (5, 1))
    one.load_state_dict(all_levels.state_dict())  # the same parameters, so that only attention differs
    with torch.no_grad():
        whole, part = all_levels(image, mask), one(image, mask)
    assert (len(whole.correspondences), len(part.correspondences)) == (5, 1)
    assert not torch.equal(whole.image, part.image)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"data": {"size": 96}}, "64, 128, 192"),
        ({"recipe": {"levels": 6}}, "levels from 1 to 5"),
        ({"recipe": {"gan": "wgan"}}, "one of hinge, non-saturating"),
    ],
)
def test_what_is_wrong_is_said(settings, words):
    with pytest.raises(RetouchError, match=words):
        build_config({"model": "pen-net", "steps": 1, **settings})
