import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from retouch.training import losses

torch.set_num_threads(1)


def hole(height=7, width=9, rows=slice(2, 5), columns=slice(3, 6)):
    mask = torch.zeros(1, 1, height, width)
    mask[..., rows, columns] = 1
    return mask


def test_discount_is_gamma_to_the_distance():
    weights = losses.discount_weights(hole(), 0.5)
    expected = torch.full((3, 3), 0.5)  # a block of 3×3: its border is 1 from the known, its centre 2
    expected[1, 1] = 0.25
    assert torch.allclose(weights[0, 0, 2:5, 3:6], expected)
    assert weights.sum() == expected.sum()
    assert weights.dtype == torch.float32


@settings(deadline=None)
@given(st.integers(0, 2**16), st.floats(0.3, 1))
def test_discount_equals_a_naive_one(seed, gamma):
    random = torch.Generator().manual_seed(seed)
    masks = (torch.rand(2, 1, 5, 6, generator=random) < 0.7).float()
    masks[..., 0, 0] = 0
    weights = losses.discount_weights(masks, gamma)
    for item in range(2):
        known = np.argwhere(masks[item, 0].numpy() == 0)
        for row in range(5):
            for column in range(6):
                distance = np.sqrt(((known - (row, column)) ** 2).sum(1)).min()
                expected = gamma**distance if masks[item, 0, row, column] else 0.0
                assert float(weights[item, 0, row, column]) == pytest.approx(expected, abs=1e-4)


def test_l1_is_the_mean_over_the_area():
    mask = hole()
    target = torch.zeros(1, 3, 7, 9)
    output = torch.where(mask > 0, 0.3, -0.2).expand_as(target)
    assert float(losses.masked_l1(output, target, mask)) == pytest.approx(0.3)
    assert float(losses.masked_l1(output, target, 1 - mask)) == pytest.approx(0.2)


def test_l1_with_a_discount_is_divided_by_the_area_of_the_hole():
    mask = hole()
    target = torch.zeros(1, 3, 7, 9)
    loss = losses.masked_l1(target + 0.3, target, mask, losses.discount_weights(mask, 0.5))
    assert float(loss) == pytest.approx(0.3 * (8 * 0.5 + 0.25) / 9)


def test_l1_of_a_batch_is_the_mean_of_its_items():
    random = torch.Generator().manual_seed(0)
    output, target = torch.rand(2, 4, 3, 7, 9, generator=random)
    areas = torch.cat([hole(), hole(rows=slice(0, 1)), torch.ones(1, 1, 7, 9), torch.zeros(1, 1, 7, 9)])
    parts = [
        losses.masked_l1(output[k : k + 1], target[k : k + 1], areas[k : k + 1]) for k in range(len(areas))
    ]
    assert torch.allclose(losses.masked_l1(output, target, areas), torch.stack(parts).mean())
    assert parts[-1] == 0


def test_total_variation_of_a_checkerboard_and_a_slope():
    row, column = torch.meshgrid(torch.arange(6), torch.arange(8), indexing="ij")
    board = ((row + column) % 2).float().expand(2, 3, 6, 8)
    assert float(losses.total_variation(board)) == pytest.approx(2)  # each pair of neighbours differs by 1
    slope = (0.1 * row + 0.02 * column).expand(1, 1, 6, 8)
    assert float(losses.total_variation(slope)) == pytest.approx(0.12)


def test_wasserstein_losses():
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([-1.0, 2.0])
    assert float(losses.wgan_critic(real, fake)) == pytest.approx(0.5 - 2)
    assert float(losses.wgan_generator(fake)) == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("real", "fake", "critic"),
    [(1, -1, 0), (2, -3, 0), (0, 0, 2), (-1, 1, 4), (0.5, -1, 0.5), (1, -0.25, 0.75)],
)
def test_hinge_losses(real, fake, critic):
    fakes = torch.tensor([float(fake)])
    assert float(losses.hinge_critic(torch.tensor([float(real)]), fakes)) == critic
    assert float(losses.hinge_generator(fakes)) == -fake


