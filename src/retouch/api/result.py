"""What ``retouch.fill`` returns."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from retouch.errors import RetouchError
from retouch.native import search_in_use

if TYPE_CHECKING:
    import numpy as np

    from retouch.engine.filled import PhotoFill, RegionFill

Given = TypeVar("Given")


@dataclass(frozen=True)
class Result(Generic[Given]):
    """A filled picture, and what it was filled from.

    Attributes:
        image: the filled picture, of the type that was handed over (for a path: the path written).
        changed: False if the mask was empty, so that the picture came back as it was.
        notes: what you should know, a sentence each: how the mask was read where that is not obvious, and
            what may be wrong with it, such as small gaps left between strokes; and what the file that was
            written does not hold of the one that was read.
        record: what docs/record.md describes, if ``record`` or ``sign`` was given; else None.
    """

    image: Given
    changed: bool
    _fill: PhotoFill = field(repr=False)
    notes: tuple[str, ...] = ()
    record: dict[str, Any] | None = field(default=None, repr=False)

    @property
    def timings(self) -> dict[str, float]:
        """Seconds spent on each stage of the work."""
        return self._fill.timings

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the picture."""
        height, width = self._fill.photo.pixels.shape[:2]
        return height, width

    @property
    def search(self) -> str:
        """Which patch search the CPU runs: "compiled, AVX2", "compiled" or "torch"."""
        return search_in_use()

    @property
    def filled_by(self) -> dict[str, int]:
        """How many pixels what filled: the name of the model, and perhaps "smooth".

        A model that copies patches leaves to a smooth continuation what it is not made for: scattered pixels,
        lines of two pixels, and holes in perfectly smooth surroundings deeper than 8 bits (docs/fill.md).
        """
        from retouch.engine.filled import filled_by

        return filled_by(self._fill)

    @property
    def regions(self) -> tuple[RegionFill, ...]:
        """How each group of holes was filled; what the maps of the whole picture are made from."""
        return self._fill.regions

    @cached_property
    def confidence(self) -> np.ndarray[Any, np.dtype[np.float32]] | None:
        """``H×W`` in [0, 1], 1 on known pixels; None if the model has none and none was asked for."""
        from retouch.engine.filled import confidence_map

        return confidence_map(self._fill)

    @cached_property
    def correspondence(self) -> np.ndarray[Any, np.dtype[np.int32]] | None:
        """``H×W×2``: the row and column each pixel was taken from, -1 where nothing was borrowed.

        None if the model borrows nothing, or if ``trace`` was False. A model that borrows at several levels
        gives its finest.
        """
        from retouch.engine.filled import source_map

        return source_map(self._fill)

    @cached_property
    def places(self) -> np.ndarray[Any, np.dtype[np.int32]] | None:
        """``H×W×3``: the reference's number from 1, and row and column in it; -1 elsewhere.

        None if nothing was filled from references, other photos of the same place.
        """
        from retouch.engine.filled import place_map

        return place_map(self._fill)

    @cached_property
    def levels(self) -> tuple[Result[Given], ...]:
        """This result once for each level of the model, with that level's correspondence, coarse to fine.

        The last one is this result itself; it is the only one if the model has no levels.
        """
        from retouch.engine.filled import split_levels

        *coarser, _ = split_levels(self._fill)
        return (*(replace(self, _fill=each) for each in coarser), self)

    def draw_references(self) -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
        """Draw each reference that the hole was filled from, with what was taken tinted, ``H×W×3`` each.

        A reference has the hues that :meth:`draw_sources` gives to what came from it.
        """
        from retouch.drawing.references import draw_references

        return draw_references(self._fill)

    def draw_sources(
        self, style: Literal["places", "wheel"] = "places"
    ) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Draw where each filled pixel came from, ``H×W×3``.

        Args:
            style: "places" colours a filled pixel by the place it came from, see
                :func:`retouch.drawing.sources.draw_sources`; "wheel" by the direction and the distance of
                its source, see :func:`retouch.drawing.colour_wheel.draw_wheel`.

        Raises:
            RetouchError: there is no such style.
        """
        from retouch.drawing.colour_wheel import draw_wheel
        from retouch.drawing.sources import draw_sources

        styles = {"places": draw_sources, "wheel": draw_wheel}
        if style not in styles:
            raise RetouchError(f"Sources are drawn in the style {' or '.join(styles)}, not {style!r}.")
        return styles[style](self._fill.photo, self._fill)
