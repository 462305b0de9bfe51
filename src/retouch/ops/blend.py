"""Join a fill to the photo where the fill also covers the known pixels around the hole."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from retouch.ops.masks import Mask, bounding_box, depth, dilate


def blend(image: Tensor, fill: Tensor, mask: Tensor, feather: int) -> Tensor:
    """Put the hole of ``fill`` into ``image``, corrected near the border so that tones meet.

    Where the fill also covers the known pixels beside the hole, its error there is known. That error,
    smoothed along the border so that grain is not smeared, is carried into the hole. It fades to nothing over
    ``feather`` pixels: the membrane of Poisson image editing (Perez et al. 2003) with a short reach. A fill
    that agrees with the known pixels is not changed at all.

    Args:
        image: ``B×3×H×W`` in [0, 1]; its hole is not looked at.
        fill: ``B×3×H×W`` in [0, 1].
        mask: ``B×1×H×W``, 1 = hole.
        feather: how far the correction reaches into the hole, in pixels; 0 corrects nothing.

    Returns:
        ``B×3×H×W`` in [0, 1], on the device of ``image``; known pixels are those of ``image``, bit for bit.
        The work is done on the CPU.
    """
    blended = torch.where(mask > 0, fill, image)
    if feather > 0:
        for item, (known, filled, hole) in enumerate(zip(image, fill, mask, strict=True)):
            _correct(blended[item], known, filled, hole[0].cpu().numpy() > 0, feather)
    return blended


def _correct(blended: Tensor, image: Tensor, fill: Tensor, hole: Mask, feather: int) -> None:
    """Correct one item ``3×H×W`` of :func:`blend` in place."""
    box = bounding_box(hole)
    differs = (image != fill).any(dim=0).cpu().numpy()
    if box is None or not (differs & ~hole).any():
        return
    # One pixel around the hole is all that is needed of the known area.
    rows, columns = (slice(max(0, each.start - 1), each.stop + 1) for each in box)
    hole = hole[rows, columns]
    border = dilate(hole, 1) & ~hole
    error = (image - fill)[:, rows, columns].permute(1, 2, 0).cpu().numpy() * border[..., None]

    # A Gaussian of this width still has weight to divide by wherever the correction has not yet faded.
    sigma = feather / 2
    weight = cv2.GaussianBlur(border.astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    smooth = cv2.GaussianBlur(error, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    fade = np.clip(1 - (depth(hole) - 1) / feather, 0, 1)
    fade = fade * fade * (3 - 2 * fade)  # smoothstep: no crease where the correction starts or ends
    with np.errstate(invalid="ignore", divide="ignore"):
        correction = np.where(fade[..., None] > 0, smooth / weight[..., None] * fade[..., None], 0)

    view = blended[:, rows, columns]
    corrected = view + torch.from_numpy(correction).permute(2, 0, 1).to(view)
    view.copy_(torch.where(torch.from_numpy(hole).to(view.device), corrected.clamp(0, 1), view))
