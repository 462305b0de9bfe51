"""Structure: a small network on pretrained features that knows the layout of a hole, not its texture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retouch.models.cards import SMALL, ModelCard, Scores, Width

if TYPE_CHECKING:
    from retouch.contract import Model
    from retouch.weights import Weights


def _open(weights: Weights, device: str, options: Mapping[str, Any]) -> Model:
    from retouch.models.structure.model import open_weights

    return open_weights(weights, device)


CARD = ModelCard(
    name="structure",
    paper="this project: EfficientNet-Lite0 features (Tan and Le, ICML 2019), global attention",
    good_at="the colours of a large hole, without its texture; guides others (structure+exemplar)",
    open=_open,
    widths=(Width("small", 3_509_876, "structure.safetensors", Scores(SMALL, 0.434, 0.44, 9.49)),),
)
