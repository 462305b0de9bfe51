"""What a person wants to know of a model before choosing it, and how the model is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retouch.errors import RetouchError

if TYPE_CHECKING:
    from retouch.contract import Model
    from retouch.weights import Weights

WHOLE, SMALL = "512², four kinds of holes", "256², four kinds of holes"
"""What scores were measured on: our evaluation pack at two sizes, see docs/results.md."""


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
