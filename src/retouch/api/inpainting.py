"""The Python door: ``fill`` and ``inpaint``; ``load`` and ``models`` stand beside it.

``import retouch`` comes through here, and so does ``retouch --help``: whatever is slow to import (torch,
OpenCV, libvips, numpy) is imported inside the functions that need it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from retouch.api.shared import target_file, to_model
from retouch.errors import RetouchError

if TYPE_CHECKING:
    import numpy as np

    from retouch.contract import Model, Progress
    from retouch.engine.pipeline import PhotoFill
    from retouch.imaging import Photo
    from retouch.pictures import Mask, Picture

ENDING = "-filled"
"""Added to the name of a photo where the caller names no file."""


@dataclass(frozen=True)
class Result:
    """What :func:`fill` returns.

    Attributes:
        image: the filled picture, of the kind that was handed over (for a path: the path written).
        changed: False if the mask was empty, so that the picture came back as it was.
    """

    image: Any
    changed: bool
    _fill: PhotoFill

    @property
    def timings(self) -> dict[str, float]:
        """Seconds by stage of the work."""
        return self._fill.timings

    @cached_property
    def confidence(self) -> np.ndarray[Any, Any] | None:
        """``H×W`` float32 in [0, 1], 1 on known pixels; None if the model has none and none was asked for."""
        from retouch.engine.pipeline import confidence_map

        return confidence_map(self._fill)

    @cached_property
    def correspondence(self) -> np.ndarray[Any, Any] | None:
        """``H×W×2`` int32: row and column each pixel was taken from, -1 where nothing was borrowed.

        None if the model is one that borrows nothing, or if this was not traced; the finest level of one that
        borrows at several.
        """
        from retouch.engine.pipeline import source_map

        return source_map(self._fill)

    @cached_property
    def levels(self) -> tuple[Result, ...]:
        """The same result with what each level of the model borrowed as its correspondence, coarse to fine.

        The last is the result itself, the only one if the model has no levels.
        """
        from retouch.engine.pipeline import split_levels

        *coarser, _ = split_levels(self._fill)
        return (*(replace(self, _fill=each) for each in coarser), self)

    def draw_sources(self, style: Literal["places", "wheel"] = "places") -> np.ndarray[Any, Any]:
        """Draw what came from where, ``H×W×3`` uint8.

        Args:
            style: "places" colours a filled pixel by the place it came from, see
                :func:`retouch.drawing.sources.draw_sources`; "wheel" by the direction and the distance to it,
                see :func:`retouch.drawing.colour_wheel.draw_wheel`.

        Raises:
            RetouchError: there is no such style.
        """
        from retouch.drawing.colour_wheel import draw_wheel
        from retouch.drawing.sources import draw_sources

        styles = {"places": draw_sources, "wheel": draw_wheel}
        if style not in styles:
            raise RetouchError(f"Sources are drawn in the style {' or '.join(styles)}, not {style!r}.")
        return styles[style](self._fill.photo, self._fill)


def fill(
    image: Picture,
    mask: Picture | None = None,
    *,
    model: str | Path | Model = "auto",
    refine: bool = False,
    options: Mapping[str, Any] | None = None,
    device: str = "auto",
    seed: int = 0,
    dilate: int = 0,
    invert_mask: bool = False,
    resize_mask: bool = False,
    include: Picture | None = None,
    avoid: Picture | None = None,
    working_size: int | None = None,
    upsampling: Literal["auto", "network", "residual"] = "auto",
    confidence: bool = False,
    in_place: bool = False,
    trace: bool = True,
    on_progress: Callable[[Progress], None] | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    allow_huge: bool = False,
) -> Result:
    """Fill the holes of a picture and say what they were filled from.

    Every known pixel comes back as it was, bit for bit (a JPEG that is written is encoded anew, though). The
    input is never changed.

    Args:
        image: a path; or a numpy array ``H×W``, ``H×W×1``, ``H×W×3`` or ``H×W×4`` (the fourth is alpha) of
            uint8, uint16, or float32/float64 in [0, 1]; or a PIL image (L, LA, RGB, RGBA, P, I;16). Arrays
            are taken as sRGB; OpenCV's BGR order does as well. A palette image comes back as RGB or RGBA.
            For programs there are two more: the bytes of an image file, and a :class:`retouch.imaging.Photo`.
        mask: any of these kinds, whatever kind ``image`` has; white (at least half) = fill this. None = fill
            what is transparent.
        model: a name from :func:`models`, a weights file of your own, or a model that :func:`load` returned.
        refine: refine the model's fill with neural-patch, see docs/models/neural-patch.md.
        options: of a model given by name, of neural-patch if that refines; see :func:`load`.
        device: where a model given by name or file runs; see :func:`load`.
        seed: the same seed gives the same fill on the same device.
        dilate: grow the hole by this many pixels, for a mask that was drawn too tight.
        invert_mask: black = fill instead.
        resize_mask: bring masks of another size to the picture's size instead of refusing them.
        include: any of these kinds; white = may be borrowed from, black = may not. None = all of the known
            area.
        avoid: any of these kinds; white = may not be borrowed from, whether included or not. None = nothing
            is avoided. Models that match patches keep to both; what the others fill with is not taken from
            anywhere, but its detail is, where it is brought up from a lower resolution.
        working_size: holes whose surroundings are longer than this many pixels are filled at a lower
            resolution first and get their detail from the photo afterwards; None for what suits the model.
        upsampling: how that detail is made: mended by a "network", or the photo's "residual" as it is; "auto"
            is the network up to a factor of 4.
        confidence: say how sure the fill is also for a model that does not: a small network judges it.
        in_place: change a :class:`retouch.imaging.Photo` that is handed over instead of a copy, which spares
            time and memory where it is very large. Other kinds of pictures are never changed.
        trace: keep where each pixel came from, for the result's ``correspondence``, ``levels`` and
            ``draw_sources``; False spares the time and the memory.
        on_progress: called with a :class:`retouch.contract.Progress` as the work goes on; it may raise
            :class:`retouch.contract.Stop`.
        output: for a path only: the file to write. None = ``<stem>-filled<ext>`` beside it.
        overwrite: replace ``output`` if it is there.
        allow_huge: read files of more pixels than is prudent.

    Raises:
        RetouchError: what was handed over cannot be filled; the text says why and what to do.

    Example:
        >>> import numpy, retouch
        >>> image = numpy.full((48, 64, 3), 90, numpy.uint8)
        >>> mask = numpy.zeros((48, 64), numpy.uint8)
        >>> mask[20:28, 30:40] = 255
        >>> retouch.fill(image, mask, model="telea").image.shape
        (48, 64, 3)
    """
    from retouch import imaging, pictures
    from retouch.engine.pipeline import fill_photo
    from retouch.ops.masks import dilate as grow

    if in_place and not isinstance(image, imaging.Photo):
        raise RetouchError("in_place= is for a retouch.imaging.Photo; other pictures are never changed.")
    if dilate < 0:
        raise RetouchError(f"A hole cannot be grown by {dilate} pixels; use 0 or more.")
    target = target_file(image, output, ENDING)
    model = to_model(model, device=device, refine=refine, options=options)
    if confidence:
        from retouch.confidence.around import with_confidence

        model = with_confidence(model)
    photo = pictures.to_photo(image, allow_huge=allow_huge)
    if isinstance(image, (str, Path, bytes)):
        imaging.check_target(target, overwrite=overwrite, photo=photo)
    hole = pictures.to_mask(mask, photo, invert=invert_mask, resize=resize_mask, allow_huge=allow_huge)
    if dilate:
        hole = grow(hole, dilate)
    pictures.check_floats(image, hole)
    allowed = _allowed(photo, include, avoid, resize=resize_mask, allow_huge=allow_huge)
    filled = fill_photo(
        photo,
        hole,
        model,
        allowed=allowed,
        seed=seed,
        working_size=working_size,
        upsampling=upsampling,
        # What was read here belongs to nobody else.
        in_place=in_place or isinstance(image, (str, Path, bytes)),
        trace=trace,
        on_progress=on_progress,
    )
    changed = bool(hole.any())
    given_back: Any
    if isinstance(image, (str, Path, bytes)):
        given_back = (
            pictures.save(image, filled.photo, target, changed=changed, overwrite=overwrite) or target
        )
    else:
        given_back = pictures.give_back(image, photo, filled.photo, hole)
    return Result(given_back, changed, filled)


def inpaint(
    image: Picture,
    mask: Picture | None = None,
    *,
    model: str | Path | Model = "auto",
    refine: bool = False,
    options: Mapping[str, Any] | None = None,
    device: str = "auto",
    seed: int = 0,
    dilate: int = 0,
    invert_mask: bool = False,
    resize_mask: bool = False,
    include: Picture | None = None,
    avoid: Picture | None = None,
    working_size: int | None = None,
    upsampling: Literal["auto", "network", "residual"] = "auto",
    confidence: bool = False,
    in_place: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    allow_huge: bool = False,
) -> Any:
    """Fill the holes of a picture and return it, as the same kind that was handed over.

    ``fill(…, trace=False).image``, in other words: arguments and errors are those of :func:`fill`. It takes
    the place of ``cv2.inpaint(image, mask, …)`` and ``skimage.restoration.inpaint_biharmonic(image, mask)``.
    """
    return fill(
        image,
        mask,
        model=model,
        refine=refine,
        options=options,
        device=device,
        seed=seed,
        dilate=dilate,
        invert_mask=invert_mask,
        resize_mask=resize_mask,
        include=include,
        avoid=avoid,
        working_size=working_size,
        upsampling=upsampling,
        confidence=confidence,
        in_place=in_place,
        trace=False,
        on_progress=on_progress,
        output=output,
        overwrite=overwrite,
        allow_huge=allow_huge,
    ).image


def _allowed(
    photo: Photo, include: Picture | None, avoid: Picture | None, *, resize: bool, allow_huge: bool
) -> Mask | None:
    """Where may be borrowed from, ``H×W`` bool: what is included and not avoided; None for everywhere."""
    from retouch import pictures

    allowed = None
    for name, mask, invert in (("include", include, False), ("avoid", avoid, True)):
        if mask is not None:
            this = pictures.to_mask(
                mask, photo, name=f"{name} mask", invert=invert, resize=resize, allow_huge=allow_huge
            )
            allowed = this if allowed is None else allowed & this
    return allowed
