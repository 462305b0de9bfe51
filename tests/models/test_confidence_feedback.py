"""Iterative Confidence Feedback: its generator, and how it fills in passes."""

import pytest
import torch
from tests.models.network_checks import check_any_size_and_several_holes
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from retouch.confidence.around import PassesOptions
from retouch.errors import RetouchError
from retouch.models.confidence_feedback.model import ConfidenceFeedback, open_weights
from retouch.models.confidence_feedback.network import LITE, ConfidenceFeedbackNetwork, Stages
from retouch.models.contextual_attention.network import attend
from retouch.weights import Weights

torch.set_num_threads(1)


def tiny(gates="one", seed=0):
    torch.manual_seed(seed)
    return ConfidenceFeedbackNetwork(0.05, gates).eval()


def pair(height=80, width=96, batch=1):
    mask = torch.zeros(batch, 1, height, width)
    mask[..., 20:37, 24:60] = 1
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(0)), mask


class Halves(nn.Module):
    """Fills with the mean of what it sees as known; is sure of the upper half of what is left."""

    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.ones(()))
        self.seen = []

    def forward(self, image, mask, allowed=None):
        self.seen.append((image.clone(), mask.clone(), allowed.clone()))
        rows = mask[0, 0].amax(1).nonzero()[:, 0]
        confidence = torch.where(torch.arange(mask.shape[2])[:, None] < rows.float().mean(), 0.9, 0.2)
        fine = self.factor.expand_as(image) * len(self.seen) / 10
        _, found = attend(torch.rand(1, 2, mask.shape[2] // 4, mask.shape[3] // 4), mask, allowed)
        return Stages(fine, fine, confidence.expand_as(mask), found)


def test_lite_is_under_two_billion_operations():
    network = ConfidenceFeedbackNetwork(LITE, "one")
    image, mask = torch.zeros(1, 3, 128, 128), torch.zeros(1, 1, 128, 128)
    mask[..., 32:96, 32:96] = 1
    with torch.no_grad(), FlopCounterMode(display=False) as counter:  # a multiply-add counts 2
        network(image, mask)
    assert counter.get_total_flops() < 2e9


def test_parameter_counts_as_documented():
    counts = [
        sum(each.numel() for each in ConfidenceFeedbackNetwork(width, gates).parameters())
        for width, gates in ((1.0, "each"), (LITE, "one"))
    ]
    assert counts == [19_440_151, 1_099_483]


@pytest.mark.parametrize("gates", ["each", "one"])
def test_the_hole_is_not_looked_at_and_every_parameter_learns(gates):
    network, (image, mask) = tiny(gates), pair()
    one, two = (network(torch.where(mask > 0, value, image), mask) for value in (-1.0, 1.0))
    for name in ("coarse", "fine", "confidence"):
        assert torch.equal(getattr(one, name), getattr(two, name)), name
    assert one.coarse.shape == one.fine.shape == image.shape
    assert one.confidence.shape == mask.shape
    (one.coarse.square().sum() + one.fine.square().sum() + one.confidence.sum()).backward()
    for name, each in network.named_parameters():
        assert each.grad is not None, name
        assert each.grad.abs().sum() > 0, name


@pytest.mark.parametrize("size", [(64, 80), (88, 96)])
def test_sizes_the_network_cannot_take(size):
    with pytest.raises(RetouchError, match="multiples of 16 from 80 on"):
        tiny()(torch.zeros(1, 3, *size), torch.zeros(1, 1, *size))


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (71, 131)])
def test_any_size_and_several_holes(size):
    check_any_size_and_several_holes(ConfidenceFeedback(tiny()), size)


def test_what_a_pass_trusts_is_known_to_the_next_and_never_a_source():
    network, (image, mask) = Halves(), pair()
    fill = ConfidenceFeedback(network, PassesOptions(passes=3))(image, mask)
    assert [each[1].sum().item() for each in network.seen] == [17 * 36, 9 * 36, 5 * 36]
    first, second, third = (fill.image[0, 0, row, 30].item() for row in (20, 28, 36))
    assert [first, second, third] == pytest.approx([0.55, 0.6, 0.65])
    # The second pass sees what the first was sure of, in [-1, 1]; it may borrow from what was known at first.
    assert network.seen[1][0][0, 0, 20, 30].item() == pytest.approx(0.1)
    for _, _, allowed in network.seen:
        assert torch.equal(allowed, 1 - mask)
    assert fill.confidence[0, 0, 20, 30].item() == pytest.approx(0.9)
    assert fill.confidence[0, 0, 36, 30].item() == pytest.approx(0.2)
    assert (fill.confidence[mask == 0] == 1).all()
    row, column = fill.correspondence.source_map()[0]
    inside = mask[0, 0] > 0
    assert (row[inside] >= 0).all()
    assert not mask[0, 0][row[inside], column[inside]].any()


def test_sources_are_of_the_allowed_area():
    image, mask = pair()
    allowed = torch.zeros_like(mask)
    allowed[..., 40:, 8:] = 1
    found = ConfidenceFeedback(tiny())(image, mask, allowed=allowed).correspondence.source_map()[0]
    row, column = found[:, mask[0, 0] > 0]
    assert allowed[0, 0][row, column].all()


@pytest.mark.parametrize(
    ("recipe", "options", "words"),
    [
        ({"gates": "one"}, {}, "recipe.width"),
        ({"width": 0.05, "gates": "some"}, {}, "recipe.gates"),
        ({"width": 0.05, "gates": "one"}, {"passes": 0}, "from 1 to 8"),
        ({"width": 0.05, "gates": "one"}, {"often": 2}, "no option 'often'"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, recipe, options, words):
    about = {"config": {"recipe": recipe, "data": {"size": 128}}}
    weights = Weights("confidence-feedback", tiny().state_dict(), about, tmp_path / "w.safetensors")
    with pytest.raises(RetouchError, match=words):
        open_weights(weights, "cpu", options)


def test_weights_bring_width_gates_and_size(tmp_path):
    about = {"config": {"recipe": {"width": 0.05, "gates": "one"}, "data": {"size": 96}}}
    weights = Weights("confidence-feedback", tiny().state_dict(), about, tmp_path / "w.safetensors")
    model = open_weights(weights, "cpu", {"passes": "2"})
    image, mask = pair()
    assert (model.working_size, model.options.passes) == (96, 2)
    expected = ConfidenceFeedback(tiny(), PassesOptions(passes=2))(image, mask).image
    assert torch.equal(model(image, mask).image, expected)
