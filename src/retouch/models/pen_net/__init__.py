"""PEN-Net: Zeng et al., "Learning Pyramid-Context Encoder Network", CVPR 2019 (arXiv 1904.07475)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retouch.models.cards import SMALL, ModelCard, Scores, Width

if TYPE_CHECKING:
    from retouch.contract import Model
    from retouch.weights import Weights


def _open(weights: Weights, device: str, options: Mapping[str, Any]) -> Model:
    from retouch.models.pen_net.model import open_weights

    return open_weights(weights, device)


CARD = ModelCard(
    name="pen-net",
    paper="Zeng et al., Pyramid-Context Encoder Network for High-Quality Image Inpainting, CVPR 2019",
    good_at="a small network, trained briefly: soft, the right tone; on most photos exemplar is better",
    open=_open,
    widths=(
        Width("lite", 2_560_642, "pen-net-lite.safetensors", Scores(SMALL, 0.351, 0.414, 11.54)),
        Width("paper", 10_231_538),
    ),
)
