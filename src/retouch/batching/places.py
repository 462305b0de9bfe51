"""Files by path or by URL. What has ``://`` in it goes through fsspec, all else through the file system."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from retouch.errors import RetouchError, missing_extra


@dataclass(frozen=True)
class Stamp:
    """What tells without reading it that a file is still the same.

    Attributes:
        size: in bytes.
        changed: when it was changed, in nanoseconds; of a URL its ETag, or whatever its storage says.
    """

    size: int
    changed: int | str


def is_url(place: str) -> bool:
    """Whether a place is a URL, such as ``s3://bucket/folder``."""
    return "://" in place


def join(folder: str, name: str) -> str:
    """The place of ``name``, which has slashes only, in a folder."""
    return f"{folder.rstrip('/')}/{name}" if is_url(folder) else str(Path(folder, name))


def name_of(place: str) -> str:
    """The name of a file, without its folder."""
    return PurePosixPath(place.replace(os.sep, "/")).name


def stamp(place: str) -> Stamp | None:
    """The stamp of a file; None if there is none.

    Raises:
        RetouchError: the storage of a URL does not answer.
    """
    if not is_url(place):
        with suppress(OSError, ValueError):  # a name may hold what no name can hold
            found = os.stat(place)  # noqa: PTH116 # ten times as fast as Path, for 100,000 photos
            return Stamp(found.st_size, found.st_mtime_ns)
        return None
    try:
        said = remote(place).info(place)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RetouchError(
            f"{place} cannot be looked at ({error}); check the connection, and who may read it."
        ) from error
    changed = next((said[key] for key in ("ETag", "LastModified", "mtime", "created") if key in said), "")
    return Stamp(int(said["size"] or 0), changed if isinstance(changed, int) else str(changed))


def digest(place: str) -> str:
    """The SHA-256 of a file's content, in hexadecimal digits. Raises OSError."""
    if not is_url(place):
        with Path(place).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    found = hashlib.sha256()
    with remote(place).open(place, "rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def read_bytes(place: str) -> bytes:
    """A file's content. Raises OSError."""
    if is_url(place):
        return bytes(remote(place).cat_file(place))
    return Path(place).read_bytes()


def files_below(folder: str, *, recursive: bool) -> Iterator[str]:
    """The names of a folder's files, with slashes, relative to the folder; hidden ones are left out.

    Raises:
        RetouchError: there is no such folder, or one in it may not be read.
    """
    if is_url(folder):
        system = remote(folder)
        root = system._strip_protocol(folder).rstrip("/") + "/"
        for path in system.find(folder, maxdepth=None if recursive else 1):
            name = path.removeprefix(root)
            if not any(part.startswith(".") for part in name.split("/")):
                yield name
        return
    if not os.path.isdir(folder):  # noqa: PTH112 # takes long names
        raise RetouchError(f"There is no folder {folder}; check its name.")
    below = [("", frozenset([os.path.realpath(folder)]))]
    while below:
        inside, above = below.pop()
        try:
            listed = os.scandir(os.path.join(folder, inside))  # noqa: PTH118 # as in stamp
        except FileNotFoundError:
            continue  # it was removed meanwhile
        except OSError as error:
            raise RetouchError(
                f"{Path(folder, inside)} cannot be listed ({error.strerror}); check who may read it."
            ) from error
        with listed as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                kind = _kind(entry)
                if kind == "file":
                    yield inside + entry.name
                elif kind == "folder" and recursive:
                    if (real := os.path.realpath(entry.path)) in above:
                        continue  # a link that goes round
                    below.append((f"{inside}{entry.name}/", above | {real}))


def _kind(entry: os.DirEntry[str]) -> Literal["folder", "file", "other"]:
    """What an entry is; "other" is a pipe or a device, which may never end."""
    with suppress(OSError):
        if entry.is_dir():
            return "folder"
        if not entry.is_file() and Path(entry).exists():
            return "other"
    return "file"  # also a link that leads nowhere: filling it says so


def move(source: str, target: str) -> None:
    """Give a file its final name, in the same storage; whatever had that name is replaced. Raises OSError."""
    if is_url(target):
        _make_parent(target)
        remote(target).mv(source, target)
        return
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    Path(source).replace(target)


def write_bytes(data: bytes, url: str) -> None:
    """Write a whole file to a URL. Raises OSError."""
    _make_parent(url)
    remote(url).pipe_file(url, data)


def send(path: Path, url: str) -> None:
    """Copy a local file to a URL. Raises OSError."""
    _make_parent(url)
    remote(url).put_file(str(path), url)


def _make_parent(url: str) -> None:
    with suppress(OSError):  # object stores have no folders, and may not let anybody ask
        remote(url).makedirs(url.rpartition("/")[0], exist_ok=True)


def remove_folder(folder: str) -> None:
    """Remove a folder and all in it, if it is there."""
    if is_url(folder):
        with suppress(FileNotFoundError):
            remote(folder).rm(folder, recursive=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)


def remote(url: str) -> Any:
    """The file system of a URL, as fsspec knows it.

    Raises:
        RetouchError: fsspec, or what it needs for this kind of URL, is not installed.
    """
    try:
        import fsspec
    except ModuleNotFoundError as error:
        raise missing_extra("cluster", "fsspec") from error
    try:
        return fsspec.core.url_to_fs(url)[0]
    except (ImportError, ValueError) as error:
        raise RetouchError(
            f"{url} cannot be opened ({error}); install what its kind of URL needs."
        ) from error
