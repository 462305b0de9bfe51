"""Infer, Match, Translate (Song et al., ECCV 2018): features guessed, swapped for known ones, translated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.contract import Fill, OnProgress, Progress, SizeRequirements, crop_correspondence
from retouch.errors import RetouchError
from retouch.matching.cells import PixelCorrespondence
from retouch.models.exemplar import Guess
from retouch.models.infer_match_translate.network import DEEPEST, InferMatchTranslateNetwork
from retouch.models.infer_match_translate.options import InferMatchTranslateOptions
from retouch.models.infer_match_translate.scales import complete
from retouch.models.infer_match_translate.swap import PATCH
from retouch.networks.network_model import NetworkModel, restored
from retouch.networks.vgg import shift_tolerant_vgg_on
from retouch.ops.masks import depth
from retouch.options import make_options
from retouch.weights import Weights
from retouch.weights.setting import setting


class InferMatchTranslate(NetworkModel[InferMatchTranslateNetwork]):
    """Fills holes of any shape, in images of any size. It has no confidence.

    Attributes:
        vgg: computes the features.
        trained: the long side, in pixels, at which features are inferred.
        options: scales, swaps and patches.
        guide: guesses the hole's colours, as :class:`retouch.models.guide.Guide` does; None for a smooth
            guess.

    Raises:
        RetouchError: the options leave nothing to guide.
    """

    name = "infer-match-translate"
    size = SizeRequirements(multiple_of=DEEPEST, minimum=4 * DEEPEST)

    def __init__(
        self,
        network: InferMatchTranslateNetwork,
        trained: int = 256,
        options: InferMatchTranslateOptions | None = None,
        guide: Guess | None = None,
    ) -> None:
        super().__init__(network)
        self.vgg = shift_tolerant_vgg_on(self.device)
        self.trained = trained
        self.options = options or InferMatchTranslateOptions()
        if guide is not None and (self.options.matching == "nearest" or not self.options.colours):
            raise RetouchError(
                "Only coherent matching with colours asks what another model's fill looks like; leave out "
                f"these options, or the model before {self.name}."
            )
        self.guide = guide

    @torch.no_grad()
    def infer(
        self, image: Tensor, mask: Tensor, allowed: Tensor, *, seed: int, on_progress: OnProgress
    ) -> Fill:
        """See :meth:`retouch.contract.Model.infer`."""
        height, width = image.shape[2:]
        holes = [each > 0 for each in mask[:, 0].cpu().numpy() if each.any()]
        deep = max(float(depth(each)[each].mean()) for each in holes)
        scales = self.options.count(height, width, self.trained, deep)
        step = DEEPEST * 2 ** (scales - 1)
        below, right = -height % step, -width % step
        margins = (0, right, 0, below)
        # Next to a hole the padding is hole too. Nothing is borrowed from it.
        photo, hole = (F.pad(each, margins, mode="replicate") for each in (image, mask))
        usable = F.pad(allowed, margins)

        def report(done: int) -> None:
            on_progress(Progress("fill", done, scales * self.options.swaps))

        guess = None
        if self.guide is not None:
            report(0)  # who asked can stop here
            guess = F.pad(self._guess(self.guide, image, mask, allowed, seed), margins, mode="replicate")
        filled, found = complete(
            self.network,
            self.vgg,
            photo,
            hole,
            usable,
            self.options,
            guess=guess,
            scales=scales,
            seed=seed,
            report=report,
        )
        filled = filled[..., :height, :width]
        pixels = PixelCorrespondence(found, hole, patch=PATCH)
        return Fill(filled, None, crop_correspondence(pixels, below, right))

    def _guess(self, guide: Guess, image: Tensor, mask: Tensor, allowed: Tensor, seed: int) -> Tensor:
        """What the guide says, ``B×3×H×W``; only its hole matters."""
        said = []
        for picture, hole, usable in zip(image, mask[:, 0], allowed[:, 0], strict=True):
            pixels = np.ascontiguousarray(picture.permute(1, 2, 0).cpu().numpy())
            inside = hole.cpu().numpy() > 0
            guess = guide(pixels, inside, (usable.cpu().numpy() > 0) & ~inside, seed)[..., :3]
            small = torch.from_numpy(np.ascontiguousarray(guess)).permute(2, 0, 1)[None]
            said.append(F.interpolate(small, inside.shape, mode="bilinear").to(image.device))
        return torch.cat(said)


def open_weights(
    weights: Weights, device: str, given: Mapping[str, Any], guide: Guess | None = None
) -> InferMatchTranslate:
    """Make the model from weights that were read.

    Args:
        weights: their settings state the networks' width and the size of the crops.
        device: where the model runs.
        given: options, by name.
        guide: see :class:`InferMatchTranslate`.

    Raises:
        RetouchError: a setting is missing, or the weights do not fit the network; or an option is wrong.
    """
    options = make_options(InferMatchTranslateOptions, given, InferMatchTranslate.name)
    network = InferMatchTranslateNetwork(setting(weights, "recipe.width", 0.01, 4))
    # Features are inferred at the size of the crops; patch-swap brings them to 512.
    network, trained = restored(network, weights, device, InferMatchTranslate.size.minimum)
    return InferMatchTranslate(network, trained, options, guide)
