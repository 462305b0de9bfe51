"""Propagated scores, against dense scores of all positions with all positions."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from retouch.errors import RetouchError
from retouch.matching.correspondence import match


def dense_scores(features, kind, propagation):
    """``p(q, s)`` for all positions of ``1×C×H×W``, (H·W)×(H·W).

    Known positions, and those that touch the hole, have the score of their patches like any other; the edge
    of the map repeats within a patch, and a shift that leaves the map adds nothing.
    """
    height, width = features.shape[2:]
    patches = F.unfold(F.pad(features, (1,) * 4, mode="replicate"), 3)[0].T
    length = patches.norm(dim=1, keepdim=True)
    if kind == "squared-distance":
        scores = -torch.cdist(patches, patches).square() / patches.shape[1]
    elif kind == "cosine":
        scores = (patches / length) @ (patches / length).T
    else:
        scores = patches @ (patches / length.clamp_min(1e-4)).T
    scores = scores.reshape(height, width, height, width)
    total = torch.zeros_like(scores)
    reach = propagation // 2
    padded = F.pad(scores, (reach,) * 8)
    for y in range(propagation):
        for x in range(propagation):
            total += padded[y : y + height, x : x + width, y : y + height, x : x + width]
    return total.reshape(height * width, -1)


def whole_patches(readable):
    """Positions of ``1×1×H×W`` whose 3×3 patch lies inside the map and is wholly 1, as H·W booleans."""
    return F.max_pool2d(F.pad(1 - readable, (1,) * 4, value=1.0), 3, stride=1).flatten() == 0


def dense_attention(
    features, mask, finer, kind="correlation", propagation=3, softmax_scale=10.0, allowed=None
):
    """What the hole gets from the map twice as fine (4×4 patches, overlaps averaged), and best sources."""
    readable = 1 - mask if allowed is None else allowed * (1 - mask)
    sources = whole_patches(readable)
    scores = dense_scores(features, kind, propagation).masked_fill(~sources, -torch.inf)
    weights = torch.softmax(scores * softmax_scale, 1)
    height, width = mask.shape[2:]
    kernels = F.unfold(finer, 4, padding=1, stride=2)[0].T.reshape(height * width, -1, 4, 4)
    maps = weights.T.reshape(1, -1, height, width)
    votes = F.conv_transpose2d(
        torch.ones(1, 1, height, width).to(maps), torch.ones(1, 1, 4, 4).to(maps), stride=2, padding=1
    )
    pasted = F.conv_transpose2d(maps, kernels, stride=2, padding=1) / votes
    fine = mask.repeat_interleave(2, 2).repeat_interleave(2, 3) > 0
    return torch.where(fine, pasted, finer), scores.argmax(1).reshape(height, width)


def scene(height=9, width=10, channels=3, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    mask = torch.zeros(1, 1, height, width, dtype=dtype)
    mask[..., 3:5, 4:7] = 1
    mask[..., 0, 0] = 1
    features = torch.randn(1, channels, height, width, dtype=dtype, generator=generator)
    finer = torch.randn(1, 2, 2 * height, 2 * width, dtype=dtype, generator=generator)
    return features, mask, finer


@pytest.mark.parametrize("kind", ["correlation", "cosine", "squared-distance"])
@pytest.mark.parametrize("propagation", [1, 3])
@pytest.mark.parametrize("channels", [3, 20])
def test_equals_the_dense_scores(kind, propagation, channels):
    features, mask, finer = scene(channels=channels)
    expected, best = dense_attention(features, mask, finer, kind, propagation, 0.7)
    soft = match(
        features, mask, similarity=kind, top=None, softmax_scale=0.7, propagation=propagation, patch=3
    )
    assert torch.allclose(soft.transfer(finer, 2, patch=2), expected, atol=1e-10)
    inside = mask[0, 0] > 0
    row, column = soft.source_map()[0]
    assert torch.equal((row * mask.shape[3] + column)[inside], best[inside])
    assert (row[~inside] == -1).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**20), st.integers(6, 11), st.integers(6, 11), st.floats(0.02, 0.2))
def test_arbitrary_masks_in_single_precision(seed, height, width, share):
    generator = torch.Generator().manual_seed(seed)
    mask = (torch.rand(1, 1, height, width, generator=generator) < share).float()
    mask[..., 1:4, 1:4] = 0
    features = torch.randn(1, 4, height, width, generator=generator) / 6
    finer = torch.rand(1, 2, 2 * height, 2 * width, generator=generator)
    expected, _ = dense_attention(features, mask, finer)
    soft = match(features, mask, similarity="correlation", top=None, propagation=3)
    assert torch.allclose(soft.transfer(finer, 2, patch=2), expected, atol=1e-5)


def test_the_two_passes_are_the_published_ones_away_from_the_ends_of_rows():
    """A 3×3 identity kernel over the score map, twice, transposed in between (Yu et al. 2018)."""
    features, _, _ = scene(7, 8)
    height, width = 7, 8
    fused = dense_scores(features, "correlation", 1)[None, None]
    kernel = torch.eye(3, dtype=fused.dtype)[None, None]
    fused = F.conv2d(fused, kernel, padding=1).reshape(height, width, height, width)
    fused = fused.permute(1, 0, 3, 2).reshape(1, 1, height * width, -1)
    fused = F.conv2d(fused, kernel, padding=1).reshape(width, height, width, height).permute(1, 0, 3, 2)
    ours = dense_scores(features, "correlation", 3).reshape(height, width, height, width)
    inner = (slice(1, -1), slice(1, -1), slice(1, -1), slice(1, -1))
    assert torch.allclose(fused[inner], ours[inner], atol=1e-10)


def test_propagation_prefers_a_source_whose_surroundings_agree():
    """Two equal patches in the known area; only one continues as the surroundings of the hole do."""
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(1, 4, 12, 30, generator=generator) * 0.05
    block = torch.randn(1, 4, 5, 5, generator=generator)
    features[..., 4:9, 3:8] = block  # around the hole, at row 6, column 5
    features[..., 5:8, 13:16] = block[..., 1:4, 1:4] * 1.3  # the patch alone, and stronger
    features[..., 4:9, 21:26] = block  # with its surroundings
    mask = torch.zeros(1, 1, 12, 30)
    mask[..., 6, 5] = 1
    plain, spread = (
        match(features, mask, similarity="correlation", top=None, propagation=each).source_map()[0, :, 6, 5]
        for each in (1, 3)
    )
    assert plain.tolist() in ([6, 14], [6, 23])
    assert spread.tolist() == [6, 23]


def test_forbidden_sources_are_not_borrowed_from():
    features, mask, finer = scene()
    allowed = torch.ones_like(mask)
    allowed[..., :5] = 0
    expected, _ = dense_attention(features, mask, finer, allowed=allowed)
    soft = match(features, mask, similarity="correlation", top=None, propagation=3, allowed=allowed)
    assert torch.allclose(soft.transfer(finer, 2, patch=2), expected, atol=1e-8)
    assert (soft.source_map()[0, 1][mask[0, 0] > 0] > 5).all()


@pytest.mark.parametrize("channels", [2, 16])
def test_gradients(channels):
    features, mask, _ = scene(6, 7, channels)
    features.requires_grad_()
    values = torch.randn(1, 1, 12, 14, dtype=torch.float64, requires_grad=True)

    def carried(features, values):
        soft = match(features, mask, similarity="correlation", top=None, softmax_scale=0.3, propagation=3)
        return soft.transfer(values, 2, patch=2)

    assert torch.autograd.gradcheck(carried, (features, values), fast_mode=True)


def test_memory_does_not_change_the_result():
    features, mask, finer = scene(14, 15, 4)
    mask[..., 5:10, 5:12] = 1
    outcomes = []
    for memory in (2**20, 2**28):
        given_features = features.clone().requires_grad_()
        soft = match(given_features, mask, similarity="correlation", top=None, propagation=3, memory=memory)
        out = soft.transfer(finer, 2, patch=2)
        out.square().sum().backward()
        outcomes.append((out.detach(), given_features.grad, soft.source_map()))
    assert torch.allclose(outcomes[0][0], outcomes[1][0], atol=1e-8)
    assert torch.allclose(outcomes[0][1], outcomes[1][1], atol=1e-6)
    assert torch.equal(outcomes[0][2], outcomes[1][2])


def test_items_of_a_batch_without_a_hole_are_left_alone():
    features, mask, finer = scene()
    both = match(
        features.repeat(2, 1, 1, 1),
        torch.cat([mask, mask * 0]),
        similarity="correlation",
        top=None,
        propagation=3,
    )
    out = both.transfer(finer.repeat(2, 1, 1, 1), 2, patch=2)
    assert torch.equal(out[1], finer[0])
    assert (both.source_map()[1] == -1).all()
    assert torch.allclose(out[:1], dense_attention(features, mask, finer)[0], atol=1e-8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"propagation": 2, "top": None}, "must be odd"),
        ({"propagation": 5, "top": None}, "at most the patch's 3"),
        ({"propagation": 3}, "use top=None"),
        ({"similarity": "correlation"}, '"cosine" or "squared-distance"'),
        ({"similarity": "cosmic", "top": None}, "correlation"),
    ],
)
def test_options_that_do_not_fit(options, message):
    features, mask, _ = scene()
    with pytest.raises(RetouchError, match=message):
        match(features, mask, **options)
