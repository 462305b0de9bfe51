"""The models there are, in one explicit list; CONTRIBUTING.md says how to add one.

Nothing registers itself: what is not written in :data:`CARDS` does not exist. Each model's own module is
imported only when it is built, so that listing them costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retouch.errors import RetouchError

if TYPE_CHECKING:
    from retouch.contract import Model
    from retouch.weights import Weights

AUTO = "exemplar"  # what the name "auto" means
REFINER = "neural-patch"  # what refines the fill of another model
CONTENT = "contextual-attention"  # whose fill it refines if none is named


@dataclass(frozen=True)
class Scores:
    """Means over all measured holes; less is better.

    Attributes:
        on: what was measured, in few words.
        st_lpips: perceptual distance in the hole.
        lpips: another.
        l1: mean absolute difference in the hole, in % of the range.
    """

    on: str
    st_lpips: float
    lpips: float
    l1: float


@dataclass(frozen=True)
class Width:
    """One trained size of a model's network.

    Attributes:
        name: "paper" or "lite".
        parameters: how many numbers were trained.
        weights: the file name of the weights.
        scores: measured results, which the file's metadata has in full; None if nobody measured.
    """

    name: str
    parameters: int
    weights: str
    scores: Scores | None = None


@dataclass(frozen=True)
class ModelCard:
    """What a person wants to know of a model before choosing it, and how it is made.

    A method without a network has ``build``, one with a network has ``open``, one that works on the fill of
    another has ``refine``. Of both of the latter, a name that stands alone means ``open``.

    Attributes:
        name: the name that ``retouch.load`` and ``--model`` take.
        paper: where the method was published.
        good_at: one short sentence on what to use it for.
        build: makes the model on the given device ("cpu", "cuda", "cuda:1" …) with the given options.
        open: makes the model of weights that were read, on a device, with the given options.
        refine: makes the model around another one, with the given options.
        configurable: whether there are options.
        gpu: whether it can use one.
        widths: the trained sizes that are part of this package, the one that the name stands for first; empty
            for a method without a network, and for a network that only files of the user's can bring.
        scores: measured results of a method without a network, as those of a :class:`Width`.
    """

    name: str
    paper: str
    good_at: str
    build: Callable[[str, Mapping[str, Any]], Model] | None = None
    open: Callable[[Weights, str, Mapping[str, Any]], Model] | None = None
    refine: Callable[[Model, Mapping[str, Any]], Model] | None = None
    configurable: bool = False
    gpu: bool = True
    widths: tuple[Width, ...] = ()
    scores: Scores | None = None

    @property
    def ready(self) -> bool:
        """Whether the name alone will do: it needs no weights, or some are part of this package."""
        return self.build is not None or (self.refine is not None and self.open is None) or bool(self.widths)

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Raise :class:`RetouchError` if there are options, and the model has none."""
        if options and not self.configurable:
            raise RetouchError(f"{self.name} has no options; leave out {', '.join(options)}.")

    def make(self, device: str, options: Mapping[str, Any]) -> Model:
        """Make the model that the name stands for; one that refines is made around another by its ``refine``.

        Raises:
            RetouchError: it needs weights, and none are part of this package; or an option cannot be.
        """
        self.check_options(options)
        if self.build is not None:
            return self.build(device, options)
        if self.open is None or not self.widths:
            raise RetouchError(
                f"No weights for {self.name} are part of this installation; train them (retouch train) and "
                "give the exported file as the model."
            )
        from retouch.weights import read_weights, shipped

        return self.open(read_weights(shipped(self.widths[0].weights)), device, options)


def _exemplar(device: str, options: Mapping[str, Any]) -> Model:
    import torch

    from retouch.models.exemplar import Exemplar, ExemplarOptions
    from retouch.models.options import make_options

    model = Exemplar(make_options(ExemplarOptions, options, "exemplar"))
    model.device = torch.device(device)
    return model


def _telea(device: str, options: Mapping[str, Any]) -> Model:
    from retouch.models.classical import Telea

    return Telea()


def _navier_stokes(device: str, options: Mapping[str, Any]) -> Model:
    from retouch.models.classical import NavierStokes

    return NavierStokes()


def _contextual_attention(weights: Weights, device: str, options: Mapping[str, Any]) -> Model:
    from retouch.models.contextual_attention import open_weights

    return open_weights(weights, device)


def _pen_net(weights: Weights, device: str, options: Mapping[str, Any]) -> Model:
    from retouch.models.pen_net import open_weights

    return open_weights(weights, device)


def _context_encoder(weights: Weights, device: str, options: Mapping[str, Any]) -> Model:
    from retouch.models.context_encoder import open_weights

    return open_weights(weights, device)


