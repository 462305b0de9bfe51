"""Atomic writing, for every format: a file appears whole or not at all.

The content goes to a temporary file in the target's folder, is flushed to disk, and then takes the target's
name. :func:`write_file` serves libraries that write to an open file, such as ``torch.save``.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO, TypeVar

from retouch.errors import RetouchError

Source = TypeVar("Source")
_NAME = ".retouch-{}.part"  # of temporary files


def write_file(write: Callable[[BinaryIO], object], target: Path, *, overwrite: bool = False) -> None:
    """Write a file through a callback. At every moment ``target`` is either as it was or complete.

    Args:
        write: Gets a file that is open for writing bytes, and writes the content to it.
        target: The file. A link is followed. The file gets the permissions of the one it replaces, or those
            of any new file.
        overwrite: Replace ``target`` if it exists.

    Raises:
        RetouchError: ``target`` exists, or its folder cannot be written to. Exceptions of ``write`` other
            than OSError pass through; ``target`` stays as it was.
    """
    refuse_existing(target, overwrite=overwrite)
    target = Path(os.path.realpath(target))
    with _clear_errors(target):
        temporary, handle = _temporary(target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            if overwrite and target.exists():
                temporary.chmod(stat.S_IMODE(target.stat().st_mode))
            if overwrite:
                temporary.replace(target)
            else:
                _replace_nothing(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)


def write_bytes(data: bytes | memoryview, target: Path, *, overwrite: bool = False) -> None:
    """Write ``data`` to a file; the other arguments and the errors are those of :func:`write_file`."""
    write_file(lambda file: file.write(data), target, overwrite=overwrite)


def write_text(text: str, target: Path, *, overwrite: bool = False) -> None:
    """Write ``text`` to a file as UTF-8, with its line ends as they are; otherwise as :func:`write_file`.

    What is no text, as in names of files in another encoding, becomes a question mark.
    """
    write_bytes(text.encode("utf-8", "replace"), target, overwrite=overwrite)


def copy_file(source: str | Path | bytes, target: Path, *, overwrite: bool = False) -> None:
    """Copy a file byte for byte.

    Args:
        source: The file to copy, or its content.
        target: As for :func:`write_file`.
        overwrite: As for :func:`write_file`.

    Raises:
        RetouchError: ``source`` cannot be read, or is a pipe; or ``target`` cannot be written.
    """
    try:
        data = source if isinstance(source, bytes) else _no_pipe(Path(source)).read_bytes()
    except OSError as error:
        raise RetouchError(
            f"{error.filename} cannot be read ({error.strerror}); check its name and permissions."
        ) from error
    write_bytes(data, target, overwrite=overwrite)


def file_digest(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal digits.

    Raises:
        RetouchError: The file cannot be read, or is a pipe.
    """
    try:
        with _no_pipe(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RetouchError(f"Cannot read {path} ({error.strerror}); check its name.") from error


def read_once(source: Source) -> Source | bytes:
    """The content of a pipe, which brings it only once; anything else, such as a file's path, as it is.

    Whoever reads a picture, and then copies its file or takes its digest, begins with this.

    Raises:
        RetouchError: ``source`` is a pipe, and cannot be read or is empty.
    """
    if not isinstance(source, (str, Path)) or not _is_pipe(source):
        return source
    try:
        content = Path(source).read_bytes()
    except OSError as error:
        raise RetouchError(f"{source} cannot be read ({error.strerror}); check its permissions.") from error
    if not content:
        raise RetouchError(f"{source} is a pipe that brings nothing; check what writes to it.")
    return content


def _is_pipe(path: str | Path) -> bool:
    """Whether a path means a pipe, or a device: what exists, and is neither a file nor a folder."""
    # These functions, unlike Path's, raise nothing for names that are too long.
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)  # noqa: PTH110, PTH112, PTH113


def _no_pipe(path: Path) -> Path:
    # What was read of it already would be missing, and who waits for it again waits for ever.
    if _is_pipe(path):
        raise RetouchError(f"{path} is a pipe, and is needed more than once; save it as a file first.")
    return path


def refuse_inputs(target: Path, inputs: Mapping[str, object]) -> None:
    """Raise :class:`RetouchError` if ``target`` is a file that is read, by any of its names.

    Args:
        target: the file to write.
        inputs: what is read, by what sentences call it. Only paths mean files.
    """
    for name, given in inputs.items():
        if isinstance(given, (str, Path)) and same_file(Path(given), target):
            raise RetouchError(f"{target} is the {name}, and would be replaced; name another file to write.")


def refuse_existing(target: Path, *, overwrite: bool) -> None:
    """Raise :class:`RetouchError` if ``target`` is a folder, or exists and must not be replaced."""
    if os.path.isdir(target):  # noqa: PTH112 # as in _is_pipe
        raise RetouchError(f"{target} is a folder; name a file in it.")
    if _is_pipe(target):
        raise RetouchError(f"{target} is a pipe or a device, not a file; name a file, or write to -o -.")
    if not overwrite and os.path.lexists(target):
        raise RetouchError(
            f"{target} exists already; use --overwrite (overwrite=True in Python) or another name."
        )


def check_folder(target: Path) -> None:
    """Raise :class:`RetouchError` unless files can be created in the folder of ``target``."""
    target = Path(os.path.realpath(target))
    with _clear_errors(target):
        temporary, handle = _temporary(target.parent)
        os.close(handle)
        temporary.unlink()
        with suppress(FileNotFoundError):
            target.lstat()  # an error if the name is too long


def remove_unfinished(folder: Path) -> None:
    """Remove temporary files of killed writers. No other writer may be at work in ``folder``."""
    for path in folder.glob(_NAME.format("*")):
        path.unlink(missing_ok=True)


def is_unfinished(name: str) -> bool:
    """Whether a file of this name is the temporary file of a writer, which may have been killed."""
    return fnmatchcase(name, _NAME.format("*"))


def _temporary(folder: Path) -> tuple[Path, int]:
    # Not `tempfile`: it gives files the permissions of a secret, not those of a new file.
    path = folder / _NAME.format(secrets.token_hex(8))
    return path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)


def _replace_nothing(temporary: Path, target: Path) -> None:
    """Move ``temporary`` to ``target``, which must not exist, even if another program creates it now."""
    try:
        # Claims the name. Hard links would do the same, but memory cards and network drives lack them.
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        refuse_existing(target, overwrite=False)
        raise
    try:
        temporary.replace(target)
    except BaseException:
        target.unlink()
        raise


@contextmanager
def _clear_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise RetouchError(f"The folder {target.parent} does not exist; make it first.") from error
    except OSError as error:
        raise RetouchError(f"{target} cannot be written ({error.strerror}); choose another place.") from error


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths mean one file, through links of both kinds, also where it is not there yet."""
    if os.path.realpath(one) == os.path.realpath(other):
        return True
    with suppress(OSError):  # of which one is missing
        return one.samefile(other)
    return False
