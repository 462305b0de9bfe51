"""The models there are, in one explicit list; CONTRIBUTING.md says how to add one.

Nothing registers itself: what is not in :data:`CARDS` does not exist. Each model's code is imported only when
the model is built, so listing them costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retouch.models.cards import WHOLE, ModelCard, Scores, Width
from retouch.models.confidence_feedback import CARD as CONFIDENCE_FEEDBACK
from retouch.models.context_encoder import CARD as CONTEXT_ENCODER
from retouch.models.contextual_attention import CARD as CONTEXTUAL_ATTENTION
from retouch.models.infer_match_translate import CARD as INFER_MATCH_TRANSLATE
from retouch.models.neural_patch import CARD as NEURAL_PATCH
from retouch.models.pen_net import CARD as PEN_NET
from retouch.models.structure import CARD as STRUCTURE

if TYPE_CHECKING:
    from retouch.contract import Model

__all__ = ["AUTO", "CARDS", "CONTENT", "GUIDED", "REFINER", "ModelCard", "Scores", "Width"]

AUTO = "exemplar"  # what the name "auto" means
REFINER = "neural-patch"  # what refines the fill of another model
GUIDED = ("exemplar", "infer-match-translate")  # begin anew after another model, guided by its fill
CONTENT = "contextual-attention"  # whose fill it refines if none is named


def _exemplar(device: str, options: Mapping[str, Any]) -> Model:
    from retouch.models.exemplar import ExemplarOptions, open_exemplar
    from retouch.options import make_options

    return open_exemplar(make_options(ExemplarOptions, options, "exemplar"), device)


def _guided(model: Model, options: Mapping[str, Any]) -> Model:
    from retouch.models.exemplar import ExemplarOptions, open_exemplar
    from retouch.models.guide import Guide
    from retouch.options import make_options

    device = str(model.device)
    return open_exemplar(make_options(ExemplarOptions, options, "exemplar"), device, Guide(model))


def _telea(device: str, options: Mapping[str, Any]) -> Model:
    from retouch.models.opencv import Telea

    return Telea()


def _navier_stokes(device: str, options: Mapping[str, Any]) -> Model:
    from retouch.models.opencv import NavierStokes

    return NavierStokes()


EXEMPLAR, TELEA, NAVIER_STOKES = (
    ModelCard(
        name="exemplar",
        paper="patch synthesis: Wexler, Shechtman and Irani, PAMI 2007; Barnes et al., SIGGRAPH 2009",
        good_at="texture, and removing objects: copies from the rest of the photo; no weights needed",
        build=_exemplar,
        refine=_guided,
        configurable=True,
        scores=Scores(WHOLE, 0.263, 0.349, 10.4),
    ),
    ModelCard(
        name="telea",
        paper="Telea, Journal of Graphics Tools 2004 (OpenCV)",
        good_at="scratches, dust and thin text; smears larger holes; very fast",
        build=_telea,
        gpu=False,
        scores=Scores(WHOLE, 0.489, 0.580, 11.05),
    ),
    ModelCard(
        name="navier-stokes",
        paper="Bertalmio, Bertozzi and Sapiro, CVPR 2001 (OpenCV)",
        good_at="scratches across edges, which it continues; smears larger holes; very fast",
        build=_navier_stokes,
        gpu=False,
        scores=Scores(WHOLE, 0.490, 0.582, 11.14),
    ),
)

CARDS: tuple[ModelCard, ...] = (
    EXEMPLAR,
    TELEA,
    NAVIER_STOKES,
    CONTEXTUAL_ATTENTION,
    PEN_NET,
    NEURAL_PATCH,
    CONTEXT_ENCODER,
    INFER_MATCH_TRANSLATE,
    CONFIDENCE_FEEDBACK,
    STRUCTURE,
)
