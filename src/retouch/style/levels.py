"""Provide a photo at several sizes, part by part, and a style resized to match each of them."""

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
from retouch.imaging.photo import white
from retouch.models.infer_match_translate.network import CELL
from retouch.ops.resize import shrink
from retouch.synthesis.pyramid import smooth_fill

COARSEST = 512
"""Longest side of the coarsest level, in pixels. All of its patches are compared with all of the style's."""
LARGEST_STYLE = 768
"""Longest side of a style in use, in pixels."""
LEAST = 2 * CELL
"""Shortest side that a level may have, in pixels."""
_STRIP = 64  # approximate number of rows read at once to make a smaller copy
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in from_srgb


@dataclass(frozen=True)
class Level:
    """A photo at one size.

    Attributes:
        height: in pixels, a multiple of 4. The photo is padded by repeating its last row and column.
        width: likewise.
        look: returns any part, ``1×3×h×w`` in [0, 1].
    """

    height: int
    width: int
    look: Callable[[Box], Tensor]


def levels(photo: Photo) -> list[Level]:
    """Return a photo at its own size, at half of it, and so on down to :data:`COARSEST`.

    The sides of each level are exactly half of the previous. Pixels at full size are only read on demand.
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
    """A style picture whose longest side is less than twice :data:`LARGEST_STYLE`.

    Attributes:
        image: ``1×3×H×W`` in [0, 1]; what is transparent is filled smoothly: hidden colours do not count.
        opaque: ``1×1×H×W``, the share of each pixel that is not transparent, in [0, 1].
    """

    image: Tensor
    opaque: Tensor

    @classmethod
    def of(cls, photo: Photo, *, grey: bool) -> StyleImage:
        """Make one of a photo; ``grey`` removes the colours, for use with a grey photo."""
        height, width = photo.pixels.shape[:2]
        scale = max(1, max(height, width) // LARGEST_STYLE)
        image = _smaller(photo, -(-height // scale) * scale, -(-width // scale) * scale, scale)
        if grey:
            image = (image * image.new_tensor(_LUMA)[:, None, None]).sum(1, keepdim=True).repeat(1, 3, 1, 1)
        opaque = torch.ones_like(image[:, :1])
        if photo.alpha is not None:
            seen = photo.alpha >= white(photo.alpha.dtype) / 2
            margins = (0, -width % scale, 0, -height % scale)
            whole = F.pad(torch.from_numpy(seen.astype(np.float32))[None, None], margins, mode="replicate")
            opaque = shrink(whole, scale)
            if bool((shown := opaque[0, 0] == 1).any()):  # else whoever borrows from it will say so
                image = smooth_fill(image[0], shown)[None]  # features look further than a cell
        return cls(image, opaque)

    def at(self, longest: int) -> tuple[Tensor, Tensor]:
        """Return image and opaque pixels (1 or 0), the longer side at most ``longest`` pixels."""
        sides = self.image.shape[2:]
        scale = min(1.0, min(longest, LARGEST_STYLE) / max(sides))
        if scale == 1:
            return self.image, (self.opaque == 1).to(self.opaque)
        size = tuple(max(1, round(scale * side)) for side in sides)
        resize = partial(F.interpolate, size=size, mode="bilinear", antialias=True)
        return resize(self.image).clamp(0, 1), (resize(self.opaque) > 0.999).to(self.opaque)


def tiles(height: int, width: int, side: int) -> Iterator[Box]:
    """Cut a level into squares of ``side`` pixels; parts at the right and lower edges may be smaller."""
    for top in range(0, height, side):
        for left in range(0, width, side):
            yield Box(top, left, min(side, height - top), min(side, width - left))


def grown(box: Box, margin: int, height: int, width: int) -> Box:
    """Return the part with ``margin`` pixels around it, clipped to the level."""
    top, left = max(0, box.top - margin), max(0, box.left - margin)
    bottom = min(height, box.top + box.height + margin)
    right = min(width, box.left + box.width + margin)
    return Box(top, left, bottom - top, right - left)


def moved(box: Box, outer: Box) -> Box:
    """Return the position of a part within a larger part."""
    return Box(box.top - outer.top, box.left - outer.left, box.height, box.width)


def cells(box: Box) -> tuple[slice, slice]:
    """Return rows and columns of a part in cells of 4×4 pixels."""
    rows, columns = (slice(each.start // CELL, each.stop // CELL) for each in (box.rows, box.columns))
    return rows, columns


def halves(box: Box) -> Box:
    """Return the same part in the next coarser level."""
    return Box(box.top // 2, box.left // 2, box.height // 2, box.width // 2)


def _part(image: Tensor, box: Box) -> Tensor:
    return image[..., box.rows, box.columns]


def _read(photo: Photo, box: Box) -> Tensor:
    """Read a part of the photo at full size; beyond the edges, the last row and column are repeated."""
    height, width = photo.pixels.shape[:2]
    rows = slice(min(box.top, height - 1), box.rows.stop)
    columns = slice(min(box.left, width - 1), box.columns.stop)
    image = torch.from_numpy(to_srgb(photo, rows, columns)).permute(2, 0, 1)[None]
    margins = (0, box.width - image.shape[3], 0, box.height - image.shape[2])
    return F.pad(image, margins, mode="replicate")


def _smaller(photo: Photo, height: int, width: int, scale: int) -> Tensor:
    """Pad the photo to ``height × width`` and shrink it by a whole factor, strip by strip."""
    rows = -(-_STRIP // scale) * scale
    strips = (Box(top, 0, min(rows, height - top), width) for top in range(0, height, rows))
    return torch.cat([shrink(_read(photo, each), scale) for each in strips], 2)
