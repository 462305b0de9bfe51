"""What the name of a model says: "exemplar+neural-patch" is exemplar, and neural-patch around it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from retouch import models
from retouch.errors import RetouchError
from retouch.models import AUTO, CONTENT, GUIDED, REFINER

JOIN = "+"
"""Stands between the name of a model and the name of one that works on its fill."""
WEIGHTS_ENDING = ".safetensors"


@dataclass(frozen=True)
class Specification:
    """A model's name, taken apart.

    Attributes:
        base: the name of the model that fills first, or a weights file; never "auto".
        around: the names of the models that work on its fill, in their order.
    """

    base: str | Path
    around: tuple[str, ...] = ()

    @classmethod
    def parse(cls, name: str | Path) -> Specification:
        """Take a name apart, such as "auto", "exemplar+neural-patch" or "mine.safetensors+neural-patch".

        Whether there is such a model, or such a file, is not checked here. The name of a model that can only
        work on another's fill, "neural-patch" alone, works on contextual-attention's.

        Raises:
            RetouchError: the name has one model around another twice.
        """
        around: list[str] = []
        rest: str | Path = name
        cards = [card for card in models.CARDS if card.refine is not None]
        while isinstance(rest, str):
            text = rest
            card = next((each for each in cards if text.endswith(JOIN + each.name)), None)
            if card is not None:
                rest = text.removesuffix(JOIN + card.name)
                around.append(card.name)
            elif any(text == each.name and not each.alone for each in cards):
                rest = CONTENT
                around.append(text)
            else:
                break
        around.reverse()
        refined: set[str] = set()
        for each in around:
            if each in refined:
                raise RetouchError(f"{name} would refine what is refined already; name {each} once.")
            # What begins anew may be refined anew.
            refined = {*refined & set(GUIDED), each} if each in GUIDED else {*refined, each}
        if is_weights_file(rest):
            rest = Path(rest)
        return cls(AUTO if rest == "auto" else rest, tuple(around))

    def __str__(self) -> str:
        return JOIN.join((str(self.base), *self.around))

    @property
    def file(self) -> Path | None:
        """The weights file, if the base is one."""
        return self.base if isinstance(self.base, Path) else None

    @property
    def improves(self) -> bool:
        """Whether it improves its fill step by step, so that it can be stopped with what there is."""
        anew = [place for place, each in enumerate(self.around, 1) if each in GUIDED]
        return REFINER in self.around[max(anew, default=0) :]

    @property
    def cards(self) -> tuple[models.ModelCard, ...]:
        """The cards of all models that it names."""
        return tuple(card for card in models.CARDS if card.name in (self.base, *self.around))

    @property
    def trained(self) -> bool:
        """Whether a trained network takes part in the fill, if only to say what it shall look like."""
        return self.file is not None or any(card.trained for card in self.cards)

    def refined(self) -> Specification:
        """The same with neural-patch around it, if it has none yet."""
        return self if self.improves else replace(self, around=(*self.around, REFINER))


def is_weights_file(name: str | Path) -> bool:
    """Whether this means a weights file, not the name of a model."""
    return isinstance(name, Path) or Path(name).suffix.lower() == WEIGHTS_ENDING
