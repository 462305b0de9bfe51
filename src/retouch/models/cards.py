"""Model cards: what helps a person choose a model, and how the model is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retouch.errors import RetouchError

if TYPE_CHECKING:
    from retouch.contract import Model
    from retouch.weights import Weights

WHOLE, SMALL = "512², four kinds of holes", "256², four kinds of holes"
"""What scores were measured on: our evaluation pack at two sizes; see docs/results.md."""


@dataclass(frozen=True)
class Scores:
    """Means over all measured holes; lower is better.

    Attributes:
        on: what was measured, in a few words.
        st_lpips: ST-LPIPS in the hole, a perceptual distance.
        lpips: LPIPS in the hole, another perceptual distance.
        l1: mean absolute difference in the hole, in % of the range.
    """

    on: str
    st_lpips: float
    lpips: float
    l1: float


@dataclass(frozen=True)
class Width:
    """One size of a model's network.

    Attributes:
        name: "paper", "lite", or "small" for a network of our own that has one size.
        parameters: number of trained parameters.
        weights: the file name of the weights; None if none ship with this package.
        scores: measured results; None if nobody measured. The file's metadata has them in full.
    """

    name: str
    parameters: int
    weights: str | None = None
    scores: Scores | None = None


@dataclass(frozen=True)
class ModelCard:
    """What helps a person choose a model, and how the model is built.

    A method without a network has ``build``. A network has ``open``. A model that works on another model's
    fill has ``refine``. If a card has another one beside ``refine``, the name alone means the other.

    Attributes:
        name: the name that ``retouch.load`` and ``--model`` accept.
        paper: where the method was published.
        good_at: one short sentence on what to use it for.
        build: builds the model on a device ("cpu", "cuda", "cuda:1" …), with options.
        open: builds the model from weights that were read, on a device, with options.
        refine: builds the model around another one, with options.
        configurable: whether it has options.
        gpu: whether it can use a GPU.
        widths: the sizes of the network; the name alone means the first whose weights ship with this
            package. Empty for a method without a network, and for a network that has one size and no weights.
        scores: measured results of a method without a network.
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
        """Whether the name alone is enough: the model needs no weights, or weights ship with this package."""
        return self.build is not None or not self.alone or self.shipped is not None

    @property
    def alone(self) -> bool:
        """Whether the model can fill by itself; one that only refines needs another's fill."""
        return self.build is not None or self.open is not None

    @property
    def trained(self) -> bool:
        """Whether it is a trained network, or works through one."""
        return self.build is None

    @property
    def shipped(self) -> str | None:
        """The file name of the weights that the name alone means."""
        return next((width.weights for width in self.widths if width.weights is not None), None)

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Raise :class:`RetouchError` if options are given to a model that has none."""
        if options and not self.configurable:
            raise RetouchError(f"{self.name} has no options; leave out {', '.join(options)}.")

    def make(self, device: str, options: Mapping[str, Any]) -> Model:
        """Build the model that the name alone means; ``refine`` builds one around another model.

        Raises:
            RetouchError: it needs weights and none ship with this package, or an option is wrong.
        """
        self.check_options(options)
        if self.build is not None:
            return self.build(device, options)
        if self.open is None or self.shipped is None:
            raise RetouchError(
                f"No weights for {self.name} ship with this installation; train them (retouch train) and "
                "give the exported file as the model."
            )
        from retouch.weights import read_weights, shipped

        return self.open(read_weights(shipped(self.shipped)), device, options)
