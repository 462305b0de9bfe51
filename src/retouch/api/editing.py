"""What an editor needs of a photo besides filling it: to open it, to show parts of it, and to write it.

The server comes through here to image files and colours, as everybody else comes through ``retouch.fill``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retouch.errors import RetouchError

if TYPE_CHECKING:
    from retouch.imaging import Photo

Array = NDArray[Any]

FORMATS = {
    "jpeg": ".jpg",
    "png": ".png",
    "webp": ".webp",
    "tiff": ".tif",
    "avif": ".avif",
    "heic": ".heic",
}
"""The formats that photos are written in, and the ending of each."""
_CHANNELS = 5  # that a photo of the most pixels may have: CMYK and alpha


def open_photo(source: Path | bytes, most_pixels: int) -> Photo:
    """Read a photo of at most so many pixels from a file, or from the bytes of one.

    Raises:
        RetouchError: it is larger, or cannot be read; see :func:`retouch.imaging.read_photo`.
    """
    from retouch import imaging
    from retouch.imaging.opening import open_file

    image = open_file(source, allow_huge=True, limit=partial(_check_size, most_pixels)).image
    if image.width * image.height * image.bands > most_pixels * _CHANNELS:
        raise RetouchError(f"The photo has {image.bands} channels, too many for its size; leave some out.")
    return imaging.read_photo(source, allow_huge=True)


def _check_size(most_pixels: int, width: int, height: int) -> None:
    if width * height > most_pixels:
        raise RetouchError(
            f"The photo has {width * height / 1e6:,.0f} megapixels, and at most "
            f"{most_pixels / 1e6:,.0f} are allowed here; make it smaller first."
        )


def size_of(path: Path) -> tuple[int, int]:
    """Width and height of the upright photo in a file; only its header is read.

    Raises:
        RetouchError: it is no photo, or too large.
    """
    from retouch.imaging.opening import open_file

    image = open_file(path, allow_huge=False).image.autorot()
    return image.width, image.height


def on_screen(photo: Photo, pixels: Array, alpha: Array | None) -> NDArray[np.uint8]:
    """Turn a part of a photo into what a screen shows.

    Args:
        photo: the photo, for its profile; its own pixels do not matter.
        pixels: ``h×w×C`` in the photo's own encoding.
        alpha: ``h×w``, or None.

    Returns:
        ``h×w×3`` sRGB, or ``h×w×4`` with alpha.
    """
    from retouch.imaging import to_srgb

    whole = slice(None)
    shown = np.rint(to_srgb(replace(photo, pixels=pixels), whole, whole) * 255).astype(np.uint8)
    if alpha is None:
        return shown
    opacity = alpha if alpha.dtype == np.uint8 else np.rint(alpha / 257).astype(np.uint8)
    return np.dstack([shown, opacity])


def small(photo: Photo, side: int) -> NDArray[np.uint8]:
    """Make a small picture of a whole photo, ``h×w×3`` sRGB, its longer side at most ``side`` pixels."""
    from retouch.references.views import small_picture

    return np.asarray(np.rint(small_picture(photo, side).clip(0, 1) * 255), np.uint8)


def read_hole(mask: Path, photo: Photo, notes: list[str]) -> NDArray[np.bool_]:
    """Read a mask file of any kind for a photo, by the rules of ``retouch fill``.

    Args:
        mask: the file.
        photo: the photo that it is for.
        notes: what the user should know of how it was read is added here, a sentence each.

    Returns:
        ``H×W`` bool, True = fill.

    Raises:
        RetouchError: it is no mask for this photo.
    """
    from retouch import pictures

    return pictures.to_mask(mask, photo, notes=notes)


def follow(photo: Photo, hole: NDArray[np.bool_], borrowed: NDArray[np.int32]) -> Photo:
    """Let what the file says of a photo follow a fill; see :func:`retouch.imaging.follow_fill`."""
    from retouch.imaging import follow_fill

    return follow_fill(photo, hole, borrowed)


def marked(photo: Photo, fills: Iterable[tuple[str, dict[str, int], int]]) -> Photo:
    """Say in a photo's XMP that trained networks filled it, if any did, once for each such fill.

    Args:
        photo: the photo, edited.
        fills: of each fill in its order: the model that was asked for, how many pixels what filled, the seed.
    """
    from retouch.api.recorded import edited
    from retouch.imaging import mark_edited
    from retouch.models import CARDS
    from retouch.models.specification import Specification

    trained = {card.name for card in CARDS if card.trained}
    for model, by, seed in fills:
        if Specification.parse(model).trained or trained.intersection(by):  # refined, only the second says so
            photo = mark_edited(photo, edited(by, seed, trained=True, when=None))
    return photo


def write(photo: Photo, original: Path, format: str | None, *, changed: bool) -> bytes:
    """Return the file of an edited photo: in its own format, or in another one of :data:`FORMATS`.

    Args:
        photo: the photo, edited.
        original: the file that it was read from; if nothing was edited, its bytes are returned.
        format: the format; None for the photo's own.
        changed: whether anything was edited.

    Raises:
        RetouchError: the format cannot hold the photo.
    """
    from retouch.imaging import write_photo

    if not changed and format in (None, photo.format):
        return original.read_bytes()
    if format is None and photo.format not in FORMATS:
        format = "png"
    written = write_photo(photo, None, format=format)
    assert written is not None
    return written


def save(photo: Photo, original: Path, target: Path, *, changed: bool, overwrite: bool) -> None:
    """Write an edited photo to a file, whose name says the format.

    Args:
        photo: the photo, edited.
        original: the file that it was read from, which is copied if nothing was edited.
        target: the file to write.
        changed: whether anything was edited.
        overwrite: replace ``target`` if it exists.

    Raises:
        RetouchError: the file cannot be written.
    """
    from retouch import pictures

    pictures.save(original, photo, target, changed=changed, overwrite=overwrite)


def losses(photo: Photo, original: Path, target: Path | None) -> tuple[str, ...]:
    """Say what a file that is written does not hold of the one that was read, a sentence each."""
    from retouch import pictures

    return pictures.losses(original, photo, target, changed=True)
