"""Telea and Navier-Stokes inpainting from OpenCV: the baselines everybody knows.

Both continue the colours at the hole's border into it. They are quick and good for scratches and specks; a
larger hole becomes a smear, because they have no notion of texture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
import torch
from torch import Tensor

from retouch.contract import Fill, Model, OnProgress, Progress


@dataclass(frozen=True)
class ClassicalOptions:
    """Options of the OpenCV models.

    Attributes:
        radius: how far around each hole pixel the known colours count, in pixels.
    """

    radius: float = 3.0


class _OpenCVModel(Model):
    method: ClassVar[int]

    def __init__(self, options: ClassicalOptions | None = None) -> None:
        self.options = options or ClassicalOptions()

    def infer(
        self, image: Tensor, mask: Tensor, allowed: Tensor, *, seed: int, on_progress: OnProgress
    ) -> Fill:
        filled = torch.empty_like(image)
        for item in range(len(image)):
            # A known pixel that must not be borrowed from is as good as a hole to a diffusion; the
            # contract puts its own value back afterwards.
            unknown = (allowed[item, 0] == 0).cpu().numpy().astype(np.uint8)
            pixels = image[item].permute(1, 2, 0).mul(255).round().to(torch.uint8).cpu().numpy()
            # OpenCV's fluid dynamics now and then look at pixels that are still unknown.
            pixels = np.where(unknown[..., None] > 0, np.uint8(128), pixels)
            done = cv2.inpaint(np.ascontiguousarray(pixels), unknown, self.options.radius, self.method)
            filled[item] = torch.from_numpy(done).permute(2, 0, 1).to(image) / 255
            on_progress(Progress("fill", item + 1, len(image)))
        return Fill(filled)


class Telea(_OpenCVModel):
    """Fast marching from the border inwards (Telea, "An Image Inpainting Technique Based on the Fast
    Marching Method", 2004), by ``cv2.inpaint``.

    It works in 8 bit, which is its precision inside the hole. It copies nothing, so there is no confidence
    and no correspondence. With ``allowed`` it treats every other pixel as unknown: the fill then depends
    on the allowed pixels alone, and does not meet its surroundings where those are not allowed.
    """  # noqa: D205

    name = "telea"
    method = cv2.INPAINT_TELEA


class NavierStokes(_OpenCVModel):
    """Isophotes continued by fluid dynamics (Bertalmio, Bertozzi & Sapiro, "Navier-Stokes, Fluid Dynamics,
    and Image and Video Inpainting", 2001), by ``cv2.inpaint``.

    What :class:`Telea` says of precision and ``allowed`` holds here too.
    """  # noqa: D205

    name = "navier-stokes"
    method = cv2.INPAINT_NS
