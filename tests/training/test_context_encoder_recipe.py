"""Losses of the content network, with networks whose output is known, and short runs of both forms."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from torch import nn

import retouch
from retouch.errors import RetouchError
from retouch.models.context_encoder.network import LITE
from retouch.training.checkpoint import load_checkpoint
from retouch.training.export import export
from retouch.training.recipes.context_encoder import ContextEncoderRecipe, ring_weights
from retouch.training.recipes.sample import Sample
from retouch.training.settings import build_config
from retouch.training.start import start

torch.set_num_threads(1)

CONFIGS = Path(__file__).parents[2] / "src/retouch/training/configs"
FORMS = ("connected", "convolutional")


class Grey(nn.Module):
    """Says ``fill`` everywhere; in [-1, 1]."""

    def __init__(self, fill):
        super().__init__()
        self.fill = nn.Parameter(torch.tensor(fill))

    def forward(self, image, mask):
        return self.fill.expand_as(image)


class Off(nn.Module):
    """Says the truth, but at one pixel, where it is off by 0.5."""

    def __init__(self, row, column):
        super().__init__()
        self.place = row, column

    def forward(self, image, mask):
        said = image.clone()
        said[..., self.place[0], self.place[1]] += 0.5
        return said


class Sum(nn.Module):
    """A critic: each pixel's red, times a learned slope; it keeps what it was shown."""

    def __init__(self, slope):
        super().__init__()
        self.slope, self.shown = nn.Parameter(torch.tensor(slope)), []

    def forward(self, image):
        self.shown.append(image.detach())
        return self.slope * image[:, :1]


def sample_of(hole, image=None):
    mask = torch.from_numpy(hole)[None, None]
    image = torch.full((1, 3, *hole.shape), 0.5) if image is None else image
    return Sample(image, mask.float(), mask, torch.tensor([0.5]))


@pytest.fixture
def sample():
    """A photo of 0 (grey), a hole of 8×8 in 16×16 that the border of the image cuts at the right."""
    hole = np.zeros((16, 16), bool)
    hole[4:12, 8:16] = True
    return sample_of(hole)


@pytest.fixture
def centred():
    """A photo of 0 (grey), the hole of the connected form."""
    hole = np.zeros((128, 128), bool)
    hole[32:96, 32:96] = True
    return sample_of(hole)


