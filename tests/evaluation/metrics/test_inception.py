"""Inception features by a stand-in for the network, which the package does not have."""

import warnings

import numpy as np
import pytest
import torch
from torch import nn

from retouch.errors import RetouchError
from retouch.evaluation.metrics.frechet import frechet_distance
from retouch.evaluation.metrics.inception import INCEPTION_FEATURES, features_inception, fid

torch.set_num_threads(1)


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


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


def test_fid_compares_the_features_and_not_the_classes():
    random = np.random.default_rng(0)
    fills, truths = random.normal(size=(2, 9, INCEPTION_FEATURES + 5))
    expected = frechet_distance(fills[:, :2048], truths[:, :2048])
    assert fid(fills, truths) == pytest.approx(expected)
    truths[:, 2048:] += 7
    assert fid(fills, truths) == pytest.approx(expected)
