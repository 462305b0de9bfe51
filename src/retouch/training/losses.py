"""Losses: small functions that return a scalar.

Scores are a critic's output for a batch, in any shape; every loss takes their mean. Values and areas are
averaged over each item first, and then over the batch. So the loss of a batch is the mean of the losses of
its parts, and accumulation or several devices do not change it. The caller applies the weights.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.ops.masks import depth


def discount_weights(mask: Tensor, gamma: float) -> Tensor:
    """Spatial discount: γ to the power of the distance to the nearest known pixel.

    Source: Contextual Attention (arXiv 1801.07892), section 3.2. γ is 0.99 in the paper and 0.9 in its code.

    Args:
        mask: ``B×1×H×W``, 1 = hole, with a known pixel in each item. It is read on the CPU; a mask that is
            there already saves a wait for the device.
        gamma: in (0, 1].

    Returns:
        ``B×1×H×W`` float32 on the mask's device: γ^distance in the hole, at most γ; 0 on known pixels. They
        are not normalised: :func:`masked_l1` divides by the hole's area, not by the sum of the weights, so
        deep holes count less.
    """
    holes = mask[:, 0].detach().cpu().numpy() > 0.5
    distances = torch.stack([torch.from_numpy(depth(hole)) for hole in holes]).unsqueeze(1)
    return torch.where(distances > 0, gamma**distances, 0.0).to(mask.device)


def masked_l1(output: Tensor, target: Tensor, area: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean absolute difference over an area: ``mask`` for the hole, ``1 - mask`` for the known pixels.

    Sources: Contextual Attention, section 3.2 (with :func:`discount_weights`); PEN-Net (arXiv 1904.07475),
    section 3.3. PEN-Net's code divides by the area of the whole batch; here each item is divided by its own.

    Args:
        output: ``B×C×H×W``.
        target: ``B×C×H×W``.
        area: ``B×1×H×W``, 1 where the difference counts. An item without such pixels adds 0.
        weights: ``B×1×H×W``, multiplied with the difference. The divisor stays the area.
    """
    return masked_mean((output - target).abs(), area, weights)


def masked_mean(values: Tensor, area: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean of ``B×C×H×W`` values over an area; averaging and arguments as in :func:`masked_l1`."""
    counted = area if weights is None else area * weights
    sums = (values.mean(1, keepdim=True) * counted).flatten(1).sum(1)
    return (sums / area.flatten(1).sum(1).clamp(min=1)).mean()


def relative_square(output: Tensor, target: Tensor) -> Tensor:
    """Squared difference divided by the square of the target, both ``B×C×H×W``; 1 for an output of 0."""
    squares = (output - target).square().flatten(1).mean(1)
    return (squares / target.square().flatten(1).mean(1).clamp_min(1e-8)).mean()


def total_variation(image: Tensor) -> Tensor:
    """Mean absolute difference of horizontal plus vertical neighbours; ``B×C×H×W``, H and W at least 2."""
    across = (image[..., 1:] - image[..., :-1]).abs().mean()
    down = (image[..., 1:, :] - image[..., :-1, :]).abs().mean()
    return across + down


def wgan_critic(real: Tensor, fake: Tensor) -> Tensor:
    """Wasserstein loss of the critic (arXiv 1701.07875): mean score of fakes minus that of real images."""
    return fake.mean() - real.mean()


def wgan_generator(fake: Tensor) -> Tensor:
    """Wasserstein loss of the generator."""
    return -fake.mean()


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, mask: Tensor, mix: Tensor
) -> Tensor:
    """Squared difference between 1 and the norm of the critic's gradient inside the hole.

    Sources: WGAN-GP (arXiv 1704.00028), section 4; masked as in Contextual Attention, section 3.2. A mask of
    ones gives the penalty of WGAN-GP.

    Args:
        critic: Maps ``B×C×H×W`` to one or more scores per item. Items must not influence each other.
        real: ``B×C×H×W``.
        fake: ``B×C×H×W``. No gradient flows to it.
        mask: ``B×1×H×W``, 1 = hole.
        mix: ``B`` in [0, 1], drawn uniformly by the caller. 0 is the real image, 1 the fake one.

    Returns:
        A scalar, differentiable with respect to the critic's parameters.
    """
    between = torch.lerp(real.detach(), fake.detach(), mix.to(real).view(-1, 1, 1, 1)).requires_grad_()
    with torch.enable_grad():
        scores = critic(between)
        (gradient,) = torch.autograd.grad(scores.sum(), between, create_graph=True)
    # In float32 always: in half precision the squares of small gradients vanish.
    norms = torch.linalg.vector_norm((gradient * mask).flatten(1).float(), dim=1)
    penalty: Tensor = (norms - 1).square().mean()
    return penalty


def hinge_critic(real: Tensor, fake: Tensor) -> Tensor:
    """Hinge loss of the critic (arXiv 1705.02894): 0 if real scores exceed 1 and fake ones are below -1.

    It is the sum of both halves; PEN-Net's code takes their mean.
    """
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def hinge_generator(fake: Tensor) -> Tensor:
    """Hinge loss of the generator. It is not clipped, so it equals :func:`wgan_generator`."""
    return -fake.mean()


def non_saturating_critic(real: Tensor, fake: Tensor) -> Tensor:
    """Cross-entropy of the critic (arXiv 1406.2661, section 3); scores are logits of "real"."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def non_saturating_generator(fake: Tensor) -> Tensor:
    """Non-saturating loss of the generator: -log of the probability that its image is real."""
    return F.softplus(-fake).mean()