def batch(size, seed=0):
    """Four slopes of light in colours of their own, with the middle as the hole."""
    generator = torch.Generator().manual_seed(seed)
    row = torch.linspace(0, 1, size)[:, None].expand(size, size)
    colours = torch.rand(4, 3, 1, 1, generator=generator)
    mask = torch.zeros(4, 1, size, size, dtype=torch.bool)
    mask[..., size // 4 : size - size // 4, size // 4 : size - size // 4] = True
    return Sample(row * colours, mask.float(), mask, torch.rand(4, generator=generator))


@pytest.mark.parametrize(("difference", "value"), [("squared", 0.25), ("absolute", 0.5)])
def test_differences_are_of_the_hole_alone(sample, difference, value):
    recipe = ContextEncoderRecipe(difference=difference, ring=0)
    losses = recipe.generator_losses(Grey(0.5), None, sample)
    assert list(losses) == ["reconstruction"]
    assert losses["reconstruction"].weight == 0.999
    assert losses["reconstruction"].value.item() == pytest.approx(value)
    losses = recipe.generator_losses(Off(3, 8), None, sample)  # just outside of the hole
    assert losses["reconstruction"].value.item() == 0


@pytest.mark.parametrize(
    ("place", "times"),
    [((4, 8), 10), ((5, 9), 10), ((6, 10), 1), ((8, 9), 10), ((8, 10), 1), ((8, 15), 1), ((10, 15), 10)],
)
def test_the_ring_along_the_known_counts_ten_times(sample, place, times):
    recipe = ContextEncoderRecipe(form="convolutional", ring=2)
    losses = recipe.generator_losses(Off(*place), None, sample)
    assert losses["reconstruction"].value.item() == pytest.approx(times * 0.25 / 64)


def test_the_ring_of_the_paper_is_seven_pixels_wide(centred):
    weights = ring_weights(centred.hole, 7, 10.0)
    inner = torch.ones(1, 1, 128, 128)
    inner[..., 32:96, 32:96] = 10
    inner[..., 39:89, 39:89] = 1
    assert torch.equal(weights[centred.hole], inner[centred.hole])


def test_each_item_is_averaged_over_its_own_hole():
    one, two = np.zeros((2, 16, 16), bool)
    one[2:4, 2:4] = True
    two[4:12, 4:14] = True
    masks = torch.from_numpy(np.stack([one, two]))[:, None]
    both = Sample(torch.full((2, 3, 16, 16), 0.5), masks.float(), masks, torch.tensor([0.5, 0.5]))
    recipe, parts = ContextEncoderRecipe(form="convolutional", ring=1), [sample_of(one), sample_of(two)]
    values = [
        recipe.generator_losses(Grey(0.5), None, each)["reconstruction"].value.item()
        for each in (both, *parts)
    ]
    assert values[0] == pytest.approx((values[1] + values[2]) / 2)


@pytest.mark.parametrize("form", FORMS)
def test_a_perfect_fill_has_no_difference(centred, form):
    losses = ContextEncoderRecipe(form=form).generator_losses(Grey(0.0), None, centred)
    assert losses["reconstruction"].value.item() == 0


def test_the_critic_of_the_connected_form_sees_the_middle(centred):
    generator, critic, recipe = Grey(0.5), Sum(2.0), ContextEncoderRecipe()
    losses = recipe.generator_losses(generator, critic, centred)
    # The fill is 0.5: all scores of the middle are 1, those of the photo 0.
    assert losses["adversarial"].value.item() == pytest.approx(np.log1p(np.exp(-1)))
    assert losses["adversarial"].weight == 0.001
    judged = recipe.critic_losses(generator, critic, centred)["critic"]
    assert judged.value.item() == pytest.approx(np.log(2) + np.log1p(np.exp(1)))
    # Real ones and fills each by themselves: batch normalisation must not mix them.
    assert [tuple(each.shape) for each in critic.shown] == [(1, 3, 64, 64)] * 3
    assert [each.unique().tolist() for each in critic.shown] == [[0.5], [0.0], [0.5]]


def test_the_critic_of_the_convolutional_form_sees_the_fill_pasted(sample):
    generator, critic = Grey(0.5), Sum(2.0)
    recipe = ContextEncoderRecipe(form="convolutional")
    losses = recipe.generator_losses(generator, critic, sample)
    # A quarter of the picture is hole.
    assert losses["adversarial"].value.item() == pytest.approx((3 * np.log(2) + np.log1p(np.exp(-1))) / 4)
    judged = recipe.critic_losses(generator, critic, sample)["critic"]
    told = np.log(2) + (3 * np.log(2) + np.log1p(np.exp(1))) / 4
    assert judged.value.item() == pytest.approx(told)
    assert [len(each) for each in critic.shown] == [1, 2]  # one call for both
    judged.value.backward()
    assert generator.fill.grad is None
    assert critic.slope.grad is not None


def test_the_grid_shows_the_fill(sample):
    stages = ContextEncoderRecipe().stages(Grey(1.0), sample.image, sample.mask)
    assert list(stages) == ["fill"]
    assert torch.equal(stages["fill"], torch.where(sample.mask > 0, 1.0, sample.image))


@pytest.mark.parametrize(
    "recipe",
    [
        ContextEncoderRecipe(width=0.0625),
        ContextEncoderRecipe(form="convolutional", width=0.125, difference="absolute"),
    ],
    ids=FORMS,
)
def test_two_steps_lessen_the_loss(recipe):
    torch.manual_seed(0)
    sample = batch(128 if recipe.form == "connected" else 64)
    generator, critic = recipe.generator(), recipe.critic(128)
    adam = torch.optim.Adam(generator.parameters(), lr=3e-3)
    values = []
    for _ in range(3):
        adam.zero_grad()
        losses = recipe.generator_losses(generator, critic, sample)
        values.append(losses["reconstruction"].value.item())
        sum(term.weight * term.value for term in losses.values()).backward()
        adam.step()
    assert values[2] < values[1] < values[0]


def settings_of(form):
    masks = {"kind": "rectangles", "side": 0.5, "margin": 0.25, "jitter": 0.0}
    recipe = {"form": form, "width": 0.04, "adversarial_from": 1}
    return {
        "model": "context-encoder",
        "steps": 3,
        "data__masks": masks,
        "data__size": 128 if form == "connected" else 64,
        "recipe": recipe,
    }


@pytest.fixture(params=FORMS)
def folder(request, tiny, pictures, tmp_path):
    """The folder of a run of three steps."""
    start(tiny(**settings_of(request.param)), [pictures], tmp_path / "run", say=lambda _: None, device="cpu")
    return tmp_path / "run"


def test_a_run_leaves_a_file_that_fills(folder, tmp_path):
    export(folder, tmp_path / "mine.safetensors")
    model = retouch.load(tmp_path / "mine.safetensors")
    content = load_checkpoint(folder)[0]
    learned = [name for name in content["generator"] if "running" in name]
    assert bool(learned) == (content["config"]["recipe"]["form"] == "connected")
    assert {"mean"} & content["generator"].keys() == set()  # a constant is not learned
    sample = batch(128)
    fill = model(sample.image, sample.mask)
    hole = (sample.mask > 0).expand_as(fill.image)
    assert torch.equal(fill.image[~hole], sample.image[~hole])
    assert not torch.equal(fill.image, sample.image)


def test_the_average_has_statistics_of_what_was_seen(tiny, pictures, tmp_path):
    config = tiny(**settings_of("connected"))
    start(config, [pictures], tmp_path / "run", say=lambda _: None, device="cpu")
    average = load_checkpoint(tmp_path / "run")[0]["average"]
    assert all(each.any() for name, each in average.items() if name.endswith("running_mean"))


def test_the_paper_file_says_what_was_published():
    config = build_config(yaml.safe_load((CONFIGS / "context-encoder-paper.yaml").read_text()))
    assert config.recipe == ContextEncoderRecipe()
    run = config.run
    assert (run.batch, run.optimizer.lr, run.optimizer.betas) == (64, 2e-4, (0.5, 0.999))
    middle = np.zeros((128, 128), bool)
    middle[32:96, 32:96] = True
    for seed in range(5):
        assert np.array_equal(run.data.masks(np.random.default_rng(seed), 128, 128), middle)


def test_the_lite_file_trains_the_lite_width():
    config = build_config(yaml.safe_load((CONFIGS / "context-encoder-lite.yaml").read_text()))
    assert (config.recipe.form, config.recipe.width) == ("convolutional", LITE)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"data": {"size": 256}}, "must be 128 pixels for this form"),
        ({"data": {"size": 80}, "recipe": {"form": "convolutional"}}, "64, 96, 128"),
        ({"data": {"size": 32}, "recipe": {"form": "convolutional"}}, "64, 96, 128"),
        ({"recipe": {"form": "both"}}, "one of connected, convolutional"),
        ({"recipe": {"difference": "cubed"}}, "one of squared, absolute"),
        ({"recipe": {"ring": -1}}, "ring at least 0"),
    ],
)
def test_what_is_wrong_is_said(settings, words):
    with pytest.raises(RetouchError, match=words):
        build_config({"model": "context-encoder", "steps": 1, **settings})
