"""What VGG sees in fills, as a loss."""

import numpy as np
import pytest
import torch

from retouch.training.recipes.confidence_feedback import ConfidenceFeedbackRecipe
from retouch.training.recipes.contextual_attention import ContextualAttentionRecipe
from retouch.training.recipes.crops import hole_crops
from retouch.training.recipes.pen_net import PenNetRecipe
from retouch.training.recipes.perceptual import perceptual_difference
from retouch.training.recipes.sample import Sample

torch.set_num_threads(1)


def pair(side=96):
    """Two noisy photos in [-1, 1], and a hole each: top left, bottom right."""
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(2, 3, side, side, generator=generator) * 2 - 1
    hole = torch.from_numpy(np.zeros((2, 1, side, side), bool))
    hole[0, :, 4:20, 4:20] = True
    hole[1, :, -20:-4, -20:-4] = True
    return image, hole


def test_crops_show_the_holes():
    image, hole = pair()
    cut = hole_crops(hole, 48)(torch.cat([image, hole.float()], 1))
    assert cut.shape == (2, 4, 48, 48)
    assert cut[:, 3].sum() == hole.sum()
    torch.testing.assert_close(cut[0, :3], image[0, :, :48, :48])
    torch.testing.assert_close(cut[1, :3], image[1, :, -48:, -48:])


def test_it_is_nothing_for_the_truth_and_more_for_blur_than_for_other_grain():
    image, hole = pair()
    assert perceptual_difference(image, image, hole) == 0
    generator = torch.Generator().manual_seed(1)
    grain = torch.where(hole, torch.rand(image.shape, generator=generator) * 2 - 1, image)
    flat = torch.where(hole, torch.zeros_like(image), image)
    assert 0 < perceptual_difference(grain, image, hole) < perceptual_difference(flat, image, hole)


def test_what_lies_outside_the_crop_does_not_count():
    image, hole = pair()
    other = image.clone()
    other[0, :, 48:] = 0
    other[1, :, :48] = 0
    assert perceptual_difference(other, image, hole) == 0


@pytest.mark.parametrize("recipe", [ContextualAttentionRecipe, ConfidenceFeedbackRecipe, PenNetRecipe])
def test_recipes_hear_it_and_teach_the_fill(recipe):
    image, hole = pair(128 if recipe is PenNetRecipe else 96)
    sample = Sample((image + 1) / 2, hole.float(), hole, torch.zeros(2))
    torch.manual_seed(0)
    made = recipe(width=0.05, perceptual=0.5)
    network = made.generator()
    term = made.generator_losses(network, None, sample)["perceptual"]
    assert term.weight == 0.5
    term.value.backward()
    assert any(each.grad is not None and each.grad.abs().sum() > 0 for each in network.parameters())
    assert "perceptual" not in recipe(width=0.05).generator_losses(network, None, sample)
