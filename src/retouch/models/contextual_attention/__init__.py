"""Contextual Attention: Yu et al., "Generative Image Inpainting with Contextual Attention", CVPR 2018."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retouch.models.cards import SMALL, ModelCard, Scores, Width

if TYPE_CHECKING:
    from retouch.contract import Model
    from retouch.weights import Weights


def _open(weights: Weights, device: str, options: Mapping[str, Any]) -> Model:
    from retouch.models.contextual_attention.model import open_weights

    return open_weights(weights, device)


CARD = ModelCard(
    name="contextual-attention",
    paper="Yu et al., Generative Image Inpainting with Contextual Attention, CVPR 2018",
    good_at="a small network, trained briefly: for researchers; on most photos exemplar is better",
    open=_open,
    widths=(
        Width("lite", 510_342, "contextual-attention-lite.safetensors", Scores(SMALL, 0.325, 0.394, 10.81)),
        Width("paper", 3_601_542),
    ),
)
