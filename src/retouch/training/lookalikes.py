"""What looks like damage and belongs to the photo: cables, twigs, stars, rain, text, windows, tiles.

They are drawn before the lens: they share the photo's blur and grain, and things stand in front of them. A
detector has to leave them alone. Lengths are in pixels of the crop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from retouch.training import lookalike_areas as areas
from retouch.training import lookalike_lines as lines
from retouch.training.damage_shapes import Image, Plane, between, plain, three


@dataclass(frozen=True)
class Lookalikes:
    """How things are drawn into a photo that look like damage.

    Attributes:
        width: of cables, twigs, hairs and bars.
        blur: deviation of the lens's blur.
        occluded: probability that brighter or darker parts of the photo stand in front.
    """

    width: tuple[float, float] = (0.7, 4.0)
    blur: tuple[float, float] = (0.3, 1.4)
    occluded: float = 0.6

    def draw(self, random: Generator, image: Image) -> Image:
        """Return a photo, ``H×W×3`` in [0, 1], with things in it."""
        height, width = image.shape[:2]
        kind = _KINDS[random.choice(len(_KINDS), p=_SHARES)]
        cover, light = kind(random, height, width, between(random, self.width))
        cover = np.asarray(cv2.GaussianBlur(cover, (0, 0), between(random, self.blur)), np.float32)
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        if random.random() < self.occluded:
            wide = cv2.GaussianBlur(grey, (0, 0), 2)
            edge = float(np.quantile(wide, random.uniform(0.2, 0.6)))
            cover = cover * ((wide - edge) * (-14 if light else 14) + 0.5).clip(0, 1)
        # In the photo's own light: the colour of one of its bright or dark places.
        place = random.integers((height, width), size=(12, 2))
        seen = image[place[:, 0], place[:, 1]]
        order = np.argsort(seen.sum(1))
        colour = seen[order[-1 if light else 0]]
        colour = np.clip(colour * (1.25 if light else 0.6) + (0.08 if light else 0), 0, 1)
        if random.random() < 0.15:
            colour = random.uniform(0, 1, 3)
        # Light falls unevenly on what is in the photo.
        rows, columns = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)
        slope = (1 + random.normal(0, 0.12) * rows + random.normal(0, 0.12) * columns).astype(np.float32)
        shown = plain(colour, height, width) * three(slope)
        made: Image = image + three(cover) * (shown - image)
        return made.clip(0, 1)


_KINDS: tuple[Callable[[Generator, int, int, float], tuple[Plane, bool]], ...] = (
    *(lines.cables, lines.twigs, lines.strands, lines.railings, areas.points, lines.rain, areas.text),
    *(lines.catch_lights, areas.openings, areas.patterns),
)
_SHARES = (0.14, 0.1, 0.12, 0.08, 0.09, 0.04, 0.09, 0.06, 0.18, 0.1)
