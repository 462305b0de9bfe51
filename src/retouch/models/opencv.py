"""Telea and Navier-Stokes inpainting from OpenCV: the baselines everybody knows.

Both continue the colours at the hole's border into it. They are quick and good for scratches and specks. A
larger hole becomes a smear, because they have no notion of texture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.contract import ArrayFill, ArrayModel, OnProgress, Progress


@dataclass(frozen=True)
class ClassicalOptions:
    """Options of the OpenCV models.

    Attributes:
        radius: how far around each hole pixel known colours count, in pixels.
    """

    radius: float = 3.0


_EDGE = 2
"""``cv2.inpaint`` mixes the values it finds in a hole into the fill where the hole comes so near to the edge.

So a picture whose hole does is continued by as many unknown pixels; see
findings/opencv-inpaint-reads-the-hole.sh.
"""
_HIDDEN = 128
"""Stands in the hole. Nothing of it may come through."""


class _OpenCVModel(ArrayModel):
    method: ClassVar[int]

    def __init__(self, options: ClassicalOptions | None = None) -> None:
        self.options = options or ClassicalOptions()

    def fill_array(
        self,
        image: NDArray[np.float32],
        hole: NDArray[np.bool_],
        allowed: NDArray[np.bool_],
        *,
        seed: int,
        on_progress: OnProgress,
    ) -> ArrayFill:
        """See :meth:`retouch.contract.ArrayModel.fill_array`."""
        on_progress(Progress("fill", 0, 1))
        # To a diffusion, a known pixel that must not be borrowed from is no better than a hole. The caller
        # puts its own value back afterwards.
        unknown = ~allowed
        pixels = np.ascontiguousarray(np.rint(image * np.float32(255)), dtype=np.uint8)
        margin = _EDGE if _near_edge(unknown) else 0
        if margin:
            pixels = np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
            unknown = np.pad(unknown, margin, constant_values=True)
        pixels[unknown] = _HIDDEN
        filled = cv2.inpaint(pixels, unknown.astype(np.uint8), self.options.radius, self.method)
        height, width = image.shape[:2]
        inside = filled[margin : margin + height, margin : margin + width]
        return ArrayFill(inside.astype(np.float32) / np.float32(255))


def _near_edge(unknown: NDArray[np.bool_]) -> bool:
    """Whether anything unknown lies so near to the picture's edge that OpenCV would read it."""
    edges = (unknown[:_EDGE], unknown[-_EDGE:], unknown[:, :_EDGE], unknown[:, -_EDGE:])
    return any(bool(each.any()) for each in edges)


class Telea(_OpenCVModel):
    """Fast marching from the border inwards, by ``cv2.inpaint``.

    Telea, "An Image Inpainting Technique Based on the Fast Marching Method", 2004.

    It works in 8 bit, so that is its precision inside the hole. It copies nothing, so it has neither
    confidence nor correspondence. Pixels that are not ``allowed`` count as unknown: the fill depends on the
    allowed pixels alone, and does not meet its surroundings where those are not allowed.
    """

    name = "telea"
    method = cv2.INPAINT_TELEA


class NavierStokes(_OpenCVModel):
    """Isophotes continued by fluid dynamics, by ``cv2.inpaint``.

    Bertalmio, Bertozzi and Sapiro, "Navier-Stokes, Fluid Dynamics, and Image and Video Inpainting", 2001.

    The notes on precision and ``allowed`` in :class:`Telea` apply here too.
    """

    name = "navier-stokes"
    method = cv2.INPAINT_NS
