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
_HIDDEN = 0.5
"""Stands in the hole. Nothing of it may come through."""
_SCALE = 1e6
"""What ``cv2.inpaint`` sees for a value of 1.

Telea's method there adds a direction of length 1 to each value, whatever the values' range: lost among a
million, but all of the fill for values in [0, 1]; see findings/opencv-telea-adds-one.sh.
"""


class _OpenCVModel(ArrayModel):
    fills_by = "continuing"
    concurrent = True
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
        values = np.where(unknown[..., None], np.float32(_HIDDEN), image)
        margin = _EDGE if _near_edge(unknown) else 0
        if margin:
            values = np.pad(values, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
            unknown = np.pad(unknown, margin, constant_values=True)
            values[unknown] = _HIDDEN
        height, width = image.shape[:2]
        inside = slice(margin, margin + height), slice(margin, margin + width)
        return ArrayFill(self._inpaint(values, unknown)[inside])

    def _inpaint(self, values: NDArray[np.float32], unknown: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Fill channel by channel, as OpenCV does with anything deeper than 8 bits; a grey photo once."""
        grey = bool((values == values[..., :1]).all())
        channels = [
            cv2.inpaint(
                np.ascontiguousarray(values[..., each]) * np.float32(_SCALE),
                unknown.astype(np.uint8),
                self.options.radius,
                self.method,
            )
            for each in range(1 if grey else 3)
        ]
        filled = np.dstack(channels * 3 if grey else channels) / np.float32(_SCALE)
        return np.asarray(filled.clip(0, 1), np.float32)


def _near_edge(unknown: NDArray[np.bool_]) -> bool:
    """Whether anything unknown lies so near to the picture's edge that OpenCV would read it."""
    edges = (unknown[:_EDGE], unknown[-_EDGE:], unknown[:, :_EDGE], unknown[:, -_EDGE:])
    return any(bool(each.any()) for each in edges)


class Telea(_OpenCVModel):
    """Fast marching from the border inwards, by ``cv2.inpaint``.

    Telea, "An Image Inpainting Technique Based on the Fast Marching Method", 2004.

    It works in float32. It copies nothing, so it has neither confidence nor correspondence. Pixels that are
    not ``allowed`` count as unknown: the fill depends on the allowed pixels alone, and does not meet its
    surroundings where those are not allowed.
    """

    name = "telea"
    method = cv2.INPAINT_TELEA


class NavierStokes(_OpenCVModel):
    """Isophotes continued by fluid dynamics, by ``cv2.inpaint``.

    Bertalmio, Bertozzi and Sapiro, "Navier-Stokes, Fluid Dynamics, and Image and Video Inpainting", 2001.

    The notes on ``allowed`` in :class:`Telea` apply here too.
    """

    name = "navier-stokes"
    method = cv2.INPAINT_NS
