"""A picture and its masks, opened for the engine: read, checked, and ready to be given back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from retouch import imaging, pictures
from retouch.api.arguments import InpaintArguments
from retouch.engine.rolling import Edges, edges_that_meet, find_roll
from retouch.errors import RetouchError
from retouch.imaging import Photo
from retouch.imaging.writing import Seal
from retouch.ops.masks import Mask, small_islands
from retouch.ops.masks import close as add_islands
from retouch.ops.masks import dilate as grow
from retouch.pictures import Picture

LARGEST_SHARE = 0.9
"""Of the photo; a mask that covers more is probably inverted."""
_POLE = 12  # within a twelfth of the height, a full sphere is stretched sideways by two and more
_ISLAND, _ISLANDS_A_PHOTO = 30, 50_000  # islands below 30 pixels are small; in a large photo, 1/50,000 of it


@dataclass(frozen=True)
class Opened:
    """A picture, opened for the engine.

    Attributes:
        picture: as the caller handed it over; never changed.
        photo: the picture as a photo.
        ours: whether the photo may be changed in place: it was read here, or the caller allows it.
        target: the file to write; None if the result is handed back in memory.
        overwrite: replace that file if it exists.
    """

    picture: Picture
    photo: Photo
    ours: bool
    target: Path | None
    overwrite: bool

    def give_back(self, filled: Photo, *, changed: bool, seal: Seal | None = None) -> Any:
        """Return the filled photo as the type that was handed over; a path is written and returned.

        Args:
            filled: the photo, filled.
            changed: whether anything was filled. If not, a file is copied byte for byte.
            seal: signs the file before it is written.
        """
        picture = self.picture
        if isinstance(picture, (str, Path, bytes)):
            written = pictures.save(
                picture, filled, self.target, changed=changed, overwrite=self.overwrite, seal=seal
            )
            return self.target if written is None else written
        return pictures.give_back(picture, filled)

    def losses(self, filled: Photo, *, changed: bool, sealed: bool = False) -> tuple[str, ...]:
        """Say what the file that is written does not hold of the one that was read, a sentence each."""
        if not isinstance(self.picture, (str, Path, bytes)):
            return ()
        return pictures.losses(self.picture, filled, self.target, changed=changed, sealed=sealed)


@dataclass(frozen=True)
class Masks:
    """What is to be filled, and from where.

    Attributes:
        hole: ``H×W`` bool, True = fill.
        allowed: ``H×W`` bool, True where may be borrowed from; None for everywhere.
        lines: ``H×W`` bool, True on lines that go on through the hole; None for none.
        edges: which edges of the photo meet.
        notes: what the user should know about the masks, a sentence each.
    """

    hole: Mask
    allowed: Mask | None
    lines: Mask | None
    edges: Edges
    notes: tuple[str, ...]


def open_picture(
    picture: Picture, *, target: Path | None, overwrite: bool, allow_huge: bool, in_place: bool = False
) -> Opened:
    """Open a picture, and find out at once what would keep the result from being written.

    Args:
        picture: of any type.
        target: the file to write, for a path; else None.
        overwrite: replace that file if it exists.
        allow_huge: read files with more pixels than the safety limit.
        in_place: change the :class:`~retouch.imaging.Photo` that was handed over.

    Raises:
        RetouchError: the picture or the target cannot be used.
    """
    if in_place and not isinstance(picture, Photo):
        raise RetouchError("in_place= is for a retouch.imaging.Photo; other pictures are never changed.")
    photo = pictures.to_photo(picture, allow_huge=allow_huge)
    from_file = isinstance(picture, (str, Path, bytes))
    if from_file:
        imaging.check_target(target, overwrite=overwrite, photo=photo)
    return Opened(picture, photo, in_place or from_file, target, overwrite)


def read_masks(mask: Picture | None, photo: Photo, arguments: InpaintArguments) -> Masks:
    """Read the masks of a photo, and change the hole as the arguments say.

    Raises:
        RetouchError: a mask cannot be used.
    """
    dilate, close, trust = arguments["dilate"], arguments["close"], arguments["trust_mask"]
    if dilate < 0:
        raise RetouchError(f"A hole cannot be grown by {dilate} pixels; use 0 or more.")
    if close < 0:
        raise RetouchError(f"Islands cannot be closed by {close} pixels; use 0 or more.")
    notes: list[str] = []
    read = partial(
        pictures.to_mask,
        notes=notes,
        photo=photo,
        resize=arguments["resize_mask"],
        trust=trust,
        allow_huge=arguments["allow_huge"],
    )
    hole = read(mask, invert=arguments["invert_mask"], mask_from=arguments["mask_from"])
    if mask is not None and not trust:
        _check_coverage(hole)
    edges = edges_that_meet(arguments["wrap"], photo)
    roll = find_roll(hole, edges)  # a hole grows across edges that meet, and encloses islands there
    hole = roll.apply(hole)
    if dilate:
        hole = grow(hole, dilate)
    if close:
        hole = add_islands(hole, close)
    if not trust:
        notes += _island_notes(hole)
    hole = roll.undo(hole)
    include, avoid = arguments["include"], arguments["avoid"]
    allowed = None if include is None else read(include, name="include mask")
    if avoid is not None:
        kept = read(avoid, name="avoid mask", invert=True)
        allowed = kept if allowed is None else allowed & kept
    lines = None if arguments["lines"] is None else read(arguments["lines"], name="mask of lines")
    if lines is not None and hole.any() and not (lines & hole).any():
        raise RetouchError(
            "The lines do not cross the hole; draw them through it, and on both sides of it, in white."
        )
    return Masks(hole, allowed, lines, edges, (*notes, *_pole_notes(hole, photo)))


def _check_coverage(hole: Mask) -> None:
    """Raise :class:`RetouchError` if a mask leaves so little of the photo that it is probably inverted."""
    share = np.count_nonzero(hole) / hole.size
    if LARGEST_SHARE < share < 1:  # the engine refuses a hole without known surroundings
        raise RetouchError(
            f"The mask covers {100 * share:.0f} % of the photo and may be inverted; use --invert-mask "
            "(invert_mask=True in Python) to fill the rest instead, or --trust-mask (trust_mask=True in "
            "Python) to fill it as it is."
        )


def _island_notes(hole: Mask) -> tuple[str, ...]:
    """Point out islands that were probably left over between strokes."""
    limit = max(_ISLAND, hole.size // _ISLANDS_A_PHOTO)
    count, radius = small_islands(hole, limit)
    if count == 0:
        return ()
    islands, lie, them = ("island", "lies", "it") if count == 1 else ("islands", "lie", "them")
    return (
        f"{count:,} known {islands} smaller than {limit:,} pixels {lie} inside the hole; "
        f"--close {radius} (close={radius} in Python) takes {them} in.",
    )


def _pole_notes(hole: Mask, photo: Photo) -> tuple[str, ...]:
    """Say that a hole reaches a pole of a full sphere, which is filled as if it were flat."""
    margin = len(hole) // _POLE
    if not (hole[:margin].any() or hole[len(hole) - margin :].any()):
        return ()
    if not (imaging.goes_around(photo) and imaging.shows_poles(photo)):
        return ()
    return (
        "The hole reaches a pole of the 360° photo, where the picture is stretched, and is filled as it "
        "lies; to remove a tripod, fill a view straight down and project it back.",
    )
