import itertools
import sys

import pytest
import torch
from torch.nn import functional as F

from retouch import RetouchError
from retouch.models.infer_match_translate.network import FeaturesToImage
from retouch.networks.vgg import shift_tolerant_vgg
from retouch.style.transfer import (
    Statistics,
    Style,
    borrow,
    mixed,
    nearest,
    see,
    see_style,
    translated,
)


def _random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(1, *shape, generator=torch.Generator().manual_seed(seed))


def _style(features: torch.Tensor, patch: int = 3, usable: torch.Tensor | None = None) -> Style:
    usable = torch.ones_like(features[:, :1]) if usable is None else usable
    return Style(features, usable, patch, Statistics.of(features))


def _identity(height: int, width: int) -> torch.Tensor:
    return torch.stack(torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij"))


@pytest.fixture(scope="module")
def translate() -> FeaturesToImage:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return FeaturesToImage(0.03).eval().requires_grad_(False)


@pytest.mark.parametrize("patch", [1, 3, 5])
def test_a_picture_in_its_own_style_has_its_own_features(patch):
    features = _random(20, 11, 14)
    style = _style(features, patch)
    field = nearest(features, Statistics.of(features), style)
    # Patches that stick out repeat the edge, and no source does; all others are found where they are.
    inside = (slice(None), *(slice(patch // 2, side - patch // 2) for side in (11, 14)))
    assert torch.equal(field[inside], _identity(11, 14)[inside])
    inner = (..., *(slice(patch - 1, side - patch + 1) for side in (11, 14)))
    torch.testing.assert_close(borrow(style, field)[inner], features[inner])


@pytest.mark.parametrize(("patch", "height", "width"), [(1, 6, 9), (3, 7, 5), (3, 5, 21), (5, 12, 6)])
def test_the_nearest_patch_is_that_of_the_greatest_cosine(patch, height, width):
    photo, style = _random(18, height, width), _style(_random(18, 8, 10, seed=1), patch)
    field = nearest(photo, Statistics.of(photo), style)

    def patches(features, margin):
        plain = (features - features.mean((2, 3), keepdim=True)) / features.std(
            (2, 3), correction=0, keepdim=True
        )
        plain = F.pad(plain, (margin,) * 4, mode="replicate") if margin else plain
        return F.normalize(F.unfold(plain, patch)[0], dim=0)

    scores = patches(photo, patch // 2).t() @ patches(style.features, 0)
    best = scores.argmax(1).reshape(height, width)
    columns = 10 - patch + 1
    expected = torch.stack([best // columns, best % columns]) + patch // 2
    assert torch.equal(field, expected)


@pytest.mark.parametrize("patch", [1, 3, 5])
def test_borrowed_patches_are_averaged_where_they_overlap(patch):
    features = _random(4, 9, 8)
    reach = patch // 2
    generator = torch.Generator().manual_seed(2)
    sizes = torch.tensor([9, 8])[:, None, None] - 2 * reach
    field = (torch.rand(2, 6, 7, generator=generator) * sizes).long() + reach
    expected, votes = torch.zeros(1, 4, 6, 7), torch.zeros(6, 7)
    for row, column in itertools.product(range(6), range(7)):
        for down, right in itertools.product(range(-reach, reach + 1), repeat=2):
            if 0 <= row + down < 6 and 0 <= column + right < 7:
                source = field[:, row, column] + torch.tensor([down, right])
                expected[..., row + down, column + right] += features[..., source[0], source[1]]
                votes[row + down, column + right] += 1
    torch.testing.assert_close(borrow(_style(features, patch), field), expected / votes)


def test_a_part_of_the_style_is_found_though_paler_and_brighter():
    whole = _random(24, 16, 18)
    style = _style(whole)
    part = whole[..., 3:11, 5:17]
    other = Statistics(0.3 * style.statistics.mean + 2, 0.3 * style.statistics.deviation)
    field = nearest(0.3 * part + 2, other, style)
    offset = torch.tensor([3, 5])[:, None, None]
    assert torch.equal(field[:, 1:-1, 1:-1], (_identity(8, 12) + offset)[:, 1:-1, 1:-1])


def test_only_what_is_usable_is_borrowed():
    features = _random(20, 10, 10)
    usable = torch.ones(1, 1, 10, 10)
    usable[..., 4:, :] = 0
    field = nearest(features, Statistics.of(features), _style(features, usable=usable))
    assert set(field[0].unique().tolist()) == {1, 2}


@pytest.mark.parametrize("copy", [0, 1])
def test_a_search_goes_on_from_its_start(copy):
    half = _random(24, 12, 12)
    style = _style(torch.cat([half, half], 3))  # either half would do
    start = _identity(12, 12).clamp(1, 10)
    start[1] += 12 * copy
    field = nearest(half, style.statistics, style, start, seed=3)
    inside = (slice(None), slice(1, -1), slice(1, -1))
    assert torch.equal(field[inside], start[inside])


def test_a_poor_start_is_mended():
    features = _random(24, 12, 12)
    style = _style(features)
    field = nearest(features, style.statistics, style, torch.full((2, 12, 12), 5), seed=0)
    inside = (slice(None), slice(1, -1), slice(1, -1))
    assert (field == _identity(12, 12))[inside].all(0).float().mean() > 0.9


def test_features_do_not_see_the_end_of_the_picture():
    features = see(shift_tolerant_vgg(), torch.full((1, 3, 24, 32), 0.7))
    assert features.shape == (1, 256, 6, 8)
    torch.testing.assert_close(features, features[..., 3:4, 4:5].expand_as(features), rtol=1e-4, atol=1e-4)


def test_a_tall_picture_is_seen_in_bands_that_do_not_show(monkeypatch):
    image = _random(3, 92, 20)
    whole = see(shift_tolerant_vgg(), image)
    monkeypatch.setattr(sys.modules["retouch.style.transfer"], "_BAND", 24)
    torch.testing.assert_close(see(shift_tolerant_vgg(), image), whole, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 50), (13, 30)])
def test_styles_of_any_size_hold_a_patch(height, width):
    vgg = shift_tolerant_vgg()
    style = see_style(vgg, _random(3, height, width), torch.ones(1, 1, height, width), 5)
    assert style.features.shape[2:] == style.usable.shape[2:]
    assert style.features.shape[2:] == tuple(max(5, -(-side // 4)) for side in (height, width))
    assert nearest(_random(256, 3, 3), style.statistics, style).shape == (2, 3, 3)


def test_transparent_cells_are_not_usable():
    opaque = torch.ones(1, 1, 24, 24)
    opaque[..., 9, 14] = 0
    style = see_style(shift_tolerant_vgg(), _random(3, 24, 24), opaque, 3)
    assert (style.usable == 0).nonzero().tolist() == [[0, 0, 2, 3]]
    with pytest.raises(RetouchError, match="opaque"):
        see_style(shift_tolerant_vgg(), _random(3, 24, 24), opaque * 0, 3)


def test_strength_goes_from_the_photo_to_the_style(translate):
    vgg, photo, swapped = shift_tolerant_vgg(), _random(3, 24, 32), 3 * _random(256, 6, 8)
    mix = [mixed(translate, vgg, photo, swapped, strength) for strength in (0.0, 0.001, 0.5, 1.0)]
    torch.testing.assert_close(mix[0], photo)
    torch.testing.assert_close(mix[1], photo, rtol=0, atol=0.01)
    torch.testing.assert_close(mix[3], translated(translate, swapped))
    far = [(each - mix[3]).abs().mean() for each in mix]
    assert far[0] > far[2] > far[3]
