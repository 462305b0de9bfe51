"""References of an open photo: other photos of the same place, which its fills are made from.

Each has a folder with its file, its decoded photo and a small picture. A list says which of them count and
what they are called; it is written last, so a process that is killed at any moment leaves nothing half done.
"""

from __future__ import annotations

import filecmp
import json
import secrets
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retouch.api import editing
from retouch.errors import RetouchError
from retouch.files import write_bytes, write_text
from retouch.server import masks
from retouch.server.errors import Refusal
from retouch.server.mapped import PhotoFiles

_LIST, _SMALL = "list.json", 192  # pixels along the longer side of a small picture


@dataclass(frozen=True)
class Reference:
    """Another photo of the same place.

    Attributes:
        id: names it; nobody can guess it.
        name: what notes call it; no two references of a photo share one.
        files: the decoded photo.
        small: the file of a small picture of it, a PNG.
    """

    id: str
    name: str
    files: PhotoFiles
    small: Path


class References:
    """The references of one photo. Its methods are called from several threads."""

    def __init__(self, folder: Path, most_pixels: int) -> None:
        """Open those again that the folder's list names; what can no longer be read is dropped.

        Args:
            folder: holds them; it is made if there is none.
            most_pixels: that one of them may have.
        """
        folder.mkdir(exist_ok=True)
        self._folder, self._most_pixels = folder, most_pixels
        self._lock = threading.Lock()
        self._known: list[Reference] = []
        for name, called in self._listed():
            try:
                self._known.append(self._opened(folder / name, called))
            except (RetouchError, OSError):
                continue
        kept = {each.id for each in self._known}
        for path in folder.iterdir():
            if path.is_dir() and path.name not in kept:
                shutil.rmtree(path, ignore_errors=True)

    def __iter__(self) -> Iterator[Reference]:
        return iter(tuple(self._known))

    def __len__(self) -> int:
        return len(self._known)

    def find(self, name: str) -> Reference:
        """The reference of this id.

        Raises:
            Refusal: there is none.
        """
        found = next((each for each in self if each.id == name), None)
        if found is None:
            raise Refusal(404, "no_reference", "There is no such reference, or no longer; add it again.")
        return found

    def new_folder(self) -> Path:
        """A folder to put the file of a reference into, as ``original``; it counts when it is added."""
        folder = self._folder / secrets.token_hex(8)
        folder.mkdir()
        return folder

    def add(self, folder: Path, name: str, photo: Path, most: int) -> None:
        """Add a reference.

        Args:
            folder: of :meth:`new_folder`, with its file.
            name: of that file.
            photo: the file of the photo itself, which is no reference.
            most: references that there may be.

        Raises:
            RetouchError: it is no photo, has too many pixels, or is there already.
        """
        if filecmp.cmp(folder / "original", photo, shallow=False):
            raise Refusal(422, "same_photo", "That is the photo itself; add another one of the same place.")
        opened = self._opened(folder, name)
        with self._lock:
            for each in self._known:
                if filecmp.cmp(folder / "original", each.small.with_name("original"), shallow=False):
                    raise Refusal(422, "same_photo", f"That is {each.name}, which is a reference already.")
            if len(self._known) >= most:
                raise full(most)
            names = {each.name for each in self._known}
            number = next(n for n in range(1, most + 2) if _numbered(name, n) not in names)
            opened = Reference(opened.id, _numbered(name, number), opened.files, opened.small)
            self._write([*self._known, opened])

    def remove(self, name: str) -> None:
        """Remove a reference; no fill of the photo may be at work.

        Raises:
            Refusal: there is none of this id.
        """
        with self._lock:
            gone = self.find(name)
            self._write([each for each in self._known if each is not gone])
        shutil.rmtree(gone.small.parent, ignore_errors=True)

    def as_json(self) -> list[dict[str, Any]]:
        """What clients are told."""
        return [
            {"id": each.id, "name": each.name, "width": each.files.shape[1], "height": each.files.shape[0]}
            for each in self
        ]

    def _opened(self, folder: Path, name: str) -> Reference:
        photo = editing.open_photo(folder / "original", self._most_pixels)
        write_bytes(masks.png(editing.small(photo, _SMALL)), folder / "small.png", overwrite=True)
        return Reference(folder.name, name, PhotoFiles.written(folder, photo), folder / "small.png")

    def _listed(self) -> list[tuple[str, str]]:
        try:
            content = json.loads((self._folder / _LIST).read_text(encoding="utf-8"))
            return [(str(name), str(called)) for name, called in content]
        except (OSError, ValueError, TypeError):  # none was added yet, or the list is damaged
            return []

    def _write(self, known: list[Reference]) -> None:
        content = json.dumps([(each.id, each.name) for each in known])
        write_text(content, self._folder / _LIST, overwrite=True)
        self._known = known


def full(most: int) -> Refusal:
    """The refusal of one reference too many."""
    return Refusal(429, "too_many_references", f"A photo has at most {most} references; remove one first.")


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name} ({number})"
