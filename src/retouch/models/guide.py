"""Another model's fill as a guide for copying: what a network knows of a layout, by how sure it is."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from retouch.confidence.head import WITHIN
from retouch.contract import Model
from retouch.ops.seam import close_seam

_MEETING = (0.22, 0.08, 0.02)
"""How far colours are corrected into the hole to meet at its border, in parts of the longer side."""
_UNSURE = 0.1
"""Mean absolute error that is expected of a model which does not say how sure it is."""
_MOST_SURE = 0.999


class Guide:
    """Guesses what a hole holds, small, with any model.

    Colours must meet the photo's at the hole's border: unmet, the guess of a network is no better than a
    smooth one (docs/models/structure.md).
    """

    def __init__(self, model: Model) -> None:
        """Build it around a model."""
        self.model = model

    def __call__(
        self, image: NDArray[np.float32], hole: NDArray[np.bool_], allowed: NDArray[np.bool_], seed: int
    ) -> NDArray[np.float32]:
        """Guess what a hole holds.

        Args:
            image: ``H×W×3`` in [0, 1]; its hole is not looked at.
            hole: ``H×W``, True = fill this.
            allowed: ``H×W``, True where the model may borrow from.
            seed: of the model.

        Returns:
            ``h×w×4``, the image with its hole filled, at most as large as the model likes it, and the
            variance of the error that is expected.
        """
        small, inside, usable = self._shrunk(image, hole, allowed)
        with torch.no_grad():
            picture = torch.from_numpy(small).permute(2, 0, 1)[None]
            mask, borrowed = (torch.from_numpy(each)[None, None].float() for each in (inside, usable))
            given = (each.to(self.model.device) for each in (picture, mask, borrowed))
            picture, mask, borrowed = given
            fill = self.model(picture, mask, allowed=borrowed, seed=seed)
        made = fill.image[0].permute(1, 2, 0).cpu().numpy()
        longer = max(inside.shape)
        met = close_seam(small, made, inside, [max(1, round(part * longer)) for part in _MEETING])
        expected = np.full(inside.shape, _UNSURE, np.float32)
        if fill.confidence is not None:
            # Confidence is the probability of an error within WITHIN; of a Laplace distribution, its scale.
            sure = np.clip(fill.confidence[0, 0].cpu().numpy(), 0, _MOST_SURE)
            expected = -WITHIN / np.log1p(-np.maximum(sure, 1e-3))
        return np.dstack([met, 2 * expected * expected]).astype(np.float32)

    def _shrunk(
        self, image: NDArray[np.float32], hole: NDArray[np.bool_], allowed: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
        """Shrink a picture to the size that the model fills; cells are hole or barred that are so in part.

        What is known or allowed may be too thin for that. Then the cells are known that show most of what is,
        and the guess, which is no copy, may come from all of them.
        """
        height, width = hole.shape
        part = self.model.working_size / max(height, width)
        if part >= 1:
            return image, hole, allowed
        size = (max(1, round(part * width)), max(1, round(part * height)))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        of_hole, barred = (
            cv2.resize(each.astype(np.float32), size, interpolation=cv2.INTER_AREA)
            for each in (hole, ~allowed)
        )
        inside = of_hole > of_hole.min()
        usable = ~inside & (barred <= 0)
        return np.clip(small, 0, 1), inside, usable if usable.any() else ~inside
