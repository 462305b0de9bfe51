"""Photos with holes: how to find them in a user's folder, and how to read them."""

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
from retouch.evaluation.arrays import Hole, Pixels, size_text
from retouch.imaging import read_mask, read_photo, to_srgb

PLAIN_KIND = "masks"
"""The kind of the masks in ``masks/`` itself."""

LAYOUT = (
    "it needs index.json, or photos in images/ and, for each, a mask of the same name in masks/ "
    "(or masks/KIND/), or one mask for all photos"
)

# Some of these cannot be read. An error that names the file is better than silently leaving a photo out.
_ENDINGS = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".avif", ".heic", ".heif"}
_ENDINGS |= {".gif", ".bmp", ".ppm", ".pgm", ".jp2"}
_INDEX = '{"items": [{"id": "…", "image": "path", "masks": {"kind": "path", …}}, …]}'


@dataclass(frozen=True)
class Pair:
    """A photo and its hole.

    Attributes:
        photo: The photo's id.
        masks: The kind of its mask.
        image: The photo's file.
        mask: The mask's file, white = hole; None if a protocol makes the hole.
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
    """Find the photos of a folder with their masks, photo by photo and always in the same order.

    The folder holds ``index.json`` (``{"items": [{"id", "image", "masks": {kind: path}}, …]}``, with paths
    relative to the folder), or ``images/`` (subfolders are allowed) and masks in one of these layouts:

    - ``masks/STEM.png`` for each ``images/STEM.jpg``: one kind, named "masks";
    - ``masks/KIND/STEM.png``: one kind per subfolder;
    - one mask for all photos: the only file in such a folder, or ``mask.png``.

    Args:
        data: The folder.
        masks: The kinds wanted; None for all.
        limit: How many photos to take, spread evenly over the list; None for all.

    Raises:
        RetouchError: There is no such folder, its layout is different, ``index.json`` is broken, there is no
            such kind, or a photo has no mask of it.
    """
    items = _items(data)
    there = list(dict.fromkeys(kind for item in items for kind in item.masks))
    if not there:
        raise RetouchError(f"No masks found in {data}; {LAYOUT}.")
    if "all" in there:
        raise RetouchError(f'{data} has a kind of masks named "all", a name that reports need; rename it.')
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
    """Find the ids and files of a folder's photos, as in :func:`find_pairs`; masks are not needed."""
    return [(item.photo, item.image) for item in _spread(_items(data), limit)]


def _spread(items: list[_Item], limit: int | None) -> list[_Item]:
    """Take ``limit`` items spread evenly, because lists are often sorted by category."""
    if limit is None or limit >= len(items):
        return items
    if limit < 1:
        raise RetouchError(f"A limit of {limit} photos leaves nothing to measure; give at least 1.")
    return [items[place * len(items) // limit] for place in range(limit)]


def _items(data: Path) -> list[_Item]:
    if not data.is_dir():
        raise RetouchError(f"{data} is not a folder; name the one that holds the photos and masks.")
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
        raise RetouchError(f"{path} is not valid JSON ({error}); correct it.") from error
    items = content.get("items") if isinstance(content, dict) else None
    if not isinstance(items, list):
        raise RetouchError(f"{path} has no list of items; it must be {_INDEX}.")
    for number, item in enumerate(items, 1):
        if not _is_item(item):
            raise RetouchError(f"Item {number} of {path} is wrong; the file must be {_INDEX}.")
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
                raise RetouchError(f"{stems[mask.stem]} and {mask} are masks of the same photo; remove one.")
            stems[mask.stem] = mask
        if len(masks) == 1 and len(items) > 1 and masks[0].stem in {item.photo for item in items}:
            raise RetouchError(
                f"{masks[0]} is the only mask, but it is named like one of {len(items)} photos; "
                "add the other masks, or name it mask.png if it is for all photos."
            )
        for item in items:
            mask_of_it = masks[0] if len(masks) == 1 else stems.get(item.photo)
            if mask_of_it is not None:
                item.masks[kind] = mask_of_it
    return items


def _below(folder: Path) -> Iterator[Path]:
    """All files of a folder and its subfolders, including linked ones."""
    for place, _, names in os.walk(folder, followlinks=True):
        yield from (Path(place) / name for name in names)


def _mask_files(data: Path) -> dict[str, list[Path]]:
    """The masks of a folder without an index, by kind."""
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
    """The paths that are named like pictures, sorted."""
    return sorted(
        path
        for path in paths
        if path.suffix.lower() in _ENDINGS and not path.name.startswith(".") and path.is_file()
    )


def read_picture(path: Path) -> Pixels:
    """Read a picture as ``H×W×3`` uint8 sRGB; raises what :func:`~retouch.imaging.read_photo` raises."""
    return np.rint(255 * to_srgb(read_photo(path), slice(None), slice(None))).astype(np.uint8)


def read_hole(path: Path) -> Hole:
    """Read a mask in its own size, ``H×W`` bool; raises what :func:`~retouch.imaging.read_mask` raises."""
    return read_mask(path, read_photo(path).pixels.shape)


def read_pair(pair: Pair, size: int | None = None) -> tuple[Pixels, Hole]:
    """Read a photo and its mask.

    Args:
        pair: A pair with a mask file.
        size: Shrink both by area averaging until the shorter side has this many pixels. A pixel belongs to
            the hole if at least half of its area does. None to leave them as they are.

    Returns:
        The photo, ``H×W×3`` uint8 sRGB, and its hole, ``H×W`` bool, True = fill.

    Raises:
        RetouchError: A file cannot be read, the sizes differ, the photo is smaller than ``size``, or the hole
            is empty or covers everything.
    """
    if pair.mask is None:
        raise ValueError(f"The hole of {pair.photo} is made by a protocol; see read_protocol_pair.")
    truth, hole = read_picture(pair.image), read_hole(pair.mask)
    if truth.shape[:2] != hole.shape:
        raise RetouchError(
            f"The mask {pair.mask} is {size_text(hole)} pixels and the photo {pair.image} "
            f"{size_text(truth)}; bring them to the same size."
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
    """Shrink ``H×W`` or ``H×W×3`` by area averaging until the shorter side is ``size``."""
    shorter = min(array.shape[:2])
    if shorter == size:
        return array
    height, width = (round(side * size / shorter) for side in array.shape[:2])
    return np.asarray(cv2.resize(array, (width, height), interpolation=cv2.INTER_AREA))


def check_hole(hole: Hole, mask: Path) -> None:
    """Check that there is something to fill and something known.

    Raises:
        RetouchError: The hole is empty or covers everything.
    """
    if not hole.any():
        raise RetouchError(f"The mask {mask} has no hole; paint what you want filled white.")
    if hole.all():
        raise RetouchError(f"The mask {mask} covers the whole photo; leave some of it black.")