@pytest.mark.parametrize("score", [-80.0, -1.5, 0.0, 2.0, 80.0])
def test_non_saturating_losses_are_logarithms_of_probabilities(score):
    fake = torch.tensor([score], dtype=torch.float64, requires_grad=True)
    generator = losses.non_saturating_generator(fake)
    assert float(generator.detach()) == pytest.approx(math.log1p(math.exp(-score)))
    # The gradient is that of -log σ: it stays when the critic is sure that the image is fake.
    (slope,) = torch.autograd.grad(generator, fake)
    assert float(slope) == pytest.approx(-1 / (1 + math.exp(score)))
    critic = losses.non_saturating_critic(-fake, fake)
    assert float(critic.detach()) == pytest.approx(2 * math.log1p(math.exp(score)))


def linear_critic(weight):
    return lambda image: (image * weight).flatten(1).sum(1)


@settings(deadline=None)
@given(st.floats(0, 4), st.floats(0, 1))
def test_penalty_of_a_linear_critic(norm, mix):
    """Its gradient is its weight everywhere, so that only the norm of the weight in the hole counts."""
    mask = hole()
    weight = torch.full((1, 3, 7, 9), norm / math.sqrt(3 * 9))
    weight = torch.where(mask > 0, weight, 17.0)
    real, fake = torch.rand(2, 2, 3, 7, 9, generator=torch.Generator().manual_seed(0))
    masks = mask.expand(2, 1, 7, 9)
    penalty = losses.gradient_penalty(linear_critic(weight), real, fake, masks, torch.full((2,), mix))
    assert float(penalty) == pytest.approx((norm - 1) ** 2, abs=1e-4)


def test_penalty_looks_between_real_and_fake():
    seen = []

    def critic(image):
        seen.append(image.detach())
        return image.flatten(1).sum(1)

    real, fake = torch.zeros(3, 1, 2, 2), torch.ones(3, 1, 2, 2)
    losses.gradient_penalty(critic, real, fake, torch.ones(3, 1, 2, 2), torch.tensor([0, 0.25, 1]))
    assert torch.equal(seen[0][:, 0, 0, 0], torch.tensor([0, 0.25, 1]))


def test_penalty_of_a_quadratic_critic_reaches_its_parameters():
    """D(x) = a·|x|²/2 has the gradient a·x, so the penalty is (a·|x| - 1)² and its slope is known."""
    scale = torch.tensor(0.7, requires_grad=True)
    real = torch.full((1, 1, 2, 2), 2.0)  # |x| = 4
    fake = real.clone().requires_grad_()
    with torch.no_grad():  # a penalty can be had where gradients are off otherwise
        penalty = losses.gradient_penalty(
            lambda x: scale * (x**2).flatten(1).sum(1) / 2, real, fake, torch.ones_like(real), torch.ones(1)
        )
    penalty_with_gradient = losses.gradient_penalty(
        lambda x: scale * (x**2).flatten(1).sum(1) / 2, real, fake, torch.ones_like(real), torch.ones(1)
    )
    assert float(penalty) == pytest.approx((0.7 * 4 - 1) ** 2)
    penalty_with_gradient.backward()
    assert float(scale.grad) == pytest.approx(2 * (0.7 * 4 - 1) * 4)
    assert fake.grad is None


def test_penalty_of_a_flat_critic_has_a_finite_gradient():
    weight = torch.zeros(1, 1, 2, 2, requires_grad=True)
    images = torch.rand(1, 1, 2, 2)
    penalty = losses.gradient_penalty(
        linear_critic(weight), images, images, torch.ones_like(images), torch.zeros(1)
    )
    assert float(penalty.detach()) == 1
    penalty.backward()
    assert torch.isfinite(weight.grad).all()
