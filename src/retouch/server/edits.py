"""Edits as patches in files: what each one changed, what was there before, and where it came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from retouch.api import editing
from retouch.files import write_file
from retouch.server.boxes import Box
from retouch.server.mapped import Array, arrays_of

if TYPE_CHECKING:
    from retouch.imaging import Photo

State = Literal["before", "after"]
_MAPS = ("sources", "confidence", "places")  # of a patch, as it lists them


@dataclass(frozen=True)
class Patch:
    """One group of holes of an edit. Values are those of the hole's pixels, row by row.

    Attributes:
        box: the smallest box around the holes.
        hole: ``h×w`` bool, the pixels that changed.
        before: the values before the edit, ``N×C`` or ``N``, by the array's name.
        after: those after it.
        sources: ``N×2`` int32, row and column that each pixel was taken from, -1 for none; or None.
        confidence: ``N`` float32 in [0, 1], or None.
        places: ``N×3`` int32, the number of a reference from 1, and row and column in it, that each pixel was
            taken from, -1 for none; or None.
    """

    box: Box
    hole: NDArray[np.bool_]
    before: dict[str, Array]
    after: dict[str, Array]
    sources: NDArray[np.int32] | None
    confidence: NDArray[np.float32] | None
    places: NDArray[np.int32] | None = None


@dataclass(frozen=True)
class Edit:
    """What is known of an edit besides its patches, as ``session.json`` holds it.

    Attributes:
        id: names it, and its file.
        box: the smallest box around all that it changed.
        model: the model that was asked for.
        seed: the seed that it was made with.
        seconds: how long it took.
        filled_by: how many pixels what filled.
        places: the box of each patch.
        notes: what the user should know, a sentence each.
        references: the names of the references that there were, by their number.
    """

    id: str
    box: Box
    model: str
    seed: int
    seconds: float
    filled_by: dict[str, int]
    places: tuple[Box, ...] = ()
    notes: tuple[str, ...] = ()
    references: tuple[str, ...] = ()  # journals of older versions have none

    @classmethod
    def of(cls, content: dict[str, Any]) -> Edit:
        """Make one of what :meth:`as_json` gave."""
        places = tuple(Box(*each) for each in content["places"])
        rest = {**content, "box": Box(*content["box"]), "places": places}
        lists = {name: tuple(content.get(name, ())) for name in ("notes", "references")}
        return cls(**(rest | lists))


def write_patches(path: Path, patches: Sequence[Patch]) -> None:
    """Write an edit's file; it appears whole or not at all."""
    arrays: dict[str, Array] = {}
    for number, patch in enumerate(patches):
        arrays[f"{number} box"] = np.array(patch.box)
        arrays[f"{number} hole"] = patch.hole
        for state, values in (("before", patch.before), ("after", patch.after)):
            arrays |= {f"{number} {state} {name}": each for name, each in values.items()}
        for name in _MAPS:
            each = getattr(patch, name)
            if each is not None:
                arrays[f"{number} {name}"] = each
    write_file(lambda file: np.savez(file, **arrays), path)  # type: ignore[arg-type] # numpy means its own flag


class PatchFile:
    """An edit's file, read array by array."""

    def __init__(self, path: Path) -> None:
        """Name the file."""
        self.path = path

    def change(self, photo: Photo, state: State) -> None:
        """Bring the pixels of the edit's holes to how they were before it, or after it.

        Args:
            photo: a photo that is mapped to be changed.
            state: which of the two.
        """
        with np.load(self.path, allow_pickle=False) as stored:
            for number in _numbers(stored):
                box, hole = Box(*stored[f"{number} box"].tolist()), stored[f"{number} hole"]
                prefix = f"{number} {state} "
                names = tuple(key.removeprefix(prefix) for key in stored.files if key.startswith(prefix))
                for name, array in arrays_of(photo, names).items():
                    array[box.place][hole] = stored[prefix + name]

    def maps(self, numbers: Sequence[int] | None = None) -> Iterator[Patch]:
        """The patches without their values: boxes, holes, sources and confidence.

        Args:
            numbers: which of them; None for all.
        """
        with np.load(self.path, allow_pickle=False) as stored:
            for number in _numbers(stored) if numbers is None else numbers:
                yield Patch(
                    Box(*stored[f"{number} box"].tolist()),
                    stored[f"{number} hole"],
                    {},
                    {},
                    *(stored.get(f"{number} {name}") for name in _MAPS),
                )

    def values(self) -> Iterator[Patch]:
        """The patches with their values after the edit, and without the maps."""
        with np.load(self.path, allow_pickle=False) as stored:
            for number in _numbers(stored):
                prefix = f"{number} after "
                after = {
                    key.removeprefix(prefix): stored[key] for key in stored.files if key.startswith(prefix)
                }
                box, hole = Box(*stored[f"{number} box"].tolist()), stored[f"{number} hole"]
                yield Patch(box, hole, {}, after, None, None)


def followed(photo: Photo, files: Iterable[PatchFile]) -> Photo:
    """Let what a photo's file says of it follow all that was filled.

    Args:
        photo: the photo, filled, with the header of its file.
        files: those of its edits, in their order.
    """
    header = photo.header
    if not (header.xmp or header.exif or header.gain):
        return photo
    hole = np.zeros(photo.pixels.shape[:2], np.bool_)
    for file in files:
        borrowed = [np.empty((0, 4), np.int32)]
        for patch in file.maps():
            hole[patch.box.place] |= patch.hole
            borrowed += _borrowed(patch)
        # All holes so far: of a face, two fills may each have taken a part.
        photo = editing.follow(photo, hole, np.concatenate(borrowed))
    return photo


def _borrowed(patch: Patch) -> Iterator[Array]:
    """Where each borrowed pixel of a patch lies and came from, ``N×4``."""
    if patch.sources is None:
        return
    places = np.argwhere(patch.hole) + np.array([patch.box.top, patch.box.left])
    found = patch.sources[:, 0] >= 0
    yield np.hstack([places[found], patch.sources[found]]).astype(np.int32)


def _numbers(stored: Any) -> range:
    return range(sum(name.endswith(" box") for name in stored.files))
