"""An open photo and its folder: everything that a restart needs lies there before a request is answered.

The folder holds the photo's original file, a file for each edit, its references, and ``session.json``, which
says which edits count. All other files in it can be made from these: the decoded photo and its pyramid. So a
process that is killed at any moment leaves nothing half done.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from retouch.api import editing
from retouch.errors import RetouchError
from retouch.files import is_unfinished, write_text
from retouch.server.boxes import Box
from retouch.server.edits import Edit, Patch, PatchFile, State, followed
from retouch.server.errors import Refusal
from retouch.server.history import History
from retouch.server.mapped import Array, PhotoFiles
from retouch.server.pyramid import TILE, Pyramid
from retouch.server.references import References

if TYPE_CHECKING:
    from retouch.imaging import Photo

JOURNAL, _VERSION = "session.json", 1
_OURS = ("original", "decoded", "edits", "references")


class Session:
    """An open photo. Its methods are called from several threads.

    Attributes:
        id: names the photo; nobody can guess it.
        name: the name of the photo's file.
        source: the photo's path under the root; None if it was uploaded.
        folder: where everything is kept.
        files: the decoded photo.
        history: its edits.
        references: other photos of the same place.
        turn: taken by whoever changes the pixels or starts from them: a fill from its beginning to its end.
        used: when it was last asked for, in seconds of :func:`time.monotonic`.
        revision: a number that grows with each change of the pixels.
    """

    def __init__(self, folder: Path, known: dict[str, Any], most_pixels: int) -> None:
        """Decode the original file that lies in the folder, and apply the edits again.

        Args:
            folder: the session's folder.
            known: what its journal says; of a new one, name and source.
            most_pixels: that the photo may have.

        Raises:
            RetouchError: the file is no photo, or has too many pixels.
        """
        self.id, self.folder, self.used = folder.name, folder, time.monotonic()
        self.name: str = known["name"]
        self.source: str | None = known["source"]
        self.turn = asyncio.Lock()
        self._lock = threading.Lock()  # of pixels and lists, for moments
        self._steady = threading.Lock()  # of edits, for as long as a file is written
        work = folder / "decoded"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        photo = editing.open_photo(self.original, most_pixels)
        self._notes = photo.header.notes
        alpha = photo.alpha
        self.transparent = alpha is not None and bool(alpha.min() < np.iinfo(alpha.dtype).max)
        self.files = PhotoFiles.written(work, photo)
        del photo, alpha  # only the files are left
        self._pyramid = Pyramid(work, self.files.arrays)
        self.history = History(known.get("history"))
        self._changes: list[tuple[int, Box]] = []
        self.revision = 0
        for edit in self.history.now:
            self._change(edit, "after")
        self.revision = known.get("revision", 0)
        self._changes = [(self.revision, edit.box) for edit in self.history.edits]
        self.references = References(folder / "references", most_pixels)
        self._edit_folder = folder / "edits"
        self._edit_folder.mkdir(exist_ok=True)
        self.tidy()
        self._write()

    @classmethod
    def resumed(cls, folder: Path, most_pixels: int) -> Session:
        """Open the photo of a folder again, with all its edits.

        Raises:
            RetouchError: the folder holds no session, or one of another version.
        """
        try:
            known = json.loads((folder / JOURNAL).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RetouchError(f"{folder} holds no session and was left alone.") from error
        if not isinstance(known, dict) or known.get("version") != _VERSION:
            raise RetouchError(f"{folder} was made by another version of retouch; remove it.")
        try:
            return cls(folder, known, most_pixels)
        except RetouchError:
            raise
        except OSError as error:  # a full disk damages nothing
            raise RetouchError(
                f"The session in {folder} could not be opened and was left alone ({error.strerror})."
            ) from error
        except (KeyError, TypeError, ValueError, BadZipFile, EOFError) as error:
            raise RetouchError(
                f"The session in {folder} is damaged and was left alone; remove it."
            ) from error

    @property
    def original(self) -> Path:
        """The photo's file as it was opened."""
        return self.folder / "original"

    @property
    def size(self) -> Box:
        """The whole photo."""
        height, width = self.files.shape
        return Box(0, 0, width, height)

    @property
    def levels(self) -> int:
        """How many levels the pyramid has."""
        return len(self._pyramid.levels)

    @property
    def stem(self) -> str:
        """The photo's name without its ending."""
        return PurePath(self.name).stem

    @property
    def edited(self) -> bool:
        """Whether an edit is applied."""
        return self.history.applied > 0

    def state(self) -> dict[str, Any]:
        """What the editor shows."""
        with self._lock:
            history, pixels = self.history, self.files.arrays["pixels"]
            return {
                "id": self.id,
                "name": self.name,
                "width": self.size.width,
                "height": self.size.height,
                "tile": TILE,
                "levels": self.levels,
                "revision": self.revision,
                "transparent": self.transparent,
                "depth": self.files.rest.bits or 8 * np.dtype(pixels.dtype).itemsize,
                "format": self.files.rest.format,
                "notes": list(self._notes),
                "edits": [_shown(each) for each in history.now],
                "undo": history.applied > 0,
                "redo": history.applied < len(history.edits),
                "unsaved": history.unsaved,
                "references": self.references.as_json(),
            }

    def new_edit_file(self) -> tuple[str, Path]:
        """A name for an edit, and the file to write its patches to."""
        name = secrets.token_hex(8)
        return name, self._file(name).path

    def new_file(self) -> Path:
        """A name for a file that is needed for a moment; a restart removes it."""
        return self.folder / "decoded" / secrets.token_hex(8)

    def commit(self, edit: Edit) -> None:
        """Apply a new edit, whose file is written. What was undone before it can no longer be redone."""
        with self._steady, self._lock:
            self._add(edit)

    def undo(self) -> None:
        """Take back the last edit.

        Raises:
            Refusal: there is none.
        """
        with self._steady, self._lock, self._changing(self.history.last, "before"):
            self.history.applied -= 1

    def redo(self) -> None:
        """Apply the edit that was taken back last.

        Raises:
            Refusal: there is none.
        """
        with self._steady, self._lock, self._changing(self.history.next, "after"):
            self.history.applied += 1

    def saved(self, target: Path) -> None:
        """Remember that the photo as it is now was saved, and where."""
        with self._lock:
            self.history.saved(str(target))
            self._write()

    def offer(self, edits: Sequence[Edit]) -> None:
        """Keep fills as variants to choose from, in place of earlier ones."""
        with self._lock:
            dropped = self.history.offer(edits)
        self._drop(dropped)

    def take(self, name: str) -> None:
        """Apply a variant, and drop the others.

        Raises:
            Refusal: there is no such variant any more.
        """
        with self._steady, self._lock:
            self._add(self.history.variant(name))

    def tidy(self) -> None:
        """Remove files of edits that came to nothing. No fill of this photo may be at work."""
        with self._lock, suppress(FileNotFoundError):  # the photo may be closed
            kept = {edit.id for edit in (*self.history.edits, *self.history.variants.values())}
            for path in self._edit_folder.iterdir():
                if path.stem not in kept:
                    path.unlink()

    def variant_picture(self, name: str) -> Array:
        """How the screen would show the box of a variant, ``h×w×3`` or ``h×w×4`` uint8.

        Raises:
            Refusal: there is no such variant any more.
        """
        with self._lock:
            edit = self.history.variant(name)
            pixels, alpha = self._pyramid.read(0, edit.box)
            for patch in self._file(name).values():
                place = patch.box.seen_from(edit.box).place
                pixels[place][patch.hole] = patch.after["pixels"]
                if alpha is not None:
                    alpha[place][patch.hole] = patch.after["alpha"]
        return editing.on_screen(self.files.rest, pixels, alpha)

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

    def maps(self, box: Box) -> list[tuple[Edit, Patch]]:
        """Holes, sources and confidence of the edits that touch a box, the oldest first."""
        found: list[tuple[Edit, Patch]] = []
        with self._lock:
            for edit in self.history.now:
                touched = [at for at, place in enumerate(edit.places) if not place.within(box).empty]
                if touched:
                    found += ((edit, each) for each in self._file(edit.id).maps(touched))
        return found

    @contextmanager
    def finished(self) -> Iterator[Photo]:
        """The photo as it is now, with metadata that follows all fills; no edit comes in between."""
        with self._steady:
            now = self.history.now
            photo = followed(self.files.photo(), (self._file(each.id) for each in now))
            yield editing.marked(photo, ((each.model, each.filled_by, each.seed) for each in now))

    def _file(self, name: str) -> PatchFile:
        return PatchFile(self.folder / "edits" / f"{name}.npz")

    def _drop(self, edits: Sequence[Edit]) -> None:
        for each in edits:
            self._file(each.id).path.unlink(missing_ok=True)

    def _add(self, edit: Edit) -> None:
        with self._changing(edit, "after"):
            dropped = self.history.add(edit)
        self._drop(dropped)

    @contextmanager
    def _changing(self, edit: Edit, state: State) -> Iterator[None]:
        """Change the pixels, let the block change the history, and write it down; or none of these."""
        edits, applied = list(self.history.edits), self.history.applied
        self._change(edit, state)
        try:
            yield
            self._write()
        except BaseException:  # the disk may be full
            self.history.edits, self.history.applied = edits, applied
            self._change(edit, "before" if state == "after" else "after")
            raise
        # The others are fills of the photo as it was; undoing them would bring that back.
        self.history.variants.pop(edit.id, None)
        self._drop(self.history.offer(()))

    def _change(self, edit: Edit, state: State) -> None:
        for place in edit.places:
            self._pyramid.keep(place)
        self._file(edit.id).change(self.files.photo("r+"), state)
        for place in edit.places:
            self._pyramid.update(place)
        self.revision += 1
        self._changes.append((self.revision, edit.box))

    def _write(self) -> None:
        content = {
            "version": _VERSION,
            "name": self.name,
            "source": self.source,
            "revision": self.revision,
            "history": self.history.as_json(),
        }
        write_text(json.dumps(content), self.folder / JOURNAL, overwrite=True)


def never_opened(folder: Path) -> bool:
    """Whether a folder was left by a server that ended before it answered that a photo is open.

    Whoever names a folder of photos as that of the sessions must not lose what lies there, so only what
    this module itself makes counts.
    """
    names = {each.name for each in folder.iterdir()}
    ours = {name for name in names if name in _OURS or is_unfinished(name)}
    return names == ours and (folder / "original").is_file()


def _shown(edit: Edit) -> dict[str, Any]:
    content = asdict(edit)
    del content["places"]
    return content | {"notes": list(edit.notes), "references": list(edit.references), "box": list(edit.box)}
