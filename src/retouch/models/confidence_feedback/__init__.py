"""Iterative Confidence Feedback: Zeng et al., ECCV 2020 (arXiv 2005.11742)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retouch.models.cards import SMALL, ModelCard, Scores, Width

if TYPE_CHECKING:
    from retouch.contract import Model
    from retouch.weights import Weights


def _open(weights: Weights, device: str, options: Mapping[str, Any]) -> Model:
    from retouch.models.confidence_feedback.model import open_weights

    return open_weights(weights, device, options)


def _refine(model: Model, options: Mapping[str, Any]) -> Model:
    from retouch.confidence.around import open_with

    return open_with(model, options)


CARD = ModelCard(
    name="confidence-feedback",
    paper="Zeng et al., High-Resolution Image Inpainting with Iterative Confidence Feedback, ECCV 2020",
    good_at="says how sure it is: a small network, trained briefly; soft; on most photos exemplar wins",
    open=_open,
    refine=_refine,
    configurable=True,
    widths=(
        Width("lite", 1_099_483, "confidence-feedback-lite.safetensors", Scores(SMALL, 0.328, 0.416, 10.88)),
        Width("paper", 19_440_151),
    ),
)
