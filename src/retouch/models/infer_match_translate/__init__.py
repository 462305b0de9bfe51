"""Infer, Match, Translate: Song et al., ECCV 2018 (arXiv 1711.08590)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retouch.models.cards import SMALL, ModelCard, Scores, Width

if TYPE_CHECKING:
    from retouch.contract import Model
    from retouch.weights import Weights


def _open(weights: Weights, device: str, options: Mapping[str, Any]) -> Model:
    from retouch.models.infer_match_translate.model import open_weights

    return open_weights(weights, device, options)


def _guided(model: Model, options: Mapping[str, Any]) -> Model:
    from retouch.models.guide import Guide
    from retouch.models.infer_match_translate.model import open_weights
    from retouch.weights import read_weights, shipped

    assert CARD.shipped is not None
    return open_weights(read_weights(shipped(CARD.shipped)), str(model.device), options, Guide(model))


CARD = ModelCard(
    name="infer-match-translate",
    paper="Song et al., Contextual-based Image Inpainting: Infer, Match, and Translate, ECCV 2018",
    good_at="the best of our networks, trained briefly: for researchers, and stylize; exemplar is better",
    open=_open,
    refine=_guided,
    configurable=True,
    widths=(
        Width(
            "lite",
            4_301_995,
            "infer-match-translate-lite.safetensors",
            Scores(SMALL, 0.275, 0.355, 11.57),
        ),
        Width("paper", 28_498_115),
    ),
)
