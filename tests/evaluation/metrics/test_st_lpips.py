"""ST-LPIPS against the published package's own network, and what a distance must do."""

import importlib
import sys
import types

import pytest
import torch

from retouch.errors import RetouchError
from retouch.evaluation.metrics.st_lpips import STLPIPS, st_lpips

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def published():
    """The package's own class; what it imports and this network never uses is replaced by stubs."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [each for each in sys.modules if each.split(".")[0] == "stlpips_pytorch"]:
            patch.delitem(sys.modules, name)
        stubs = {
            name: types.ModuleType(name)
            for name in ("torchvision", "torchvision.models", "torchsummary", "IPython")
        }
        stubs["torchvision"].models = stubs["torchvision.models"]
        stubs["torchsummary"].summary = stubs["IPython"].embed = None
        for name, stub in stubs.items():
            patch.setitem(sys.modules, name, stub)
        yield importlib.import_module("stlpips_pytorch.stlpips").LPIPS
        for name in [each for each in sys.modules if each.split(".")[0] == "stlpips_pytorch"]:
            del sys.modules[name]


def pair(height, width, seed=0, batch=1):
    generator = torch.Generator().manual_seed(seed)
    first = torch.rand(batch, 3, height, width, generator=generator)
    return first, (first + 0.3 * torch.rand(first.shape, generator=generator)).clamp(0, 1)


@torch.no_grad()
@pytest.mark.parametrize(("height", "width"), [(64, 64), (96, 80), (71, 53), (33, 130)])
def test_the_map_is_the_published_one(published, height, width):
    reference = published(net="alex", variant="shift_tolerant", spatial=True, verbose=False)
    first, second = pair(height, width, batch=2)
    expected = reference(2 * first - 1, 2 * second - 1)
    found = st_lpips()(first, second)
    assert found.shape == (2, 1, height, width)
    assert float(expected.min()) > 0
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=0)


@torch.no_grad()
def test_its_mean_is_the_published_number(published):
    reference = published(net="alex", variant="shift_tolerant", verbose=False)
    first, second = pair(128, 128)
    expected = reference(2 * first - 1, 2 * second - 1).item()
    assert st_lpips()(first, second).mean().item() == pytest.approx(expected, rel=1e-4)


@torch.no_grad()
def test_identical_images_are_at_no_distance():
    first, _ = pair(64, 80)
    assert float(st_lpips()(first, first.clone()).abs().max()) == 0


@torch.no_grad()
def test_symmetric():
    first, second = pair(64, 80)
    torch.testing.assert_close(st_lpips()(first, second), st_lpips()(second, first))


@torch.no_grad()
def test_each_item_of_a_batch_is_measured_on_its_own():
    first, second = pair(48, 64, batch=2)
    both = st_lpips()(first, second)
    for item in range(2):
        alone = st_lpips()(first[item : item + 1], second[item : item + 1])
        torch.testing.assert_close(both[item : item + 1], alone, rtol=1e-4, atol=1e-6)


@torch.no_grad()
def test_more_noise_is_farther():
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    image = (0.5 + 0.2 * torch.sin(rows / 5) * torch.cos(columns / 7)).expand(1, 3, -1, -1)
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(0))
    distances = [
        st_lpips()(image, (image + level * noise).clamp(0, 1)).mean().item()
        for level in (0.0, 0.01, 0.03, 0.1, 0.3)
    ]
    assert distances == sorted(set(distances))


@torch.no_grad()
def test_the_map_shows_where_images_differ():
    image, _ = pair(128, 128)
    other = image.clone()
    other[..., :32, :32] = 1 - other[..., :32, :32]
    distance = st_lpips()(image, other)[0, 0]
    assert distance[:32, :32].mean() > 10 * distance[96:, 96:].mean()


def test_a_shift_by_a_pixel_costs_less_than_blur():
    """What the metric is for (section 1 of the paper): who looks does not see such a shift."""
    image = torch.rand(1, 3, 65, 65, generator=torch.Generator().manual_seed(2))
    image = torch.nn.functional.avg_pool2d(image, 2, 1)
    blurred = torch.nn.functional.avg_pool2d(image, 5, 1, 2, count_include_pad=False)
    shifted = image.roll(1, 3)
    with torch.no_grad():
        assert st_lpips()(image, shifted).mean() < 0.5 * st_lpips()(image, blurred).mean()


def test_loaded_once_and_not_trained():
    assert st_lpips() is st_lpips()
    metric = STLPIPS()
    assert not list(metric.parameters())
    assert not st_lpips().training


def test_pictures_too_small_are_refused():
    st_lpips().features(torch.zeros(1, 3, STLPIPS.smallest, 30))
    with pytest.raises(RetouchError, match="at least 21 pixels a side, not 30×20"):
        st_lpips().features(torch.zeros(1, 3, STLPIPS.smallest - 1, 30))
