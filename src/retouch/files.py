"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retouch.errors import RetouchError


def write_bytes(data: bytes | memoryview, target: Path, *, overwrite: bool = False) -> None:
    """Write a file such that at every moment ``target`` is either as it was or complete.

    Args:
        data: its content.
        target: where it goes; a link is followed. It gets the permissions of the file it replaces, or those
            of any new file.
        overwrite: replace ``target`` if it is there.

    Raises:
        RetouchError: ``target`` is there already, or its folder cannot be written to.
    """
    refuse_existing(target, overwrite=overwrite)
    target = Path(os.path.realpath(target))
    with _clear_errors(target):
        temporary, handle = _temporary(target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
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


def copy_file(source: str | Path | bytes, target: Path, *, overwrite: bool = False) -> None:
    """Copy the very bytes of a file, as :func:`write_bytes` writes them.

    Raises:
        RetouchError: the source cannot be read; or as in :func:`write_bytes`.
    """
    try:
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
    except OSError as error:
        raise RetouchError(
            f"{error.filename} cannot be read ({error.strerror}); check its name and permissions."
        ) from error
    write_bytes(data, target, overwrite=overwrite)


def refuse_existing(target: Path, *, overwrite: bool) -> None:
    """Raise :class:`RetouchError` if ``target`` is a folder, or is there and must not be replaced."""
    if target.is_dir():
        raise RetouchError(f"{target} is a folder; name a file in it.")
    if not overwrite and os.path.lexists(target):
        raise RetouchError(
            f"{target} exists already; use --overwrite (overwrite=True in Python) or another name."
        )


def check_folder(target: Path) -> None:
    """Raise :class:`RetouchError` unless files can be made in the folder of ``target``."""
    target = Path(os.path.realpath(target))
    with _clear_errors(target):
        temporary, handle = _temporary(target.parent)
        os.close(handle)
        temporary.unlink()


def _temporary(folder: Path) -> tuple[Path, int]:
    # Made by hand: `tempfile` would give it the permissions of a secret, not those of a new file.
    path = folder / f".retouch-{secrets.token_hex(8)}.part"
    return path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)


def _replace_nothing(temporary: Path, target: Path) -> None:
    """Move ``temporary`` to ``target``, which must not exist, even if somebody makes it at this moment."""
    try:
        # Claims the name; hard links would do the same, but memory cards and network drives know none.
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
