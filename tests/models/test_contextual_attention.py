"""Contextual Attention: the networks against the paper's numbers, the layer against a dense one."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.models.network_checks import check_any_size_and_several_holes, check_bfloat16, compared
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from retouch.errors import RetouchError
from retouch.matching.correspondence import match
from retouch.models.contextual_attention import network as contextual_attention_network
from retouch.models.contextual_attention.critics import Critic, global_critic, local_critic
from retouch.models.contextual_attention.model import ContextualAttention, PixelCorrespondence
from retouch.models.contextual_attention.network import (
    LITE,
    ContextualAttentionNetwork,
    attend,
    hole_window,
)

torch.set_num_threads(1)


def parameters(network):
    return sum(each.numel() for each in network.parameters())


def tiny(seed=0):
    torch.manual_seed(seed)
    return ContextualAttentionNetwork(0.0625).eval()


def pair(height=72, width=80, seed=0, batch=1):
    generator = torch.Generator().manual_seed(seed)
    mask = torch.zeros(batch, 1, height, width)
    mask[..., 20:37, 24:50] = 1
    mask[..., 60:63, 3:6] = 1
    return torch.rand(batch, 3, height, width, generator=generator), mask


def dense_attention(features, mask):
    """The published layer in its dense form, for all positions, with the deviations that ``attend`` names.

    Every position, known ones too, has the score of its own 3×3 patch with all others; scores are summed over
    joint shifts inside the map; then sources that do not lie wholly in the known map fall out.
    """
    small = F.interpolate(features, scale_factor=0.5)
    height, width = small.shape[2:]
    hole = F.max_pool2d(mask, 8)
    sources = F.max_pool2d(F.pad(hole, (1,) * 4, value=1.0), 3, stride=1).flatten() == 0
    if not sources.any():
        return features
    patches = F.unfold(F.pad(small, (1,) * 4, mode="replicate"), 3)[0].T
    scores = patches @ (patches / patches.norm(dim=1, keepdim=True).clamp_min(1e-4)).T
    padded = F.pad(scores.reshape(height, width, height, width), (1,) * 8)
    scores = sum(
        padded[y : y + height, x : x + width, y : y + height, x : x + width]
        for y in range(3)
        for x in range(3)
    ).reshape(height * width, -1)
    weights = torch.softmax((scores * 10).masked_fill(~sources, -torch.inf), 1)
    kernels = F.unfold(features, 4, padding=1, stride=2)[0].T.reshape(height * width, -1, 4, 4)
    pasted = F.conv_transpose2d(weights.T.reshape(1, -1, height, width), kernels, stride=2, padding=1)
    # 4 patches lie over each feature, fewer only at the map's edge.
    ones = torch.ones(1, 1, height, width, dtype=features.dtype)
    votes = F.conv_transpose2d(ones, ones.new_ones(1, 1, 4, 4), stride=2, padding=1)
    fine = F.interpolate(hole, scale_factor=2.0) > 0
    return torch.where(fine, pasted / votes, features)


def test_published_parameter_counts():
    assert parameters(ContextualAttentionNetwork()) == 3_601_542
    assert parameters(local_critic()) == 4_339_329
    assert parameters(global_critic()) == 2_733_441


def test_lite_is_under_two_billion_operations():
    network = ContextualAttentionNetwork(LITE)
    image, mask = torch.zeros(1, 3, 128, 128), torch.zeros(1, 1, 128, 128)
    mask[..., 32:96, 32:96] = 1
    with torch.no_grad(), FlopCounterMode(display=False) as counter:  # a multiply-add counts 2
        network(image, mask)
    assert counter.get_total_flops() < 2e9


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**20), st.integers(5, 10), st.integers(5, 10), st.floats(0.0005, 0.004))
def test_attention_equals_the_dense_layer(seed, rows, columns, share):
    generator = torch.Generator().manual_seed(seed)
    height, width = 8 * rows, 8 * columns
    mask = (torch.rand(1, 1, height, width, generator=generator) < share).float()
    mask[..., height // 2, width // 2] = 1
    features = torch.randn(1, 6, height // 4, width // 4, generator=generator) / 8
    attended, _ = attend(features, mask)
    assert torch.allclose(attended, dense_attention(features, mask), atol=1e-5)


def test_attention_with_features_of_any_size():
    """Scores in the hundreds: exact in double precision, in single as far as the softmax lets it be."""
    _, mask = pair()
    features = torch.randn(1, 24, 18, 20, generator=torch.Generator().manual_seed(0))
    exact = dense_attention(features.double(), mask.double())
    found = match(
        features[..., ::2, ::2].double(),
        F.max_pool2d(mask, 8).double(),
        similarity="correlation",
        top=None,
        propagation=3,
    )
    assert torch.allclose(found.transfer(features.double(), 2, patch=2), exact, atol=1e-10)
    assert torch.allclose(attend(features, mask)[0].double(), exact, atol=1e-2)


def test_without_whole_known_cells_features_stay():
    _, mask = pair(batch=2)
    mask[1, :, ::8, ::16] = 1
    features = torch.randn(2, 4, 18, 20)
    attended, correspondence = attend(features, mask)
    assert torch.equal(attended[1], features[1])
    assert not torch.equal(attended[0], features[0])
    assert (correspondence.source_map()[1] == -1).all()


def test_decoding_the_window_alone_is_exact():
    network, (image, mask) = tiny(), pair(120, 136)
    mask[..., 100:, 130:] = 1
    for hole in (mask, mask * (torch.arange(136) < 64), mask * (torch.arange(136) > 100)):
        with torch.no_grad():
            whole, part = network(image, hole), network(image, hole, hole_only=True)
        inside = (hole > 0).expand_as(image)
        assert torch.allclose(whole.fine[inside], part.fine[inside], atol=1e-6)
        assert torch.allclose(whole.coarse[inside], part.coarse[inside], atol=1e-6)


def test_window_of_no_hole():
    assert hole_window(torch.zeros(1, 1, 8, 8)) is None


def test_the_hole_is_not_looked_at():
    network, (image, mask) = tiny(), pair()
    with torch.no_grad():
        one, two = (network(torch.where(mask > 0, value, image), mask) for value in (-1.0, 1.0))
    assert torch.equal(one.coarse, two.coarse)
    assert torch.equal(one.fine, two.fine)


def test_every_parameter_learns():
    network, (image, mask) = ContextualAttentionNetwork(0.0625), pair(batch=2)
    stages = network(image * 2 - 1, mask)
    (stages.coarse.square().sum() + stages.fine.square().sum()).backward()
    for name, each in network.named_parameters():
        assert each.grad is not None, name
        assert each.grad.abs().sum() > 0, name


def test_bfloat16_autocast(monkeypatch):
    network, (image, mask) = tiny(), pair()
    seen = compared(monkeypatch, contextual_attention_network)
    check_bfloat16(network, lambda: (network(image * 2 - 1, mask).fine, seen))
    assert len(seen) == 2


@pytest.mark.parametrize("size", [(64, 80), (76, 80)])
def test_sizes_the_network_cannot_take(size):
    with pytest.raises(RetouchError, match="multiples of 8"):
        tiny()(torch.zeros(1, 3, *size), torch.zeros(1, 1, *size))


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (71, 131), (100, 97)])
def test_any_size_and_several_holes(size):
    check_any_size_and_several_holes(ContextualAttention(tiny()), size)


def test_sources_are_pixels_of_the_allowed_area():
    model, (image, mask) = ContextualAttention(tiny()), pair(99, 100)
    allowed = torch.zeros_like(mask)
    allowed[..., 40:, 8:] = 1
    fill = model(image, mask, allowed=allowed)
    row, column = fill.correspondence.source_map()[0, :, :99, :100]
    inside = mask[0, 0] > 0
    assert (row[~inside] == -1).all()
    row, column = row[inside], column[inside]
    assert row.max() < 96  # cells that the padding cuts are not borrowed from
    assert column.max() < 96
    assert allowed[0, 0][row, column].all()
    assert not mask[0, 0][row, column].any()
    down, across = inside.nonzero().T
    assert torch.equal(row % 8, down % 8)
    assert torch.equal(column % 8, across % 8)


def test_colours_can_be_transferred():
    """What is one colour wherever may be borrowed from comes out as that colour, at twice the size too."""
    _, mask = pair()
    _, cells = attend(torch.randn(1, 4, 18, 20), mask)
    correspondence = PixelCorrespondence(cells, mask)
    for scale in (1, 2):
        hole = F.interpolate(mask, scale_factor=float(scale)) > 0
        forbidden = F.max_pool2d(hole.float(), 3, 1, 1) > 0
        values = torch.where(forbidden, 0.0, 0.7)
        carried = correspondence.transfer(values, scale)
        assert torch.equal(carried[~hole], values[~hole])
        assert torch.allclose(carried[hole], torch.tensor(0.7))


@pytest.mark.parametrize("side", [32, 64])
def test_critics_score_and_learn_through_their_gradient(side):
    """The gradient penalty differentiates the gradient; mirror padding must allow it."""
    critic = local_critic(side, 0.0625)
    image = torch.randn(2, 3, side, side, requires_grad=True)
    score = critic(image)
    assert score.shape == (2, 1)
    (slope,) = torch.autograd.grad(score.sum(), image, create_graph=True)
    slope.square().sum().backward()
    assert all(each.grad is not None for name, each in critic.named_parameters() if "weight" in name)


def test_critics_refuse_other_sizes():
    with pytest.raises(RetouchError, match="32, 48, 64"):
        Critic(40, (4, 4, 4, 4))
    with pytest.raises(RetouchError, match="wants"):
        local_critic(32, 0.0625)(torch.zeros(1, 3, 64, 64))
