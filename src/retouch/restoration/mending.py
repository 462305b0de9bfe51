"""How damage is filled. What fills which damage is decided here alone.

A scratch is narrow, and so is nearly everything that dust leaves. A smooth continuation knows the tones of
so narrow a hole better than patches do, but it leaves a trace: it has none of the film's grain. Patches have
grain, but their mean, which hides seams, has less than the photo around (about 0.8 of it). So tones and grain
come from two places:

* The tones of what is narrow come from Navier-Stokes; those of everything wider from exemplar, which is
  assembled only where anything is large: up to 24 pixels that changes neither error nor seam.
* What is finer than tones is that of single pixels, copied from where exemplar took them, not averaged.

Measured on scratches of 2 to 8 pixels (docs/restore.md): the finest detail is then 0.9 to 1.0 of that
around, and the error within half a decibel of exemplar's. Navier-Stokes is here 0.1 to 0.4 dB behind the
thin plate, which takes seventy times as long.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.contract import ArrayFill, ArrayModel, Model, OnProgress, Progress
from retouch.models.exemplar import Exemplar
from retouch.models.loading import load
from retouch.models.opencv import ClassicalOptions, NavierStokes
from retouch.native import library
from retouch.native.painting import Render
from retouch.ops.masks import Mask
from retouch.synthesis.assembly import assemble

NARROW = 6
"""A hole is narrow where no disc wider than this fits into it, in pixels."""
LARGE = 24
"""A hole is large where a square wider than this fits into it, in pixels."""
DETAIL = 2.0
"""What a Gaussian of this deviation removes is detail, in pixels; the rest is tone."""
_STEPS = 100

Image = NDArray[np.float32]


class Mend(ArrayModel):
    """Fills damage, and keeps the grain of what is around; see the module's text. Compiled."""

    name = "mend"
    working_size = Exemplar.working_size
    context = Exemplar.context
    fills_by = "continuing"
    concurrent = True

    def __init__(self) -> None:
        self._patches = Exemplar()
        self._smooth = NavierStokes(ClassicalOptions(radius=DETAIL))

    def fill_array(
        self,
        image: Image,
        hole: Mask,
        allowed: Mask,
        *,
        seed: int,
        on_progress: OnProgress,
    ) -> ArrayFill:
        """See :meth:`retouch.contract.ArrayModel.fill_array`."""
        on_progress(Progress("fill", 0, _STEPS))

        def report(done: float, render: Render) -> None:
            on_progress(Progress("fill", int(_STEPS * done + 1e-9), _STEPS, picture=render))

        painted, sources = self._patches.copied(seed, report, image, hole, allowed)
        tones = painted
        wide = wider_parts(hole, NARROW)
        if cv2.erode(wide.view(np.uint8), np.ones((LARGE + 1, LARGE + 1), np.uint8)).any():
            tones = assemble(image, painted, hole, allowed, sources)
        narrow = hole & ~wide
        if narrow.any():
            known = (allowed & ~hole) | wide
            smooth = self._smooth.fill_array(tones, narrow, known, seed=seed, on_progress=lambda _: None)
            np.copyto(tones, smooth.image, where=narrow[..., None])
        return ArrayFill(with_detail(image, tones, hole, sources), sources)


def wider_parts(hole: Mask, width: int) -> Mask:
    """The parts of a hole, ``H×W``, into which a disc wider than ``width`` pixels fits."""
    if not hole.any():
        return hole
    side = width + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    # The picture's edge makes nothing narrower.
    grown = cv2.copyMakeBorder(hole.view(np.uint8), side, side, side, side, cv2.BORDER_REPLICATE)
    inner = cv2.morphologyEx(grown, cv2.MORPH_OPEN, disc)
    return np.ascontiguousarray(inner[side:-side, side:-side]).view(np.bool_)


def with_detail(image: Image, tones: Image, hole: Mask, sources: NDArray[np.int32]) -> Image:
    """Give a fill the detail of single pixels.

    Args:
        image: ``H×W×3``; its hole is not looked at.
        tones: ``H×W×3``, the fill.
        hole: ``H×W``.
        sources: ``H×W×2``, row and column of the pixel whose detail each pixel of the hole gets.

    Returns:
        ``H×W×3``; outside the hole it is the image.
    """
    at = np.flatnonzero(hole)
    rows, columns = sources.reshape(-1, 2)[at].T
    copies = image[rows, columns]
    # Zero outside the hole, where no tone is wrong.
    wrong = np.zeros_like(image)
    wrong.reshape(-1, 3)[at] = tones.reshape(-1, 3)[at] - copies
    counted = cv2.GaussianBlur(hole.astype(np.float32), (0, 0), DETAIL)
    blurred = cv2.GaussianBlur(wrong, (0, 0), DETAIL)
    made = np.array(image)
    made.reshape(-1, 3)[at] = copies + blurred.reshape(-1, 3)[at] / counted.reshape(-1, 1)[at]
    return made


def mending() -> Model:
    """What fills damage: :class:`Mend`; exemplar in torch where nothing was compiled."""
    return load("exemplar") if library() is None else Mend()
