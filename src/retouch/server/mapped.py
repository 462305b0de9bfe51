"""A decoded photo as files that several processes map into memory, each without a copy of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from retouch.imaging import Photo

Array = NDArray[Any]
Mode = Literal["r", "r+", "c"]
"""To read; to change the file; or to change only what this process sees."""


@dataclass(frozen=True)
class Mapped:
    """An array in a file of its own, uncompressed."""

    path: Path
    dtype: str
    shape: tuple[int, ...]

    @classmethod
    def blank(cls, path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Mapped:
        """Make a file of zeros, which takes no room on the disk until :meth:`put` writes to it."""
        made = cls(path, dtype.str, shape)
        with path.open("wb") as file:
            file.truncate(int(np.prod(shape)) * dtype.itemsize)
        return made

    @classmethod
    def written(cls, path: Path, array: Array) -> Mapped:
        """Write an array to a new file."""
        made = cls.blank(path, array.dtype, array.shape)
        made.put(0, 0, array)
        return made

    def put(self, top: int, left: int, array: Array) -> None:
        """Write ``h×w`` or ``h×w×C`` values at a place.

        Unlike a write to the mapped file, which would end the process, this raises an OSError if the disk
        is full.
        """
        size = np.dtype(self.dtype).itemsize * int(np.prod(self.shape[2:]))
        width = self.shape[1]
        array = np.ascontiguousarray(array, self.dtype)
        rows = array[None] if array.shape[1] == width else array  # whole rows lie side by side
        with self.path.open("r+b", buffering=0) as file:
            for number, row in enumerate(rows):
                file.seek(((top + number) * width + left) * size)
                data = memoryview(row).cast("B")
                while data:
                    data = data[file.write(data) :]

    def open(self, mode: Mode = "r") -> Array:
        """Map the file. The memory is free again as soon as nothing refers to the array."""
        return np.memmap(self.path, self.dtype, mode, shape=self.shape).view(np.ndarray)


@dataclass(frozen=True)
class PhotoFiles:
    """A photo whose arrays lie in files.

    Attributes:
        rest: the photo with empty arrays: its profile, format and header.
        arrays: the files by name: "pixels", and where the photo has them "alpha", "extra", "samples" and
            "copied".
    """

    rest: Photo
    arrays: dict[str, Mapped]

    @classmethod
    def written(cls, folder: Path, photo: Photo) -> PhotoFiles:
        """Write a photo's arrays into a folder."""
        arrays = {name: Mapped.written(folder / f"{name}.raw", each) for name, each in _arrays(photo).items()}
        if photo.stored is not None:
            height, width = photo.pixels.shape[:2]
            arrays["copied"] = Mapped.written(folder / "copied.raw", np.zeros((height, width), np.bool_))
        # Empty arrays of the same kinds, so that nothing keeps the decoded photo in memory.
        return cls(_with(photo, {name: each[:0, :0].copy() for name, each in _arrays(photo).items()}), arrays)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.arrays["pixels"].shape[:2]
        return height, width

    @property
    def changing(self) -> tuple[str, ...]:
        """The names of the arrays that fills change."""
        return tuple(name for name in self.arrays if name != "extra")

    def photo(self, mode: Mode = "r") -> Photo:
        """The photo, mapped."""
        return _with(self.rest, {name: each.open(mode) for name, each in self.arrays.items()})


def arrays_of(photo: Photo, names: tuple[str, ...]) -> dict[str, Array]:
    """The arrays of a photo by name."""
    found = _arrays(photo)
    return {name: found[name] for name in names}


def _arrays(photo: Photo) -> dict[str, Array]:
    stored = photo.stored
    found = {"pixels": photo.pixels, "alpha": photo.alpha, "extra": photo.extra}
    if stored is not None:
        found |= {"samples": stored.samples, "copied": stored.copied}
    return {name: each for name, each in found.items() if each is not None}


def _with(photo: Photo, arrays: dict[str, Array]) -> Photo:
    stored = photo.stored
    if stored is not None:
        stored = replace(stored, samples=arrays["samples"], copied=arrays.get("copied"))
    return replace(
        photo,
        pixels=arrays["pixels"],
        alpha=arrays.get("alpha"),
        extra=arrays.get("extra"),
        stored=stored,
    )
