"""``retouch.cv2.inpaint`` takes the place of ``cv2.inpaint``: the same arguments, a better fill.

    from retouch import cv2 as retouch_cv2
    filled = retouch_cv2.inpaint(image, mask, 3, cv2.INPAINT_TELEA)

OpenCV itself is not called: the default model fills. For OpenCV's own methods in this package, see the models
"telea" and "navier-stokes".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from retouch.api.inpainting import inpaint as _inpaint
from retouch.errors import RetouchError

__all__ = ["inpaint"]

Image = NDArray[Any]


def inpaint(
    src: Image, inpaintMask: NDArray[Any], inpaintRadius: float, flags: int, dst: Image | None = None
) -> Image:
    """Fill the non-zero pixels of a mask.

    Args:
        src: ``H×W`` of uint8, uint16 or float32 (of any range), or ``H×W×3`` uint8 (BGR or RGB).
        inpaintMask: ``H×W`` or ``H×W×1`` uint8; every pixel that is not 0 is filled, as OpenCV has it.
        inpaintRadius: accepted so that calls need no change; the default model has no radius.
        flags: ``cv2.INPAINT_NS`` or ``cv2.INPAINT_TELEA``, accepted likewise: the default model fills.
        dst: an array of the shape and type of ``src`` that the result is also written to.

    Returns:
        The filled image, of the shape and type of ``src``; ``dst`` itself if it was given.

    Raises:
        RetouchError: the arrays are not such as OpenCV takes.
    """
    if flags not in (0, 1):  # INPAINT_NS, INPAINT_TELEA
        raise RetouchError(f"flags must be cv2.INPAINT_NS or cv2.INPAINT_TELEA, not {flags}.")
    hole = np.asarray(inpaintMask)
    if hole.dtype != np.uint8 or hole.ndim not in (2, 3) or hole.shape != (*src.shape[:2], 1)[: hole.ndim]:
        raise RetouchError(f"The mask must be uint8 of the image's height and width, {src.shape[:2]}.")
    hole = hole.reshape(src.shape[:2]) != 0
    channels = 1 if src.ndim == 2 else src.shape[2]
    taken = {np.dtype(np.uint8): (1, 3), np.dtype(np.uint16): (1,), np.dtype(np.float32): (1,)}
    if src.ndim not in (2, 3) or channels not in taken.get(src.dtype, ()):
        raise RetouchError(
            "The image must have 1 channel of uint8, uint16 or float32, or 3 channels of uint8, "
            f"not {channels} of {src.dtype}."
        )
    filled = _inpaint(src, hole, trust_mask=True)  # OpenCV doubts no mask either
    if dst is None:
        return filled
    if dst.shape != src.shape or dst.dtype != src.dtype:
        raise RetouchError("dst must have the shape and type of the image; leave it out to get a new array.")
    dst[...] = filled
    return dst
