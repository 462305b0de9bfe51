"""Exemplar-based inpainting: the hole is put together from patches of the photo's own known area.

No network and no weights. From coarse to fine, patches that touch the hole look for sources that are similar
and coherent, the hole is painted with the sources found, and the search begins anew on the painting
(Wexler, Shechtman and Irani, "Space-time completion of video", PAMI 2007; Barnes et al., "PatchMatch",
SIGGRAPH 2009). Deviations:

* Sources are chosen for coherence as well as for similarity (:mod:`retouch.matching.coherence`).
* A painted pixel counts less than a known one when patches are compared.
* A smooth guess of the hole's colours and texture guides the search, so that a large hole keeps the tone
  around it, and grass does not fade into haze (after Newson et al., "Video inpainting of complex scenes",
  SIAM J. Imaging Sciences 2014, section 3.2, who paint texture like colour).
* What was painted is put together again from its sources' gradients, so that tones meet
  (:mod:`retouch.synthesis.assembly`).

It runs compiled (:mod:`retouch.native.painting`); on other devices, and where nothing was compiled, in torch
(:mod:`retouch.models.exemplar_torch`). The two draw other random numbers, so their fills differ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from retouch.contract import ArrayFill, LineModel, Model, OnProgress, Progress
from retouch.errors import RetouchError
from retouch.native import library
from retouch.native.painting import LARGEST_PATCH, MOST_ROUNDS, Render, paint
from retouch.synthesis.assembly import assemble
from retouch.synthesis.options import PaintOptions
from retouch.synthesis.rectified import certain_frame, fill_frame

Guess = Callable[[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_], int], NDArray[np.float32]]
"""Image, hole, what may be borrowed and seed, to ``h×w×4``: see :class:`retouch.models.guide.Guide`."""

_STEPS = 100  # of progress
_MANY = 1000  # rounds; it stands still long before
_ROUNDS = (2, 6, 8, 12, 16)


@dataclass(frozen=True)
class ExemplarOptions(PaintOptions):
    """How :class:`Exemplar` fills.

    Attributes:
        patch: odd side of the patches, in pixels; smaller ones serve where no such patch is known.
        rounds: number of searches and paintings, from the finest level to the coarsest. The last number
            stands for all coarser levels. None for the defaults: compiled 2, 6, 8, 12, 16, because two sweeps
            of the finest level do what four do; in torch 4, 6, 8, 12, 16.
        planes: compiled only: where a hole lies in a plane that is seen in perspective and repeats itself (a
            chequered floor, a row of windows), fill it in the plane's rectified frame.
    """

    patch: int = 5
    rounds: tuple[int, ...] | None = None
    planes: bool = False

    def __post_init__(self) -> None:
        if self.patch < 1 or self.patch % 2 == 0:
            raise RetouchError(f"The side of a patch must be odd, such as 5 or 7, not {self.patch}.")
        if self.rounds is not None and (not self.rounds or min(self.rounds) < 1):
            raise RetouchError(f"Each level needs at least one round, not {self.rounds}.")
        if self.rounds is not None and (len(self.rounds) > MOST_ROUNDS or max(self.rounds) > _MANY):
            raise RetouchError(f"There are rounds for at most {MOST_ROUNDS} levels, at most {_MANY} each.")
        super().__post_init__()


class Exemplar(LineModel):
    """Fills holes with patches of the known area; see the module's text. Compiled."""

    name = "exemplar"
    working_size = 2048  # beyond it, a fill made smaller and enlarged takes less memory and hardly differs
    context = 24
    fills_by = "copying"

    def __init__(
        self,
        options: ExemplarOptions | None = None,
        *,
        guide: Guess | None = None,
        threads: int | None = None,
        portable: bool = False,
    ) -> None:
        """Build it.

        Args:
            options: how it fills.
            guide: guesses what the hole holds, as :class:`retouch.models.guide.Guide` does; None for copying
                alone.
            threads: None for as many as there are processors. It changes no bit of the fill, nor does the
                next.
            portable: use no instructions that only newer processors of the kind have.

        Raises:
            RetouchError: the compiled part compares no patches of that size.
        """
        self.options = options or ExemplarOptions()
        self._guide, self._threads, self._portable = guide, threads, portable
        # OpenCV's networks are for one thread, and who names threads means all of them.
        self.concurrent = guide is None and threads is None
        if self.options.patch > LARGEST_PATCH:
            raise RetouchError(
                f"Compiled, patches are at most {LARGEST_PATCH} pixels wide, not {self.options.patch}."
            )

    def fill_array(
        self,
        image: NDArray[np.float32],
        hole: NDArray[np.bool_],
        allowed: NDArray[np.bool_],
        *,
        seed: int,
        on_progress: OnProgress,
        lines: NDArray[np.bool_] | None = None,
    ) -> ArrayFill:
        """See :meth:`retouch.contract.LineModel.fill_array`."""
        on_progress(Progress("fill", 0, _STEPS))

        def report(done: float, render: Render | None) -> None:
            on_progress(Progress("fill", int(_STEPS * done + 1e-9), _STEPS, picture=render))

        if self.options.planes:
            if lines is not None:
                raise RetouchError(
                    "Lines are not followed on planes; leave out the option planes, or the lines."
                )
            frame = certain_frame(image, hole, allowed & ~hole)
            if frame is not None:

                def advance(done: float, _: Render) -> None:  # a picture of the frame is none of the photo
                    report(done, None)

                return ArrayFill(
                    *fill_frame(frame, image, hole, allowed & ~hole, partial(self._fill, seed, advance))
                )
        guess = None if self._guide is None else self._guide(image, hole, allowed & ~hole, seed)
        return ArrayFill(*self._fill(seed, report, image, hole, allowed, lines, guess))

    def copied(
        self,
        seed: int,
        report: Callable[[float, Render], None],
        image: NDArray[np.float32],
        hole: NDArray[np.bool_],
        allowed: NDArray[np.bool_],
        lines: NDArray[np.bool_] | None = None,
        guess: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """The painted image, whose tones do not meet yet, and where each pixel of its hole was taken from.

        The arguments are those of :func:`retouch.native.painting.paint`.
        """
        given = self.options
        return paint(
            image,
            hole,
            allowed,
            patch=given.patch,
            rounds=given.rounds or _ROUNDS,
            coherence=given.coherence,
            guidance=given.guidance,
            trust=given.trust,
            fading=given.fading,
            seed=seed,
            lines=lines,
            guess=guess,
            report=report,
            threads=self._threads,
            portable=self._portable,
        )

    def _fill(
        self,
        seed: int,
        report: Callable[[float, Render], None],
        image: NDArray[np.float32],
        hole: NDArray[np.bool_],
        allowed: NDArray[np.bool_],
        lines: NDArray[np.bool_] | None = None,
        guess: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """The image with its hole filled, and where each pixel of it was taken from."""
        painted, sources = self.copied(seed, report, image, hole, allowed, lines, guess)
        return assemble(image, painted, hole, allowed, sources, threads=self._threads), sources


def open_exemplar(
    options: ExemplarOptions | None = None, device: str = "cpu", guide: Guess | None = None
) -> Model:
    """Build the compiled model, or the one in torch where that cannot serve.

    Args:
        options: how it fills.
        device: where.
        guide: see :class:`Exemplar`.

    Raises:
        RetouchError: planes were asked for, and the compiled model cannot serve.
    """
    options = options or ExemplarOptions()
    if device == "cpu" and library() is not None and options.patch <= LARGEST_PATCH:
        return Exemplar(options, guide=guide)
    if options.planes:
        raise RetouchError(
            "Planes are filled by the compiled exemplar only: on the CPU, "
            f"with patches of at most {LARGEST_PATCH} pixels; leave planes out."
        )
    from retouch.models.exemplar_torch import TorchExemplar

    return TorchExemplar(options, device, guide)
