"""Losses of Infer, Match, Translate, with networks whose output is known, and a short run."""

from pathlib import Path

import pytest
import torch
import yaml
from torch import nn
from torch.nn import functional as F

import retouch
from retouch.errors import RetouchError
from retouch.matching.cells import attention_cells
from retouch.models.infer_match_translate.network import (
    CELL,
    LITE,
    STRENGTH,
    features_of,
    unknown_cells,
)
from retouch.models.infer_match_translate.options import InferMatchTranslateOptions
from retouch.models.infer_match_translate.swap import PATCH, swap
from retouch.networks.vgg import shift_tolerant_vgg
from retouch.training.checkpoint import load_checkpoint
from retouch.training.export import export
from retouch.training.losses import masked_mean, relative_square
from retouch.training.recipes.infer_match_translate import InferMatchTranslateRecipe
from retouch.training.recipes.sample import Sample
from retouch.training.settings import build_config
from retouch.training.start import start

torch.set_num_threads(1)

CONFIGS = Path(__file__).parents[2] / "src/retouch/training/configs"
RECIPE = InferMatchTranslateRecipe(width=0.03, crop=32)


class Both(nn.Module):
    """Two networks whose output is known."""

    def __init__(self, infer, translate):
        super().__init__()
        self.infer, self.translate = infer, translate


class Says(nn.Module):
    """Says the same whatever it is shown, which it keeps."""

    def __init__(self, output):
        super().__init__()
        self.output, self.shown = nn.Parameter(output), []

    def forward(self, *shown):
        self.shown.append([each.detach() for each in shown])
        return self.output.clone()


class Mean(nn.Module):
    """A critic: the mean of what it judges, times a learned slope; it keeps what it was shown."""

    def __init__(self):
        super().__init__()
        self.slope, self.shown = nn.Parameter(torch.tensor(1.0)), []

    def forward(self, judged, condition):
        self.shown.append((judged.detach(), condition.detach()))
        return self.slope * judged.mean(1, keepdim=True)


