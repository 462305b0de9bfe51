"""Fréchet distances in closed form and by scipy, the VGG trunk layer by layer, Inception by a stand-in."""

import warnings

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg
from torch import nn

from retouch.errors import RetouchError
from retouch.evaluation.metrics.inception import (
    INCEPTION_FEATURES,
    VGG_SMALLEST,
    features_inception,
    features_vgg,
    frechet_distance,
    inception_score,
)
from retouch.networks.antialiasing import dense_maximum
from retouch.weights.vgg import shift_tolerant

torch.set_num_threads(1)


def gaussian(mean, covariance, count=50, seed=0):
    """Samples whose mean and covariance are exactly these."""
    samples = np.random.default_rng(seed).normal(size=(count, len(mean)))
    samples -= samples.mean(axis=0)
    samples = samples @ np.linalg.inv(np.linalg.cholesky(np.cov(samples.T))).T
    return samples @ np.linalg.cholesky(covariance).T + mean


def test_two_gaussians_in_closed_form():
    """Along shared axes the distance is |Δμ|² + Σ(σa − σb)²."""
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    one = gaussian([1.0, 2.0, 3.0], rotation @ np.diag([4.0, 1.0, 9.0]) @ rotation.T, seed=1)
    other = gaussian([1.0, 0.0, 2.0], rotation @ np.diag([1.0, 1.0, 16.0]) @ rotation.T, count=70, seed=2)
    assert frechet_distance(one, other) == pytest.approx((4 + 1) + (1 + 0 + 1))


@pytest.mark.parametrize(("count", "other_count", "width"), [(40, 60, 5), (30, 30, 29), (200, 9, 8)])
def test_the_root_is_that_of_scipy(count, other_count, width):
    random = np.random.default_rng(3)
    one = random.normal(size=(count, width)) @ random.normal(size=(width, width))
    other = random.normal(size=(other_count, width)) @ random.normal(size=(width, width)) + 0.5
    a, b = np.cov(one.T), np.cov(other.T)
    root = linalg.sqrtm(a @ b).real
    expected = ((one.mean(0) - other.mean(0)) ** 2).sum() + np.trace(a + b - 2 * root)
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-6)


def test_fewer_pictures_than_features():
    """In a plane of a wide space the distance is that within the plane."""
    random = np.random.default_rng(5)
    plane = np.linalg.qr(random.normal(size=(100, 2)))[0].T
    one, other = gaussian([0.0, 0.0], np.diag([4.0, 1.0])), gaussian([3.0, 0.0], np.diag([1.0, 1.0]), 12, 1)
    assert frechet_distance(one @ plane, other @ plane) == pytest.approx(9 + 1)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.integers(2, 12), st.integers(1, 8))
def test_what_a_distance_must_do(seed, count, other_count, width):
    random = np.random.default_rng(seed)
    one, other = random.normal(size=(count, width)), random.normal(size=(other_count, width))
    distance = frechet_distance(one, other)
    assert distance >= 0
    assert distance == pytest.approx(frechet_distance(other, one), abs=1e-9)
    assert distance == pytest.approx(frechet_distance(one[::-1], random.permutation(other)), abs=1e-9)
    assert frechet_distance(one, one[::-1]) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(one, one + 2) == pytest.approx(4 * width)


def test_float32_features_are_compared_in_float64():
    one = np.random.default_rng(0).normal(1e3, 1, (20, 4)).astype(np.float32)
    assert frechet_distance(one, one + np.float32(1)) == pytest.approx(4, rel=1e-5)


def test_one_picture_is_no_distribution():
    with pytest.raises(RetouchError, match="at least two pictures"):
        frechet_distance(np.zeros((1, 3)), np.zeros((5, 3)))


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


class StandIn(nn.Module):
    """The interface of inception-2015-12-05.pt, with features that are the mean colours, repeated."""

    def forward(
        self, img, return_features: bool = False, use_fp16: bool = False, no_output_bias: bool = False
    ):
        colours = img.float().mean(dim=[2, 3])
        if return_features:
            return colours.repeat(1, 683)[:, :2048]
        return torch.softmax(colours / 64 + (0.0 if no_output_bias else 5.0) * torch.arange(3), dim=1)


class Other(nn.Module):
    def forward(self, img):
        return img.float()


class Narrow(nn.Module):
    def forward(self, img, return_features: bool = False, no_output_bias: bool = False):
        return img.float().mean(dim=[2, 3])


def scripted(module, path):
    with warnings.catch_warnings(action="ignore"):
        torch.jit.script(module).save(str(path))
    return str(path)


def test_inception_gives_features_and_classes(tmp_path):
    path = scripted(StandIn(), tmp_path / "inception.pt")
    pixels = noise(20, 30)
    found = features_inception(pixels, path)
    colours = pixels.reshape(-1, 3).mean(axis=0)
    np.testing.assert_allclose(found[:3], colours, rtol=1e-5)
    assert found.shape == (INCEPTION_FEATURES + 3,)
    expected = np.exp(colours / 64) / np.exp(colours / 64).sum()
    np.testing.assert_allclose(found[INCEPTION_FEATURES:], expected, rtol=1e-4)


@pytest.mark.parametrize("module", [Other(), Narrow()])
def test_another_network_is_told_apart(tmp_path, module):
    with pytest.raises(RetouchError, match="does not work as StyleGAN's"):
        features_inception(noise(20, 30), scripted(module, tmp_path / "other.pt"))


def test_other_files_are_told_apart(tmp_path):
    with pytest.raises(RetouchError, match="is no file"):
        features_inception(noise(20, 30), str(tmp_path / "missing.pt"))
    (tmp_path / "text.pt").write_text("no network")
    with pytest.raises(RetouchError, match="is not TorchScript"):
        features_inception(noise(20, 30), str(tmp_path / "text.pt"))


def test_inception_score_in_closed_form():
    assert inception_score(np.eye(7)) == pytest.approx(7)
    assert inception_score(np.tile([0.2, 0.5, 0.3], (4, 1))) == pytest.approx(1)
    # Two kinds of pictures, sure by 3 to 1: the divergence of (3/4, 1/4) from (1/2, 1/2).
    rows = np.array([[0.75, 0.25], [0.25, 0.75]])
    assert inception_score(rows) == pytest.approx(np.exp(0.75 * np.log(1.5) + 0.25 * np.log(0.5)))


def test_inception_score_by_loops():
    random = np.random.default_rng(0).random((9, 5))
    rows = random / random.sum(axis=1, keepdims=True)
    total = 0.0
    for row in rows:
        total += sum(row[k] * np.log(row[k] / np.mean(rows[:, k])) for k in range(5))
    assert inception_score(rows) == pytest.approx(np.exp(total / 9))
