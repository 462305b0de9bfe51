"""Let colours meet at the border of a filled hole, whatever the fill shows outside it; numpy only."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.ops.masks import Mask, bounding_box, depth

Image = NDArray[np.float32]

_EDGE = 0.3
"""A colour step of this size at the border, in [0, 1], is damped by half: it is probably an edge."""
_BESIDE = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32)


def close_seam(
    image: Image, fill: Image, hole: Mask, reaches: Sequence[int], ignore: Mask | None = None
) -> Image:
    """Put the hole of ``fill`` into ``image``, and let colours meet at its border.

    Unlike :func:`retouch.ops.blend.blend`, this needs no fill of the known pixels. It corrects the step from
    each known pixel to the hole pixels beside it. The steps are smoothed along the border, so that texture,
    whose steps go either way, stays. A step larger than usual is an edge of the photo that the hole happens
    to follow, and stays too.

    Args:
        image: ``H×W×3`` in [0, 1]; its hole is not looked at.
        fill: ``H×W×3`` in [0, 1]; only its hole is looked at.
        hole: ``H×W`` bool.
        reaches: how far corrections fade into the hole, in pixels; they are applied one after the other.
        ignore: ``H×W`` bool, known pixels that the fill need not meet; None for none.

    Returns:
        ``H×W×3`` in [0, 1], a new array; known pixels are those of ``image``, bit for bit.
    """
    joined = np.where(hole[..., None], fill, image)
    box = bounding_box(hole)
    if box is None or hole.all():
        return joined
    # One pixel around the hole is all that is needed of the known area.
    rows, columns = (slice(max(0, each.start - 1), each.stop + 1) for each in box)
    part, view = hole[rows, columns], joined[rows, columns]
    met = ~part if ignore is None else ~part & ~ignore[rows, columns]
    deep, picture = depth(part), view.copy()
    for reach in reaches:
        step, border = _steps(picture, part, met)
        fade = np.clip(1 - (deep - 1) / reach, 0, 1)
        fade = np.where(part, fade * fade * (3 - 2 * fade), 0)[..., None]
        picture = np.clip(picture + _along(step, border, reach) * fade, 0, 1).astype(np.float32)
    view[part] = picture[part]
    return joined


def _steps(picture: Image, hole: Mask, met: Mask) -> tuple[Image, Image]:
    """The colour steps from the hole to the known pixels beside it, edges damped.

    Returns them (``H×W×3``, zero elsewhere), and a map that is 1 on those known pixels.
    """
    inside = np.where(hole[..., None], picture, np.float32(0))
    total, count = (
        cv2.filter2D(each, cv2.CV_32F, _BESIDE, borderType=cv2.BORDER_CONSTANT)
        for each in (inside, hole.astype(np.float32))
    )
    border = (count > 0) & met
    here = picture[border] - total[border] / count[border][:, None]
    size = np.abs(here).max(1, keepdims=True)
    step = np.zeros_like(inside)
    step[border] = here / (1 + (size / _EDGE) ** 4)
    return step, border.astype(np.float32)


def _along(step: Image, border: Image, reach: int) -> Image:
    """Average the steps over the border near each pixel, by a Gaussian of half the reach."""
    # The result is so smooth that a smaller copy is enough.
    small = max(1, reach // 8)
    height, width = border.shape
    size = (-(-width // small), -(-height // small))
    values, weight = (
        cv2.GaussianBlur(
            cv2.resize(each, size, interpolation=cv2.INTER_AREA),
            (0, 0),
            reach / (2 * small),
            borderType=cv2.BORDER_CONSTANT,
        )
        for each in (step, border)
    )
    mean = values / np.maximum(weight, 1e-12)[..., None]
    whole = cv2.resize(mean, (width, height), interpolation=cv2.INTER_LINEAR)
    return whole.reshape(step.shape).astype(np.float32, copy=False)
