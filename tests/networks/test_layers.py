"""The convolutions that the networks share."""

import pytest
import torch
from torch.nn import functional as F

from retouch.networks.layers import ELU_GAIN, convolution, doubled, normal, scaled
from retouch.networks.patch_critic import spectral_layer


@pytest.mark.parametrize("padding_mode", ["zeros", "reflect", "replicate"])
@pytest.mark.parametrize(
    ("kernel", "stride", "dilation"), [(1, 1, 1), (3, 1, 4), (3, 2, 1), (4, 2, 1), (5, 2, 1)]
)
def test_only_the_stride_changes_the_size(kernel, stride, dilation, padding_mode):
    layer = convolution(3, 5, kernel, stride, dilation, padding_mode=padding_mode)
    assert layer(torch.rand(2, 3, 16, 24)).shape == (2, 5, 16 // stride, 24 // stride)


def test_the_gain_keeps_the_strength_of_signals():
    torch.manual_seed(0)
    values = torch.randn(4, 64, 32, 32)
    with torch.no_grad():
        for _ in range(4):
            values = F.elu(convolution(64, 64, padding_mode="reflect", gain=ELU_GAIN)(values))
    assert 0.8 < values.square().mean() / F.elu(torch.randn(10**5)).square().mean() < 1.25


def test_what_is_drawn():
    torch.manual_seed(0)
    drawn = convolution(32, 64, gain=2.0)
    assert drawn.weight.std().item() == pytest.approx(2 / (32 * 9) ** 0.5, rel=0.02)
    assert not drawn.bias.any()
    assert convolution(3, 4, gain=1.0, bias=False).bias is None
    assert convolution(32, 64).bias.any()
    layer = convolution(32, 64)
    assert normal(layer, 0.5) is layer
    assert layer.weight.std().item() == pytest.approx(0.5, rel=0.02)
    assert not layer.bias.any()


def test_doubled_keeps_a_slope_inside():
    slope = torch.arange(6.0).expand(1, 2, 4, 6)
    found = doubled(slope)
    assert found.shape == (1, 2, 8, 12)
    torch.testing.assert_close(found[..., 1:-1], (torch.arange(1.0, 11.0) / 2 - 0.25).expand(1, 2, 8, 10))


def test_channels_are_rounded_and_never_none():
    assert scaled((32, 64, 3), 0.375) == [12, 24, 1]
    assert scaled((32, 64), 0.01, least=2) == [2, 2]


def test_a_spectral_layer_has_norm_one():
    torch.manual_seed(0)
    layer, _ = spectral_layer(normal(convolution(8, 8), 1.0))
    for _ in range(50):
        layer(torch.rand(1, 8, 8, 8))
    assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, rel=1e-3)
