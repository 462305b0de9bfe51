"""Soft correspondence: against a dense softmax, the published paste, and numeric gradients."""

import pytest
import tests.matching.reference as naive
import torch
from torch.nn import functional as F

from retouch.errors import RetouchError
from retouch.matching.correspondence import match


def scene(height=9, width=10, channels=3, dtype=torch.float32):
    torch.manual_seed(0)
    mask = torch.zeros(1, 1, height, width)
    mask[..., 3:5, 4:7] = 1
    mask[..., 0, 0] = 1
    return torch.randn(1, channels, height, width, dtype=dtype), mask


@pytest.mark.parametrize("kind", ["cosine", "squared-distance"])
@pytest.mark.parametrize(("scale", "patch"), [(1, None), (2, None), (2, 2), (3, 1)])
def test_soft_matches_the_loops(kind, scale, patch):
    features, mask = scene()
    hole = mask[0, 0] > 0
    asked, offered, similarity = naive.scores(features[0], hole, ~hole, 3, kind)
    weights = torch.softmax(similarity * 4, 1)
    values = torch.rand(1, 2, 9 * scale, 10 * scale)
    expected = naive.vote(values[0], hole, weights, asked, offered, patch or 3, scale)
    soft = match(features, mask, similarity=kind, top=None, softmax_scale=4)
    assert torch.allclose(soft.transfer(values, scale, patch)[0].double(), expected, atol=1e-5)
    assert torch.equal(soft.source_map(), match(features, mask, similarity=kind).source_map())


def test_paste_is_that_of_contextual_attention():
    """Yu et al. 2018: 3×3 patches compared, 4×4 patches of the map twice as fine pasted at stride 2."""
    features, mask = scene(12, 12, 20)
    mask[..., 0, 0] = 0  # where patches stick out the published code divides by 4 all the same
    patches = F.unfold(features, 3, padding=1)[0].T
    similarity = F.normalize(patches, dim=1) @ F.normalize(patches, dim=1).T
    whole = F.max_pool2d(F.pad(mask, (1,) * 4, value=1.0), 3, stride=1).flatten() == 0
    probabilities = torch.softmax((similarity * 10).masked_fill(~whole, -torch.inf), 1)
    finer = torch.randn(1, 5, 24, 24)
    expected = naive.contextual_paste(finer, probabilities, whole)
    found = match(features, mask, top=None).transfer(finer, 2, patch=2)
    fine = mask.repeat_interleave(2, 2).repeat_interleave(2, 3).bool().expand_as(finer)
    assert torch.allclose(found[fine], expected[fine], atol=1e-5)


@pytest.mark.parametrize("kind", ["cosine", "squared-distance"])
@pytest.mark.parametrize(
    ("channels", "fast"), [(2, True), (16, True), pytest.param(2, False, marks=pytest.mark.slow)]
)
def test_gradients(kind, channels, fast):
    features, mask = scene(7, 8, channels, torch.float64)
    features.requires_grad_()
    values = torch.randn(1, 1, 14, 16, dtype=torch.float64, requires_grad=True)

    def carried(features, values):
        soft = match(features, mask, similarity=kind, top=None, softmax_scale=2)
        return soft.transfer(values, 2, patch=2)

    assert torch.autograd.gradcheck(carried, (features, values), fast_mode=fast)


def test_gradient_is_finite_where_features_vanish():
    features, mask = scene()
    features[..., :6, :] = 0
    features.requires_grad_()
    match(features, mask, top=None).transfer(features).square().sum().backward()
    assert torch.isfinite(features.grad).all()


def test_memory_does_not_change_the_result():
    features, mask = scene(20, 21, 4)
    mask[..., 5:15, 5:12] = 1
    outcomes = []
    for memory in (2**16, 2**20, 2**28):
        given = features.clone().requires_grad_()
        out = match(given, mask, top=None, memory=memory).transfer(given)
        out.square().sum().backward()
        outcomes.append((out.detach(), given.grad))
    for out, gradient in outcomes[1:]:
        assert torch.allclose(out, outcomes[0][0], atol=1e-5)
        assert torch.allclose(gradient, outcomes[0][1], atol=1e-4)


def kept_for_the_gradient(memory):
    """Numbers in the largest tensor kept between forward and backward, and bytes of all that are kept."""
    features, mask = scene(24, 24, 4)
    mask[..., 6:16, 6:16] = 1
    features.requires_grad_()
    kept = {}

    def pack(tensor):
        kept[tensor.data_ptr()] = tensor.numel(), tensor.numel() * tensor.element_size()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        out = match(features, mask, top=None, memory=memory).transfer(features)
    del out
    numbers, sizes = zip(*kept.values(), strict=True)
    return max(numbers), sum(sizes)


def test_weights_are_not_stored_whole_where_memory_is_short():
    """Between forward and backward nothing of the size queries × sources is kept."""
    largest, _ = kept_for_the_gradient(memory=8 * 2**20)
    assert largest <= 26 * 26 * 4 * 3  # an unfolded map at most


@pytest.mark.parametrize("memory", [12 * 2**20, 256 * 2**20])
def test_weights_that_fit_are_kept_within_the_memory(memory):
    largest, size = kept_for_the_gradient(memory)
    assert largest > 12 * 12 * 24 * 24  # nothing is computed twice
    assert size <= memory


def test_soft_needs_room_for_one_query():
    features, mask = scene()
    with pytest.raises(RetouchError, match="raise memory"):
        match(features, mask, top=None, memory=100).transfer(features)


def test_sharp_softmax_is_the_nearest():
    features, mask = scene()
    soft = match(features, mask, top=None, softmax_scale=1e5).transfer(features)
    assert torch.allclose(soft, match(features, mask).transfer(features), atol=1e-4)
