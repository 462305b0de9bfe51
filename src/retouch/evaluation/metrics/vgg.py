"""The Fréchet distance over features of the VGG-16 that comes with the package."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from retouch.errors import RetouchError
from retouch.evaluation.arrays import Features, Pixels
from retouch.evaluation.metrics.frechet import frechet_distance
from retouch.evaluation.metrics.metric import Column, SetMetric, as_tensor
from retouch.networks.vgg import shift_tolerant_vgg

VGG_AREA = 256 * 256
VGG_SMALLEST = 18  # pixels a side; below, a feature map is too small to be reflected


@torch.inference_mode()
def features_vgg(pixels: Pixels) -> Features:
    """Describe a picture by the anti-aliased VGG-16 of ST-LPIPS: relu5_3, averaged over the picture.

    The Inception network of FID sees pictures at 299×299. This network sees them at an area of at most 256²
    pixels: larger ones are shrunk by area averaging, and proportions are kept. The resulting Fréchet distance
    is *not* FID, and the two cannot be compared.

    Args:
        pixels: ``H×W×3`` uint8 sRGB.

    Returns:
        512 values.

    Raises:
        RetouchError: A side is below ``VGG_SMALLEST`` pixels, as given or once shrunk.
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, (VGG_AREA / (height * width)) ** 0.5)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    if min(pixels.shape[:2]) < VGG_SMALLEST:
        raise RetouchError(
            f"A picture of {width}×{height} pixels is too small or too narrow for VGG features; leave it out."
        )
    (x,) = shift_tolerant_vgg().maps(as_tensor(pixels), ["relu5_3"])
    return x.double().mean(dim=(2, 3))[0].float().numpy()


METRIC = SetMetric(
    "frechet_vgg",
    Column("Fréchet distance, VGG", "lower", "Fréchet VGG"),
    "vgg",
    frechet_distance,
)
