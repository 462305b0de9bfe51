"""The models there are, in one explicit list; CONTRIBUTING.md says how to add one.

Nothing registers itself: what is not written in :data:`CARDS` does not exist. Each model's own module is
imported only when it is built, so that listing them costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retouch.contract import Model

AUTO = "exemplar"  # what the name "auto" means


@dataclass(frozen=True)
class Width:
    """One trained size of a model's network.

    Attributes:
        name: "paper" or "lite".
        parameters: how many numbers were trained.
        weights: the file name of the weights.
        scores: measured results by metric, for instance ``{"ST-LPIPS": 0.21}``.
    """

    name: str
    parameters: int
    weights: str
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelCard:
    """What a person wants to know of a model before choosing it.

    Attributes:
        name: the name that ``retouch.load`` and ``--model`` take.
        paper: where the method was published.
        good_at: one short sentence on what to use it for.
        build: makes the model on the given device ("cpu", "cuda", "cuda:1" …).
        gpu: whether it can use one.
        widths: the trained sizes; empty for a method without a network.
    """

    name: str
    paper: str
    good_at: str
    build: Callable[[str], Model]
    gpu: bool = True
    widths: tuple[Width, ...] = ()


def _exemplar(device: str) -> Model:
    import torch

    from retouch.models.exemplar import Exemplar

    model = Exemplar()
    model.device = torch.device(device)
    return model


def _telea(device: str) -> Model:
    from retouch.models.classical import Telea

    return Telea()


def _navier_stokes(device: str) -> Model:
    from retouch.models.classical import NavierStokes

    return NavierStokes()


CARDS: tuple[ModelCard, ...] = (
    ModelCard(
        name="exemplar",
        paper="patch synthesis: Wexler, Shechtman and Irani, PAMI 2007; Barnes et al., SIGGRAPH 2009",
        good_at="texture, and removing objects: copies from the rest of the photo; no weights needed",
        build=_exemplar,
    ),
    ModelCard(
        name="telea",
        paper="Telea, Journal of Graphics Tools 2004 (OpenCV)",
        good_at="scratches, dust and thin text; smears larger holes; very fast",
        build=_telea,
        gpu=False,
    ),
    ModelCard(
        name="navier-stokes",
        paper="Bertalmio, Bertozzi and Sapiro, CVPR 2001 (OpenCV)",
        good_at="scratches across edges, which it continues; smears larger holes; very fast",
        build=_navier_stokes,
        gpu=False,
    ),
)
