"""A photo at several sizes, looked at part by part, and a style brought to the size of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.engine.boxes import Box
from retouch.imaging import Photo, to_srgb
from retouch.models.infer_match_translate.network import CELL
from retouch.ops.resize import shrink

COARSEST = 512
"""Longest side of the coarsest level, in pixels; of that one all patches are compared."""
LARGEST_STYLE = 768
"""Longest side at which a style is used, in pixels."""
LEAST = 2 * CELL
"""Shortest side of a level that can be translated, in pixels."""
_STRIP = 64  # rows, about, that are read at once to make a smaller copy
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, with which a grey photo is made of colours


@dataclass(frozen=True)
class Level:
    """A photo at one size.

    Attributes:
        height: in pixels, a multiple of 4; beyond its own edges the photo is continued by repeating them.
        width: likewise.
        look: gives any part of it, ``1×3×h×w`` in [0, 1].
    """

    height: int
    width: int
    look: Callable[[Box], Tensor]


def levels(photo: Photo) -> list[Level]:
    """A photo at its own size, half of it, and so on down to :data:`COARSEST`.

    Level by level, the sides are halves exactly. The photo's own pixels are only read when looked at.
    """
    height, width = photo.pixels.shape[:2]
    count = 1
    while max(height, width) > COARSEST << (count - 1):
        count += 1
    step, least = CELL << (count - 1), LEAST << (count - 1)
    height, width = (max(least, -(-side // step) * step) for side in (height, width))
    found = [Level(height, width, partial(_read, photo))]
    if count > 1:
        image = _smaller(photo, height, width, 2)
        while len(found) < count:
            found.append(Level(image.shape[2], image.shape[3], partial(_part, image)))
            if len(found) < count:
                image = shrink(image, 2)
    return found


@dataclass(frozen=True)
class StyleImage:
    """The picture of a style, not much larger than :data:`LARGEST_STYLE`.

    Attributes:
        image: ``1×3×H×W`` in [0, 1].
        opaque: ``1×1×H×W``, 1 where it is not transparent, else 0 or between.
    """

    image: Tensor
    opaque: Tensor

    @classmethod
    def of(cls, photo: Photo, *, grey: bool) -> StyleImage:
        """That of a photo, without its colours if those of a grey photo are to be compared with it."""
        height, width = photo.pixels.shape[:2]
        scale = max(1, max(height, width) // LARGEST_STYLE)
        image = _smaller(photo, -(-height // scale) * scale, -(-width // scale) * scale, scale)
        if grey:
            image = (image * image.new_tensor(_LUMA)[:, None, None]).sum(1, keepdim=True).repeat(1, 3, 1, 1)
        opaque = torch.ones_like(image[:, :1])
        if photo.alpha is not None:
            seen = photo.alpha >= np.iinfo(photo.alpha.dtype).max / 2
            margins = (0, -width % scale, 0, -height % scale)
            whole = F.pad(torch.from_numpy(seen.astype(np.float32))[None, None], margins, mode="replicate")
            opaque = shrink(whole, scale)
        return cls(image, opaque)

    def at(self, longest: int) -> tuple[Tensor, Tensor]:
        """Image and opaque pixels, the longer side ``longest`` pixels, but never enlarged."""
        sides = self.image.shape[2:]
        scale = min(1.0, min(longest, LARGEST_STYLE) / max(sides))
        if scale == 1:
            return self.image, (self.opaque == 1).to(self.opaque)
        size = tuple(max(1, round(scale * side)) for side in sides)
        resize = partial(F.interpolate, size=size, mode="bilinear", antialias=True)
        return resize(self.image).clamp(0, 1), (resize(self.opaque) > 0.999).to(self.opaque)


def tiles(height: int, width: int, side: int) -> Iterator[Box]:
    """Parts of ``side`` pixels that cover a level, smaller at its right and lower edges."""
    for top in range(0, height, side):
        for left in range(0, width, side):
            yield Box(top, left, min(side, height - top), min(side, width - left))


def grown(box: Box, margin: int, height: int, width: int) -> Box:
    """The part and what is around it, as far as the level has it."""
    top, left = max(0, box.top - margin), max(0, box.left - margin)
    bottom = min(height, box.top + box.height + margin)
    right = min(width, box.left + box.width + margin)
    return Box(top, left, bottom - top, right - left)


def moved(box: Box, outer: Box) -> Box:
    """Where a part lies in a larger one."""
    return Box(box.top - outer.top, box.left - outer.left, box.height, box.width)


def cells(box: Box) -> tuple[slice, slice]:
    """Rows and columns of a part, in cells."""
    rows, columns = (slice(each.start // CELL, each.stop // CELL) for each in (box.rows, box.columns))
    return rows, columns


def halves(box: Box) -> Box:
    """The same part of the next coarser level."""
    return Box(box.top // 2, box.left // 2, box.height // 2, box.width // 2)


def _part(image: Tensor, box: Box) -> Tensor:
    return image[..., box.rows, box.columns]


def _read(photo: Photo, box: Box) -> Tensor:
    """A part of the photo's own pixels; beyond its edges they are repeated."""
    height, width = photo.pixels.shape[:2]
    rows = slice(min(box.top, height - 1), box.rows.stop)
    columns = slice(min(box.left, width - 1), box.columns.stop)
    image = torch.from_numpy(to_srgb(photo, rows, columns)).permute(2, 0, 1)[None]
    margins = (0, box.width - image.shape[3], 0, box.height - image.shape[2])
    return F.pad(image, margins, mode="replicate")


def _smaller(photo: Photo, height: int, width: int, scale: int) -> Tensor:
    """The photo, continued to this size, by a whole factor smaller; read in strips."""
    rows = -(-_STRIP // scale) * scale
    strips = (Box(top, 0, min(rows, height - top), width) for top in range(0, height, rows))
    return torch.cat([shrink(_read(photo, each), scale) for each in strips], 2)