def _infer_match_translate(weights: Weights, device: str, options: Mapping[str, Any]) -> Model:
    from retouch.models.infer_match_translate import open_weights

    return open_weights(weights, device, options)


def _confidence_feedback(weights: Weights, device: str, options: Mapping[str, Any]) -> Model:
    from retouch.models.confidence_feedback import open_weights

    return open_weights(weights, device, options)


def _confidence_around(model: Model, options: Mapping[str, Any]) -> Model:
    from retouch.models.confidence_around import open_with

    return open_with(model, options)


def _neural_patch(content: Model, options: Mapping[str, Any]) -> Model:
    from retouch.models.neural_patch import open_with

    return open_with(content, options)


# Of our evaluation pack, see docs/results.md.
_WHOLE, _SMALL = "512², four kinds of holes", "256², four kinds of holes"

CARDS: tuple[ModelCard, ...] = (
    ModelCard(
        name="exemplar",
        paper="patch synthesis: Wexler, Shechtman and Irani, PAMI 2007; Barnes et al., SIGGRAPH 2009",
        good_at="texture, and removing objects: copies from the rest of the photo; no weights needed",
        build=_exemplar,
        configurable=True,
        scores=Scores(_WHOLE, 0.274, 0.363, 10.55),
    ),
    ModelCard(
        name="telea",
        paper="Telea, Journal of Graphics Tools 2004 (OpenCV)",
        good_at="scratches, dust and thin text; smears larger holes; very fast",
        build=_telea,
        gpu=False,
        scores=Scores(_WHOLE, 0.502, 0.583, 11.13),
    ),
    ModelCard(
        name="navier-stokes",
        paper="Bertalmio, Bertozzi and Sapiro, CVPR 2001 (OpenCV)",
        good_at="scratches across edges, which it continues; smears larger holes; very fast",
        build=_navier_stokes,
        gpu=False,
        scores=Scores(_WHOLE, 0.486, 0.579, 11.1),
    ),
    ModelCard(
        name="contextual-attention",
        paper="Yu et al., Generative Image Inpainting with Contextual Attention, CVPR 2018",
        good_at="a small network, trained briefly: for researchers; on most photos exemplar is better",
        open=_contextual_attention,
        widths=(
            Width(
                "lite", 510_342, "contextual-attention-lite.safetensors", Scores(_SMALL, 0.326, 0.422, 12.05)
            ),
        ),
    ),
    ModelCard(
        name="pen-net",
        paper="Zeng et al., Pyramid-Context Encoder Network for High-Quality Image Inpainting, CVPR 2019",
        good_at="a small network, trained briefly: soft, the right tone; on most photos exemplar is better",
        open=_pen_net,
        widths=(Width("lite", 2_560_642, "pen-net-lite.safetensors", Scores(_SMALL, 0.341, 0.431, 13.02)),),
    ),
    ModelCard(
        name="neural-patch",
        paper="Yang et al., High-Resolution Image Inpainting using Neural Patch Synthesis, CVPR 2017",
        good_at="refining what another model filled: exemplar+neural-patch; alone, contextual-attention",
        refine=_neural_patch,
        configurable=True,
    ),
    ModelCard(
        name="context-encoder",
        paper="Yang et al., Multi-Scale Neural Patch Synthesis, CVPR 2017: its content network",
        good_at="a first, soft guess at what was in a hole, in a small part of a second",
        open=_context_encoder,
        widths=(
            Width("lite", 1_736_659, "context-encoder-lite.safetensors", Scores(_SMALL, 0.353, 0.438, 11.27)),
        ),
    ),
    ModelCard(
        name="infer-match-translate",
        paper="Song et al., Contextual-based Image Inpainting: Infer, Match, and Translate, ECCV 2018",
        good_at="the best of our networks, trained briefly: for researchers, and stylize; exemplar is better",
        open=_infer_match_translate,
        configurable=True,
        widths=(
            Width(
                "lite",
                4_301_995,
                "infer-match-translate-lite.safetensors",
                Scores(_SMALL, 0.277, 0.367, 11.57),
            ),
        ),
    ),
    ModelCard(
        name="confidence-feedback",
        paper="Zeng et al., High-Resolution Image Inpainting with Iterative Confidence Feedback, ECCV 2020",
        good_at="says how sure it is: a small network, trained briefly; soft; on most photos exemplar wins",
        open=_confidence_feedback,
        refine=_confidence_around,
        configurable=True,
        widths=(
            Width(
                "lite", 1_099_483, "confidence-feedback-lite.safetensors", Scores(_SMALL, 0.328, 0.416, 10.88)
            ),
        ),
    ),
)
