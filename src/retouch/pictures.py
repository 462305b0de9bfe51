"""Pictures that Python hands over: how each type becomes a photo, and how the photo goes back.

A picture is a path, the bytes of an image file, a numpy array, a PIL image, or a
:class:`~retouch.imaging.Photo`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard, Union

import numpy as np

from retouch import files, imaging
from retouch.errors import RetouchError
from retouch.imaging import Photo
from retouch.imaging.photo import join_alpha
from retouch.ops.masks import close as add_islands
from retouch.ops.masks import dilate as grow
from retouch.ops.masks import small_islands

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

Picture: TypeAlias = Union[str, Path, bytes, "np.ndarray[Any, Any]", "PILImage", Photo]
Mask: TypeAlias = "np.ndarray[Any, np.dtype[np.bool_]]"

_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
_PIL_MODES = ("L", "LA", "RGB", "RGBA", "P", "I;16")
_LARGEST_SHARE = 0.9  # of the photo; a mask that covers more is probably inverted
_ISLAND, _ISLANDS_A_PHOTO = 30, 50_000  # islands below 30 pixels are small; in a large photo, 1/50,000 of it
_STEPS = 65535  # float pictures travel as 16 bit; only what is filled is rounded


@dataclass(frozen=True)
class Opened:
    """A picture and its hole, opened for the engine.

    Attributes:
        picture: as the caller handed it over; never changed.
        photo: the picture as a photo.
        hole: ``H×W`` bool, True = fill.
        allowed: ``H×W`` bool, True where may be borrowed from; None for everywhere.
        ours: whether the photo may be changed in place: it was read here, or the caller allows it.
        target: the file to write; None if the result is handed back in memory.
        overwrite: replace that file if it exists.
        notes: what the user should know about the hole, a sentence each.
    """

    picture: Picture
    photo: Photo
    hole: Mask
    allowed: Mask | None
    ours: bool
    target: Path | None
    overwrite: bool
    notes: tuple[str, ...] = ()

    def give_back(self, filled: Photo, *, changed: bool) -> Any:
        """Return the filled photo as the type that was handed over; a path is written and returned.

        Args:
            filled: the photo, filled.
            changed: whether anything was filled. If not, a file is copied byte for byte.
        """
        picture = self.picture
        if isinstance(picture, (str, Path, bytes)):
            written = save(picture, filled, self.target, changed=changed, overwrite=self.overwrite)
            return self.target if written is None else written
        return give_back(picture, self.photo, filled, self.hole)


def open_pair(
    picture: Picture,
    mask: Picture | None,
    *,
    include: Picture | None,
    avoid: Picture | None,
    dilate: int,
    close: int,
    invert_mask: bool,
    resize_mask: bool,
    trust_mask: bool,
    in_place: bool,
    target: Path | None,
    overwrite: bool,
    allow_huge: bool,
) -> Opened:
    """Open a picture with its masks, and find out at once what would keep the result from being written.

    The arguments are those of :class:`retouch.api.arguments.InpaintArguments`; ``target`` is the file to
    write.

    Raises:
        RetouchError: the picture, a mask or the target cannot be used.
    """
    if in_place and not isinstance(picture, Photo):
        raise RetouchError("in_place= is for a retouch.imaging.Photo; other pictures are never changed.")
    if dilate < 0:
        raise RetouchError(f"A hole cannot be grown by {dilate} pixels; use 0 or more.")
    if close < 0:
        raise RetouchError(f"Islands cannot be closed by {close} pixels; use 0 or more.")
    photo = to_photo(picture, allow_huge=allow_huge)
    from_file = isinstance(picture, (str, Path, bytes))
    if from_file:
        imaging.check_target(target, overwrite=overwrite, photo=photo)
    read = partial(to_mask, photo=photo, resize=resize_mask, trust=trust_mask, allow_huge=allow_huge)
    hole = read(mask, invert=invert_mask)
    if mask is not None and not trust_mask:
        _check_coverage(hole)
    if dilate:
        hole = grow(hole, dilate)
    if close:
        hole = add_islands(hole, close)
    check_floats(picture, hole)
    allowed = None if include is None else read(include, name="include mask")
    if avoid is not None:
        kept = read(avoid, name="avoid mask", invert=True)
        allowed = kept if allowed is None else allowed & kept
    return Opened(picture, photo, hole, allowed, in_place or from_file, target, overwrite, _notes(hole))


def open_whole(picture: Picture, *, target: Path | None, overwrite: bool, allow_huge: bool) -> Opened:
    """Open a picture of which every pixel may change; see :func:`open_pair`."""
    photo = read_whole(picture, allow_huge=allow_huge)
    from_file = isinstance(picture, (str, Path, bytes))
    if from_file:
        imaging.check_target(target, overwrite=overwrite, photo=photo)
    everything = np.ones(photo.pixels.shape[:2], dtype=np.bool_)
    return Opened(picture, photo, everything, None, from_file, target, overwrite)


def read_whole(picture: Picture, *, allow_huge: bool) -> Photo:
    """Turn a picture into a photo of which every value counts; see :func:`to_photo`."""
    photo = to_photo(picture, allow_huge=allow_huge)
    check_floats(picture, np.zeros(photo.pixels.shape[:2], dtype=np.bool_))
    return photo


def to_photo(picture: Picture, *, allow_huge: bool = False) -> Photo:
    """Turn a picture of any kind into a photo.

    Raises:
        RetouchError: the kind, the file or the numbers in it are not such as can be filled.
    """
    if isinstance(picture, Photo):
        return picture
    if isinstance(picture, (str, Path, bytes)):
        return imaging.read_photo(picture, allow_huge=allow_huge)
    if _is_pil(picture):
        if picture.mode not in _PIL_MODES:
            raise RetouchError(
                f"A PIL image of mode {picture.mode} cannot be filled; "
                f"convert it to one of {', '.join(_PIL_MODES)}."
            )
        photo = imaging.photo_from_array(np.asarray(_without_palette(picture)))
        return replace(photo, profile=picture.info.get("icc_profile"))
    if isinstance(picture, np.ndarray):
        if picture.dtype in _FLOATS:
            # What lies in the hole does not count, so it may be NaN; check_floats looks at the rest.
            steps = np.nan_to_num(picture, nan=0.0).clip(0, 1) * _STEPS
            return imaging.photo_from_array(np.rint(steps).astype(np.uint16))
        if picture.dtype not in (np.uint8, np.uint16):
            raise RetouchError(
                f"An array of {picture.dtype} is no picture; use uint8, uint16, or float32/float64 in [0, 1]."
            )
        return imaging.photo_from_array(np.ascontiguousarray(picture))
    raise RetouchError(
        f"A {type(picture).__name__} is not a picture; hand over a path, a numpy array or a PIL image "
        "(tensors go to retouch.load(…))."
    )


def to_mask(
    mask: Picture | None,
    photo: Photo,
    *,
    invert: bool = False,
    resize: bool = False,
    trust: bool = False,
    allow_huge: bool = False,
    name: str = "mask",
) -> Mask:
    """Turn a mask of any type into ``H×W`` bool, True = fill; None means the photo's transparent area.

    Args:
        mask: the mask.
        photo: the photo that it is for.
        invert: black = fill instead.
        resize: resize a mask of another size to the photo's size.
        trust: accept a mask that looks like a photo.
        allow_huge: read files with more pixels than the safety limit.
        name: what error messages call the mask.

    Raises:
        RetouchError: the mask cannot be used.
    """
    checked = None if trust else photo
    shape = photo.pixels.shape[:2]
    if mask is None:
        hole = imaging.mask_from_alpha(photo)
        return ~hole if invert else hole
    if isinstance(mask, (str, Path, bytes)):
        return imaging.read_mask(
            mask, shape, invert=invert, resize=resize, allow_huge=allow_huge, name=name, photo=checked
        )
    if isinstance(mask, Photo):
        mask = join_alpha(mask)
    elif _is_pil(mask):
        mask = np.asarray(_without_palette(mask))
    if isinstance(mask, np.ndarray):
        return imaging.mask_from_array(mask, shape, invert=invert, resize=resize, name=name, photo=checked)
    raise RetouchError(
        f"A {type(mask).__name__} is not a mask; hand over a path, a numpy array or a PIL image."
    )


def _check_coverage(hole: Mask) -> None:
    """Raise :class:`RetouchError` if a mask leaves so little of the photo that it is probably inverted."""
    share = np.count_nonzero(hole) / hole.size
    if _LARGEST_SHARE < share < 1:  # the engine refuses a hole without known surroundings
        raise RetouchError(
            f"The mask covers {100 * share:.0f} % of the photo and may be inverted; use --invert-mask "
            "(invert_mask=True in Python) to fill the rest instead, or --trust-mask (trust_mask=True in "
            "Python) to fill it as it is."
        )


def _notes(hole: Mask) -> tuple[str, ...]:
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


def check_floats(picture: Picture, hole: Mask) -> None:
    """Raise :class:`RetouchError` unless the known values of a float picture lie in [0, 1]."""
    if not isinstance(picture, np.ndarray) or picture.dtype not in _FLOATS:
        return
    known = picture[~hole]
    if known.size and not (known.min() >= 0 and known.max() <= 1):  # also false for NaN
        raise RetouchError(
            f"A float picture must lie in [0, 1]; this one holds {known.min():g} to {known.max():g}."
        )


def give_back(picture: Picture, before: Photo, after: Photo, hole: Mask) -> Any:
    """Return the filled photo as the kind of picture that was handed over.

    Args:
        picture: what the caller gave; never changed. A path is not written here and gives a photo.
        before: ``to_photo(picture)``.
        after: the filled photo.
        hole: ``H×W`` bool, True where ``after`` may differ.
    """
    if isinstance(picture, np.ndarray):
        if picture.dtype in _FLOATS:
            return _floats(picture, before, after, hole)
        return join_alpha(after).reshape(picture.shape)
    if _is_pil(picture):
        from PIL import Image

        array = join_alpha(after)
        image = Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)
        image.info = dict(_without_palette(picture).info)
        return image
    return after


def save(
    source: str | Path | bytes, photo: Photo, target: Path | None, *, changed: bool, overwrite: bool = False
) -> bytes | None:
    """Write a filled photo; one that was not changed is copied byte for byte if the format stays.

    Args:
        source: the file, or the bytes of the file, that the photo was read from.
        photo: the filled photo.
        target: the file to write, None for bytes.
        changed: whether anything was filled.
        overwrite: replace ``target`` if it is there.

    Returns:
        the bytes of the file when ``target`` is None.
    """
    if changed or (target is not None and not _same_format(source, photo, target)):
        return imaging.write_photo(photo, target, overwrite=overwrite)
    if target is not None:
        files.copy_file(source, target, overwrite=overwrite)
        return None
    return source if isinstance(source, bytes) else Path(source).read_bytes()


def _same_format(source: str | Path | bytes, photo: Photo, target: Path) -> bool:
    ending = target.suffix.lower()
    if not isinstance(source, bytes) and Path(source).suffix.lower() == ending:
        return True
    return {".jpg": "jpeg", ".tif": "tiff"}.get(ending, ending.removeprefix(".")) == photo.format


def _floats(picture: np.ndarray[Any, Any], before: Photo, after: Photo, hole: Mask) -> np.ndarray[Any, Any]:
    filled = picture.copy()
    values = join_alpha(after).reshape(picture.shape)[hole] / _STEPS
    if after.alpha is not None and before.alpha is not None:
        same = after.alpha[hole] == before.alpha[hole]
        values[same, -1] = picture[hole][same, -1]
    filled[hole] = values
    return filled


def _is_pil(picture: object) -> TypeGuard[PILImage]:
    # Pillow is no dependency: if nobody imported it, nobody can have made one of its images.
    pil = sys.modules.get("PIL.Image")
    return pil is not None and isinstance(picture, pil.Image)


def _without_palette(image: PILImage) -> PILImage:
    if image.mode != "P":
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")
