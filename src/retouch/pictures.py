"""Pictures that Python hands over: how each type becomes a photo, and how the photo goes back.

A picture is a path, the bytes of an image file, a numpy array, a PIL image, or a
:class:`~retouch.imaging.Photo`.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard, Union, get_args

import numpy as np

from retouch import files, imaging
from retouch.errors import RetouchError
from retouch.imaging import Photo
from retouch.imaging.metadata import CREDENTIALS_GONE
from retouch.imaging.photo import join_alpha
from retouch.imaging.writing import Seal

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

Picture: TypeAlias = Union[str, Path, bytes, "np.ndarray[Any, Any]", "PILImage", Photo]
Mask: TypeAlias = "np.ndarray[Any, np.dtype[np.bool_]]"

_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
_PIL_MODES = ("L", "LA", "RGB", "RGBA", "P", "I;16")


def to_photo(picture: Picture, *, allow_huge: bool = False) -> Photo:
    """Turn a picture of any type into a photo.

    Raises:
        RetouchError: the type, the file or its numbers cannot be filled.
    """
    if isinstance(picture, Photo):
        return picture
    if isinstance(picture, (str, Path, bytes)):
        return imaging.read_photo(picture, allow_huge=allow_huge)
    pixels, profile = _pixels(picture)
    return replace(imaging.photo_from_array(pixels), profile=profile)


def _pixels(picture: object) -> tuple[np.ndarray[Any, Any], bytes | None]:
    """The pixels of an array or a PIL image, and its profile."""
    if _is_pil(picture):
        if picture.mode not in _PIL_MODES:
            raise RetouchError(
                f"A PIL image of mode {picture.mode} cannot be filled; "
                f"convert it to one of {', '.join(_PIL_MODES)}."
            )
        return np.asarray(_without_palette(picture)), picture.info.get("icc_profile")
    if not isinstance(picture, np.ndarray):
        raise RetouchError(
            f"A {type(picture).__name__} is not a picture; hand over a path, a numpy array or a PIL image "
            "(tensors go to retouch.load(…))."
        )
    if picture.dtype not in (np.uint8, np.uint16, *_FLOATS):
        raise RetouchError(
            f"An array of {picture.dtype} is no picture; use uint8, uint16, float32 or float64."
        )
    return np.ascontiguousarray(picture), None


def to_mask(
    mask: Picture | None,
    photo: Photo,
    *,
    invert: bool = False,
    resize: bool = False,
    trust: bool = False,
    allow_huge: bool = False,
    name: str = "mask",
    mask_from: imaging.MaskFrom = "auto",
    notes: list[str] | None = None,
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
        mask_from: as in :func:`~retouch.imaging.read_mask`.
        notes: what the user should know about how the mask was read is added here.

    Raises:
        RetouchError: the mask cannot be used.
    """
    if mask_from not in get_args(imaging.MaskFrom):
        raise RetouchError(f"A mask is read from {', '.join(get_args(imaging.MaskFrom))}, not {mask_from!r}.")
    shape = photo.pixels.shape[:2]
    if mask is None:
        if mask_from != "auto":
            raise RetouchError("--mask-from (mask_from= in Python) says how to read a mask; give a mask.")
        hole = imaging.mask_from_alpha(photo)
        return ~hole if invert else hole
    if isinstance(mask, (str, Path, bytes)):
        return imaging.read_mask(
            mask,
            shape,
            invert=invert,
            resize=resize,
            allow_huge=allow_huge,
            name=name,
            photo=None if trust else photo,
            mask_from=mask_from,
            notes=notes,
        )
    if isinstance(mask, Photo):
        mask = join_alpha(mask)
    elif _is_pil(mask):
        mask = _mask_pixels(mask)
    if isinstance(mask, np.ndarray):
        return imaging.mask_from_array(
            mask,
            shape,
            invert=invert,
            resize=resize,
            name=name,
            photo=None if trust else photo,
            mask_from=mask_from,
            notes=notes,
        )
    raise RetouchError(
        f"A {type(mask).__name__} is not a mask; hand over a path, a numpy array or a PIL image."
    )


def _mask_pixels(mask: PILImage) -> np.ndarray[Any, Any]:
    """The values of a PIL image; the numbers of its palette if it is a map of classes."""
    if mask.mode in ("PA", "La", "RGBa"):
        mask = mask.convert({"La": "LA"}.get(mask.mode, "RGBA"))
    elif mask.mode not in (*_PIL_MODES, "1", "I", "F"):
        mask = mask.convert("I" if mask.mode.startswith("I;") else "RGB")
    if mask.mode != "P":
        return np.asarray(mask)
    plain = np.asarray(_without_palette(mask))
    colours = np.array(mask.getpalette("RGB"), np.uint8).reshape(-1, 3)
    if plain.shape[2] == 4 and plain[..., 3].min() < 255:
        return plain
    numbers = imaging.class_numbers(np.asarray(mask), colours)
    return plain if numbers is None else numbers


