"""Encoded pictures in tar shards and folders. Shards are read in place, without unpacking."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from retouch.errors import RetouchError

_ENDINGS = (".jpg", ".jpeg", ".png", ".webp")


def _files(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        if path.is_dir():
            inside = (each for each in path.rglob("*") if each.suffix.lower() in (*_ENDINGS, ".tar"))
            yield from sorted(each for each in inside if each.is_file() and not each.name.startswith("."))
        elif path.exists() and path.suffix.lower() not in (*_ENDINGS, ".tar"):
            raise RetouchError(f"{path} is neither a folder nor a tar file nor a picture; name one of those.")
        else:
            yield path


def _read(member: Member) -> bytes:
    with member.path.open("rb") as file:
        file.seek(member.offset)
        return file.read(member.size)


def _ended(path: Path, offset: int) -> bool:
    """Whether a tar file ends where its reader stopped: a damaged header looks like the end to it."""
    with path.open("rb") as file:
        file.seek(offset)
        rest = file.read(tarfile.BLOCKSIZE)
        whole = len(rest) == tarfile.BLOCKSIZE
        while rest:
            if rest.strip(b"\0"):
                return False
            rest = file.read(2**20)
    return whole


def _unreadable(error: OSError) -> RetouchError:
    return RetouchError(f"{error.filename} cannot be read ({error.strerror}); check name and permissions.")


@dataclass(frozen=True)
class Member:
    """Where the bytes of a picture are.

    Attributes:
        path: A tar shard, or the picture's own file.
        name: Name inside the shard; "" for a file.
        offset: Offset of the first byte in ``path``.
        size: Size in bytes.
    """

    path: Path
    name: str
    offset: int
    size: int

    def __str__(self) -> str:
        return f"{self.path}:{self.name}" if self.name else str(self.path)


class Shards:
    """The pictures (JPEG, PNG, WebP) in shards and folders, as encoded bytes.

    Args:
        paths: Tar files, picture files, and folders of either, searched recursively. The order is that of
            ``paths``; inside a folder by name, inside a shard as stored.
        memory: Bytes of RAM that may be used. If all pictures fit, all are read now; otherwise each is read
            on request.

    Attributes:
        members: Where each picture is.
        damaged: Shards that are cut short, or go on after their end. Pictures before the damage are among the
            members.

    Raises:
        RetouchError: A path does not exist, cannot be read or is a compressed tar, or there is no picture.
    """

    def __init__(self, paths: Sequence[Path], memory: int = 0) -> None:
        self.damaged: list[Path] = []
        self.members: list[Member] = []
        try:
            for path in _files(paths):
                if path.suffix.lower() == ".tar":
                    self.members += self._listed(path)
                else:
                    self.members.append(Member(path, "", 0, path.stat().st_size))
            if not self.members:
                names = ", ".join(str(path) for path in paths) or "no path at all"
                raise RetouchError(
                    f"There is no picture in {names}; name folders or tar files that hold JPEG, PNG or WebP."
                )
            fits = sum(member.size for member in self.members) <= memory
            self._bytes = [_read(member) for member in self.members] if fits else None
        except OSError as error:
            raise _unreadable(error) from error

    def __len__(self) -> int:
        return len(self.members)

    def __getitem__(self, number: int) -> bytes:
        """Return the encoded bytes of a picture. Any thread may call this.

        Raises:
            RetouchError: The file has disappeared or cannot be read any more.
        """
        if self._bytes is not None:
            return self._bytes[number]
        try:
            return _read(self.members[number])
        except OSError as error:
            raise _unreadable(error) from error

    @property
    def in_memory(self) -> bool:
        """Whether all pictures are in RAM."""
        return self._bytes is not None

    def _listed(self, path: Path) -> list[Member]:
        members: list[Member] = []
        try:
            with tarfile.open(path, "r:") as shard:
                for each in shard:
                    if each.isreg() and each.name.lower().endswith(_ENDINGS):
                        members.append(Member(path, each.name, each.offset_data, each.size))
                if not _ended(path, shard.offset):
                    self.damaged.append(path)
        except tarfile.TarError as error:
            if not members:
                raise RetouchError(
                    f"{path} is no plain tar file; create it again without compression."
                ) from error
            self.damaged.append(path)
        return members
