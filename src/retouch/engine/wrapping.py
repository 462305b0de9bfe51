"""Photos whose opposite edges meet: full spheres, and textures that tile.

The photo is rolled so that its edges lie where no hole is near, filled as any other, and rolled back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from retouch.contract import Model, OnProgress, Progress
from retouch.engine.boxes import Box
from retouch.engine.filled import PhotoFill, RegionFill, source_map
from retouch.engine.pipeline import fill_photo
from retouch.errors import RetouchError
from retouch.imaging import Photo, goes_around
from retouch.ops.masks import Mask

Sources = NDArray[np.int32]
Picture = NDArray[np.float32]

_BAND = (
    16  # pixels on each side of an edge, at least, that are filled anew where a hole spans the whole photo
)


class Edges(NamedTuple):
    """Which edges of a photo meet: left and right, or top and bottom."""

    across: bool = False
    down: bool = False


def edges_that_meet(wrap: str, photo: Photo) -> Edges:
    """Return the edges that the argument ``wrap`` names; "auto" goes by the photo.

    Raises:
        RetouchError: there is no such value.
    """
    if wrap == "auto":
        return Edges(across=goes_around(photo))
    named = {"none": Edges(), "horizontal": Edges(across=True), "both": Edges(across=True, down=True)}
    if wrap not in named:
        raise RetouchError(f"The edges that meet are auto, {', '.join(named)}, not {wrap!r}.")
    return named[wrap]


@dataclass(frozen=True)
class Roll:
    """A photo rolled by whole pixels, as :func:`numpy.roll` does it.

    Attributes:
        shape: height and width.
        down: rows that everything moves down.
        right: columns that everything moves to the right.
    """

    shape: tuple[int, int]
    down: int
    right: int

    @property
    def moves(self) -> bool:
        """Whether anything is rolled."""
        return bool(self.down or self.right)

    def apply(self, array: NDArray[Any]) -> NDArray[Any]:
        """Roll ``H×W…``."""
        return np.roll(array, (self.down, self.right), axis=(0, 1)) if self.moves else array

    def undo(self, array: NDArray[Any]) -> NDArray[Any]:
        """Roll ``H×W…`` back."""
        return Roll(self.shape, -self.down, -self.right).apply(array)

    def pieces(self, rows: slice, columns: slice) -> Iterator[tuple[Box, tuple[slice, slice]]]:
        """Where a box of the rolled photo lies in the photo: up to four boxes, each with its part of it."""
        for top, inner_rows in _spans(rows, self.down, self.shape[0]):
            for left, inner_columns in _spans(columns, self.right, self.shape[1]):
                height, width = (each.stop - each.start for each in (inner_rows, inner_columns))
                yield Box(top, left, height, width), (inner_rows, inner_columns)

    def sources(self, sources: Sources, part: tuple[slice, slice]) -> Sources:
        """Turn a part of a rolled map of sources into one of the photo."""
        here = sources[part]
        moved = (here - np.array([self.down, self.right], np.int32)) % np.array(self.shape, np.int32)
        return _inside(moved, here[..., 0] >= 0)


def _spans(span: slice, moved: int, length: int) -> list[tuple[int, slice]]:
    start, size = (span.start - moved) % length, span.stop - span.start
    first = min(size, length - start)
    return [(start, slice(0, first))] + ([(0, slice(first, size))] if size > first else [])


def find_roll(mask: Mask, edges: Edges) -> Roll:
    """Choose how to roll a photo, so that edges that meet come as far from its holes as possible.

    Args:
        mask: ``H×W`` bool, True = hole.
        edges: which edges meet.
    """
    rows = -_edge(np.count_nonzero(mask, axis=1)) if edges.down else 0
    columns = -_edge(np.count_nonzero(mask, axis=0)) if edges.across else 0
    return Roll((mask.shape[0], mask.shape[1]), rows, columns)


def _edge(counts: NDArray[np.intp]) -> int:
    """The line to begin at: in the middle of the longest run without a hole, around the edge too."""
    holes = np.flatnonzero(counts)
    length = len(counts)
    if holes.size == 0 or min(holes[0], length - 1 - holes[-1]) >= length // 4:
        return 0  # far enough from the edge as it is
    if holes.size == length:
        return int(counts.argmin())
    gaps = np.diff(holes, append=holes[0] + length)
    longest = int(gaps.argmax())
    return int(holes[longest] + (gaps[longest] + 1) // 2) % length


def fill_wrapping(
    photo: Photo,
    mask: Mask,
    model: Model,
    *,
    edges: Edges,
    allowed: Mask | None = None,
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
        in_place: fill the photo itself. It is as it was if the work is stopped.
        on_progress: told of the work; a preview across an edge shows the larger part.
        **options: all others of :func:`~retouch.engine.pipeline.fill_photo`, which also names the errors.
    """
    if not any(edges) or not mask.any() or mask.all():
        return fill_photo(
            photo, mask, model, allowed=allowed, in_place=in_place, on_progress=on_progress, **options
        )
    result = photo
    if not in_place:
        alpha = None if photo.alpha is None else photo.alpha.copy()
        result = replace(photo, pixels=photo.pixels.copy(), alpha=alpha)
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
        sources=None if sources is None else _inside(change(sources), hole),
        confidence=None if confidence is None else np.where(hole, confidence, np.float32(1)),
        coarser=tuple(partial(_made, each, hole, change) for each in region.coarser),
    )


def _made(make: Callable[[], Sources], hole: Mask, change: Callable[[Sources], Sources]) -> Sources:
    return _inside(change(make()), hole)


def _inside(sources: Sources, hole: Mask) -> Sources:
    return np.where(hole[..., None], sources, np.int32(-1))


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
