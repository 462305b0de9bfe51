"""The content network of Multi-Scale Neural Patch Synthesis: Yang et al., CVPR 2017."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retouch.models.cards import SMALL, ModelCard, Scores, Width

if TYPE_CHECKING:
    from retouch.contract import Model
    from retouch.weights import Weights


def _open(weights: Weights, device: str, options: Mapping[str, Any]) -> Model:
    from retouch.models.context_encoder.model import open_weights

    return open_weights(weights, device)


CARD = ModelCard(
    name="context-encoder",
    paper="Yang et al., Multi-Scale Neural Patch Synthesis, CVPR 2017: its content network",
    good_at="a first, soft guess at what was in a hole, in a small part of a second",
    open=_open,
    widths=(
        Width("lite", 1_736_659, "context-encoder-lite.safetensors", Scores(SMALL, 0.353, 0.438, 11.27)),
        Width("paper", 71_124_611),
    ),
)
