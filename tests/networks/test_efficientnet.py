"""The trunk against the published network, built naively: convolution, batch normalisation, activation."""

import pytest
import torch
from torch.nn import functional as F

from retouch.networks.efficientnet import TAPS, EfficientNetLite0
from retouch.weights.efficientnet import efficientnet_lite0

# Kernel, stride, expansion and channels of each block, from the paper's table.
BLOCKS = [
    (3, 1, 1, 16),
    *[(3, 2, 6, 24), (3, 1, 6, 24)],
    *[(5, 2, 6, 40), (5, 1, 6, 40)],
    *[(3, 2, 6, 80), (3, 1, 6, 80), (3, 1, 6, 80)],
    *[(5, 1, 6, 112)] * 3,
    *[(5, 2, 6, 192), *[(5, 1, 6, 192)] * 3],
    (3, 1, 6, 320),
]
TAPPED = (0, 2, 4, 10, 15)


def same(x, weight, stride=1, groups=1):
    """TensorFlow's "same" padding."""
    kernel = weight.shape[2]
    below, right = (max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in x.shape[2:])
    x = F.pad(x, (right // 2, right - right // 2, below // 2, below - below // 2))
    return F.conv2d(x, weight, None, stride, groups=groups)


def naive(weights, image):
    def norm(x, name):
        parts = [weights[f"{name}.{each}"] for each in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(x, *parts, training=False, eps=1e-3)

    x = F.relu6(norm(same(image, weights["_conv_stem.weight"], 2), "_bn0"))
    taps = []
    for number, (_, stride, expansion, _) in enumerate(BLOCKS):
        name, before = f"_blocks.{number}", x
        if expansion > 1:
            x = F.relu6(norm(same(x, weights[f"{name}._expand_conv.weight"]), f"{name}._bn0"))
        depthwise = weights[f"{name}._depthwise_conv.weight"]
        x = F.relu6(norm(same(x, depthwise, stride, len(depthwise)), f"{name}._bn1"))
        x = norm(same(x, weights[f"{name}._project_conv.weight"]), f"{name}._bn2")
        x = x + before if x.shape == before.shape else x
        if number in TAPPED:
            taps.append(x)
    return taps


@pytest.fixture(scope="module")
def published():
    return efficientnet_lite0()


@pytest.mark.parametrize("size", [(64, 64), (32, 96)])
def test_the_features_are_those_of_the_published_network(published, size):
    image = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    trunk = EfficientNetLite0()
    trunk.take(published)
    with torch.no_grad():
        found, expected = trunk(image), naive(published, image)
    for number, (one, two) in enumerate(zip(found, expected, strict=True)):
        assert one.shape == (2, TAPS[number], size[0] >> number + 1, size[1] >> number + 1)
        assert torch.allclose(one, two, atol=1e-4 * float(two.abs().max()))


def test_a_further_channel_begins_without_influence(published):
    image = torch.rand(1, 4, 64, 64, generator=torch.Generator().manual_seed(0))
    plain, wide = EfficientNetLite0(), EfficientNetLite0(4)
    plain.take(published)
    wide.take(published)
    with torch.no_grad():
        assert all(torch.equal(*each) for each in zip(plain(image[:, :3]), wide(image), strict=True))


def test_weights_are_stored_at_one_size(published):
    trunk = EfficientNetLite0()
    trunk.take(published)
    for name, each in trunk.named_parameters():
        if name.endswith("weight"):
            size = each.square().mean((1, 2, 3)).sqrt()
            # A channel that the published network does not use stays as small as it is.
            assert (size < 1.001).all(), name
            assert ((size - 1).abs() < 1e-3).float().mean() > 0.9, name


def test_the_parameters_are_those_of_the_paper_without_its_head():
    # 4,652,008 published, less the head's 320 x 1280 convolution, its normalisation and the 1000 classes;
    # folding leaves one bias in place of a weight and a bias.
    count = sum(each.numel() for each in EfficientNetLite0().parameters())
    head = 320 * 1280 + 2 * 1280 + 1280 * 1000 + 1000
    channels = sum(
        len(each) for name, each in EfficientNetLite0().named_parameters() if name.endswith("bias")
    )
    assert count == 4_652_008 - head - channels
