"""The optimiser of Neural Patch Synthesis at one scale (Yang et al., CVPR 2017, section 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from retouch.contract import Stop
from retouch.models.neural_patch.texture import Texture
from retouch.networks.vgg import Vgg

_CORRECTIONS = 25  # of L-BFGS, as in the public code


@dataclass(frozen=True)
class Objective:
    """The weight of each part.

    Attributes:
        content: weight of the mean squared difference to the content.
        texture: weight of the layers' differences to known features, each relative to their energy.
        smoothness: weight of the mean squared difference of neighbours.
    """

    content: float
    texture: float
    smoothness: float


def fit(
    picture: Tensor,
    hole: Tensor,
    vgg: Vgg,
    layers: Mapping[str, Texture],
    objective: Objective,
    rounds: Sequence[int],
    report: Callable[[Tensor], bool],
) -> Tensor:
    """Optimise the pixels of the hole.

    Args:
        picture: ``1×3×h×w`` in [0, 1], the window around the hole; its hole holds the content.
        hole: ``1×1×h×w`` bool.
        vgg: the network that sees features.
        layers: the parts of the objective that compare textures; each round first finds their targets anew.
        objective: the weights.
        rounds: how often the objective may be computed in each round; the line search may add one or two.
        report: called after each computation with the picture it was for, ``1×3×h×w``. Its hole may slightly
            leave [0, 1]. Returns True to stop.

    Returns:
        The picture with its hole optimised, in [0, 1].
    """
    inside = hole.expand_as(picture)
    content = picture[inside].detach().clone()
    pixels = content.clone().requires_grad_()
    best = _Best(content)
    area = hole.float()

    def image() -> Tensor:
        return picture.masked_scatter(inside, pixels)

    def computed() -> Tensor:
        shown = image()
        features = vgg(shown, list(layers))
        texture = sum((each.loss(seen) for each, seen in zip(layers.values(), features, strict=True)), 0.0)
        loss = (
            objective.content * (pixels - content).square().mean()
            + objective.texture * texture
            + objective.smoothness * _roughness(shown, area)
        )
        (pixels.grad,) = torch.autograd.grad(loss, pixels)
        best.see(float(loss.detach()), pixels)
        if report(shown.detach()):
            raise Stop
        return loss.detach()

    try:
        for turns in rounds:
            with torch.no_grad():
                for texture, features in zip(layers.values(), vgg(image(), list(layers)), strict=True):
                    texture.aim(features)
            best.forget()
            optimiser = torch.optim.LBFGS(
                [pixels],
                max_iter=turns,
                max_eval=turns,
                history_size=_CORRECTIONS,
                tolerance_grad=0,
                tolerance_change=0,
                line_search_fn="strong_wolfe",
            )
            with torch.enable_grad():
                optimiser.step(computed)  # type: ignore[no-untyped-call]
            pixels.data.copy_(best.pixels)
    except Stop:
        pass  # the best pixels so far are the result
    with torch.no_grad():
        return picture.masked_scatter(inside, best.pixels.clamp(0, 1))


class _Best:
    """Remembers the pixels of the least objective since the objective last changed."""

    def __init__(self, pixels: Tensor) -> None:
        self.pixels = pixels
        self._loss = torch.inf

    def see(self, loss: float, pixels: Tensor) -> None:
        if loss < self._loss:
            self._loss, self.pixels = loss, pixels.detach().clone()

    def forget(self) -> None:
        self._loss = torch.inf


def _roughness(image: Tensor, area: Tensor) -> Tensor:
    """Mean squared difference of neighbours, at least one of them hole, per pixel of the hole and colour."""
    across = (image[..., 1:] - image[..., :-1]).square() * torch.maximum(area[..., 1:], area[..., :-1])
    down = (image[..., 1:, :] - image[..., :-1, :]).square() * torch.maximum(
        area[..., 1:, :], area[..., :-1, :]
    )
    return (across.sum() + down.sum()) / (3 * area.sum())
