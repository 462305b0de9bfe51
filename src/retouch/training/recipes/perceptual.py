"""Perceptual loss: the difference between VGG features of fill and photo.

It rewards texture earlier and more steadily than a critic does. Source: Johnson, Alahi and Fei-Fei,
"Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV 2016; the papers of the models
that offer it do not use it. The evaluation uses AlexNet, so no network is trained on what measures it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from retouch.networks.vgg import Vgg, shift_tolerant_vgg_on
from retouch.training.losses import relative_square
from retouch.training.recipes.crops import hole_crops

LAYERS = ("relu1_2", "relu2_2", "relu3_1")
"""Three scales: cells of one, two and four pixels."""


def perceptual_difference(fake: Tensor, image: Tensor, hole: Tensor) -> Tensor:
    """Squared difference of features, relative to the photo's, averaged over the layers.

    VGG costs more than the networks that are trained. So it gets a crop of half the side that contains most
    of the hole.

    Args:
        fake: ``B×3×H×W`` in [-1, 1], the photo with the fill in its hole.
        image: ``B×3×H×W`` in [-1, 1], the photo.
        hole: ``B×1×H×W`` bool, on the CPU.
    """
    vgg = shift_tolerant_vgg_on(image.device)
    crop = hole_crops(hole, hole.shape[-1] // 2)
    with torch.no_grad():
        truth = seen(vgg, crop(image))
    return feature_difference(seen(vgg, crop(fake)), truth)


def seen(vgg: Vgg, image: Tensor) -> list[Tensor]:
    """Return the VGG features of ``B×3×H×W`` in [-1, 1] at :data:`LAYERS`, float32."""
    return [each.float() for each in vgg((image + 1) / 2, LAYERS)]


def feature_difference(made: list[Tensor], truth: list[Tensor]) -> Tensor:
    """Squared difference of features, relative to the true ones, averaged over the layers."""
    return torch.stack([relative_square(one, two) for one, two in zip(made, truth, strict=True)]).mean()
