"""``retouch.skimage.inpaint_biharmonic`` takes the place of ``skimage.restoration.inpaint_biharmonic``.

    from retouch.skimage import inpaint_biharmonic
    filled = inpaint_biharmonic(image, mask, channel_axis=-1)

scikit-image itself is not called, and need not be installed: the default model fills.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from retouch.api.inpainting import inpaint
from retouch.errors import RetouchError

__all__ = ["inpaint_biharmonic"]


def inpaint_biharmonic(
    image: NDArray[Any],
    mask: NDArray[Any],
    *,
    split_into_regions: bool = False,
    channel_axis: int | None = None,
) -> NDArray[np.floating[Any]]:
    """Fill the masked pixels of an image.

    Args:
        image: ``H×W``; with ``channel_axis``, an axis of 1 or 3 channels beside. uint8, uint16, or floats of
            any range. Volumes, which scikit-image fills too, are refused.
        mask: ``H×W``; every pixel that is not 0 or False is filled.
        split_into_regions: accepted so that calls need no change; holes are always grouped by what is best
            for the fill.
        channel_axis: the axis of the channels; None for a grey image.

    Returns:
        Floats, as scikit-image returns them: float32 for float16 and float32, else float64; integers are
        scaled to [0, 1]. Known values are those of ``image``.

    Raises:
        RetouchError: the arrays are not of these shapes or types.
    """
    image, hole = np.asarray(image), np.asarray(mask).astype(bool)
    if image.ndim != (2 if channel_axis is None else 3):
        raise RetouchError(
            f"An image of shape {image.shape} with channel_axis={channel_axis} cannot be filled; "
            "give H×W, or H×W and one axis of channels."
        )
    channels = image[..., None] if channel_axis is None else np.moveaxis(image, channel_axis, -1)
    if channels.shape[2] not in (1, 3):
        raise RetouchError(f"The image must have 1 or 3 channels, not {channels.shape[2]}.")
    if hole.shape != channels.shape[:2]:
        raise RetouchError(f"The mask must be of the image's height and width, {channels.shape[:2]}.")
    values = _as_floats(channels)
    filled = inpaint(values, hole, trust_mask=True)  # scikit-image doubts no mask either
    return filled[..., 0] if channel_axis is None else np.moveaxis(filled, -1, channel_axis)


def _as_floats(image: NDArray[Any]) -> NDArray[np.floating[Any]]:
    """As ``skimage.img_as_float`` has it, in the precision that its restoration works in."""
    if image.dtype in (np.uint8, np.uint16):
        return image * (1 / np.float64(np.iinfo(image.dtype).max))  # the same bits as scikit-image's
    if image.dtype in (np.float16, np.float32):
        return image.astype(np.float32)
    if image.dtype == np.float64:
        return image
    raise RetouchError(f"An image of {image.dtype} cannot be filled; use uint8, uint16 or floats.")
