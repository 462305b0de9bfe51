"""What a model tells while it works, and how a listener stops it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from retouch.errors import RetouchError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True)
class Progress:
    """How far the work has come: ``done`` of ``total`` steps of a stage.

    Pictures are computed only when they are asked for. Ask inside the callback: a picture requested later
    may show a later state.

    Attributes:
        stage: what is being done: "fill", "upsample" or "blend" while a photo is filled.
        done: steps that are done.
        total: steps of the whole stage.
        detail: a few words on the present step; may be empty.
        image: set by a model that improves its fill step by step. Renders the present state as
            ``1×3×h×w`` (or ``B×3×h×w``) in [0, 1]. ``h×w`` may be a coarser resolution of the model's input.
            Only its hole counts.
        picture: the same from a model that works on arrays, ``h×w×3`` float32 in [0, 1].
        preview: set while a photo is filled. Renders a window of the photo as it looks now, ``h×w×3`` float32
            sRGB in [0, 1].
        place: the rows and columns of the photo that ``preview`` shows.
    """

    stage: str
    done: int
    total: int
    detail: str = ""
    image: Callable[[], Tensor] | None = field(default=None, repr=False, compare=False)
    picture: Callable[[], NDArray[np.float32]] | None = field(default=None, repr=False, compare=False)
    preview: Callable[[], NDArray[np.float32]] | None = field(default=None, repr=False, compare=False)
    place: tuple[slice, slice] | None = field(default=None, repr=False, compare=False)


OnProgress = Callable[[Progress], None]


class Stop(RetouchError):
    """A progress callback raises this to end the work early.

    A model that improves step by step catches it and returns the best fill so far. Every other model lets it
    pass: there is no fill to return, and the caller gets this exception, which is a
    :class:`~retouch.errors.RetouchError` like any other. Nothing is written then.
    """

    def __init__(self, message: str = "The work was stopped before it was done; start it again.") -> None:
        super().__init__(message)
