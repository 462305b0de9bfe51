"""Where the server keeps what it must not lose."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retouch.errors import RetouchError


def sessions_folder() -> Path:
    """The folder for open photos: ``$RETOUCH_SESSIONS``, or the usual place for a program's state."""
    given = os.environ.get("RETOUCH_SESSIONS")
    if given:
        return Path(given)
    home = Path.home()
    if sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_STATE_HOME") or home / ".local" / "state")
    return base / "retouch" / "sessions"


def edit_folder(photo: Path) -> Path:
    """The folder for the fills of a photo that is edited."""
    name = hashlib.sha256(os.fsencode(os.path.realpath(photo))).hexdigest()[:16]
    return sessions_folder() / f"edit-{name}"


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Keep other servers away from a folder; the lock goes with the process, however that ends.

    Raises:
        RetouchError: another one has it, or it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise RetouchError(f"{folder} cannot be written ({error.strerror}); set RETOUCH_SESSIONS.") from error
    try:
        _lock(handle)
        yield
    except BlockingIOError as error:
        raise RetouchError(
            f"Another retouch works with {folder}; end it first, or go on in its page."
        ) from error
    finally:
        os.close(handle)


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError from error
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
