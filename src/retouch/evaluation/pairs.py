"""Photos with holes: where they lie in a user's folder, and how they are read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.errors import RetouchError
from retouch.evaluation.fillers import Hole, Pixels
from retouch.imaging import read_mask, read_photo, to_srgb

PLAIN_KIND = "masks"
"""The kind of masks that lie in ``masks/`` itself."""

LAYOUT = (
    "it needs index.json, or photos in images/ and for each a mask of the same name in masks/ "
    "(or masks/KIND/), or one mask for all"
)

# Some of these cannot be read; better an error that names the file than a photo left out in silence.
_ENDINGS = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".avif", ".heic", ".heif"}
_ENDINGS |= {".gif", ".bmp", ".ppm", ".pgm", ".jp2"}
_INDEX = '{"items": [{"id": "…", "image": "path", "masks": {"kind": "path", …}}, …]}'


@dataclass(frozen=True)
class Pair:
    """A photo and its hole.

    Attributes:
        photo: id of the photo.
        masks: the kind of its mask.
        image: file of the photo.
        mask: file of the mask, white = hole; None where a protocol makes the hole.
    """

    photo: str
    masks: str
    image: Path
    mask: Path | None


@dataclass(frozen=True)
class _Item:
    """A photo with its masks by kind."""

    photo: str
    image: Path
    masks: dict[str, Path] = field(default_factory=dict)


def find_pairs(data: Path, masks: Sequence[str] | None = None, limit: int | None = None) -> list[Pair]:
    """The photos of a folder with their masks, photo by photo, always in the same order.

    The folder holds ``index.json`` (``{"items": [{"id", "image", "masks": {kind: path}}, …]}``, its paths
    relative to the folder) or ``images/``, with subfolders or without, and

    - ``masks/STEM.png`` for each ``images/STEM.jpg``: one kind, "masks";
    - ``masks/KIND/STEM.png``: a kind for each subfolder;
    - or one mask for all photos: the only file in such a folder, or ``mask.png``.

    Args:
        data: the folder.
        masks: the kinds wanted; None for all there are.
        limit: so many photos, spread evenly over the list; None for all.

    Raises:
        RetouchError: there is no such folder, it is laid out otherwise, ``index.json`` is broken, there is no
            such kind, or a photo has no mask of it.
    """
    items = _items(data)
    there = list(dict.fromkeys(kind for item in items for kind in item.masks))
    if not there:
        raise RetouchError(f"No masks found in {data}; {LAYOUT}.")
    if "all" in there:
        raise RetouchError(f'{data} has masks of a kind "all", which in a report means all kinds; rename it.')
    wanted = list(dict.fromkeys(masks)) if masks else there
    for kind in wanted:
        if kind not in there:
            raise RetouchError(f"{data} has no masks of the kind {kind!r}; choose from {', '.join(there)}.")
    picked = _spread(items, limit)
    for kind in wanted:
        bare = [item.photo for item in picked if kind not in item.masks]
        if bare:
            more = f", and {len(bare) - 1} more have none" if len(bare) > 1 else ""
            raise RetouchError(
                f"The photo {bare[0]} has no mask of the kind {kind!r}{more}; "
                "add masks, or leave such photos out."
            )
    return [Pair(item.photo, kind, item.image, item.masks[kind]) for item in picked for kind in wanted]


def find_photos(data: Path, limit: int | None = None) -> list[tuple[str, Path]]:
    """Ids and files of the photos of a folder, as in :func:`find_pairs`; masks need not be there."""
    return [(item.photo, item.image) for item in _spread(_items(data), limit)]


def _spread(items: list[_Item], limit: int | None) -> list[_Item]:
    """So many of them, spread evenly: lists are often sorted by category."""
    if limit is None or limit >= len(items):
        return items
    if limit < 1:
        raise RetouchError(f"A limit of {limit} photos leaves nothing to measure; give at least 1.")
    return [items[place * len(items) // limit] for place in range(limit)]


def _items(data: Path) -> list[_Item]:
    if not data.is_dir():
        raise RetouchError(f"{data} is no folder; name the one that holds the photos and masks.")
    items = _indexed(data) if (data / "index.json").exists() else _plain(data)
    if not items:
        raise RetouchError(f"No photos found in {data}; {LAYOUT}.")
    seen: dict[str, Path] = {}
    for item in items:
        if item.photo in seen:
            both = f"{seen[item.photo]} and {item.image}"
            raise RetouchError(f"Two photos are called {item.photo!r}: {both}; rename one.")
        seen[item.photo] = item.image
    return items


def _indexed(data: Path) -> list[_Item]:
    path = data / "index.json"
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise RetouchError(f"{path} cannot be read ({error.strerror}); check its permissions.") from error
    except ValueError as error:  # neither JSON nor perhaps UTF-8
        raise RetouchError(f"{path} is not valid JSON ({error}); mend it.") from error
    items = content.get("items") if isinstance(content, dict) else None
    if not isinstance(items, list):
        raise RetouchError(f"{path} has no list of items; it must be {_INDEX}.")
    for number, item in enumerate(items, 1):
        if not _is_item(item):
            raise RetouchError(f"Item {number} of {path} is not as it must be: {_INDEX}.")
    return [
        _Item(item["id"], data / item["image"], {kind: data / mask for kind, mask in item["masks"].items()})
        for item in items
    ]


def _is_item(item: object) -> bool:
    if not isinstance(item, dict) or not isinstance(item.get("masks"), dict):
        return False
    texts = [item.get("id"), item.get("image"), *item["masks"], *item["masks"].values()]
    return all(isinstance(text, str) and text for text in texts)


def _plain(data: Path) -> list[_Item]:
    images = pictures_among(_below(data / "images")) if (data / "images").is_dir() else []
    items = [_Item(image.stem, image) for image in sorted(images, key=lambda image: (image.stem, image))]
    for kind, masks in _mask_files(data).items():
        stems: dict[str, Path] = {}
        for mask in masks:
            if mask.stem in stems:
                raise RetouchError(f"{stems[mask.stem]} and {mask} are masks of one photo; remove one.")
            stems[mask.stem] = mask
        if len(masks) == 1 and len(items) > 1 and masks[0].stem in {item.photo for item in items}:
            raise RetouchError(
                f"{masks[0]} is the only mask, but named like one photo of {len(items)}; "
                "add the other masks, or call it mask.png if it is meant for all."
            )
        for item in items:
            mask_of_it = masks[0] if len(masks) == 1 else stems.get(item.photo)
            if mask_of_it is not None:
                item.masks[kind] = mask_of_it
    return items


def _below(folder: Path) -> Iterator[Path]:
    """All files of a folder and of its subfolders, linked ones too."""
    for place, _, names in os.walk(folder, followlinks=True):
        yield from (Path(place) / name for name in names)


def _mask_files(data: Path) -> dict[str, list[Path]]:
    """The masks of a folder that has no index, by kind."""
    folder, single = data / "masks", data / "mask.png"
    inside = sorted(folder.iterdir()) if folder.is_dir() else []
    kinds = {sub.name: pictures_among(sub.iterdir()) for sub in inside if sub.is_dir() and sub.name[0] != "."}
    kinds = {kind: masks for kind, masks in kinds.items() if masks}
    flat = pictures_among(inside)
    if kinds and flat:
        raise RetouchError(f"{folder} holds masks and subfolders of masks; put them all into subfolders.")
    if (kinds or flat) and single.exists():
        raise RetouchError(f"{data} has both masks/ and mask.png; remove one of them.")
    if single.exists():
        flat = [single]
    return {PLAIN_KIND: flat} if flat else kinds


def pictures_among(paths: Iterable[Path]) -> list[Path]:
    """Those that are named like pictures, sorted."""
    return sorted(
        path
        for path in paths
        if path.suffix.lower() in _ENDINGS and not path.name.startswith(".") and path.is_file()
    )


def read_picture(path: Path) -> Pixels:
    """A picture as ``H×W×3`` uint8 sRGB; errors are those of :func:`~retouch.imaging.read_photo`."""
    return np.rint(255 * to_srgb(read_photo(path), slice(None), slice(None))).astype(np.uint8)


def read_hole(path: Path) -> Hole:
    """A mask in its own size, ``H×W`` bool; errors are those of :func:`~retouch.imaging.read_mask`."""
    return read_mask(path, read_photo(path).pixels.shape)


def read_pair(pair: Pair, size: int | None = None) -> tuple[Pixels, Hole]:
    """Read a photo and its mask.

    Args:
        pair: one with a mask file.
        size: shrink both by averaging areas until the shorter side has so many pixels; a pixel is hole if
            half of its area is. None to leave them as they are.

    Returns:
        The photo, ``H×W×3`` uint8 sRGB, and its hole, ``H×W`` bool, True = fill.

    Raises:
        RetouchError: a file cannot be read, the sizes differ, the photo is smaller than ``size``, or the hole
            is empty or everything.
    """
    if pair.mask is None:
        raise ValueError(f"The hole of {pair.photo} is made by a protocol; see read_protocol_pair.")
    truth, hole = read_picture(pair.image), read_hole(pair.mask)
    if truth.shape[:2] != hole.shape:
        raise RetouchError(
            f"The mask {pair.mask} is {size_text(hole)} pixels and the photo {pair.image} "
            f"{size_text(truth)}; bring them to one size."
        )
    if size is not None:
        if size > min(hole.shape):
            raise RetouchError(
                f"The photo {pair.image} is {size_text(truth)} pixels, too small for --size {size}."
            )
        truth, hole = shrunk(truth, size), shrunk(hole.astype(np.float32), size) >= 0.5
    check_hole(hole, pair.mask)
    return truth, hole


def shrunk(array: NDArray[Any], size: int) -> NDArray[Any]:
    """An array of ``H×W`` or ``H×W×3`` whose shorter side becomes ``size``, by averaging areas."""
    shorter = min(array.shape[:2])
    if shorter == size:
        return array
    height, width = (round(side * size / shorter) for side in array.shape[:2])
    return np.asarray(cv2.resize(array, (width, height), interpolation=cv2.INTER_AREA))


def check_hole(hole: Hole, mask: Path) -> None:
    """Raise :class:`RetouchError` unless there is something to fill and something to fill it from."""
    if not hole.any():
        raise RetouchError(f"The mask {mask} has no hole; paint white what is to be filled.")
    if hole.all():
        raise RetouchError(f"The mask {mask} covers the whole photo; leave some of it black.")


def size_text(array: Pixels | Hole) -> str:
    """Width and height, for people."""
    return f"{array.shape[1]} × {array.shape[0]}"
