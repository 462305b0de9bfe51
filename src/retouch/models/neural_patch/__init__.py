"""Multi-Scale Neural Patch Synthesis: Yang et al., CVPR 2017 (arXiv 1611.09969)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retouch.models.cards import ModelCard

if TYPE_CHECKING:
    from retouch.contract import Model


def _refine(content: Model, options: Mapping[str, Any]) -> Model:
    from retouch.models.neural_patch.model import open_with

    return open_with(content, options)


CARD = ModelCard(
    name="neural-patch",
    paper="Yang et al., High-Resolution Image Inpainting Using Multi-Scale Neural Patch Synthesis, CVPR 2017",
    good_at="refining what another model filled: exemplar+neural-patch; alone, contextual-attention",
    refine=_refine,
    configurable=True,
)
