"""How the head learns: from which fills, and that its confidence becomes the probability of being right."""

from pathlib import Path

import pytest
import torch
import yaml
from torch.nn import functional as F

import retouch
from retouch.confidence.head import ConfidenceHead, open_head, right
from retouch.contract import Fill, Model
from retouch.errors import RetouchError
from retouch.training.checkpoint import load_checkpoint
from retouch.training.export import export
from retouch.training.recipes.confidence_head import ConfidenceHeadRecipe
from retouch.training.recipes.sample import Sample
from retouch.training.settings import build_config
from retouch.training.start import start

torch.set_num_threads(1)
CONFIGS = Path(__file__).parents[2] / "src/retouch/training/configs"
FAST = ConfidenceHeadRecipe(models=("telea", "navier-stokes"), shares=(0.25, 0.75))


def sample_of(count=4, side=32):
    """Slopes with noise, whose right half is loud; a hole in the middle."""
    generator = torch.Generator().manual_seed(0)
    row = torch.linspace(0.2, 0.6, side)[:, None].expand(side, side)
    strength = torch.where(torch.arange(side) < side // 2, 0.02, 0.8)
    image = row + strength * (torch.rand(count, 3, side, side, generator=generator) - 0.5)
    mask = torch.zeros(count, 1, side, side)
    mask[..., 8:24, 6:26] = 1
    mix = torch.linspace(0, 0.99, count)
    return Sample(image.clamp(0, 1), mask, mask > 0, mix)


class Note(ConfidenceHead):
    """Notes what it is shown."""

    def forward(self, image, mask):
        self.shown = image.clone(), mask.clone()
        return super().forward(image, mask)


def test_each_item_is_filled_by_the_model_its_number_draws():
    sample, head = sample_of(5), Note()
    FAST.generator_losses(head, None, sample)  # 0, 0.2475, 0.495, 0.7425, 0.99
    for item, name in enumerate(["telea"] * 2 + ["navier-stokes"] * 3):
        one = slice(item, item + 1)
        fill = retouch.load(name)(sample.image[one], sample.mask[one]).image
        assert torch.equal(head.shown[0][one], fill)
    assert torch.equal(head.shown[1], sample.mask)


def test_the_loss_is_the_cross_entropy_of_the_hole():
    sample, head = sample_of(), Note()
    losses = FAST.generator_losses(head, None, sample)
    assert list(losses) == ["entropy"]
    with torch.no_grad():
        said = head(*head.shown).sigmoid()
    correct = right(head.shown[0], sample.image) > 0
    surprise = -torch.where(correct, said, 1 - said).log()
    assert losses["entropy"].value.item() == pytest.approx(surprise[sample.mask > 0].mean().item(), rel=1e-4)
    losses["entropy"].value.backward()
    assert all(each.grad is not None for each in head.parameters())


def test_a_batch_may_be_parted():
    sample, head = sample_of(4), ConfidenceHead()
    whole = FAST.generator_losses(head, None, sample)["entropy"].value
    parts = []
    for part in (slice(0, 2), slice(2, 4)):
        each = Sample(sample.image[part], sample.mask[part], sample.hole[part], sample.mix[part])
        parts.append(FAST.generator_losses(head, None, each)["entropy"].value)
    assert torch.allclose(torch.stack(parts).mean(), whole, atol=1e-6)


def test_there_is_no_critic():
    assert (FAST.critic_steps, FAST.critic_losses(ConfidenceHead(), FAST.critic(32), sample_of())) == (0, {})


def test_it_learns_where_fills_are_right():
    torch.manual_seed(0)
    sample, head = sample_of(), FAST.generator()
    adam = torch.optim.Adam(head.parameters(), lr=3e-3)
    for _ in range(30):
        adam.zero_grad()
        loss = FAST.generator_losses(head, None, sample)["entropy"].value
        loss.backward()
        adam.step()
    filled = retouch.load("telea")(sample.image, sample.mask).image
    confidence = head.confidence(filled, sample.mask)
    assert confidence[..., 8:24, 6:14].mean() > 0.9
    loud = right(filled, sample.image)[..., 8:24, 18:26].mean()
    assert confidence[..., 8:24, 18:26].mean() == pytest.approx(float(loud), abs=0.1)


def test_the_grid_shows_fills_by_all_models_and_its_figure_is_the_brier_score():
    sample = sample_of(3)
    head = ConfidenceHead().eval()
    stages = FAST.stages(head, sample.image, sample.mask)
    assert list(stages) == ["fill", "right", "confidence", "wrong"]
    names = ("telea", "navier-stokes", "telea")
    fills = [
        retouch.load(name)(sample.image[item : item + 1], sample.mask[item : item + 1]).image
        for item, name in enumerate(names)
    ]
    assert torch.equal(stages["fill"], torch.cat(fills))
    hole = sample.mask > 0
    confidence = head.confidence(stages["fill"], sample.mask)
    brier = F.mse_loss(confidence[hole], right(stages["fill"], sample.image)[hole])
    figure = (stages["wrong"] - sample.image).abs()[hole.expand_as(sample.image)].mean()
    assert figure.item() == pytest.approx(brier.item(), abs=1e-5)
    assert bool((stages["right"][~hole.expand_as(sample.image)] == 1).all())


def test_models_stay_out_of_what_is_kept_and_a_run_can_be_resumed(tiny, pictures, tmp_path):
    recipe = {"models": ["telea", "navier-stokes"], "shares": [0.5, 0.5]}
    config = tiny(model="confidence-head", steps=4, data__size=32, recipe=recipe)
    quiet = {"say": lambda _: None, "device": "cpu"}
    start(config, [pictures], tmp_path / "whole", **quiet)
    start(config, [pictures], tmp_path / "parts", changes=["steps=2"], **quiet)
    start(config, [pictures], tmp_path / "parts", changes=["steps=4"], resume=True, **quiet)
    whole, parts = (load_checkpoint(tmp_path / name)[0] for name in ("whole", "parts"))
    assert whole["sample"] == 4 * whole["config"]["batch"]
    assert whole["generator"].keys() == ConfidenceHead().state_dict().keys()
    for name, values in whole["generator"].items():
        assert torch.equal(values, parts["generator"][name])
    export(tmp_path / "whole", tmp_path / "mine.safetensors")
    opened = open_head(torch.device("cpu"), tmp_path / "mine.safetensors")
    last = whole["average"]["last.bias"]
    assert torch.allclose(opened.last.bias, last, atol=1e-3)


class Strict(Model):
    """Insists on how it is called."""

    name = "strict"

    def infer(self, image, mask, allowed, *, seed, on_progress):
        assert not torch.is_grad_enabled()
        assert not torch.is_autocast_enabled("cpu")
        return Fill(torch.zeros_like(image))


def test_models_fill_without_gradients_and_in_full_precision(monkeypatch):
    monkeypatch.setattr("retouch.training.recipes.confidence_head._frozen", lambda name: Strict())
    with torch.autocast("cpu", torch.bfloat16):
        losses = FAST.generator_losses(ConfidenceHead(), None, sample_of())
    assert losses["entropy"].value.dtype == torch.float32
    losses["entropy"].value.backward()


def test_the_shipped_file():
    config = build_config(yaml.safe_load((CONFIGS / "confidence-head.yaml").read_text()))
    assert set(config.recipe.models) == set(ConfidenceHeadRecipe().models)
    assert config.run.data.size == 128


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ({"models": ["lama"], "shares": [1.0]}, "recipe.models has 'lama'; choose from exemplar"),
        ({"models": [], "shares": []}, "at least one model"),
        ({"models": ["telea", "telea"], "shares": [0.5, 0.5]}, "each only once"),
        ({"models": ["telea"], "shares": [0.5]}, "1 in all"),
        ({"models": ["telea"]}, "a number greater than 0 for each of the models"),
        ({"models": ["telea", "exemplar"], "shares": [1.0, 0.0]}, "greater than 0"),
        ({"width": 1.0}, "no setting recipe.width"),
    ],
)
def test_what_is_wrong_is_said(recipe, words):
    with pytest.raises(RetouchError, match=words):
        build_config({"model": "confidence-head", "steps": 1, "recipe": recipe})


def test_crops_smaller_than_a_cell_are_refused():
    with pytest.raises(RetouchError, match="must be at least 16 pixels"):
        build_config({"model": "confidence-head", "steps": 1, "data": {"size": 8}})
