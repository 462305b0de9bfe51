"""Which photo goes with which mask, in folders."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from retouch.batching import places
from retouch.batching.jobs import MASKS, Job, check_job
from retouch.batching.records import journals
from retouch.batching.targets import clashes, with_format
from retouch.errors import RetouchError

ENDINGS = ("_mask", "-mask", ".mask")
"""What the name of a mask may have besides the stem of its photo."""

# Not all of these can be read. A failure that names the photo is better than leaving it out silently.
_PHOTOS = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".avif", ".heic", ".heif"}
_PHOTOS |= {".gif", ".bmp", ".jp2", ".j2k", ".ppm", ".pgm", ".pbm", ".pnm", ".jxl", ".psd", ".tga"}


def is_picture(name: str) -> bool:
    """Whether a file is named like a picture."""
    return os.path.splitext(name)[1].lower() in _PHOTOS  # noqa: PTH122 # as in places.stamp


def pair(photos: Iterable[str], masks: Iterable[str], *, together: bool = False) -> dict[str, list[str]]:
    """Find the masks of photos, all by their names relative to their folders.

    The mask of ``sub/a.jpg`` is ``sub/a`` or ``sub/a_mask``, ``sub/a-mask`` or ``sub/a.mask``, with the
    ending of any image format. A mask that has the very stem of a photo belongs to no other photo.

    Args:
        photos: the photos' names.
        masks: the masks' names.
        together: photos and masks lie in one folder: only names with one of :data:`ENDINGS` are masks, and a
            mask of a photo is no photo.

    Returns:
        For each photo, in order, all masks that could be its own.
    """
    stems: defaultdict[str, list[str]] = defaultdict(list)
    for mask in sorted(masks):
        stems[_stem(mask)].append(mask)
    named = sorted(photos)
    known = {_stem(photo) for photo in named}

    def by_ending(stem: str) -> list[str]:
        longer = (stem + ending for ending in ENDINGS)
        return [mask for each in longer if together or each not in known for mask in stems.get(each, ())]

    if not together:
        return {photo: [*stems.get(_stem(photo), ()), *by_ending(_stem(photo))] for photo in named}
    taken = {mask for stem in known if not _is_mask(stem, known) for mask in by_ending(stem)}
    return {photo: by_ending(_stem(photo)) for photo in named if photo not in taken}


def _is_mask(stem: str, known: set[str]) -> bool:
    return any(stem.endswith(each) and stem.removesuffix(each) in known for each in ENDINGS)


def _stem(name: str) -> str:
    return os.path.splitext(name)[0]  # noqa: PTH122 # as in places.stamp


def folder_jobs(
    photos: str,
    masks: str | None,
    *,
    out: str,
    recursive: bool = False,
    format: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> list[Job]:
    """List the jobs of a folder of photos, in the order of their names.

    Args:
        photos: the folder.
        masks: the folder of the masks; or one mask for all; None = fill what is transparent, or find what is
            to be restored. Of the folder of an earlier restoration, only what it wrote as masks counts.
        out: the folder of the results. What lies in it is no photo, and so is no mask that is given.
        recursive: also take the folders in it, with masks in folders of the same names.
        format: the ending of the results, such as "png"; None = as the photo's.
        options: as in :class:`Job`. A folder as one of :data:`MASKS` is paired like one of masks; photos
            without such a picture go without; without an infrared scan they are not restored.

    Raises:
        RetouchError: a folder is missing, or the results would lie among what is read.
    """
    given = dict(options or {})
    named = _pictures(photos, recursive)
    for what, place in {
        "photos": photos,
        "masks": masks,
        **{kind: given.get(kind) for kind in MASKS},
    }.items():
        if place is not None and _same(out, str(place)):
            raise RetouchError(f"{out} holds the {what}; write the results to another folder.")
        if what not in ("photos", "masks", "infrared") and place is not None and _same(photos, str(place)):
            raise RetouchError(f"{photos} holds the photos, so it cannot be {what}; name another folder.")
    for place in (out, masks, *(given.get(kind) for kind in MASKS)):
        if place is not None and (inside := _inside(str(place), photos)):
            named = [name for name in named if name != inside and not name.startswith(inside + "/")]
    single = masks is not None and not _is_folder(masks)
    together = masks is not None and not single and _same(masks, photos)
    paired: dict[str, list[str]] = {}
    if masks is not None and not single:
        there = named if together else _pictures(masks, recursive)
        if given.get("restore") and journals(masks):  # its results are no masks
            made = {name: Job("", None, name, given).names["mask"] for name in named}
            paired = {name: [mask] if mask in there else [] for name, mask in made.items()}
        else:
            paired = pair(named, there, together=together)
        named = list(paired)
    more = {name: str(given.pop(name)) for name in MASKS if name in given and _is_folder(str(given[name]))}
    others = {name: pair(named, _pictures(folder, recursive)) for name, folder in more.items()}
    own_infrared = "infrared" in more and _same(more["infrared"], photos)
    jobs = []
    for name in sorted(named):
        photo = places.join(photos, name)
        extra = {
            kind: places.join(more[kind], found[name][0]) for kind, found in others.items() if found[name]
        }
        if own_infrared:
            extra["infrared"] = photo
        job = Job(photo, None, with_format(name, format), {**given, **extra})
        if "infrared" in others and "infrared" not in extra:
            missing = f"There is no infrared scan for {job.photo} in {more['infrared']}; add it."
            job = replace(job, problem=missing, unmasked=True)
        if single:
            job = replace(job, mask=masks)
        elif masks is not None:
            job = _with_mask(job, masks, paired[name])
        jobs.append(check_job(job))
    wrong = clashes(job for job in jobs if not job.problem)
    return [replace(job, problem=wrong.get(id(job), job.problem)) for job in jobs]


def _with_mask(job: Job, folder: str, found: list[str]) -> Job:
    if len(found) == 1:
        return replace(job, mask=places.join(folder, found[0]))
    if not found:
        return replace(job, problem=f"There is no mask for {job.photo} in {folder}; add it.", unmasked=True)
    return replace(
        job,
        problem=f"{' and '.join(found[:2])} could both be the mask of {job.photo}; remove one from {folder}.",
    )


def _pictures(folder: str, recursive: bool) -> list[str]:
    return [name for name in places.files_below(folder, recursive=recursive) if is_picture(name)]


def _is_folder(place: str) -> bool:
    if places.is_url(place):
        return not is_picture(place)
    return os.path.isdir(place)  # noqa: PTH112 # takes long names


def _same(one: str, other: str) -> bool:
    if places.is_url(one) or places.is_url(other):
        return one.rstrip("/") == other.rstrip("/")
    return Path(one).resolve() == Path(other).resolve()


def _inside(place: str, photos: str) -> str:
    """The name of a place in the folder of the photos; "" if it is not in it, or that folder."""
    if places.is_url(place) or places.is_url(photos):
        root = photos.rstrip("/") + "/"
        return place.removeprefix(root).rstrip("/") if place.startswith(root) else ""
    inner, folder = Path(place).resolve(), Path(photos).resolve()
    return inner.relative_to(folder).as_posix() if inner != folder and inner.is_relative_to(folder) else ""
