"""Where the server keeps what it must not lose."""

from __future__ import annotations

import os
import sys
from pathlib import Path


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
