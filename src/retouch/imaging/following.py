"""Let what a file says of a photo follow the photo once it is filled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from retouch.imaging.filled_regions import without_filled
from retouch.imaging.gain_map import fill_gain_map
from retouch.imaging.photo import Photo
from retouch.imaging.places import without_filled_subject


def follow_fill(photo: Photo, hole: NDArray[np.bool_], borrowed: NDArray[np.int32] | None) -> Photo:
    """Fill the hole of a photo's gain map, and take out regions that name what was removed.

    A face region, an image region or the subject's place goes if at least half of it was filled.

    Args:
        photo: the filled photo.
        hole: ``H×W``, True where it was filled.
        borrowed: ``N×4``, row and column of each pixel that was taken from another one, and row and column of
            that one; rows and columns count from 0. None if the photo has no gain map.
    """
    header = photo.header
    if header.xmp:
        xmp, count = without_filled(header.xmp, hole)
        regions = f"{count} region" + "s" * (count > 1)
        notes = (f"{regions} named in the metadata lay in the hole and went.",) if count else ()
        header = replace(header, xmp=xmp, notes=header.notes + notes)
    if header.exif:
        header = replace(header, exif=without_filled_subject(header.exif, hole))
    if header.gain is not None and borrowed is not None:
        header = replace(header, gain=fill_gain_map(header.gain, hole, borrowed))
    return replace(photo, header=header)


def without_gain_map(photo: Photo) -> Photo:
    """A photo that was painted anew: its gain map no longer fits."""
    if photo.header.gain is None:
        return photo
    notes = (*photo.header.notes, "The gain map does not fit the new picture and went.")
    return replace(photo, header=replace(photo.header, gain=None, notes=notes))
