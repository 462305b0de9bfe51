"""What filling a photo gives: the photo, and how each group of holes was filled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from retouch.engine.boxes import Box
from retouch.imaging import Photo
from retouch.ops.masks import Mask


@dataclass(frozen=True)
class RegionFill:
    """How one group of holes was filled.

    Attributes:
        box: the smallest box around the holes, in the photo.
        hole: ``h×w`` bool, the pixels that were filled.
        sources: ``h×w×2`` int32, row and column in the photo that each pixel of the hole was taken from; -1
            elsewhere. If a model that borrows nothing filled the hole at a lower resolution, this is where
            its detail was taken from. For a model with several levels, this is the finest. None if nothing
            was borrowed, or if it was not traced.
        confidence: ``h×w`` float32 in [0, 1], 1 outside the hole; None if the model has none.
        by: what filled it: the name of the model, or "smooth" (:mod:`retouch.engine.smooth`).
        coarser: functions that compute maps like ``sources`` for the coarser levels of the model, coarse to
            fine. The maps are as large as ``sources``, and rarely needed.
        places: ``h×w×3`` int32, for what was filled from other photos of the same place: the photo's number
            from 1, and row and column in it; -1 elsewhere. None if nothing was.
        refined: whether a network made the detail of what was filled at a lower resolution.
    """

    box: Box
    hole: Mask
    sources: NDArray[np.int32] | None
    confidence: NDArray[np.float32] | None
    by: str
    coarser: tuple[Callable[[], NDArray[np.int32]], ...] = ()
    places: NDArray[np.int32] | None = None
    refined: bool = False


@dataclass(frozen=True)
class Shown:
    """Another photo of the same place that something was filled from, made small to be looked at.

    Attributes:
        name: what messages call it.
        number: its number from 1, as in :attr:`RegionFill.places`.
        size: height and width of the photo itself.
        picture: ``h×w`` uint8, grey.
    """

    name: str
    number: int
    size: tuple[int, int]
    picture: NDArray[np.uint8]


@dataclass(frozen=True)
class PhotoFill:
    """A filled photo.

    Attributes:
        photo: the photo with its holes filled; every known pixel is that of the input.
        regions: what was filled, and from where; empty if there was no hole.
        timings: seconds spent on "windows" (finding the holes), "colour" (to floats and back, and alpha),
            "fill", "upsample" and "blend".
        shown: the other photos that it was filled from.
    """

    photo: Photo
    regions: tuple[RegionFill, ...]
    timings: dict[str, float]
    shown: tuple[Shown, ...] = ()


def filled_by(fill: PhotoFill) -> dict[str, int]:
    """Count the pixels that each model filled, by its name."""
    pixels: dict[str, int] = {}
    for region in fill.regions:
        pixels[region.by] = pixels.get(region.by, 0) + int(np.count_nonzero(region.hole))
    return pixels


def confidence_map(fill: PhotoFill) -> NDArray[np.float32] | None:
    """Assemble the confidence of a whole photo.

    Returns:
        ``H×W`` in [0, 1], 1 on known pixels, so 1 everywhere if there was no hole. None if the model has no
        confidence.
    """
    parts = [(each, each.confidence) for each in fill.regions if each.confidence is not None]
    if fill.regions and not parts:
        return None
    whole = np.ones(fill.photo.pixels.shape[:2], dtype=np.float32)
    for region, confidence in parts:
        whole[region.box.rows, region.box.columns][region.hole] = confidence[region.hole]
    return whole


def source_map(fill: PhotoFill) -> NDArray[np.int32] | None:
    """Assemble the sources of a whole photo.

    Returns:
        ``H×W×2``, row and column that each filled pixel was taken from, -1 elsewhere. None if nothing was
        borrowed, or if it was not traced.
    """
    parts = [(each, each.sources) for each in fill.regions if each.sources is not None]
    if not parts:
        return None
    whole = np.full((*fill.photo.pixels.shape[:2], 2), -1, dtype=np.int32)
    for region, sources in parts:
        whole[region.box.rows, region.box.columns][region.hole] = sources[region.hole]
    return whole


def place_map(fill: PhotoFill) -> NDArray[np.int32] | None:
    """Assemble where in other photos a whole photo was filled from.

    Returns:
        ``H×W×3``, the other photo's number from 1, and row and column in it, -1 elsewhere. None if nothing
        was filled from other photos.
    """
    parts = [(each, each.places) for each in fill.regions if each.places is not None]
    if not parts:
        return None
    whole = np.full((*fill.photo.pixels.shape[:2], 3), -1, dtype=np.int32)
    for region, places in parts:
        whole[region.box.rows, region.box.columns][region.hole] = places[region.hole]
    return whole


def borrowed_pixels(fill: PhotoFill) -> NDArray[np.int32]:
    """List what was borrowed, ``N×4``: row and column of each pixel, and row and column of its source."""
    found = [np.empty((0, 4), dtype=np.int32)]
    for region in fill.regions:
        if region.sources is not None:
            rows, columns = np.nonzero(region.sources[..., 0] >= 0)
            places = np.stack([rows + region.box.top, columns + region.box.left], axis=1)
            found.append(np.hstack([places, region.sources[rows, columns]]).astype(np.int32))
    return np.concatenate(found)


def split_levels(fill: PhotoFill) -> Iterator[PhotoFill]:
    """Yield the same fill for each level of the model, with that level's sources as its sources.

    Coarse to fine. The last one is ``fill`` itself, which has the sources of the finest level.
    """
    # What was filled smoothly has no levels, and borrows nothing at any of them.
    for level in range(max((len(each.coarser) for each in fill.regions), default=0)):
        regions = tuple(
            replace(each, sources=each.coarser[level]() if each.coarser else None, coarser=())
            for each in fill.regions
        )
        yield replace(fill, regions=regions)
    yield fill
