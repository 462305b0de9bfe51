import pytest
import torch
from torch.nn import functional as F

from retouch.contract import Fill
from retouch.errors import RetouchError
from retouch.matching.source_fields import carry
from retouch.ops.resize import enlarge, shrink, shrink_mask
from retouch.upsampling.guided import detailed, steps, upsample
from retouch.upsampling.network import GuidedUpsamplingNetwork, open_network, strength
from retouch.weights import shipped


class Planted:
    """A correspondence that borrows every cell from the same offset."""

    def __init__(self, height, width, down, across):
        row, column = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        self.sources = torch.stack([row + down, column + across])[None]

    def source_map(self):
        return self.sources

    def transfer(self, values, scale=1):
        raise AssertionError("not needed here")


def hole(height, width, rows, columns):
    mask = torch.zeros(1, 1, height, width)
    mask[..., rows, columns] = 1
    return mask


def periodic(height, width, period, seed=0):
    tile = torch.rand(1, 3, period, period, generator=torch.Generator().manual_seed(seed))
    return tile.repeat(1, 1, height // period, width // period)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_detail_comes_back_exactly_from_a_coherent_correspondence(scale):
    # The photo repeats every 8 cells, and the fill at low resolution is right: borrowing 8 cells away
    # must bring back the photo itself.
    side = 32 * scale
    photo = periodic(side, side, 8 * scale)
    mask = hole(side, side, slice(12 * scale + 1, 18 * scale), slice(12 * scale, 18 * scale - 1))
    fill = Fill(shrink(photo, scale), None, Planted(32, 32, 8, 0))
    broken = torch.where(mask > 0, 0.5, photo)
    result = upsample(broken, mask, fill, scale)
    torch.testing.assert_close(result.image, photo, atol=1e-5, rtol=0)
    inside = shrink_mask(mask, scale) > 0
    assert torch.equal(result.source_map[:, :1][inside] - 8, inside.nonzero()[:, 2])
    assert (result.source_map[:, :1][~inside] == -1).all()


def test_without_a_correspondence_the_sources_are_found_by_colour():
    scale, side = 2, 96
    photo = periodic(side, side, 16)
    mask = hole(side, side, slice(40, 56), slice(40, 56))
    result = upsample(torch.where(mask > 0, 0.0, photo), mask, Fill(shrink(photo, scale)), scale)
    plain = enlarge(shrink(photo, scale), scale)
    inside = mask.expand_as(photo) > 0
    error, plain_error = ((each - photo)[inside].abs().mean() for each in (result.image, plain))
    assert error < 0.05 * plain_error
    row, column = result.source_map[0, :, 20:28, 20:28]
    assert ((row < 20) | (row >= 28) | (column < 20) | (column >= 28)).all()


def test_what_is_in_the_hole_does_not_matter():
    photo = torch.rand(1, 3, 60, 60)
    mask = hole(60, 60, slice(20, 41), slice(20, 41))
    small = shrink(torch.where(mask > 0, 0.5, photo), 3)
    one, two = (
        upsample(torch.where(mask > 0, value, photo), mask, Fill(small), 3).image for value in (0.0, 1.0)
    )
    assert torch.equal(one, two)


def test_known_cells_are_the_photo():
    photo = torch.rand(1, 3, 60, 60)
    mask = hole(60, 60, slice(21, 39), slice(21, 39))
    result = upsample(photo, mask, Fill(shrink(photo, 3)), 3).image
    known = (mask == 0).expand_as(photo)
    torch.testing.assert_close(result[known], photo[known], atol=1e-6, rtol=0)


def test_forbidden_areas_give_no_detail():
    # Grain on the left, none on the right, and only the right may be borrowed from.
    generator = torch.Generator().manual_seed(0)
    photo = torch.full((1, 3, 64, 128), 0.5)
    photo[..., :64] += 0.2 * (torch.rand(1, 3, 64, 64, generator=generator) - 0.5)
    mask = hole(64, 128, slice(24, 40), slice(56, 72))
    allowed = hole(64, 128, slice(0, 64), slice(80, 128))
    fill = Fill(torch.full((1, 3, 16, 32), 0.5))
    small = torch.where(shrink_mask(mask, 4) > 0, fill.image, shrink(photo, 4))
    result = upsample(photo, mask, Fill(small), 4, allowed=allowed)
    assert (result.source_map[0, 1][result.source_map[0, 1] >= 0] >= 20).all()
    plain = enlarge(small, 4)
    inside = mask.expand_as(photo) > 0
    torch.testing.assert_close(result.image[inside], plain[inside], atol=1e-5, rtol=0)


def test_without_a_whole_known_patch_it_is_a_plain_enlargement():
    photo = torch.rand(1, 3, 24, 24)
    mask = hole(24, 24, slice(8, 16), slice(8, 16))
    small = shrink(photo, 4)
    result = upsample(photo, mask, Fill(small), 4)
    inside = mask.expand_as(photo) > 0
    assert torch.equal(result.image[inside], enlarge(small, 4).clamp(0, 1)[inside])
    assert (result.source_map == -1).all()


def test_cells_without_a_source_get_no_detail():
    photo, mask = torch.rand(1, 3, 40, 40), hole(40, 40, slice(16, 24), slice(16, 24))
    nothing = Planted(10, 10, 0, 0)
    nothing.sources = torch.full_like(nothing.sources, -1)
    small = shrink(photo, 4)
    result = upsample(photo, mask, Fill(small, None, nothing), 4).image
    inside = mask.expand_as(photo) > 0
    assert torch.equal(result[inside], enlarge(small, 4).clamp(0, 1)[inside])


def test_the_items_of_a_batch_do_not_mix():
    photo = torch.rand(2, 3, 48, 48)
    mask = torch.cat([hole(48, 48, slice(10, 20), slice(10, 20)), hole(48, 48, slice(24, 32), slice(0, 12))])
    both = upsample(photo, mask, Fill(shrink(photo, 2)), 2).image
    for item in range(2):
        pick = slice(item, item + 1)
        alone = upsample(photo[pick], mask[pick], Fill(shrink(photo[pick], 2)), 2).image
        torch.testing.assert_close(both[pick], alone)


def network(seed=0, taught=True):
    torch.manual_seed(seed)
    made = GuidedUpsamplingNetwork().eval()
    if taught:  # as it is made, it corrects nothing
        torch.nn.init.normal_(made._decode[-1].weight, std=0.1)
    return made


@pytest.mark.parametrize("scale", [2, 3, 4, 5])
def test_an_untrained_network_is_the_form_without(scale):
    side = 24 * scale
    photo, mask = periodic(side, side, 6 * scale), hole(side, side, slice(30, 44), slice(31, 50))
    fill = Fill(shrink(photo, scale), None, Planted(24, 24, -6, 0))
    with torch.no_grad():
        one, two = (
            upsample(photo, mask, fill, scale, network=each) for each in (None, network(taught=False))
        )
    torch.testing.assert_close(one.image, two.image, atol=1e-5, rtol=0)
    assert torch.equal(one.source_map, two.source_map)


@pytest.mark.parametrize(("scale", "expected"), [(2, [2]), (4, [4]), (5, [5]), (6, [3, 2]), (16, [4, 4])])
def test_large_factors_are_split(scale, expected):
    assert steps(scale) == expected


@pytest.mark.parametrize("scale", [4, 8])
def test_with_a_network_known_cells_are_the_photo_and_the_hole_is_not_looked_at(scale):
    side = 20 * scale
    photo, mask = torch.rand(1, 3, side, side), hole(side, side, slice(40, 56), slice(41, 60))
    fill = Fill(shrink(torch.where(mask > 0, 0.5, photo), scale))
    with torch.no_grad():
        one, two = (
            upsample(torch.where(mask > 0, value, photo), mask, fill, scale, network=network()).image
            for value in (0.0, 1.0)
        )
    assert torch.equal(one, two)
    outside = (F.interpolate(shrink_mask(mask, scale), scale_factor=float(scale)) == 0).expand_as(photo)
    assert torch.equal(one[outside], photo[outside])
    plain = upsample(photo, mask, fill, scale).image
    assert not torch.allclose(one[~outside], plain[~outside], atol=1e-3)


@pytest.mark.parametrize("band", [1, 40, 2**20])
def test_decoding_only_around_the_hole_in_bands_is_exact(monkeypatch, band):
    monkeypatch.setitem(detailed.__globals__, "BAND", band)
    made, scale = network(), 2
    photo, cells = torch.rand(1, 3, 64, 64), hole(32, 32, slice(10, 16), slice(20, 27))
    fill = shrink(photo, scale)
    sources = torch.where(cells > 0, 3, -1).expand(1, 2, 32, 32)
    inside = F.interpolate(cells, scale_factor=2.0)
    enlarged = enlarge(fill, scale)
    carried = torch.where(inside > 0, 0, photo - enlarged)
    carry(carried[0], sources[0], cells[0, 0] == 0, scale)
    unlike = torch.where(cells > 0, fill[..., 3:4, 3:4] - fill, 0)
    with torch.no_grad():
        part = detailed(made, photo, fill, cells, 1 - cells, sources, scale)
        whole = made.decode(enlarged, carried, enlarge(unlike, scale, "bilinear"), inside, scale)
    torch.testing.assert_close(part, torch.where(inside > 0, whole, photo), atol=1e-6, rtol=0)


def test_with_a_network_sources_are_found_in_its_features_and_forbidden_areas_give_none():
    photo, mask = torch.rand(1, 3, 64, 128), hole(64, 128, slice(24, 40), slice(56, 72))
    allowed = hole(64, 128, slice(0, 64), slice(80, 128))
    with torch.no_grad():
        found = upsample(
            photo, mask, Fill(shrink(photo, 2)), 2, allowed=allowed, network=network()
        ).source_map
    assert (found[0, 1][found[0, 1] >= 0] >= 40).all()
    assert (found >= 0).any()


def test_strength_of_known_detail():
    """A checkerboard of ±a: the mean is a, each step across and down 2a."""
    row, column = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    board = (0.1 * (1 - 2 * ((row + column) % 2))).expand(1, 3, 32, 32)
    found = strength(board, 4)[0, :, 2:-2, 2:-2].exp()
    for channel, expected in zip(found, (0.1, 0.2, 0.2), strict=True):
        torch.testing.assert_close(channel, torch.full_like(channel, expected + 1e-3))
    assert torch.allclose(strength(0 * board, 4).exp(), torch.tensor(1e-3))


def test_the_package_has_trained_networks_and_other_files_are_refused():
    made = open_network(torch.device("cpu"))
    assert made is open_network(torch.device("cpu"))
    assert not any(each.requires_grad for each in made.parameters())
    assert made._decode[-1].weight.abs().max() > 0  # as made, it is 0
    with pytest.raises(RetouchError, match="holds weights of 'confidence-head', not of guided-upsampling"):
        open_network(torch.device("cpu"), shipped("confidence-head.safetensors"))
