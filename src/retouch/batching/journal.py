"""The journal of a batch: JSON lines in the folder of the results, one for each photo that was worked on.

A result is first written whole under a name in the folder ``.retouch-batch``. Then its line is written, with
the digest of the result, and flushed to disk. Then the result gets its name. So after a kill at any moment
a line is there and its result is there, or waits under its first name to be moved, or there is no line, and
the photo is filled anew.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Literal

from retouch.batching import places
from retouch.batching.jobs import Job
from retouch.batching.records import NAME, Record, journals, lines_of, open_locked, same_file, unchanged
from retouch.errors import RetouchError

State = Literal["missing", "changed", "done", "failed", "foreign"]


class Journal:
    """What was done in a folder, by this run and all before it.

    Args:
        out: the folder of the results, or its URL.
        shard: the shard that this run works on. Each has a file of its own; all are read.
    """

    def __init__(self, out: str, shard: tuple[int, int] | None = None) -> None:
        self._out = out
        self._name = NAME if shard is None else f"{NAME}-{shard[0]}-of-{shard[1]}"
        self._waiting = places.join(out, f".{NAME}/{self._name}")
        self.staging = f"{self._waiting}/{secrets.token_hex(4)}"
        self._file: int | None = None
        self._parts = 0
        self._open = False
        self._records: dict[str, Record] = {}

    def read(self) -> None:
        """Read what was done; nothing is changed.

        Raises:
            RetouchError: a journal is damaged.
        """
        for place in sorted(journals(self._out)):
            last = {record["name"]: record for record in lines_of(place)}
            for name, record in last.items():  # another shard's journal may have the photo, too
                if name not in self._records or self._records[name]["ended"] <= record["ended"]:
                    self._records[name] = record

    def open(self) -> None:
        """Read it, finish what a killed run left, and get ready to write.

        Raises:
            RetouchError: another run works here, or the folder cannot be written to.
        """
        if not places.is_url(self._out):
            try:
                Path(self._out).mkdir(parents=True, exist_ok=True)
                self._file = open_locked(Path(self._out, self._name + ".jsonl"))
                Path(self.staging).mkdir(parents=True)
            except OSError as error:
                raise RetouchError(
                    f"{self._out} cannot be written to ({error.strerror}); choose another folder."
                ) from error
        self.read()
        try:
            self._finish()
        except OSError as error:
            raise RetouchError(
                f"A result that waits in {self._waiting} cannot get its name ({error}); make way for it."
            ) from error
        self._open = True

    def _finish(self) -> None:
        """Move results that have a line to their names, and remove what is left of runs that were killed."""
        left = set(places.files_below(self._waiting, recursive=True)) if _runs(self._waiting) else set()
        for record in self._records.values():
            files = record["files"] if record["outcome"] == "filled" else {}
            waiting = {
                name: file
                for name, file in files.items()
                if file["staged"].removeprefix(f".{NAME}/{self._name}/") in left
            }
            if not waiting or self._somebody_elses(record):
                continue  # without its results, a line makes what is there count as foreign
            for name, file in waiting.items():
                staged = places.join(self._out, file["staged"])
                if places.digest(staged) == file["sha256"]:
                    places.move(staged, places.join(self._out, name))
        for run in _runs(self._waiting):
            if run != self.staging:
                places.remove_folder(run)

    def _somebody_elses(self, record: Record) -> bool:
        """Whether there is a file of a result's name that no line of its photo describes.

        It came between the line and its result's name, or was there and --overwrite let it be replaced. A run
        that still has leave to do so fills the photo again.
        """
        found = ((name, places.join(self._out, name)) for name in record["files"])
        there = [(name, place, now) for name, place in found if (now := places.stamp(place)) is not None]
        if not there:
            return False
        # In memory are only the last lines. What an earlier fill left is in one before, and this is rare.
        lines = [each for place in journals(self._out) for each in lines_of(place)]
        known = [each["files"] for each in lines if each["name"] == record["name"]]
        return not all(
            any(name in files and same_file(files[name], place, now) for files in known)
            for name, place, now in there
        )

    def state(self, job: Job, *, overwrite: bool = False) -> State:
        """Say what there is of a job.

        Args:
            job: the job.
            overwrite: fill again, and replace, what this journal does not know.

        Returns:
            "done" or "failed": with the same photo, mask and options; "missing": never, or its result is
            gone; "changed": something of these is another; "foreign": there is a file of its name that is
            not the one that was written.
        """
        if not overwrite and self.foreign(job):
            return "foreign"
        record = self._records.get(job.name)
        if record is None:
            return "missing"
        if record["options"] != dict(job.options) or not unchanged(record["inputs"], job.inputs()):
            return "changed"
        if record["outcome"] == "failed":
            return "failed"
        for name in job.names.values():
            place = places.join(self._out, name)
            now = places.stamp(place)
            if name not in record["files"] or now is None:
                return "missing"
            if not same_file(record["files"][name], place, now):
                return "changed"  # only with overwrite
        return "done"

    def foreign(self, job: Job) -> bool:
        """Whether there is a file of a result's name that is not the one that was written."""
        ours = self.files(job.name)
        for name in job.names.values():
            place = places.join(self._out, name)
            now = places.stamp(place)
            if now is not None and not (name in ours and same_file(ours[name], place, now)):
                return True
        return False

    def record(self, name: str) -> Record:
        """The last line of a job."""
        return self._records[name]

    def files(self, name: str) -> Record:
        """The results of a job that were written, as its last line has them."""
        return self._records[name]["files"] if name in self._records else {}

    def append(self, records: Iterable[Record]) -> None:
        """Write lines, all at once, and wait until the disk has them.

        Raises:
            RetouchError: the disk is full.
        """
        records = list(records)
        data = "".join(json.dumps(each) + "\n" for each in records).encode()
        if self._file is None:
            # Storage behind URLs cannot append: each write is a file of its own.
            self._parts += 1
            part = f"{self._name}-{self.staging.rpartition('/')[2]}-{self._parts:06d}.jsonl"
            places.write_bytes(data, places.join(self._out, part))
        else:
            whole = os.fstat(self._file).st_size
            try:
                while data:
                    data = data[os.write(self._file, data) :]
                os.fsync(self._file)
            except OSError as error:
                with suppress(OSError):
                    os.ftruncate(self._file, whole)  # no line may say of a result that it got its name
                raise RetouchError(
                    f"The journal in {self._out} cannot be written ({error.strerror}); make room, "
                    "and start again."
                ) from error
        for record in records:
            self._records[record["name"]] = record

    def close(self) -> None:
        """End writing, and remove the folder for unfinished results."""
        if self._open:
            with suppress(OSError, RetouchError):
                self._finish()  # it may have been interrupted between a line and its result's name
            places.remove_folder(self.staging)
        if self._file is None:
            return
        if os.fstat(self._file).st_size == 0:  # nothing came of it, such as with a wrong option
            Path(self._out, self._name + ".jsonl").unlink()
        os.close(self._file)
        self._file = None
        for folder in (Path(self._waiting), Path(self._waiting).parent, Path(self._out)):
            with suppress(OSError):  # it holds something
                folder.rmdir()


def _runs(waiting: str) -> list[str]:
    if places.is_url(waiting):
        with suppress(FileNotFoundError):
            return [
                f"{waiting}/{each.rpartition('/')[2]}"
                for each in places.remote(waiting).ls(waiting, detail=False)
            ]
        return []
    return [str(path) for path in Path(waiting).iterdir()] if Path(waiting).is_dir() else []
