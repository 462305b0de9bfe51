"""The structure network: what it looks at, what it promises, and the model around it."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import retouch
from retouch.confidence.head import WITHIN
from retouch.models.structure.model import StructureModel
from retouch.models.structure.network import StructureNetwork, smooth_guess
from retouch.weights import write_weights

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    built = StructureNetwork()
    torch.nn.init.normal_(built.last.weight, std=0.05)
    return built.eval()


def pair(size=64):
    image = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1
    mask = torch.zeros(2, 1, size, size)
    mask[..., 10:41, 20:51] = 1
    return image, mask


def test_it_has_so_many_parameters(network):
    assert sum(each.numel() for each in network.parameters()) == 3_509_876


def test_it_says_colours_and_scales_of_cells(network):
    image, mask = pair()
    with torch.no_grad():
        said = network(image, mask)
    assert said.image.shape == (2, 3, 32, 32)
    assert said.scale.shape == (2, 1, 32, 32)
    assert (said.scale > 0).all()
    assert said.scale.std() > 0


def test_what_lies_in_the_hole_does_not_matter(network):
    image, mask = pair()
    other = torch.where(mask > 0, -image, image)
    with torch.no_grad():
        one, two = network(image, mask), network(other, mask)
    assert torch.equal(one.image, two.image)
    assert torch.equal(one.scale, two.scale)


def test_what_lies_far_away_does(network):
    image, mask = pair()
    other = image.clone()
    other[..., 56:, :8] *= -1
    with torch.no_grad():
        changed = network(image, mask).image - network(other, mask).image
    assert changed[..., 8:18, 12:22].abs().max() > 0


def test_untrained_it_is_the_smooth_guess():
    image, mask = pair()
    with torch.no_grad():
        said = StructureNetwork()(image, mask)
    guess = torch.nn.functional.avg_pool2d(smooth_guess(image, 1 - mask), 2)
    assert torch.allclose(said.image, guess, atol=1e-6)


@given(st.integers(0, 2**31), st.sampled_from([(4, 4), (8, 16), (32, 32), (12, 20)]))
@settings(max_examples=30, deadline=None)
def test_a_smooth_guess_lies_between_known_colours_and_keeps_them(seed, size):
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand(1, 3, *size, generator=generator)
    known = (torch.rand(1, 1, *size, generator=generator) < 0.3).float()
    known[..., 0, 0] = 1
    guess = smooth_guess(image, known)
    there = known.expand_as(image) > 0
    assert torch.equal(guess[there], image[there])
    low, high = (torch.where(there, image, far).flatten(2) for far in (torch.inf, -torch.inf))
    assert (guess.flatten(2) >= low.amin(2, keepdim=True) - 1e-5).all()
    assert (guess.flatten(2) <= high.amax(2, keepdim=True) + 1e-5).all()


def test_a_plain_picture_is_guessed_plain():
    image, mask = torch.full((1, 3, 32, 32), 0.3), torch.ones(1, 1, 32, 32)
    mask[..., :2, :] = 0
    hidden = torch.where(mask > 0, 9.0, image)
    assert torch.allclose(smooth_guess(hidden, 1 - mask), image, atol=1e-6)


def test_its_confidence_is_a_probability_of_the_stated_distribution(network):
    image, mask = pair()
    fill = StructureModel(network)((image + 1) / 2, mask)
    with torch.no_grad():
        scale = network(image, mask).scale[0, 0, 12, 15] / 2  # of colours in [0, 1]
    random = np.random.default_rng(0).laplace(0, float(scale), 200_000)
    inside = (np.abs(random) <= WITHIN).mean()
    assert fill.confidence[0, 0, 24:26, 30:32].mean() == pytest.approx(inside, abs=0.03)


@pytest.mark.parametrize("size", [(40, 70), (96, 64), (130, 31)])
def test_weights_of_a_file_fill_any_size(network, tmp_path, size):
    path = tmp_path / "mine.safetensors"
    about = {"config": {"recipe": {}, "data": {"size": 128}}, "steps": 0}
    write_weights(path, "structure", network.state_dict(), about)
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    hole = np.zeros(size, bool)
    hole[10:25, 5:25] = True
    result = retouch.fill(image, hole, model=path)
    assert np.array_equal(result.image[~hole], image[~hole])
    assert (result.image[hole] != image[hole]).any()
    assert size[0] > 128 or result.correspondence is None  # one that is filled small borrows its detail
    assert 0 <= result.confidence.min() <= result.confidence.max() <= 1


def test_the_shipped_weights_know_where_a_horizon_goes_on():
    image = np.zeros((128, 128, 3), np.uint8)
    image[:64], image[64:] = (150, 190, 230), (60, 110, 40)
    hole = np.zeros((128, 128), bool)
    hole[40:88, 40:88] = True
    truth, image[hole] = image.copy(), 255
    result = retouch.fill(image, hole, model="structure")
    error = np.abs(result.image[hole] - truth[hole].astype(float)).mean() / 255
    plain = np.abs(truth[hole] - truth[hole].mean(0)).mean() / 255
    assert error < 0.2 * plain
