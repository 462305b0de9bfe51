"""Exemplar, guided by what another model says of the hole."""

import numpy as np
import pytest
import torch
from tests.models.exemplar_samples import BOTH, all_but, check, hole

import retouch
from retouch.contract import Fill, Model
from retouch.models.guide import Guide

torch.set_num_threads(1)


class Oracle(Model):
    """Says one brightness, as surely as it is told to."""

    name = "oracle"
    fills_by = "continuing"
    working_size = 64

    def __init__(self, brightness, confidence):
        self.brightness, self.confidence = brightness, confidence

    def infer(self, image, mask, allowed, *, seed, on_progress):
        self.seen = tuple(image.shape[2:])
        sure = None if self.confidence is None else torch.full_like(mask, self.confidence)
        return Fill(torch.full_like(image, self.brightness), sure)


def halves():
    """Dark grain above, light grain below, and a hole that is half in each."""
    image = torch.rand(1, 3, 128, 160, generator=torch.Generator().manual_seed(0)) * 0.2
    image[:, :, 64:] += 0.8
    return image, hole(128, 160, slice(32, 96), slice(40, 120))


@pytest.mark.parametrize("build", BOTH)
def test_it_copies_what_looks_like_the_guess(build):
    image, mask = halves()
    inside = mask[0, 0] > 0
    inside &= all_but(128, 160, slice(0, 44), slice(0, 160))[0, 0] > 0  # away from the border, which is met
    inside &= all_but(128, 160, slice(84, 128), slice(0, 160))[0, 0] > 0
    means = {}
    for brightness in (0.1, 0.9):
        fill = build(guide=Guide(Oracle(brightness, 0.999)))(image, mask)
        check(image, mask, fill)
        means[brightness] = float(fill.image[0].mean(0)[inside].mean())
    assert means[0.1] < 0.35
    assert means[0.9] > 0.65


@pytest.mark.parametrize("build", BOTH)
def test_a_guess_that_is_not_sure_changes_nothing_much(build):
    image, mask = halves()
    plain = build()(image, mask).image
    unsure = build(guide=Guide(Oracle(0.1, 0.0)))(image, mask).image
    assert float((plain - unsure).abs().mean()) < 0.06


def test_the_guess_is_small_and_meets_the_border():
    image, mask = halves()
    oracle = Oracle(0.5, 0.5)
    inside = mask[0, 0].numpy() > 0
    guess = Guide(oracle)(image[0].permute(1, 2, 0).numpy(), inside, ~inside, 0)
    assert oracle.seen == (51, 64)
    assert guess.shape == (51, 64, 4)
    within = 2 * (0.1 / np.log(2)) ** 2  # the variance that has one half within 0.1
    np.testing.assert_allclose(guess[14:37, 17:47, 3], within, rtol=1e-5)
    assert guess[26, 32, :3].mean() == pytest.approx(0.5, abs=0.02)
    above, below = guess[13, 32, :3].mean(), guess[37, 32, :3].mean()  # first and last row of the hole
    assert above < 0.35
    assert below > 0.65


def test_little_that_is_known_or_allowed_guides_all_the_same():
    image, mask = halves()
    photo = image[0].permute(1, 2, 0).numpy()
    inside = mask[0, 0].numpy() > 0
    thin = np.zeros_like(inside)
    thin[4] = True  # no cell of the small copy is allowed as a whole
    guess = Guide(Oracle(0.5, 0.5))(photo, inside, thin, 0)
    np.testing.assert_array_equal(guess, Guide(Oracle(0.5, 0.5))(photo, inside, ~inside, 0))
    nearly = np.ones_like(inside)
    nearly[70, 90] = False
    assert Guide(Oracle(0.5, 0.5))(photo, nearly, ~nearly, 0).shape == (51, 64, 4)


@pytest.mark.parametrize("confidence", [None, 0.0, 1.0])
def test_a_variance_is_always_finite(confidence):
    image, mask = halves()
    inside = mask[0, 0].numpy() > 0
    variance = Guide(Oracle(0.5, confidence))(image[0].permute(1, 2, 0).numpy(), inside, ~inside, 0)[..., 3]
    assert (variance > 0).all()
    assert np.isfinite(variance).all()
    if confidence is None:
        np.testing.assert_allclose(variance, 0.02)


def test_any_model_can_guide_by_its_name():
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 255, (130, 140, 3), np.uint8)
    inside = np.zeros((130, 140), bool)
    inside[40:90, 40:100] = True
    filled = retouch.inpaint(photo, inside, model="telea+exemplar")
    assert (filled[~inside] == photo[~inside]).all()
    assert (filled != retouch.inpaint(photo, inside)).any()
