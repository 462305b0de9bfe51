"""VGG features against the published network, layer by layer."""

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from retouch.errors import RetouchError
from retouch.evaluation.metrics.vgg import VGG_SMALLEST, features_vgg
from retouch.networks.antialiasing import dense_maximum
from retouch.weights.vgg import shift_tolerant

torch.set_num_threads(1)


class Blur(nn.Module):
    """Zhang 2019: the binomial blur [1, 2, 1], then every second value; padded by 2 as the package does."""

    def forward(self, x):
        rows = torch.tensor([1.0, 2.0, 1.0]) / 4
        kernel = (rows[:, None] * rows).expand(x.shape[1], 1, 3, 3)
        return nn.functional.conv2d(nn.ReflectionPad2d(2)(x), kernel, groups=x.shape[1])[..., ::2, ::2]


def published_vgg():
    """Layers in the package's order and numbers."""
    layers, channels = [], 3
    for width in (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512):
        if width == "M":
            layers += [nn.MaxPool2d(2, stride=1), Blur()]
        else:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
    network = nn.Sequential(*layers)
    weights = shift_tolerant("vgg")
    trunk = {key.split(".", 2)[2]: value for key, value in weights.items() if key.startswith("net.")}
    kept = {key: value for key, value in trunk.items() if not key.endswith("filt")}
    network.load_state_dict(kept, strict=True)
    return network


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@torch.no_grad()
def test_vgg_features_are_those_of_the_published_layers():
    pixels = noise(48, 67)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    image = ((torch.from_numpy(pixels) / 255 - mean) / deviation).permute(2, 0, 1)[None]
    expected = published_vgg()(image)[0].mean(dim=(1, 2))
    found = features_vgg(pixels)
    assert found.shape == (512,)
    torch.testing.assert_close(torch.from_numpy(found), expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("side", [2, 3])
def test_the_dense_maximum_is_max_pooling(side):
    x = torch.randn(2, 3, 9, 7, generator=torch.Generator().manual_seed(0))
    assert torch.equal(dense_maximum(x, side), nn.functional.max_pool2d(x, side, 1))


def test_large_pictures_are_shrunk_to_an_area_and_keep_their_shape():
    pixels = noise(128, 2048)
    small = cv2.resize(pixels, (1024, 64), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(features_vgg(pixels), features_vgg(small))


def test_pictures_too_small_for_vgg_are_refused():
    features_vgg(noise(VGG_SMALLEST, 40))
    with pytest.raises(RetouchError, match="40×17 pixels is too small or too narrow"):
        features_vgg(noise(VGG_SMALLEST - 1, 40))
