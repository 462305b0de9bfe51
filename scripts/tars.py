"""Photos into and out of tar files, as `retouch train` reads them."""

from __future__ import annotations

import io
import tarfile
from argparse import ArgumentTypeError
from collections.abc import Iterable, Sequence
from pathlib import Path

from retouch.errors import RetouchError
from retouch.training.shards import Shards


def new_tar(text: str) -> Path:
    """Read the name of a tar file that is to be written, for argparse."""
    path = Path(text)
    if path.exists() or path.suffix != ".tar" or not path.parent.is_dir():
        raise ArgumentTypeError(f"{path} must be a new file, called .tar, in a folder that exists")
    return path


def whole_shards(photos: Sequence[Path]) -> Shards:
    """Folders and tar files of photos.

    Raises:
        RetouchError: there are no photos, or a tar file is cut short.
    """
    shards = Shards(photos)
    if shards.damaged:
        raise RetouchError(f"{shards.damaged[0]} is cut short; copy it again, or leave it out.")
    return shards


def write_tar(path: Path, files: Iterable[tuple[str, bytes]]) -> int:
    """Write files by their names and contents, all or none of them; returns how many there are."""
    unfinished, count = path.with_name(path.name + ".tmp"), 0
    try:
        with tarfile.open(unfinished, "w") as tar:
            for name, content in files:
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
                count += 1
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return count
