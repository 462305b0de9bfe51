"""Photos whose opposite edges meet: full spheres, and textures that tile.

The photo is rolled so that its edges lie where no hole is near, filled as any other, and rolled back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retouch.contract import Model, OnProgress, Progress
from retouch.engine.filled import PhotoFill, RegionFill, source_map
from retouch.engine.pipeline import fill_photo
from retouch.engine.rolling import Edges, Roll, Sources, find_roll, inside
from retouch.imaging import Photo
from retouch.imaging.photo import copied
from retouch.ops.masks import Mask

Picture = NDArray[np.float32]

_BAND = (
    16  # pixels on each side of an edge, at least, that are filled anew where a hole spans the whole photo
)


def fill_wrapping(
    photo: Photo,
    mask: Mask,
    model: Model,
    *,
    edges: Edges,
    allowed: Mask | None = None,
    lines: Mask | None = None,
    in_place: bool = False,
    on_progress: OnProgress | None = None,
    **options: Any,
) -> PhotoFill:
    """Fill the holes of a photo whose opposite edges meet, so that no line is seen there.

    Where holes span the whole photo, so that every edge would cut them, the filled photo is rolled once more
    and the holes near its edges are filled anew, also from what was filled before.

    Args:
        photo: as in :func:`~retouch.engine.pipeline.fill_photo`.
        mask: ``H×W`` bool, True = fill this.
        model: any model.
        edges: which edges meet.
        allowed: ``H×W`` bool, True where may be borrowed from.
        lines: ``H×W`` bool, True on lines that go on through the hole.
        in_place: fill the photo itself. It is as it was if the work is stopped.
        on_progress: told of the work; a preview across an edge shows the larger part.
        **options: all others of :func:`~retouch.engine.pipeline.fill_photo`, which also names the errors.
    """
    if not any(edges) or not mask.any() or mask.all():
        options |= {"in_place": in_place, "on_progress": on_progress}
        return fill_photo(photo, mask, model, allowed=allowed, lines=lines, **options)
    result = photo if in_place else copied(photo)
    roll = find_roll(mask, edges)
    passes = [(mask, roll), *_bands(mask, roll, edges)]
    regions: list[RegionFill] = []
    seconds: defaultdict[str, float] = defaultdict(float)
    for number, (hole, turned) in enumerate(passes):
        if number == 1 and allowed is not None:
            allowed = allowed | mask  # what the first pass filled
        filled = fill_photo(
            _rolled(result, turned),
            turned.apply(hole),
            model,
            allowed=None if allowed is None else turned.apply(allowed),
            lines=None if lines is None else turned.apply(lines),
            on_progress=on_progress and partial(_tell, on_progress, turned, number, len(passes)),
            in_place=turned.moves,
            **options,
        )
        before = source_map(PhotoFill(result, tuple(regions), {}))
        regions = [_without(each, hole) for each in regions] if number else []
        for region in filled.regions:
            pieces = _write_back(result, filled.photo, region, turned)
            regions += pieces if before is None else (_followed(each, mask, before) for each in pieces)
        for stage, spent in filled.timings.items():
            seconds[stage] += spent
    return PhotoFill(result, tuple(each for each in regions if each.hole.any()), dict(seconds))


def _rolled(photo: Photo, roll: Roll) -> Photo:
    alpha = None if photo.alpha is None else roll.apply(photo.alpha)
    return replace(photo, pixels=roll.apply(photo.pixels), alpha=alpha)


def _bands(mask: Mask, roll: Roll, edges: Edges) -> Iterator[tuple[Mask, Roll]]:
    """The holes at edges where no line is free of them, and how to roll these into the middle."""
    for axis, meets, moved in ((1, edges.across, roll.right), (0, edges.down, roll.down)):
        counts = np.count_nonzero(mask, axis=1 - axis)
        if not meets or not counts.all():
            continue
        length = mask.shape[axis]
        start = -moved % length
        half = min(length // 8, max(_BAND, int(counts[start])))
        near = np.zeros(length, np.bool_)
        near[np.arange(start - half, start + half) % length] = True
        middle = (length // 2 - start) % length
        turned = replace(roll, right=middle) if axis == 1 else replace(roll, down=middle)
        yield mask & (near if axis == 1 else near[:, None]), turned


def _write_back(photo: Photo, rolled: Photo, region: RegionFill, roll: Roll) -> Iterator[RegionFill]:
    """Copy what was filled from a rolled photo, and turn the region into regions of the photo."""
    from_ = region.box.rows, region.box.columns
    for box, part in roll.pieces(*from_):
        hole, place = region.hole[part], (box.rows, box.columns)
        photo.pixels[place][hole] = rolled.pixels[from_][part][hole]
        if photo.alpha is not None and rolled.alpha is not None:
            photo.alpha[place][hole] = rolled.alpha[from_][part][hole]
        piece = replace(region, box=box)
        if piece.confidence is not None:
            piece = replace(piece, confidence=piece.confidence[part])
        yield _changed(piece, hole, partial(roll.sources, part=part))


def _changed(region: RegionFill, hole: Mask, change: Callable[[Sources], Sources]) -> RegionFill:
    """A region with another hole, and every map of its sources changed."""
    sources, confidence = region.sources, region.confidence
    return replace(
        region,
        hole=hole,
        sources=None if sources is None else inside(change(sources), hole),
        confidence=None if confidence is None else np.where(hole, confidence, np.float32(1)),
        coarser=tuple(partial(_made, each, hole, change) for each in region.coarser),
    )


def _made(make: Callable[[], Sources], hole: Mask, change: Callable[[Sources], Sources]) -> Sources:
    return inside(change(make()), hole)


def _without(region: RegionFill, band: Mask) -> RegionFill:
    """A region without what a later pass fills anew."""
    return _changed(region, region.hole & ~band[region.box.rows, region.box.columns], lambda sources: sources)


def _followed(region: RegionFill, mask: Mask, earlier: Sources) -> RegionFill:
    """A region whose sources in the hole are replaced by what those were filled from."""

    def follow(sources: Sources) -> Sources:
        rows, columns = sources[..., 0], sources[..., 1]  # -1 looks up the last pixel, and stays
        filled = (rows >= 0) & mask[rows, columns]
        return np.where(filled[..., None], earlier[rows, columns], sources)

    return _changed(region, region.hole, follow)


def _tell(listen: OnProgress, roll: Roll, number: int, passes: int, progress: Progress) -> None:
    """Pass on the progress of one of several passes; a preview across an edge shows the larger part."""
    done, total = number * progress.total + progress.done, passes * progress.total
    progress = replace(progress, done=done, total=total)
    if progress.place is not None and progress.preview is not None:
        box, part = max(roll.pieces(*progress.place), key=lambda each: each[0].height * each[0].width)
        preview = partial(_shown, progress.preview, part)
        progress = replace(progress, preview=preview, place=(box.rows, box.columns))
    listen(progress)


def _shown(preview: Callable[[], Picture], part: tuple[slice, slice]) -> Picture:
    return preview()[part]
