"""Stylise a photo of any size, from a coarse level to full size and part by part.

Deviation from Song et al. (ECCV 2018) and Chen and Schmidt (2016): they swap patches at one size, so the
larger a photo is, the finer the specks that a style is reduced to. Here each level starts from the result of
the coarser one, swaps patches again and adds their detail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from retouch.contract import OnProgress, Progress
from retouch.engine.boxes import Box
from retouch.imaging import Photo, from_srgb
from retouch.imaging.photo import Array
from retouch.models.infer_match_translate.network import CELL, FeaturesToImage
from retouch.networks.vgg import Vgg
from retouch.ops.resize import enlarge, shrink
from retouch.style.levels import Level, StyleImage, cells, grown, halves, levels, moved, tiles
from retouch.style.transfer import (
    Statistics,
    Style,
    borrow,
    mixed,
    nearest,
    see,
    see_style,
)

WINDOW = 512
"""Side of the parts, in pixels. The coarsest level is a single part."""
SEEN = 24
"""Features of a cell depend on at most this many pixels around it."""
TRANSLATED = 64
"""A translated pixel depends on the features of at most this many pixels around it."""


@dataclass(frozen=True)
class _Styled:
    """The result of a level, from which the next finer level starts.

    Attributes:
        level: the photo at this level.
        style: the style at the level's size.
        field: ``2×h×w`` int64, row and column of the most similar cell of the style for each cell.
        images: ``1×3×H×W``, the stylised photo by strength: the requested strength, and 1.
    """

    level: Level
    style: Style
    field: Tensor
    images: dict[float, Tensor]


def stylize_photo(
    photo: Photo,
    style: Photo,
    translate: FeaturesToImage,
    vgg: Vgg,
    *,
    strength: float = 1.0,
    patch: int = 3,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> Photo:
    """Give a photo the style of another.

    Args:
        photo: the photo. A grey photo stays grey, and its style is used without colours.
        style: the other photo. Nothing is borrowed from its transparent pixels.
        translate: makes images from features.
        vgg: makes features from images, on the same device.
        strength: share of the style in the result, in [0, 1].
        patch: odd side of the swapped patches of features, in cells of 4×4 pixels.
        seed: of the searches at all levels except the coarsest.
        on_progress: called after each part, once when it is matched and once when it is translated.

    Returns:
        The photo with new pixels; its alpha, profile and metadata are unchanged.

    Raises:
        RetouchError: too little of the style is opaque.
    """
    done = 0
    result = np.empty_like(photo.pixels)
    sizes = levels(photo)
    picture = StyleImage.of(style, grey=photo.pixels.shape[2] == 1)
    total = 2 * sum(1 for each in sizes for _ in tiles(each.height, each.width, WINDOW))

    def step(level: Level) -> None:
        nonlocal done
        done += 1
        if on_progress is not None:
            on_progress(Progress("stylize", done, total, f"{level.width}×{level.height}"))

    coarser: _Styled | None = None
    with torch.inference_mode():
        for level in reversed(sizes):
            image, opaque = picture.at(max(level.height, level.width))
            known = see_style(vgg, image, opaque, patch)
            field = _match(level, known, vgg, coarser, seed, partial(step, level))
            finest = level is sizes[0]
            # The next level matches against the full style. The requested mixture is carried beside it.
            wanted = {strength} if finest else {strength, 1.0}
            images = {} if finest else {each: torch.empty(1, 3, level.height, level.width) for each in wanted}
            for box in tiles(level.height, level.width, WINDOW):
                outer = grown(box, TRANSLATED + patch // 2 * CELL, level.height, level.width)
                swapped = borrow(known, field[:, *cells(outer)].to(known.features.device))
                for each in wanted:
                    part = mixed(translate, vgg, level.look(outer), swapped, each).cpu()
                    if coarser is not None:
                        part = _anchored(part, coarser.images[each], outer)
                    inside = moved(box, outer)
                    part = part[..., inside.rows, inside.columns]
                    if finest:
                        _write(photo, result, box, part)
                    else:
                        images[each][..., box.rows, box.columns] = part.clamp_(0, 1)
                step(level)
            coarser = _Styled(level, known, field, images)
    return replace(photo, pixels=result)


def _match(
    level: Level, style: Style, vgg: Vgg, coarser: _Styled | None, seed: int, step: Callable[[], None]
) -> Tensor:
    """Find row and column of the most similar cell of the style for each cell of a level: ``2×h×w``."""
    field = _start(level, style, coarser)
    for box in tiles(level.height, level.width, WINDOW):
        outer = grown(box, SEEN + style.patch // 2 * CELL, level.height, level.width)
        image = level.look(outer)
        if coarser is None:
            features = see(vgg, image)
            found = nearest(features, Statistics.of(features), style)
        else:
            # Add what the coarser level changed. The photo's own detail stays and is swapped now.
            coarse = halves(outer)
            change = coarser.images[1.0][..., coarse.rows, coarse.columns] - coarser.level.look(coarse)
            features = see(vgg, (image + enlarge(change, 2)).clamp_(0, 1))
            # Where parts overlap, matches spread from one part to the next.
            start = field[:, *cells(outer)].to(features.device)
            found = nearest(features, style.statistics, style, start, seed)
        field[:, *cells(box)] = found[:, *cells(moved(box, outer))].cpu()
        step()
    return field


def _anchored(part: Tensor, coarse: Tensor, box: Box) -> Tensor:
    """Give a part the colours of the coarser level, so that its own swap only adds detail.

    Without this, colours drift from level to level, mostly to black, because the cosine hardly tells smooth
    patches apart.
    """
    half = halves(box)
    return part + enlarge(coarse[..., half.rows, half.columns] - shrink(part, 2), 2)


def _start(level: Level, style: Style, coarser: _Styled | None) -> Tensor:
    """Bring the coarser level's field to a level and to the style's present size: ``2×h×w``.

    Each cell starts at the place in the style to which its quarter of the coarser cell was matched.
    """
    rows, columns = (torch.arange(side // CELL) for side in (level.height, level.width))
    if coarser is None:
        return torch.zeros(2, len(rows), len(columns), dtype=torch.int64)
    field = coarser.field[:, rows[:, None] // 2, columns // 2]
    for axis, place in enumerate((rows[:, None], columns)):
        before, now = (each.features.shape[2 + axis] for each in (coarser.style, style))
        middle = (field[axis] + 0.25 + 0.5 * (place % 2)) * now / before
        field[axis] = middle.floor().long().clamp(0, now - 1)
    return field


def _write(photo: Photo, result: Array, box: Box, image: Tensor) -> None:
    """Write a part in the photo's own colours. The padding beyond the photo's edges is dropped."""
    pixels = result[box.rows, box.columns]
    if pixels.size:
        values = image[0, :, : pixels.shape[0], : pixels.shape[1]].permute(1, 2, 0).numpy()
        pixels[...] = from_srgb(photo, values)
