"""Masks: which pixels to fill."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from retouch.errors import RetouchError
from retouch.imaging import mask_alpha
from retouch.imaging.label_maps import is_label_map
from retouch.imaging.mask_codes import Codes, to_codes
from retouch.imaging.mask_files import read_mask_file
from retouch.imaging.mask_geometry import beside, resized
from retouch.imaging.mask_values import Hole, hole_of, share
from retouch.imaging.photo import Array, Photo, split_alpha, white
from retouch.imaging.recognition import black_and_white, photo_trait

Mask = NDArray[np.bool_]
MaskFrom = Literal["auto", "alpha", "inverted-alpha", "luminance"]

_ROWS = 1024  # luminance is computed for this many rows at a time, to keep memory low
_LUMA = (299, 587, 114)  # thousandths of red, green and blue: ITU-R BT.601, as in Pillow and OpenCV
_FULL_MAP = 0.9  # of the photo
_CLEAR = 0.9  # neighbours of one number; so flat a map of classes needs no other look


@dataclass(frozen=True)
class _Options:
    """How a mask is to be read; see :func:`read_mask`."""

    invert: bool
    resize: bool
    name: str
    photo: Photo | None
    mask_from: MaskFrom
    notes: list[str]


def read_mask(
    source: str | Path | bytes,
    shape: tuple[int, ...],
    *,
    invert: bool = False,
    resize: bool = False,
    allow_huge: bool = False,
    name: str = "mask",
    photo: Photo | None = None,
    mask_from: MaskFrom = "auto",
    notes: list[str] | None = None,
) -> Mask:
    """Read a mask from an image file.

    The numbers decide, by :func:`~retouch.imaging.mask_values.hole_of`: of two values the larger is filled,
    of a map of classes all but 0, of greys what is at least half as bright as white. If the image is
    transparent anywhere, its alpha is the mask; see :mod:`~retouch.imaging.mask_alpha`. Of a palette with
    colours for classes, the numbers count.

    Args:
        source: a path, or the bytes of an image file (from a pipe).
        shape: height and width of the photo.
        invert: fill what the mask keeps.
        resize: resize a mask of another size, but of the photo's aspect ratio, by nearest neighbour.
        allow_huge: read masks of more than :data:`~retouch.imaging.PIXEL_LIMIT` pixels.
        name: what sentences call the mask.
        photo: the photo that the mask is for; then what is no mask for it is refused. None = accept any
            picture.
        mask_from: what says where to fill: opaque pixels ("alpha"), transparent ones ("inverted-alpha"),
            brightness or class numbers ("luminance"); "auto" tells it by content.
        notes: what the user should know about how the mask was read is added here, a sentence each.

    Returns:
        ``H×W`` bool, True = fill.

    Raises:
        RetouchError: see :func:`~retouch.imaging.read_photo`; or the mask does not fit the photo, looks like
            a photo, or can be understood in two ways.
    """
    array, own_orientation = read_mask_file(source, allow_huge=allow_huge)
    options = _Options(invert, resize, name, photo, mask_from, [] if notes is None else notes)
    return _mask(array, shape, options, own_orientation)


def mask_from_array(
    array: Array,
    shape: tuple[int, ...],
    *,
    invert: bool = False,
    resize: bool = False,
    name: str = "mask",
    photo: Photo | None = None,
    mask_from: MaskFrom = "auto",
    notes: list[str] | None = None,
) -> Mask:
    """Make a mask from a numpy array, by the rules of :func:`read_mask`.

    Args:
        array: ``H×W`` or ``H×W×C`` with 1 to 4 channels (2 and 4 have alpha), of bool, whole numbers or
            floats, none negative. See :func:`~retouch.imaging.mask_codes.to_codes`.
        shape: height and width of the photo.
        invert: as in :func:`read_mask`, like all that follow.
        resize: resize a mask of another size.
        name: what sentences call the mask.
        photo: the photo that the mask is for.
        mask_from: what says where to fill.
        notes: what the user should know is added here.

    Returns:
        ``H×W`` bool, True = fill; never a view of ``array``.

    Raises:
        RetouchError: the dtype, shape, range or size is wrong, or the mask cannot be used for the photo.
    """
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 2, 3, 4)):
        raise RetouchError(
            f"An array of shape {array.shape} is not a mask; it must be H×W or H×W×C with 1 to 4 channels."
        )
    if array.size == 0:
        raise RetouchError(
            f"The {name} is empty: its shape is {array.shape}; it must be as large as the photo."
        )
    options = _Options(invert, resize, name, photo, mask_from, [] if notes is None else notes)
    return _mask(array, shape, options, lambda: 1)


def mask_from_alpha(photo: Photo) -> Mask:
    """Return the transparent area of a photo, ``H×W`` bool, True = fill.

    Cut-outs usually have soft edges, so every pixel counts that is less opaque than the most opaque one.

    Raises:
        RetouchError: the photo has no alpha channel, or all of it is at least half or equally opaque.
    """
    if photo.alpha is None:
        raise RetouchError("The photo has no transparent area to fill; give a mask.")
    if photo.alpha.min() >= white(photo.alpha.dtype) / 2:
        raise RetouchError("Nothing in the photo is transparent; give a mask.")
    hole = _transparent(photo.alpha)
    if not hole.any():
        raise RetouchError("All of the photo is equally transparent, so no part is a hole; give a mask.")
    return hole


def _mask(array: Array, shape: tuple[int, ...], options: _Options, own: Callable[[], int]) -> Mask:
    """Bring a mask to its photo, and decide what it fills."""
    name, photo = options.name, options.photo
    if "alpha" in options.mask_from and (array.ndim == 2 or array.shape[2] not in (2, 4)):
        raise RetouchError(f"The {name} has no transparency; leave out --mask-from (mask_from= in Python).")
    orientation = 1 if photo is None else photo.header.orientation
    array, said = beside(array, shape, orientation, own, name=name, resize=options.resize)
    options.notes.extend(said)
    if array.dtype == np.bool_ and array.ndim == 2:
        # Most masks are like this. One copy; a bool array may hold bytes other than 0 and 1.
        hole = Hole(array.view(np.uint8) != 0, "two")
    else:
        hole = _hole(to_codes(array, name), options)
    options.notes.extend(hole.notes)
    fill = hole.fill
    if fill.shape != shape[:2]:
        fill = resized(fill, shape)
    return ~fill if options.invert else fill


def _hole(codes: Codes, options: _Options) -> Hole:
    """Find what a mask fills, before it is resized and inverted."""
    pixels, alpha = split_alpha(codes.values)
    name, photo, asked = options.name, options.photo, options.mask_from
    if alpha is None or asked == "luminance":
        return _hole_of_pixels(codes._replace(values=pixels), options)
    if asked == "auto" and not mask_alpha.says_something(alpha, codes.full):
        if pixels.any() and not alpha.any():
            raise RetouchError(f"All of the {name} is transparent, but it has colours; {mask_alpha.OPTIONS}.")
        return _hole_of_pixels(codes._replace(values=pixels), options)
    _refuse_photo(alpha[..., None], options)
    if asked == "inverted-alpha":
        return Hole(_transparent(alpha), "two")
    opacity = codes._replace(values=np.ascontiguousarray(alpha))
    hole = hole_of(opacity, f"{name}'s opacity")
    if photo is not None and asked == "auto" and not options.invert and hole.fill.any():
        meaning = mask_alpha.meaning(pixels, hole.fill, photo, codes.full, name)
        if meaning == "erased":
            erased = _transparent(alpha)
            said = f"The {name} is the photo with a part erased; that part is filled, {share(erased)}."
            return Hole(erased, "two", (said,))
        if meaning == "brightness":
            options.notes.append(f"The {name} is black and white where it is opaque; its brightness counts.")
            visible = np.where(hole.fill[..., None], pixels, np.zeros_like(pixels))
            return _hole_of_pixels(codes._replace(values=visible), options)
    _refuse_faint(opacity, hole, options)
    return hole


def _transparent(alpha: Array) -> Mask:
    """All that is less opaque than the most opaque pixel: the soft edges of a cut-out belong to its hole."""
    return np.asarray(alpha < alpha.max())


def _hole_of_pixels(codes: Codes, options: _Options) -> Hole:
    """Find the hole by brightness, or by numbers if the mask is a map of classes."""
    values = _one_channel(codes.values)
    if values is None:
        _refuse_photo(codes.values, options)
        codes = Codes(_luminance(codes.values, codes.full), 65535, 255 / 65535)
    else:
        codes = codes._replace(values=values)
        if photo_trait(values) and not is_label_map(values, least=_CLEAR):
            _refuse_photo(values, options)
    hole = hole_of(codes, options.name)
    if hole.kind == "classes":
        _refuse_full_map(hole, options)
    _refuse_faint(codes, hole, options)
    return hole


def _one_channel(pixels: Array) -> Array | None:
    """The values of a mask whose channels are all equal, ``H×W``; None if they are not."""
    first = pixels[..., 0]
    same = all(np.array_equal(first, pixels[..., other]) for other in range(1, pixels.shape[2]))
    return np.ascontiguousarray(first) if same else None


def _luminance(pixels: Array, full: int) -> Array:
    """The luminance of colours in 16 bits, ``H×W``; half of white and more stays half and more."""
    out = np.empty(pixels.shape[:2], np.uint16)
    for top in range(0, len(out), _ROWS):
        rows = slice(top, top + _ROWS)
        thousandths = pixels[rows] @ np.array(_LUMA, np.float64)  # whole numbers, so they are exact
        out[rows] = (2 * 65535 * thousandths + 1000 * full) // (2 * 1000 * full)
    return out


def _refuse_photo(array: Array, options: _Options) -> None:
    """Raise :class:`RetouchError` if a mask looks like a photo, and there is a photo that it is for."""
    photo, name = options.photo, options.name
    trait = None if photo is None else photo_trait(array)
    if photo is None or trait is None:
        return
    trust = "--trust-mask (trust_mask=True in Python)"
    if name == "mask" and black_and_white(photo.pixels):
        raise RetouchError(
            f"The photo and the mask seem to be swapped: the mask {trait} like a photo, and the photo is "
            f"black and white like a mask; give the photo first, or use {trust} to go on as it is."
        )
    raise RetouchError(
        f"The {name} {trait} like a photo; give a picture in black and white or strokes on a transparent "
        f"layer, or use {trust} to go by its brightness."
    )


def _refuse_full_map(hole: Hole, options: _Options) -> None:
    """Raise :class:`RetouchError` if a map of classes has no background to speak of."""
    if options.photo is not None and options.name == "mask" and hole.fill.mean() > _FULL_MAP:
        raise RetouchError(
            f"The mask is a map of classes, and {share(hole.fill)} is another class than 0; make a mask of "
            "what should go alone, such as labels == 3."
        )


def _refuse_faint(codes: Codes, hole: Hole, options: _Options) -> None:
    """Raise :class:`RetouchError` if a mask has shades of grey, but none of them reaches half of white."""
    if options.photo is not None and not options.invert and hole.kind == "greys" and not hole.fill.any():
        strongest = 100 * int(codes.values.max()) / codes.full
        raise RetouchError(
            f"The strokes of the {options.name} are too faint: {strongest:.0f} % at most, and at least half "
            "is needed; paint them white and with full opacity."
        )
