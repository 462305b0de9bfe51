"""Iterative Confidence Feedback (Zeng et al., ECCV 2020): fill, keep what is trusted, fill the rest anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, get_args

import torch
from torch import Tensor

from retouch.confidence.around import PassesOptions
from retouch.confidence.passes import fill_in_passes
from retouch.contract import Fill, OnProgress, Progress, SizeRequirements
from retouch.matching.cells import PixelCorrespondence
from retouch.models.confidence_feedback.network import DEEPEST, SMALLEST, ConfidenceFeedbackNetwork, Gates
from retouch.networks.network_model import NetworkModel, restored
from retouch.options import make_options
from retouch.weights import Weights
from retouch.weights.setting import choice, setting


class ConfidenceFeedback(NetworkModel[ConfidenceFeedbackNetwork]):
    """The generator, in passes. Any size, several holes of any shape; there is a confidence.

    Its attention borrows cells of 8×8 pixels, and nothing where no 3×3 of them are known and allowed. Every
    pass borrows only from what was known at first.

    Attributes:
        options: number of passes and threshold.
    """

    name = "confidence-feedback"
    size = SizeRequirements(multiple_of=DEEPEST, minimum=SMALLEST)

    def __init__(
        self,
        network: ConfidenceFeedbackNetwork,
        options: PassesOptions | None = None,
        *,
        working_size: int = 512,
    ) -> None:
        super().__init__(network, working_size)
        self.options = options or PassesOptions()

    @torch.no_grad()
    def infer(
        self, image: Tensor, mask: Tensor, allowed: Tensor, *, seed: int, on_progress: OnProgress
    ) -> Fill:
        """See :meth:`retouch.contract.Model.infer`; nothing here is random."""

        def fill_once(given: Tensor, left: Tensor, number: int) -> Fill:
            stages = self.network(given * 2 - 1, left, allowed)
            on_progress(Progress("fill", number + 1, self.options.passes))
            found = PixelCorrespondence(stages.correspondence, left)
            return Fill((stages.fine + 1) / 2, stages.confidence, found)

        return fill_in_passes(
            fill_once, image, mask, passes=self.options.passes, threshold=self.options.threshold
        )


def open_weights(weights: Weights, device: str, given: Mapping[str, Any]) -> ConfidenceFeedback:
    """Make the model from weights that were read.

    Args:
        weights: their settings state the network's width and gates, and the size of the crops.
        device: where the model runs.
        given: options, by name.

    Raises:
        RetouchError: a setting is missing, or the weights do not fit the network; or an option is wrong.
    """
    options = make_options(PassesOptions, given, ConfidenceFeedback.name)
    gates = cast(Gates, choice(weights, "recipe.gates", get_args(Gates)))
    network = ConfidenceFeedbackNetwork(setting(weights, "recipe.width", 0.01, 4), gates)
    network, crop = restored(network, weights, device, ConfidenceFeedback.size.minimum)
    return ConfidenceFeedback(network, options, working_size=crop)