def check_known(picture: Picture, hole: Mask) -> None:
    """Raise :class:`RetouchError` unless a float picture is finite where known, and its alpha about 0-1."""
    if not isinstance(picture, np.ndarray) or picture.dtype not in _FLOATS:
        return
    known = picture[~hole]
    if not np.isfinite(known).all():
        raise RetouchError(
            "The known values of a float picture must lie in a finite range; let the mask cover what is NaN "
            "or infinite."
        )
    if picture.ndim == 3 and picture.shape[2] in (2, 4):
        alpha = known[..., -1]
        if alpha.size and not -1 <= alpha.min() <= alpha.max() <= 2:  # resampling may overshoot
            raise RetouchError(
                f"In the alpha of a float picture, 1 means opaque; this one goes from {alpha.min():g} to "
                f"{alpha.max():g}. Divide it by what means opaque."
            )


def check_floats(picture: Picture) -> None:
    """Raise :class:`RetouchError` unless the values of a float picture lie in [0, 1], as colours do."""
    if not isinstance(picture, np.ndarray) or picture.dtype not in _FLOATS:
        return
    if picture.size and not (picture.min() >= 0 and picture.max() <= 1):  # also false for NaN
        raise RetouchError(
            f"A float picture must lie in [0, 1]; this one holds {picture.min():g} to {picture.max():g}."
        )


def give_back(picture: Picture, after: Photo) -> Any:
    """Return the filled photo as the type of picture that was handed over.

    Args:
        picture: what the caller gave, no file; never changed.
        after: the filled photo.
    """
    if isinstance(picture, Photo):
        return after
    array = join_alpha(after)
    if isinstance(picture, np.ndarray):
        return array.reshape(picture.shape)
    assert _is_pil(picture)
    from PIL import Image

    image = Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)
    image.info = dict(_without_palette(picture).info)
    return image


def save(
    source: str | Path | bytes,
    photo: Photo,
    target: Path | None,
    *,
    changed: bool,
    overwrite: bool = False,
    seal: Seal | None = None,
) -> bytes | None:
    """Write a filled photo. An unchanged one is copied byte for byte if the format stays.

    Args:
        source: the file that the photo was read from, or its bytes.
        photo: the filled photo.
        target: the file to write; None for bytes.
        changed: whether anything was filled.
        overwrite: replace ``target`` if it exists.
        seal: signs the file before it is written, if anything was filled.

    Returns:
        The bytes of the file if ``target`` is None, else None.
    """
    if _is_written(source, photo, target, changed=changed):
        return imaging.write_photo(photo, target, overwrite=overwrite, seal=seal if changed else None)
    if target is not None:
        files.copy_file(source, target, overwrite=overwrite)
        return None
    return source if isinstance(source, bytes) else Path(source).read_bytes()


def losses(
    source: str | Path | bytes, photo: Photo, target: Path | None, *, changed: bool, sealed: bool = False
) -> tuple[str, ...]:
    """Say what :func:`save`, with the same arguments, does not carry over into the file, a sentence each.

    Where the file is signed (``sealed``), the photo's content credentials are in the new ones.
    """
    if not _is_written(source, photo, target, changed=changed):
        return ()
    notes = photo.header.notes
    if sealed and changed:
        notes = tuple(each for each in notes if each != CREDENTIALS_GONE)
    return (*notes, *imaging.unwritten(photo, target))


def _is_written(source: str | Path | bytes, photo: Photo, target: Path | None, *, changed: bool) -> bool:
    """Whether a file is written anew, not copied."""
    return changed or (target is not None and not _same_format(source, photo, target))


def _same_format(source: str | Path | bytes, photo: Photo, target: Path) -> bool:
    ending = target.suffix.lower()
    if not isinstance(source, bytes) and Path(source).suffix.lower() == ending:
        return True
    return {".jpg": "jpeg", ".tif": "tiff"}.get(ending, ending.removeprefix(".")) == photo.format


def _is_pil(picture: object) -> TypeGuard[PILImage]:
    # Pillow is no dependency: if nobody imported it, nobody can have made one of its images.
    pil = sys.modules.get("PIL.Image")
    return pil is not None and isinstance(picture, pil.Image)


def _without_palette(image: PILImage) -> PILImage:
    if image.mode != "P":
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")
