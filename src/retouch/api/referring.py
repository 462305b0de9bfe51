"""Fill from other photos of the same place first, and what they leave with a model."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retouch import pictures
from retouch.api import crowd, inpainting, restoring, style_transfer
from retouch.engine.filled import PhotoFill, RegionFill
from retouch.errors import RetouchError
from retouch.imaging import Photo
from retouch.ops.masks import Mask
from retouch.pictures import Picture
from retouch.references.filling import Reference, Taken

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".heic", ".heif", ".avif", ".jp2")
"""What of a folder is taken for a photo."""


_RESULTS = (inpainting.ENDING, restoring.ENDING, crowd.ENDING, style_transfer.ENDING)
"""How the names of results end."""


def named(
    given: Sequence[Picture] | Mapping[str, Picture],
    picture: Picture | None,
    *,
    allow_huge: bool,
    target: Path | None = None,
) -> list[Reference]:
    """Name the references, and look into folders; none is read yet.

    Args:
        given: the references; of a mapping, its keys are their names, and it holds no folders.
        picture: the picture to fill, which is no reference to itself; None where the caller has seen to it.
        allow_huge: read files with more pixels than the safety limit.
        target: the file to write, if any.

    Raises:
        RetouchError: there is none, or one of them is the picture itself.
    """
    if isinstance(given, Mapping):
        return [
            Reference(name, partial(pictures.to_photo, each, allow_huge=allow_huge))
            for name, each in given.items()
        ]
    if isinstance(given, (str, bytes, Path)) or not isinstance(given, Sequence):
        raise RetouchError("references= takes a list of pictures, such as references=['other.jpg'].")
    found: list[Reference] = []
    seen: set[Path] = set()
    for number, each in enumerate(given, 1):
        if isinstance(each, (str, Path)):
            files = files_of(each, picture, passed=results_and(target))
            found += (_from_file(path, allow_huge) for path in unseen(files, seen))
        else:
            read = partial(pictures.to_photo, each, allow_huge=allow_huge)
            found.append(Reference(f"reference {number}", read))
    if not found:
        raise RetouchError("There is no photo to fill from; name at least one other photo of the same place.")
    return found


def _from_file(path: Path, allow_huge: bool) -> Reference:
    return Reference(path.name, partial(pictures.to_photo, path, allow_huge=allow_huge))


def files_of(
    given: str | Path, picture: Picture | None, *, passed: Callable[[Path], bool] = lambda _: False
) -> Iterator[Path]:
    """The photos in a folder, or the file itself, without the picture that is to be filled.

    Args:
        given: the folder or the file.
        picture: the picture to fill; None where the caller has seen to it.
        passed: which photos in a folder are passed over, such as results.

    Raises:
        RetouchError: it is the picture itself, or a folder without photos.
    """
    path = Path(given)
    if not str(given):
        raise RetouchError("The name of a photo to fill from is empty; name a photo or a folder.")
    if not os.path.isdir(path):  # noqa: PTH112 # takes long names
        if is_same(path, picture):
            raise RetouchError(
                f"{path.name} is the photo itself; fill it from another one of the same place."
            )
        yield path
        return
    # Hidden files are no photos, whatever they are called: macOS leaves "._photo.jpg" beside photo.jpg.
    try:
        found = sorted(
            each
            for each in path.iterdir()
            if each.suffix.lower() in ENDINGS and not each.name.startswith(".") and each.is_file()
        )
    except OSError as error:
        raise RetouchError(
            f"The folder {path} cannot be looked into ({error.strerror}); check who may read it."
        ) from error
    if not found:
        raise RetouchError(f"The folder {path} holds no photos; name another one, or single photos.")
    yield from (each for each in found if not is_same(each, picture) and not passed(each))


def results_and(target: Path | None) -> Callable[[Path], bool]:
    """Tell what of a folder is passed over: the file to write, and what is called like a result.

    A fill would show what a model made up, and not the place.
    """
    return lambda path: is_same(path, target) or crowd.is_result(path, _RESULTS)


def unseen(paths: Iterable[Path], seen: set[Path]) -> Iterator[Path]:
    """Pass over files that came before, and note the others: photos vote."""
    for path in paths:
        if (place := path.resolve()) not in seen:
            seen.add(place)
            yield path


def is_same(path: Path, picture: Picture | None) -> bool:
    """Whether a picture is this file."""
    if not isinstance(picture, (str, Path)):
        return False
    try:
        return path.samefile(picture)
    except OSError:  # whichever is missing is reported when it is read
        return False


def completed_fill(
    taken: Taken,
    hole: Mask,
    count: int,
    fill_rest: Callable[[Photo, Mask], PhotoFill] | None,
    *,
    confidence: bool,
) -> tuple[PhotoFill, tuple[str, ...]]:
    """Fill what references left.

    Args:
        taken: what they filled.
        hole: ``H×W``, all that was to be filled.
        count: of references.
        fill_rest: fills a photo where it is told; None to leave the rest as it is.
        confidence: whether the rest is judged as well; else nothing is known of it, and it counts as 0.

    Returns:
        The fill, and sentences on how much was filled by what.

    Raises:
        RetouchError: nothing could be filled.
    """
    total, left = int(np.count_nonzero(hole)), int(np.count_nonzero(taken.left))
    notes = taken.notes
    if fill_rest is None:
        if left == total > 0:
            told = " ".join(notes)
            raise RetouchError(
                "No reference shows what is in the hole; leave out --references-only (references_only= in "
                f"Python) to fill it from the photo itself. {told}".strip()
            )
        if left:
            share = f"{100 * left / total:.1f} %"
            notes += (f"{share} of the hole is not filled, because no reference shows it for sure.",)
        return taken.fill, notes
    if not left:
        return taken.fill, notes
    if left == total > 0:
        notes += ("No reference shows what is in the hole for sure; it is filled from the photo itself.",)
    photos = "the other photo" if count == 1 else f"the {count} other photos"
    if left < total:
        notes += (f"{100 * (total - left) / total:.1f} % of the hole is filled from {photos}.",)
    rest = fill_rest(taken.fill.photo, taken.left)
    regions = [_followed(each, taken.fill.regions) for each in rest.regions]
    if taken.fill.regions and not confidence:
        regions = [_unsure(each) for each in regions]
    timings = {**rest.timings, **taken.fill.timings}
    return replace(
        taken.fill, photo=rest.photo, regions=(*taken.fill.regions, *regions), timings=timings
    ), notes


def _unsure(region: RegionFill) -> RegionFill:
    if region.confidence is not None:
        return region
    return replace(region, confidence=np.where(region.hole, np.float32(0), np.float32(1)))


def _followed(region: RegionFill, filled: Sequence[RegionFill]) -> RegionFill:
    """Name the reference where a model borrowed what had been filled from one."""
    if region.sources is None:
        return region
    sources: NDArray[np.int32] = region.sources.copy()
    places = np.full((*region.hole.shape, 3), -1, np.int32)
    for each in filled:
        assert each.places is not None
        row, column = sources[..., 0] - each.box.top, sources[..., 1] - each.box.left
        inside = (row >= 0) & (column >= 0) & (row < each.box.height) & (column < each.box.width)
        inside &= sources[..., 0] >= 0
        inside[inside] = each.hole[row[inside], column[inside]]
        places[inside] = each.places[row[inside], column[inside]]
        sources[inside] = -1
    if not (places >= 0).any():
        return region
    return replace(region, sources=sources, places=places)
