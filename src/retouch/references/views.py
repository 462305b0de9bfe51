"""Photos as alignment looks at them: made small, upright, grey; and sampled where they are needed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.imaging import Photo, from_srgb, to_srgb
from retouch.imaging.colour import LUMA
from retouch.imaging.photo import white
from retouch.ops.masks import Mask

Image = NDArray[np.float32]
Grey = NDArray[np.uint8]
Map = NDArray[np.float32]

SIDE = 1100
"""Features are looked for in a picture of this long side at most, in pixels."""
_ALL = slice(None)
_COLOUR_SIDE = 200  # pixels, of the picture in which colour is looked for
_COLOUR, _COLOURED = 0.03, 0.005  # differences between channels, and the part of a photo that must have them


@dataclass(frozen=True)
class View:
    """A photo and its small grey picture.

    Attributes:
        name: what messages call it.
        photo: the photo, upright.
        grey: ``h×w``, small, its contrast stretched.
        scale: small pixels per pixel of the photo, at most 1.
        plain: it is used without its colours.
    """

    name: str
    photo: Photo
    grey: Grey
    scale: float
    plain: bool = False

    def sample(self, map_: Map) -> tuple[Image, Mask]:
        """As :func:`sample`, of this photo."""
        found, valid = sample(self.photo, map_)
        return (np.repeat((found @ LUMA)[..., None], 3, axis=2) if self.plain else found), valid


def view_of(photo: Photo, name: str, side: int = SIDE) -> View:
    """Make the small grey picture of a photo."""
    image = small_picture(photo, side)
    grey = image @ LUMA
    low, high = np.percentile(grey, (0.5, 99.5))
    stretched = np.rint(((grey - low) / max(high - low, 1e-3)).clip(0, 1) * 255).astype(np.uint8)
    return View(name, photo, stretched, stretched.shape[1] / photo.pixels.shape[1])


def small_picture(photo: Photo, side: int) -> Image:
    """The photo in sRGB, ``h×w×3`` in [0, 1], its long side at most ``side`` pixels."""
    height, width = photo.pixels.shape[:2]
    share = min(1.0, side / max(height, width))
    pixels = photo.pixels
    if pixels.dtype.kind == "f":
        pixels = np.nan_to_num(pixels).astype(np.float32)
    if share < 1:
        size = (max(1, round(share * width)), max(1, round(share * height)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        pixels = pixels.reshape(size[1], size[0], -1)
    return to_srgb(replace(photo, pixels=pixels), _ALL, _ALL)


def has_colour(photo: Photo, hole: Mask | None = None) -> bool:
    """Whether a photo is in colour, whatever its file could hold; the hole (``H×W``) is not looked at."""
    if photo.pixels.shape[2] == 1:
        return False
    image = small_picture(photo, _COLOUR_SIDE)
    if hole is not None:
        covered = cv2.resize(hole.view(np.uint8), image.shape[1::-1], interpolation=cv2.INTER_AREA)
        image = image[covered == 0]
    return bool(np.count_nonzero(np.ptp(image, axis=-1) > _COLOUR) > _COLOURED * image[..., 0].size)


def in_colours_of(photo: Photo, image: Image) -> Image:
    """Turn sRGB into what the engine shows a model of ``photo``: its own numbers, grey repeated."""
    if photo.profile is None and photo.pixels.shape[2] == 3:
        return image
    deep = replace(photo, pixels=np.empty((1, 1, photo.pixels.shape[2]), np.uint16), bits=None)
    values = from_srgb(deep, image).astype(np.float32) / np.float32(65535)
    return np.repeat(values, 3, axis=2) if values.shape[2] == 1 else values


def sample(photo: Photo, map_: Map) -> tuple[Image, Mask]:
    """Look a photo up at given places; only the part that holds them is converted to floats.

    Where the places lie further apart than pixels do, pixels are averaged first.

    Args:
        photo: the photo.
        map_: ``h×w×2``, column and row in the photo for each pixel of the result.

    Returns:
        ``h×w×3`` sRGB in [0, 1]; and ``h×w``, True where the place lies in the photo and is opaque.
    """
    height, width = photo.pixels.shape[:2]
    column, row = map_[..., 0], map_[..., 1]
    inside = (column >= 0) & (row >= 0) & (column <= width - 1) & (row <= height - 1)
    if not inside.any():
        return np.zeros((*inside.shape, 3), np.float32), inside
    factor = _step(map_, inside)
    start = [max(0, int(each[inside].min()) - 4 * factor) for each in (row, column)]
    stop = [
        min(side, int(each[inside].max()) + 4 * factor + 2) for each, side in ((row, height), (column, width))
    ]
    # Whole cells, so that averaging keeps places where they are.
    cells = [max(1, (last - first) // factor) for first, last in zip(start, stop, strict=True)]
    rows, columns = (slice(s, min(e, s + c * factor)) for s, e, c in zip(start, stop, cells, strict=True))
    image = to_srgb(photo, rows, columns)
    if factor > 1 and min(image.shape[:2]) >= factor:
        image = np.asarray(cv2.resize(image, cells[::-1], interpolation=cv2.INTER_AREA), np.float32)
    else:
        factor = 1
    x, y = ((each - first + 0.5) / factor - 0.5 for each, first in ((column, start[1]), (row, start[0])))
    found = looked_up(image, np.stack([x, y], axis=-1), cv2.INTER_CUBIC)
    if photo.alpha is not None:
        nearest = np.rint(map_).astype(np.int32)
        at = nearest[..., 1].clip(0, height - 1), nearest[..., 0].clip(0, width - 1)
        inside = inside & (photo.alpha[at] >= 0.99 * white(photo.alpha.dtype))
    return found.clip(0, 1), inside


def grid_of(shape: tuple[int, ...]) -> tuple[Image, Image]:
    """Columns and rows of each pixel, ``h×w`` each."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return columns, rows


def looked_up(
    values: NDArray[Any], map_: NDArray[Any], interpolation: int = cv2.INTER_LINEAR
) -> NDArray[Any]:
    """Look values (``H×W`` or ``H×W×C``) up at ``h×w×2`` columns and rows; the border goes on."""
    x, y = (np.ascontiguousarray(map_[..., each], np.float32) for each in (0, 1))
    return np.asarray(cv2.remap(values, x, y, interpolation, borderMode=cv2.BORDER_REPLICATE))


def _step(map_: Map, inside: Mask) -> int:
    """How many pixels of the photo lie between neighbours of a map, rounded down; at least 1."""
    if min(inside.shape) < 2:
        return 1
    both = inside[1:, 1:] & inside[:-1, :-1]
    if not both.any():
        return 1
    across = np.hypot(*(map_[1:, 1:] - map_[1:, :-1])[both].T)
    down = np.hypot(*(map_[1:, 1:] - map_[:-1, 1:])[both].T)
    return max(1, int(np.median(np.minimum(across, down)) + 0.3))
