"""An open photo and its folder: everything that a restart needs lies there before a request is answered.

The folder holds the photo's original file, a file for each edit, and ``session.json``, which says which edits
count. All other files in it can be made from these: the decoded photo and its pyramid. So a process that is
killed at any moment leaves nothing half done.
"""

from __future__ import annotations

import json
import secrets
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from retouch.api import editing
from retouch.errors import RetouchError
from retouch.files import write_text
from retouch.server.boxes import Box
from retouch.server.edits import Edit, Patch, PatchFile
from retouch.server.errors import Refusal
from retouch.server.mapped import Array, PhotoFiles
from retouch.server.pyramid import TILE, Pyramid

if TYPE_CHECKING:
    from retouch.imaging import Photo

_JOURNAL, _ORIGINAL, _VERSION = "session.json", "original", 1


class Session:
    """An open photo. Its methods are called from several threads.

    Attributes:
        id: names the photo; nobody can guess it.
        name: the name of the photo's file.
        folder: where everything is kept.
        used: when it was last asked for, in seconds of :func:`time.monotonic`.
        source: the photo's path under the root; None if it was uploaded.
        written: the files that it was saved to.
        revision: a number that grows with each change of the pixels.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        most_pixels: int,
        *,
        source: str | None = None,
        known: dict[str, Any] | None = None,
    ) -> None:
        """Decode the original file that lies in the folder, and replay the edits that ``known`` lists.

        Raises:
            RetouchError: the file is no photo, or has too many pixels.
        """
        self.id, self.name, self.folder = folder.name, name, folder
        self.used = time.monotonic()
        self._lock = threading.Lock()  # of pixels and lists, for moments
        self._steady = threading.Lock()  # of edits, for as long as a file is written
        work = folder / "decoded"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        photo = editing.open_photo(self.original, most_pixels)
        self.notes = photo.header.notes
        alpha = photo.alpha
        self.transparent = alpha is not None and bool(alpha.min() < np.iinfo(alpha.dtype).max)
        self.files = PhotoFiles.written(work, photo)
        del photo, alpha
        self._pyramid = Pyramid(work, self.files.arrays)
        known = known or {
            "revision": 0,
            "edits": [],
            "applied": 0,
            "saved": [],
            "written": [],
            "source": source,
        }
        self.source: str | None = known["source"]
        self.written: list[str] = known["written"]
        self.revision: int = known["revision"]
        self._edits = [Edit.of(each) for each in known["edits"]]
        self._applied: int = known["applied"]
        self._saved: list[str] = known["saved"]
        self._variants: dict[str, Edit] = {}
        self._changes: list[tuple[int, Box]] = []
        for edit in self._edits[: self._applied]:
            self._change(edit, "after")
        self.revision = known["revision"]
        self._changes = [(self.revision, edit.box) for edit in self._edits]
        kept = {edit.id for edit in self._edits}
        for path in self._edit_folder.iterdir():
            if path.stem not in kept:
                path.unlink()

    @classmethod
    def resumed(cls, folder: Path, most_pixels: int) -> Session:
        """Open the photo of a folder again, with all its edits.

        Raises:
            RetouchError: the folder holds no session, or one of another version.
        """
        try:
            known = json.loads((folder / _JOURNAL).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RetouchError(f"{folder} holds no session that could be opened again; remove it.") from error
        if known.get("version") != _VERSION:
            raise RetouchError(f"{folder} was made by another version of retouch; remove it.")
        return cls(folder, known["name"], most_pixels, known=known)

    @property
    def original(self) -> Path:
        """The photo's file as it was opened."""
        return self.folder / _ORIGINAL

    @property
    def _edit_folder(self) -> Path:
        folder = self.folder / "edits"
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def size(self) -> Box:
        """The whole photo."""
        height, width = self.files.shape
        return Box(0, 0, width, height)

    @property
    def edited(self) -> bool:
        """Whether an edit is applied."""
        return self._applied > 0

    @property
    def edits(self) -> list[Edit]:
        """The edits that are applied, the first one first."""
        return self._edits[: self._applied]

    def state(self) -> dict[str, Any]:
        """What the editor shows."""
        with self._lock:
            edits = self.edits
            pixels = self.files.arrays["pixels"]
            return {
                "id": self.id,
                "name": self.name,
                "width": self.size.width,
                "height": self.size.height,
                "tile": TILE,
                "levels": len(self._pyramid.levels),
                "revision": self.revision,
                "transparent": self.transparent,
                "depth": self.files.rest.bits or 8 * np.dtype(pixels.dtype).itemsize,
                "format": self.files.rest.format,
                "notes": list(self.notes),
                "edits": [_shown(each) for each in edits],
                "undo": bool(edits),
                "redo": self._applied < len(self._edits),
                "unsaved": [each.id for each in edits] != self._saved,
            }

    def new_edit_file(self) -> tuple[str, Path]:
        """A name for an edit, and the file to write its patches to."""
        name = secrets.token_hex(8)
        return name, self._edit_folder / f"{name}.npz"

    def edit_file(self, name: str) -> PatchFile:
        """The file of an edit."""
        return PatchFile(self._edit_folder / f"{name}.npz")

    def commit(self, edit: Edit) -> None:
        """Apply a new edit, whose file is written. What was undone before it can no longer be redone."""
        with self._steady, self._lock:
            dropped = self._edits[self._applied :]
            self._change(edit, "after")
            self._edits[self._applied :] = [edit]
            self._applied += 1
            self._write()
        for each in dropped:
            self.edit_file(each.id).path.unlink(missing_ok=True)

    def offer(self, edits: Sequence[Edit]) -> None:
        """Keep fills as variants to choose from, in place of earlier ones."""
        with self._lock:
            dropped, self._variants = self._variants, {each.id: each for each in edits}
        for name in dropped:
            self.edit_file(name).path.unlink(missing_ok=True)

    def variant(self, name: str) -> Edit:
        """The variant of this name.

        Raises:
            Refusal: there is none any more.
        """
        if name not in self._variants:
            raise Refusal(404, "no_variant", "There is no such variant any more; fill again.")
        return self._variants[name]

    def take(self, name: str) -> None:
        """Apply a variant, and drop the others.

        Raises:
            Refusal: there is no such variant any more.
        """
        edit = self.variant(name)
        with self._lock:
            del self._variants[name]
        self.commit(edit)
        self.offer(())

    def variant_picture(self, name: str) -> tuple[Box, Array]:
        """The box of a variant, and how the screen would show it, ``h×w×3`` or ``h×w×4`` uint8."""
        edit = self.variant(name)
        with self._lock:
            pixels, alpha = self._pyramid.read(0, edit.box)
            for patch in self.edit_file(name).values("after"):
                place = patch.box.seen_from(edit.box).place
                pixels[place][patch.hole] = patch.after["pixels"]
                if alpha is not None:
                    alpha[place][patch.hole] = patch.after["alpha"]
        return edit.box, editing.on_screen(self.files.rest, pixels, alpha)

    def undo(self) -> None:
        """Take back the last edit.

        Raises:
            Refusal: there is none.
        """
        with self._steady, self._lock:
            if not self._applied:
                raise Refusal(409, "nothing_to_undo", "There is nothing to undo.")
            self._change(self._edits[self._applied - 1], "before")
            self._applied -= 1
            self._write()

    def redo(self) -> None:
        """Apply the edit that was taken back last.

        Raises:
            Refusal: there is none.
        """
        with self._steady, self._lock:
            if self._applied == len(self._edits):
                raise Refusal(409, "nothing_to_redo", "There is nothing to redo.")
            self._change(self._edits[self._applied], "after")
            self._applied += 1
            self._write()

    def mark_saved(self, target: Path) -> None:
        """Remember that the photo as it is now was saved, and where."""
        with self._lock:
            self.written = sorted({*self.written, str(target)})
            self._saved = [each.id for each in self.edits]
            self._write()

    def _change(self, edit: Edit, state: Any) -> None:
        for place in edit.places:
            self._pyramid.keep(place)
        self.edit_file(edit.id).change(self.files.photo("r+"), state)
        for place in edit.places:
            self._pyramid.update(place)
        self.revision += 1
        self._changes.append((self.revision, edit.box))

    def _write(self) -> None:
        content = {
            "version": _VERSION,
            "name": self.name,
            "revision": self.revision,
            "applied": self._applied,
            "saved": self._saved,
            "written": self.written,
            "source": self.source,
            "edits": [asdict(each) for each in self._edits],
        }
        write_text(json.dumps(content, ensure_ascii=False), self.folder / _JOURNAL, overwrite=True)

    def begin(self) -> None:
        """Write the first journal, so that the session can be opened again."""
        with self._lock:
            self._write()

    @property
    def levels(self) -> int:
        """How many levels the pyramid has."""
        return len(self._pyramid.levels)

    @property
    def stem(self) -> str:
        """The photo's name without its ending."""
        return PurePath(self.name).stem

    def changed(self, level: int, column: int, row: int) -> tuple[int, int]:
        """The present revision, and the last one that changed a tile.

        Raises:
            Refusal: there is no such tile.
        """
        box = self.tile_box(level, column, row)
        touched = (number for number, place in self._changes if not place.at(level).within(box).empty)
        return self.revision, max(touched, default=0)

    def tile(
        self, level: int, column: int, row: int, *, before: bool = False
    ) -> tuple[tuple[Array, Array | None], int, int]:
        """The pixels of a tile, the revision that they are of, and the last one that changed them.

        Raises:
            Refusal: there is no such tile.
        """
        with self._lock:
            revision, changed = self.changed(level, column, row)
            shown = self._pyramid.read(level, self.tile_box(level, column, row), before=before)
            return shown, revision, changed

    def tile_box(self, level: int, column: int, row: int) -> Box:
        """The box of a tile in pixels of its level.

        Raises:
            Refusal: there is no such tile.
        """
        box = self._pyramid.tile(level, column, row)
        if box is None:
            raise Refusal(404, "no_tile", f"There is no tile {column}, {row} at level {level}.")
        return box

    def picture(self, level: int, box: Box) -> Array:
        """Read any box of a level as the screen shows it, ``h×w×3`` or ``h×w×4`` uint8."""
        with self._lock:
            pixels, alpha = self._pyramid.read(level, box)
        return editing.on_screen(self.files.rest, pixels, alpha)

    def maps(self, box: Box) -> list[Patch]:
        """Holes, sources and confidence of the edits that touch a box, the oldest first."""
        found: list[Patch] = []
        with self._lock:
            for edit in self.edits:
                touched = [number for number, place in enumerate(edit.places) if not place.within(box).empty]
                if touched:
                    found += self.edit_file(edit.id).maps(touched)
        return found

    @contextmanager
    def finished(self) -> Iterator[Photo]:
        """The photo as it is now, with metadata that follows all fills; no edit comes in between."""
        with self._steady:
            photo = self.files.photo()
            header = photo.header
            hole = np.zeros(self.files.shape, np.bool_)
            for edit in self.edits if header.xmp or header.exif or header.gain else ():
                borrowed = [np.empty((0, 4), np.int32)]
                for patch in self.edit_file(edit.id).maps():
                    hole[patch.box.place] |= patch.hole
                    borrowed += _borrowed(patch)
                photo = editing.follow(photo, hole, np.concatenate(borrowed))
            yield photo


def _borrowed(patch: Patch) -> Iterator[Array]:
    """Where each borrowed pixel of a patch lies and came from, ``N×4``."""
    if patch.sources is None:
        return
    places = np.argwhere(patch.hole) + np.array([patch.box.top, patch.box.left])
    found = patch.sources[:, 0] >= 0
    yield np.hstack([places[found], patch.sources[found]]).astype(np.int32)


def _shown(edit: Edit) -> dict[str, Any]:
    content = asdict(edit)
    del content["places"]
    return content | {"notes": list(edit.notes), "box": list(edit.box)}
