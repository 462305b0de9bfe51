"""PEN-Net: the networks against the paper's numbers, the attention against a dense one."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.models.network_checks import check_any_size_and_several_holes, check_bfloat16, compared
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from retouch.errors import RetouchError
from retouch.matching.cells import PixelCorrespondence
from retouch.models.pen_net import network as pen_net_network
from retouch.models.pen_net.critic import SMALLEST, PenNetCritic
from retouch.models.pen_net.model import PenNet, open_weights
from retouch.models.pen_net.network import LITE, PenNetNetwork, attend
from retouch.weights import read_weights, write_weights

torch.set_num_threads(1)


def parameters(network):
    return sum(each.numel() for each in network.parameters())


def tiny(seed=0):
    """A narrow network whose images vary, which at first are nearly grey, so that comparing them tells."""
    torch.manual_seed(seed)
    network = PenNetNetwork(0.0625)
    for each in network.modules():
        if isinstance(each, nn.Conv2d):
            nn.init.kaiming_normal_(each.weight)
    return network.eval()


def pair(height=128, width=192, seed=0, batch=1):
    generator = torch.Generator().manual_seed(seed)
    mask = torch.zeros(batch, 1, height, width)
    mask[..., 20:37, 24:50] = 1
    mask[..., 60:63, 3:6] = 1
    return torch.rand(batch, 3, height, width, generator=generator) * 2 - 1, mask


def dense_attend(deep, shallow, mask, allowed=None, patch=3):
    """The published layer in its dense form, with the deviations that ``attend`` names, one image."""
    assert allowed is None
    height, width = deep.shape[2:]
    margin = patch // 2

    def beyond(values, cells):
        return F.pad(values, (cells,) * 4, mode="replicate") if cells else values

    hole = F.max_pool2d(mask, mask.shape[2] // height)
    whole = F.max_pool2d(beyond(hole, margin), patch, stride=1) == 0  # around each cell of the map
    sources = F.pad(whole, (margin,) * 4, value=False).flatten()
    if not sources.any():
        return shallow, None
    patches = F.unfold(beyond(deep, 2 * margin), patch)[0].T
    scores = patches @ (patches / patches.norm(dim=1, keepdim=True).clamp_min(1e-4)).T
    weights = torch.softmax((scores * 10).masked_fill(~sources, -torch.inf), 1)
    side, cut = (4, 1) if patch > 1 else (2, 0)
    kernels = F.unfold(beyond(shallow, 2 * margin + cut), side, stride=2)[0].T
    pasted = (
        F.conv_transpose2d(
            weights.T.reshape(1, -1, height + 2 * margin, width + 2 * margin),
            kernels.reshape(len(kernels), -1, side, side),
            stride=2,
            padding=cut,
        )
        / (side // 2) ** 2
    )
    inner = pasted[..., 2 * margin : 2 * (margin + height), 2 * margin : 2 * (margin + width)]
    return torch.where(F.interpolate(hole, scale_factor=2.0) > 0, inner, shallow), None


def test_published_parameter_counts():
    assert parameters(PenNetNetwork()) == 10_231_538
    assert parameters(PenNetCritic()) == 4_318_401


def test_lite_is_under_two_billion_operations():
    network = PenNetNetwork(LITE)
    image, mask = torch.zeros(1, 3, 128, 128), torch.zeros(1, 1, 128, 128)
    mask[..., 32:96, 32:96] = 1
    with torch.no_grad(), FlopCounterMode(display=False) as counter:  # a multiply-add counts 2
        network(image, mask)
    assert counter.get_total_flops() < 2e9
    assert parameters(network) == 2_560_642


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 2**20), st.integers(1, 9), st.integers(1, 9), st.floats(0, 0.01), st.sampled_from([1, 3])
)
def test_attention_equals_the_dense_layer(seed, height, width, share, patch):
    generator = torch.Generator().manual_seed(seed)
    mask = (torch.rand(1, 1, 8 * height, 8 * width, generator=generator) < share).float()
    mask[..., 4 * height, 4 * width] = 1
    deep = torch.randn(1, 6, height, width, generator=generator) / 8
    shallow = torch.randn(1, 4, 2 * height, 2 * width, generator=generator)
    attended, _ = attend(deep, shallow, mask, patch=patch)
    assert torch.allclose(attended, dense_attend(deep, shallow, mask, patch=patch)[0], atol=1e-5)


@pytest.mark.parametrize("left", [60, 128])
def test_network_equals_the_dense_one(monkeypatch, left):
    """With a hole that leaves nothing to borrow on the coarse levels, and with one that does."""
    network, (image, mask) = tiny(), pair(128, 128)
    mask[..., 40:100, left:] = 1
    with torch.no_grad():
        ours = network(image, mask)
        monkeypatch.setattr(pen_net_network, "attend", dense_attend)
        dense = network(image, mask)
    for one, other in zip((ours.image, *ours.pyramid), (dense.image, *dense.pyramid), strict=True):
        assert one.std() > 0.01
        assert torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("shift", [(7, 6), (9, 9), (-3, 9)])
def test_the_planted_patch_is_borrowed(shift):
    """The hole's surroundings are found elsewhere, once at the map's edges, and what is there is pasted."""
    generator = torch.Generator().manual_seed(0)
    down, across = shift
    deep, shallow = (torch.randn(1, 8, side, side, generator=generator) for side in (16, 32))
    mask = torch.zeros(1, 1, 128, 128)
    mask[..., 34:47, 33:46] = 1  # cells 4 and 5, both ways
    around = F.pad(deep * 3, (1,) * 4, mode="replicate")
    deep = around[..., 1:-1, 1:-1].clone()
    rows, columns = (slice(3 + each, 9 + each) for each in shift)
    deep[..., 2:8, 2:8] = around[..., rows, columns]
    attended, cells = attend(deep, shallow, mask)
    expected = shallow.clone()
    beyond = F.pad(shallow, (2,) * 4, mode="replicate")
    rows, columns = (slice(10 + 2 * each, 14 + 2 * each) for each in shift)
    expected[..., 8:12, 8:12] = beyond[..., rows, columns]
    assert torch.allclose(attended, expected, atol=1e-4)

    row, column = PixelCorrespondence(cells, mask, 1).source_map()[0]
    inside = mask[0, 0] > 0
    assert (row[~inside] == -1).all()
    y, x = inside.nonzero().T
    assert torch.equal(row[inside], y + 8 * down)
    assert torch.equal(column[inside], x + 8 * across)


def test_two_known_cells_along_the_edge_are_enough():
    """As in a 256² image with half its sides hole, at the level of 32×32 pixels a cell."""
    mask = torch.zeros(2, 1, 256, 256)
    mask[0, :, 64:192, 64:192] = 1
    mask[1, :, 32:224, 32:224] = 1
    shallow = torch.randn(2, 3, 16, 16)
    attended, cells = attend(torch.randn(2, 4, 8, 8), shallow, mask)
    borrowed = PixelCorrespondence(cells, mask, 1).source_map() >= 0
    assert torch.equal(borrowed[0, :1], mask[0] > 0)
    assert not borrowed[1].any()
    assert not torch.isclose(attended[0, :, 4:12, 4:12], shallow[0, :, 4:12, 4:12]).all()
    assert torch.equal(attended[1], shallow[1])


def test_colours_can_be_transferred():
    """What is one colour wherever may be borrowed from comes out as that colour, at twice the size too."""
    image, mask = pair()
    mask[..., 100:, 180:] = 1
    found = PenNet(tiny()).infer((image + 1) / 2, mask, 1 - mask, seed=0, on_progress=lambda _: None)
    assert [each.side for each in found.levels] == [64, 32, 16, 8, 4]
    assert found.correspondence is found.levels[-1]
    for each in found.levels:
        borrowed = each.source_map()[:, :1] >= 0
        for scale in (1, 2):
            hole = F.interpolate(mask, scale_factor=float(scale)) > 0
            values = torch.where(hole, 0.0, 0.7)
            carried = each.transfer(values, scale)
            reached = F.interpolate(borrowed.float(), scale_factor=float(scale)) > 0
            assert torch.equal(carried[~hole], values[~hole])
            assert torch.allclose(carried[reached], torch.tensor(0.7))


def test_decoding_the_window_alone_is_exact():
    network, (image, mask) = tiny(), pair(256, 320)
    mask[..., 100:130, 130:] = 1
    right = torch.arange(320)
    for hole in (mask, mask * (right < 64), mask * (right > 200), mask * (right == 3)):
        with torch.no_grad():
            whole, part = network(image, hole), network(image, hole, hole_only=True)
        inside = (hole > 0).expand_as(image)
        assert whole.image.std() > 0.01
        assert torch.allclose(whole.image[inside], part.image[inside], atol=1e-6)
        assert part.pyramid == ()


def test_items_are_filled_each_on_its_own():
    network, (image, mask) = tiny(), pair(128, 128, batch=3)
    mask[1] = 0
    mask[2, :, 64:, 70:] = 1
    with torch.no_grad():
        together = network(image, mask)
        for item in range(3):
            alone = network(image[item : item + 1], mask[item : item + 1])
            assert torch.allclose(together.image[item], alone.image[0], atol=1e-5)
    assert (together.correspondences[-1].source_map()[1] == -1).all()
    assert [each.shape[2] for each in together.pyramid] == [4, 8, 16, 32, 64]


def test_the_hole_is_not_looked_at():
    network, (image, mask) = tiny(), pair()
    with torch.no_grad():
        one, two = (network(torch.where(mask > 0, value, image), mask) for value in (-1.0, torch.nan))
    assert torch.equal(one.image, two.image)


def test_every_parameter_learns():
    network, (image, mask) = PenNetNetwork(0.0625), pair(batch=2)
    filled = network(image, mask)
    sum(each.square().sum() for each in (filled.image, *filled.pyramid)).backward()
    for name, each in network.named_parameters():
        assert each.grad is not None, name
        assert each.grad.abs().sum() > 0, name


def test_bfloat16_autocast(monkeypatch):
    network, (image, mask) = tiny(), pair()
    seen = compared(monkeypatch, pen_net_network)
    check_bfloat16(network, lambda: (network(image, mask).image, seen))
    assert len(seen) == 10  # five levels, twice


@pytest.mark.parametrize("size", [(64, 96), (0, 64)])
def test_sizes_the_network_cannot_take(size):
    with pytest.raises(RetouchError, match="multiples of 64"):
        tiny()(torch.zeros(1, 3, *size), torch.zeros(1, 1, *size))


def test_not_a_number_is_refused():
    image, mask = pair()
    image[..., 0, 100] = torch.nan
    with pytest.raises(RetouchError, match="finite"):
        tiny()(image, mask)
    with pytest.raises(RetouchError, match="must lie in"):
        PenNet(tiny())(image, mask)


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (64, 64), (71, 131)])
def test_any_size_and_several_holes(size):
    check_any_size_and_several_holes(PenNet(tiny()), size)


def test_sources_are_pixels_of_the_allowed_area():
    model, (image, mask) = PenNet(tiny()), pair(99, 150)
    allowed = torch.zeros_like(mask)
    allowed[..., 40:, 8:] = 1
    fill = model((image + 1) / 2, mask, allowed=allowed)
    inside = mask[0, 0] > 0
    down, across = inside.nonzero().T
    for each, side in zip(fill.levels[2:], (16, 8, 4), strict=True):
        row, column = each.source_map()[0, :, :99, :150]
        assert (row[~inside] == -1).all()
        row, column = row[inside], column[inside]
        assert row.max() < 99 - 99 % side  # cells that the padding cuts are not borrowed from
        assert column.max() < 150 - 150 % side
        assert allowed[0, 0][row, column].all()
        assert not mask[0, 0][row, column].any()
        assert torch.equal(row % side, down % side)
        assert torch.equal(column % side, across % side)


def test_a_file_opens(tmp_path):
    network, (image, mask) = tiny(), pair()
    about = {"config": {"recipe": {"width": 0.0625, "levels": 5}, "data": {"size": 128}}}
    write_weights(tmp_path / "a.safetensors", "pen-net", network.half().float().state_dict(), about)
    model = open_weights(read_weights(tmp_path / "a.safetensors"), "cpu")
    image = (image + 1) / 2
    assert torch.equal(model(image, mask).image, PenNet(network)(image, mask).image)


def test_critic_scores_patches_and_learns():
    torch.manual_seed(0)
    critic = PenNetCritic(0.0625)
    image = torch.randn(2, 3, 64, 96, requires_grad=True)
    (critic(image) - critic(image.detach().flip(0))).square().sum().backward()
    assert all(each.grad is not None for each in (image, *critic.parameters()))
    assert critic(torch.randn(1, 3, 256, 256)).shape == (1, 1, 27, 27)
    assert critic(torch.randn(1, 3, SMALLEST, SMALLEST)).shape == (1, 1, 1, 1)
    with pytest.raises(RetouchError, match="at least 47"):
        critic(torch.randn(1, 3, SMALLEST - 1, 64))


def test_critic_has_spectral_norm_one():
    critic = PenNetCritic(0.0625)
    for _ in range(20):
        critic(torch.zeros(1, 3, 47, 47))
    convolutions = [each for each in critic.layers if isinstance(each, nn.Conv2d)]
    for each in convolutions:
        norm = torch.linalg.matrix_norm(each.weight.flatten(1), 2)
        assert torch.allclose(norm, torch.tensor(1.0), atol=0.02)
    assert len(convolutions) == 4
