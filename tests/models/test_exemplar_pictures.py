"""What the exemplar must continue, and how it goes about small and large levels."""

import pytest
import torch
from tests.models.exemplar_samples import BOTH, check, hole, noise, tiles

from retouch.matching.coherence import Comparison
from retouch.models.exemplar import ExemplarOptions
from retouch.models.exemplar_torch import TorchExemplar
from retouch.synthesis import coherent_search
from retouch.synthesis.painting import Canvas

torch.set_num_threads(1)


@pytest.fixture(params=BOTH, scope="module")
def build(request):
    return request.param


@pytest.mark.parametrize(("period", "patch"), [(4, 5), (3, 5), (5, 5), (6, 5), (8, 5), (6, 7)])
def test_a_periodic_texture_is_continued(build, period, patch):
    image = tiles(60, 72, period)
    mask = hole(60, 72, slice(20, 36), slice(26, 44))
    fill = build(ExemplarOptions(patch=patch))(image, mask)
    assert float((fill.image - image).abs().max()) < 0.02
    assert float((fill.image - image).abs().mean()) < 1e-4


def test_texture_is_not_filled_with_haze(build):
    """Grain and a flat area have the same mean; a hole in the grain must be grainy to its middle."""
    generator = torch.Generator().manual_seed(3)
    image = torch.full((1, 3, 160, 160), 0.5)
    image[..., :80] += 0.2 * (torch.rand(1, 1, 160, 80, generator=generator) - 0.5)
    mask = hole(160, 160, slice(50, 110), slice(10, 70))
    fill = build()(image, mask)
    middle = fill.image[0, 0, 60:100, 20:60]
    assert float(middle.std()) > 0.6 * float(image[0, 0, :, :80].std())
    columns = fill.correspondence.source_map()[0, 1][60:100, 20:60]
    assert float((columns < 80).float().mean()) > 0.95


def test_stripes_are_continued_through_a_border(build):
    image = tiles(48, 1, 8).expand(-1, -1, -1, 64).contiguous()
    mask = hole(48, 64, slice(10, 40), slice(44, 64))
    fill = build()(image, mask)
    assert float((fill.image - image).abs().max()) < 0.02


@pytest.mark.parametrize("value", [0.0, 0.37, 1.0])
def test_a_constant_stays_constant(build, value):
    image = torch.full((1, 3, 50, 61), value)
    mask = hole(50, 61, slice(10, 35), slice(20, 61))
    garbage = torch.where(mask > 0, noise(50, 61), image)
    torch.testing.assert_close(build()(garbage, mask).image, image)


def test_a_smooth_gradient_is_filled_with_little_error(build):
    rows = torch.linspace(0.1, 0.6, 64)[:, None].expand(64, 80)
    columns = torch.linspace(0.2, 0.9, 80).expand(64, 80)
    image = torch.stack([rows, columns, (rows + columns) / 2])[None]
    mask = hole(64, 80, slice(24, 40), slice(30, 50))
    fill = build()(image, mask)
    error = (fill.image - image).abs()[mask.expand_as(image) > 0]
    assert float(error.mean()) < 0.02
    assert float(error.max()) < 0.1


def test_an_edge_goes_on_through_the_hole(build):
    image = torch.zeros(1, 3, 48, 48)
    image[..., 24:] = 1
    mask = hole(48, 48, slice(18, 30), slice(18, 30))
    fill = build()(image, mask)
    assert float((fill.image - image).abs().mean()) < 0.005


@pytest.fixture
def taken(monkeypatch):
    """Which of the ways for small and for large levels were taken."""
    ways = []

    def watch(owner, name):
        original = getattr(owner, name)

        def watched(*given, **named):
            ways.append(name)
            return original(*given, **named)

        monkeypatch.setattr(owner, name, watched)

    watch(coherent_search, "match")
    watch(Canvas, "_components")
    watch(Comparison, "nearest")
    return ways


def strokes(height, width):
    """Thin strokes along and across."""
    mask = torch.zeros(1, 1, height, width)
    steps = torch.arange(60, width - 60)
    mask[..., (steps * height // width).clamp(0, height - 2), steps] = 1
    mask[..., (steps * height // width).clamp(0, height - 2) + 1, steps] = 1
    mask[..., 30 : height // 2, 90:92] = 1
    return mask


def test_a_small_level_compares_all_pairs(taken):
    image, mask = noise(50, 50), hole(50, 50, slice(20, 30), slice(20, 30))
    TorchExemplar()(image, mask)
    assert set(taken) == {"nearest"}


def test_a_large_photo_with_thin_strokes(build, taken):
    """Strokes vanish at half the resolution, so the first search is that of a large level."""
    image = tiles(400, 500, 10)
    mask = strokes(400, 500)
    other = torch.where(mask > 0, 1 - image, image)
    fill = build()(image, mask)
    assert build is not TorchExemplar or {"match", "_components"} <= set(taken)
    check(image, mask, fill)
    inside = mask.expand_as(image) > 0
    assert float((fill.image - image)[inside].abs().mean()) < 0.01
    assert torch.equal(fill.image, build()(other, mask).image)


def test_a_large_photo_with_a_block(build, taken):
    image = tiles(400, 500, 10)
    mask = hole(400, 500, slice(200, 260), slice(220, 290))
    fill = build()(image, mask)
    assert build is not TorchExemplar or {"_components", "nearest"} <= set(taken)
    check(image, mask, fill)
    assert float((fill.image - image).abs().max()) < 0.05
