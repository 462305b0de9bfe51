"""What VGG sees in fills, as a loss: it asks for texture earlier and more steadily than a critic does.

Not in the papers whose recipes offer it (Johnson, Alahi and Fei-Fei, "Perceptual losses", ECCV 2016). Our
measures see through AlexNet, so that no network is trained on them.
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
    """Squared difference of features, relative to the photo's, mean over the layers.

    VGG costs more than our networks do, so it sees half of the crop's side, where most of the hole is.

    Args:
        fake: ``B×3×H×W`` in [-1, 1], the photo with the fill in its hole.
        image: likewise, the photo.
        hole: ``B×1×H×W`` bool, on the CPU.
    """
    vgg = shift_tolerant_vgg_on(image.device)
    crop = hole_crops(hole, hole.shape[-1] // 2)
    with torch.no_grad():
        truth = seen(vgg, crop(image))
    return feature_difference(seen(vgg, crop(fake)), truth)


def seen(vgg: Vgg, image: Tensor) -> list[Tensor]:
    """What VGG sees in ``B×3×H×W`` in [-1, 1] at :data:`LAYERS`, float32."""
    return [each.float() for each in vgg((image + 1) / 2, LAYERS)]


def feature_difference(made: list[Tensor], truth: list[Tensor]) -> Tensor:
    """Squared difference of features, relative to the true ones, mean over the layers."""
    return torch.stack([relative_square(one, two) for one, two in zip(made, truth, strict=True)]).mean()
