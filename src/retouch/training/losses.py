"""Losses, each a small function that returns a scalar.

Scores are what a critic says of a batch, in any shape; every loss takes their mean. Values and areas are
averaged over each item first and then over the batch, so that the loss of a batch is the mean of the losses
of its parts: accumulation and several devices change nothing. Weights are the business of the caller.
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
        mask: ``B×1×H×W``, 1 = hole, with a known pixel in each item. It is read on the CPU: hand over a CPU
            mask to spare a wait for the device.
        gamma: in (0, 1].

    Returns:
        ``B×1×H×W`` float32 on the mask's device: γ^distance in the hole, at most γ; 0 on known pixels. Not
        normalised: :func:`masked_l1` divides by the hole's area, not by the sum of the weights, so that a
        hole counts less the deeper it is.
    """
    holes = mask[:, 0].detach().cpu().numpy() > 0.5
    distances = torch.stack([torch.from_numpy(depth(hole)) for hole in holes]).unsqueeze(1)
    return torch.where(distances > 0, gamma**distances, 0.0).to(mask.device)


def masked_l1(output: Tensor, target: Tensor, area: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean absolute difference over an area: over the hole with ``mask``, over the known with ``1 - mask``.

    Sources: Contextual Attention, section 3.2 (with :func:`discount_weights`); PEN-Net (arXiv 1904.07475),
    section 3.3. PEN-Net's code divides by the area of the whole batch; here each item by its own.

    Args:
        output: ``B×C×H×W``.
        target: ``B×C×H×W``.
        area: ``B×1×H×W``, 1 where the difference counts; an item without any adds 0.
        weights: ``B×1×H×W``, multiplied with the difference; they do not change what it is divided by.
    """
    return masked_mean((output - target).abs(), area, weights)


def masked_mean(values: Tensor, area: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean of ``B×C×H×W`` values over an area, of each item first; arguments as for :func:`masked_l1`."""
    counted = area if weights is None else area * weights
    sums = (values.mean(1, keepdim=True) * counted).flatten(1).sum(1)
    return (sums / area.flatten(1).sum(1).clamp(min=1)).mean()


def relative_square(output: Tensor, target: Tensor) -> Tensor:
    """Squared difference relative to the square of the target, ``B×C×H×W``: 1 if the output is 0."""
    squares = (output - target).square().flatten(1).mean(1)
    return (squares / target.square().flatten(1).mean(1).clamp_min(1e-8)).mean()


def total_variation(image: Tensor) -> Tensor:
    """Mean absolute difference of neighbours, across plus down; ``B×C×H×W``, H and W at least 2."""
    across = (image[..., 1:] - image[..., :-1]).abs().mean()
    down = (image[..., 1:, :] - image[..., :-1, :]).abs().mean()
    return across + down


def wgan_critic(real: Tensor, fake: Tensor) -> Tensor:
    """Wasserstein loss of the critic (arXiv 1701.07875): the score of fakes over that of real images."""
    return fake.mean() - real.mean()


def wgan_generator(fake: Tensor) -> Tensor:
    """Wasserstein loss of the generator."""
    return -fake.mean()


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, mask: Tensor, mix: Tensor
) -> Tensor:
    """Squared distance from 1 of the norm of the critic's gradient inside the hole.

    Sources: WGAN-GP (arXiv 1704.00028), section 4; masked as in Contextual Attention, section 3.2. A mask of
    ones gives the penalty of WGAN-GP.

    Args:
        critic: from ``B×C×H×W`` to scores, one or several for each item; items must not influence each other.
        real: ``B×C×H×W``.
        fake: ``B×C×H×W``; no gradient flows to it.
        mask: ``B×1×H×W``, 1 = hole.
        mix: ``B`` in [0, 1], drawn uniformly by the caller: 0 is the real image, 1 the fake one.

    Returns:
        A scalar of which the gradient with respect to the critic's parameters can be taken.
    """
    between = torch.lerp(real.detach(), fake.detach(), mix.to(real).view(-1, 1, 1, 1)).requires_grad_()
    with torch.enable_grad():
        scores = critic(between)
        (gradient,) = torch.autograd.grad(scores.sum(), between, create_graph=True)
    # In float32 even when the critic runs in less: squares of small gradients vanish there.
    norms = torch.linalg.vector_norm((gradient * mask).flatten(1).float(), dim=1)
    penalty: Tensor = (norms - 1).square().mean()
    return penalty


def hinge_critic(real: Tensor, fake: Tensor) -> Tensor:
    """Hinge loss of the critic (arXiv 1705.02894): 0 once real scores are above 1 and fake ones below -1.

    The sum of both halves; PEN-Net's code takes their mean.
    """
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def hinge_generator(fake: Tensor) -> Tensor:
    """Hinge loss of the generator; it is not clipped, and so the same as :func:`wgan_generator`."""
    return -fake.mean()


def non_saturating_critic(real: Tensor, fake: Tensor) -> Tensor:
    """Cross-entropy of the critic (arXiv 1406.2661, section 3); scores are logits of "real"."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def non_saturating_generator(fake: Tensor) -> Tensor:
    """Non-saturating loss of the generator: -log of the probability that its image is real."""
    return F.softplus(-fake).mean()