def sample_of(size=64, batch=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(batch, 3, size // 8, size // 8, generator=generator)
    mask = torch.zeros(batch, 1, size, size, dtype=torch.bool)
    mask[0, :, 16:40, 20:44] = True
    mask[1:, :, 30:34, 10:20] = True
    image = F.interpolate(coarse, (size, size), mode="bilinear")
    return Sample(image, mask.float(), mask, torch.rand(batch, generator=generator))


def seen(image):
    return features_of(shift_tolerant_vgg(), image)


def test_the_truth_inferred_and_translated_has_no_loss():
    sample = sample_of()
    recipe = InferMatchTranslateRecipe(crop=64)  # the whole
    networks = Both(Says(seen(sample.image)), Says(sample.image * 2 - 1))
    losses = recipe.generator_losses(networks, None, sample)
    assert list(losses) == ["features", "absolute", "perceptual"]
    assert all(term.value.item() == pytest.approx(0, abs=1e-6) for term in losses.values())


def test_features_count_where_the_hole_has_a_part_in_them():
    sample = sample_of()
    truth, unknown = seen(sample.image), unknown_cells(sample.mask)
    off = torch.zeros_like(truth)
    off[0, :, 0, 0] = 5.0  # known
    assert unknown[0, 0, 0, 0] == 0
    recipe = InferMatchTranslateRecipe(networks="infer", features=2.0)
    losses = recipe.generator_losses(Both(Says(truth + off), None), None, sample)
    assert list(losses) == ["features"]
    assert losses["features"].weight == 2.0
    assert losses["features"].value.item() == pytest.approx(0, abs=1e-6)
    off[0, :, 7, 8] = 3.0  # in the hole, one of its cells
    losses = recipe.generator_losses(Both(Says(truth + off), None), None, sample)
    assert losses["features"].value.item() == pytest.approx(9 / unknown[0].sum().item() / 2, rel=1e-4)


def test_inferring_sees_the_hole_hidden():
    sample = sample_of()
    infer = Says(seen(sample.image))
    InferMatchTranslateRecipe(networks="infer").generator_losses(Both(infer, None), None, sample)
    hidden = torch.where(sample.mask > 0, 0.5, sample.image)
    assert torch.allclose(infer.shown[0][0], seen(hidden), atol=1e-5)
    assert torch.equal(infer.shown[0][1], sample.mask)


def test_translating_sees_a_square_of_true_features():
    sample = sample_of()
    translate = Says(torch.zeros(2, 3, 32, 32))
    recipe = InferMatchTranslateRecipe(networks="translate", crop=32, perceptual=0.5)
    losses = recipe.generator_losses(Both(None, translate), None, sample)
    assert list(losses) == ["absolute", "perceptual"]
    (features,) = translate.shown[0]
    places = (64 - 32) // CELL + 1
    for item, mix in enumerate(sample.mix.tolist()):
        top, left = (CELL * each for each in divmod(int(mix * places**2), places))
        crop = sample.image[item : item + 1, :, top : top + 32, left : left + 32]
        assert torch.allclose(features[item : item + 1], seen(crop), atol=1e-5)
    assert losses["perceptual"].weight == 0.5


def crops_of(sample, crop):
    """What each mix draws: the corner, in cells, and a number from 0 to 1."""
    places = (sample.image.shape[-1] - crop) // CELL + 1
    drawn = [mix * places**2 for mix in sample.mix.tolist()]
    return [(*divmod(int(each), places), each % 1) for each in drawn]


def swapped_by_hand(sample, item):
    truth, image, mask = (each[item : item + 1] for each in (seen(sample.image), sample.image, sample.mask))
    asking, usable = attention_cells(mask, None, CELL, PATCH)
    colours = F.avg_pool2d(image, CELL)
    found = swap(truth, colours, asking, usable, InferMatchTranslateOptions(), None, 0)
    return found.transfer(truth)[0]


def shown_to_translate(recipe, sample):
    side = recipe.crop
    translate = Says(torch.zeros(len(sample.image), 3, side, side))
    losses = recipe.generator_losses(Both(None, translate), None, sample)
    return translate.shown[0][0], losses


def test_the_holes_of_some_crops_are_swapped():
    sample = sample_of(batch=8)
    drawn = [number for *_, number in crops_of(sample, 64)]
    assert min(drawn) < 0.5 < max(drawn)
    recipe = InferMatchTranslateRecipe(networks="translate", crop=64, swapped=0.5)
    features, losses = shown_to_translate(recipe, sample)
    truth, hole = seen(sample.image), F.max_pool2d(sample.mask, CELL) > 0
    for item, number in enumerate(drawn):
        wanted = swapped_by_hand(sample, item) if number < 0.5 else truth[item]
        assert torch.allclose(features[item], wanted, atol=1e-4)
        changed = (features[item] - truth[item]).abs().amax(0) > 0.1
        assert bool(changed.any()) == (number < 0.5)
        assert not (changed & ~hole[item, 0]).any()
    # It is still the photo that is to be made of them.
    plain = InferMatchTranslateRecipe(networks="translate", crop=64)
    for name, term in shown_to_translate(plain, sample)[1].items():
        assert losses[name].value.item() == pytest.approx(term.value.item(), rel=1e-4)


def test_which_holes_are_swapped_depends_on_the_sample_alone():
    sample = sample_of(batch=4)
    recipe = InferMatchTranslateRecipe(networks="translate", crop=64, swapped=0.5)
    whole, _ = shown_to_translate(recipe, sample)
    for item in range(4):
        part = slice(item, item + 1)
        one = Sample(sample.image[part], sample.mask[part], sample.hole[part], sample.mix[part])
        assert torch.allclose(shown_to_translate(recipe, one)[0][0], whole[item], atol=1e-4)


def test_swapped_features_are_cropped_like_the_photo():
    sample = sample_of(batch=6)
    recipe = InferMatchTranslateRecipe(networks="translate", crop=32, swapped=1.0)
    features, _ = shown_to_translate(recipe, sample)
    touched = 0
    for item, (top, left, _) in enumerate(crops_of(sample, 32)):
        square = (slice(None), slice(top, top + 8), slice(left, left + 8))
        pixels = (slice(None), *(slice(CELL * each, CELL * each + 32) for each in (top, left)))
        hole = (F.max_pool2d(sample.mask[item], CELL) > 0)[square]
        swapped, truth = swapped_by_hand(sample, item)[square], seen(sample.image[item][pixels][None])[0]
        assert torch.allclose(features[item], torch.where(hole, swapped, truth), atol=1e-4)
        touched += int(hole.any())
    assert touched > 0


def test_critics_are_shown_what_is_translated():
    sample, recipe = sample_of(), InferMatchTranslateRecipe(networks="translate", crop=64, swapped=1.0)
    features, _ = shown_to_translate(recipe, sample)
    translate, critic = Says(torch.zeros(2, 3, 64, 64)), nn.ModuleDict({"translate": Mean()})
    recipe.generator_losses(Both(None, translate), critic, sample)
    recipe.critic_losses(Both(None, translate), critic, sample)
    (_, first), (judged, second) = critic["translate"].shown
    assert torch.equal(first, features)
    assert torch.equal(second, features.repeat(2, 1, 1, 1))
    assert torch.equal(judged[:2], sample.image * 2 - 1)
    assert torch.equal(translate.shown[1][0], features)


@pytest.mark.parametrize("hole", [True, False])
def test_a_picture_without_hole_or_without_a_patch_to_borrow_is_translated_as_it_is(hole):
    sample = sample_of()
    same = torch.full_like(sample.hole, hole)
    sample = Sample(sample.image, same.float(), same, sample.mix)
    recipe = InferMatchTranslateRecipe(networks="translate", crop=64, swapped=1.0)
    features, _ = shown_to_translate(recipe, sample)
    assert torch.allclose(features, seen(sample.image), atol=1e-5)


def test_relative_squares():
    target = torch.full((2, 3, 4, 4), 2.0)
    assert relative_square(torch.zeros_like(target), target).item() == pytest.approx(1)
    assert relative_square(1.5 * target, target).item() == pytest.approx(0.25)
    mixed = torch.cat([target[:1], 0 * target[1:]])
    assert relative_square(mixed, target).item() == pytest.approx(0.5)  # each item counts the same
    assert torch.isfinite(relative_square(target, 0 * target))


def test_means_over_an_area():
    values, area = torch.zeros(2, 3, 2, 2), torch.zeros(2, 1, 2, 2)
    values[0, :, 0, 0], area[0, :, 0] = 6.0, 1.0
    assert masked_mean(values, area).item() == pytest.approx(6 / 2 / 2)
    assert masked_mean(values, area, 0.5 * torch.ones_like(area)).item() == pytest.approx(6 / 2 / 4)


def critics():
    return nn.ModuleDict({"infer": Mean(), "translate": Mean()})


def test_critics_judge_completed_features_and_images_with_their_features():
    sample, critic = sample_of(), critics()
    recipe = InferMatchTranslateRecipe(crop=64, infer_adversarial=0.3, translate_adversarial=0.2)
    truth, unknown = seen(sample.image), unknown_cells(sample.mask)
    networks = Both(Says(torch.full_like(truth, -4.0)), Says(torch.full((2, 3, 64, 64), 0.25)))
    losses = recipe.generator_losses(networks, critic, sample)
    judged, cells = critic["infer"].shown[0]
    expected = torch.where(unknown > 0, 0.0, truth)  # less than 0 means 0
    assert torch.allclose(judged, expected, atol=1e-5)
    assert torch.equal(cells, unknown)
    assert losses["adversarial_infer"].weight == 0.3
    assert losses["adversarial_infer"].value.item() == pytest.approx(-expected.mean().item(), abs=1e-5)
    judged, features = critic["translate"].shown[0]
    assert torch.equal(judged, torch.full((2, 3, 64, 64), 0.25))
    assert torch.allclose(features, truth, atol=1e-5)
    assert (losses["adversarial_translate"].weight, losses["adversarial_translate"].value.item()) == (
        0.2,
        -0.25,
    )

    told = recipe.critic_losses(networks, critic, sample)
    assert list(told) == ["critic_infer", "critic_translate"]
    real = (sample.image * 2 - 1).mean(1, keepdim=True)
    hinge = F.relu(1 - real).mean() + F.relu(torch.tensor(1 + 0.25))
    assert told["critic_translate"].value.item() == pytest.approx(hinge.item(), abs=1e-4)
    sum(term.value for term in told.values()).backward()
    assert all(each.slope.grad is not None for each in critic.values())
    assert all(each.grad is None for each in networks.parameters())


@pytest.mark.parametrize(
    ("changes", "terms", "told"),
    [
        ({"networks": "infer"}, ["features", "adversarial_infer"], ["critic_infer"]),
        (
            {"networks": "translate"},
            ["absolute", "perceptual", "adversarial_translate"],
            ["critic_translate"],
        ),
        ({"networks": "infer", "infer_adversarial": 0.0}, ["features"], []),
        ({"networks": "translate", "translate_adversarial": 0.0}, ["absolute", "perceptual"], []),
    ],
)
def test_either_network_learns_alone(changes, terms, told):
    recipe = InferMatchTranslateRecipe(width=0.03, crop=32, **changes)
    torch.manual_seed(0)
    networks, critic, sample = recipe.generator(), recipe.critic(64), sample_of()
    losses = recipe.generator_losses(networks, critic, sample)
    assert list(losses) == terms
    sum(term.weight * term.value for term in losses.values()).backward()
    for name in ("infer", "translate"):
        learned = [each.grad is not None for each in networks.get_submodule(name).parameters()]
        assert all(learned) if name == recipe.networks else not any(learned)
    assert list(recipe.critic_losses(networks, critic, sample)) == told


def test_no_network_learns_from_the_others_losses():
    recipe, sample = InferMatchTranslateRecipe(width=0.03, crop=32), sample_of()
    torch.manual_seed(0)
    networks, critic = recipe.generator(), recipe.critic(64)
    losses = recipe.generator_losses(networks, critic, sample)
    for names, other in (
        (("features", "adversarial_infer"), "translate"),
        (("absolute", "perceptual"), "infer"),
    ):
        networks.zero_grad()
        sum(losses[name].value for name in names).backward(retain_graph=True)
        assert all(each.grad is None for each in networks.get_submodule(other).parameters())


def test_the_grid_shows_each_step():
    sample = sample_of()
    torch.manual_seed(0)
    networks = RECIPE.generator().eval()
    with torch.no_grad():
        stages = RECIPE.stages(networks, sample.image, sample.mask)
        whole = (networks.translate(seen(sample.image)) + 1) / 2
    assert list(stages) == ["translated", "inferred", "fill"]
    assert torch.allclose(stages["translated"], whole, atol=1e-5)
    known = (sample.mask == 0).expand_as(sample.image)
    for name in ("inferred", "fill"):
        assert torch.equal(stages[name][known], sample.image[known])
        assert not torch.equal(stages[name], sample.image)


def test_steps_lessen_the_loss():
    torch.manual_seed(0)
    sample = sample_of()
    networks = RECIPE.generator()
    adam = torch.optim.Adam(networks.parameters(), lr=3e-3)
    values = []
    for _ in range(6):
        adam.zero_grad()
        losses = RECIPE.generator_losses(networks, None, sample)
        values.append([losses[name].value.item() for name in ("features", "perceptual")])
        sum(term.weight * term.value for term in losses.values()).backward()
        adam.step()
    for before, after in zip(values[0], values[-1], strict=True):
        assert after < before


@pytest.mark.parametrize("networks", ["both", "infer"])
def test_a_run_leaves_a_file_that_fills(tiny, pictures, tmp_path, networks):
    recipe = {
        "width": 0.03,
        "crop": 32,
        "networks": networks,
        "infer_adversarial": 0.0,
        "adversarial_from": 1,
    }
    config = tiny(model="infer-match-translate", steps=3, data__size=64, recipe=recipe)
    start(config, [pictures], tmp_path / "run", say=lambda _: None, device="cpu")
    content = load_checkpoint(tmp_path / "run")[0]
    # Each step takes a batch, and so does each of the critics, whether anything is asked of them or not.
    assert content["sample"] == 5 * content["config"]["batch"]
    export(tmp_path / "run", tmp_path / "mine.safetensors")
    model = retouch.load(tmp_path / "mine.safetensors")
    sample = sample_of()
    fill = model(sample.image, sample.mask)
    hole = (sample.mask > 0).expand_as(fill.image)
    assert torch.equal(fill.image[~hole], sample.image[~hole])
    assert not torch.equal(fill.image, sample.image)


def test_the_shipped_files():
    lite, paper = (
        build_config(yaml.safe_load((CONFIGS / f"infer-match-translate-{width}.yaml").read_text()))
        for width in ("lite", "paper")
    )
    assert (lite.recipe.width, lite.run.data.size) == (LITE, 128)
    assert (paper.recipe.width, paper.run.data.size) == (1.0, 256)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"data": {"size": 100}}, "32, 40, 48"),
        ({"data": {"size": 24}}, "32, 40, 48"),
        ({"data": {"size": 128}, "recipe": {"crop": 256}}, "multiple of 4 up to data.size, not 256"),
        ({"data": {"size": 128}, "recipe": {"crop": 66}}, "multiple of 4"),
        ({"recipe": {"crop": 8}}, "crop at least 16"),
        ({"recipe": {"swapped": 1.5}}, "swapped must be from 0 to 1"),
        ({"recipe": {"networks": "match"}}, "one of both, infer, translate"),
        ({"recipe": {"width": 0.0}}, "width must be from"),
    ],
)
def test_what_is_wrong_is_said(settings, words):
    with pytest.raises(RetouchError, match=words):
        build_config({"model": "infer-match-translate", "steps": 1, **settings})


def test_features_have_the_strength_they_are_divided_by():
    image = sample_of().image
    assert torch.allclose(seen(image) * STRENGTH, shift_tolerant_vgg()(image, ["relu3_1"])[0])
    assert seen(image).shape[-1] * CELL == image.shape[-1]
