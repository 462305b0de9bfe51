"""What is written beside a restored photo, so that an archive knows what was changed, and with what."""

from __future__ import annotations

import hashlib
import json
import platform
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from retouch.finding.kinds import count_kinds
from retouch.imaging import Photo
from retouch.native import search_in_use
from retouch.ops.masks import Mask

FORMAT = "retouch restoration 1"
FoundBy = Literal["network", "infrared", "mask"]


def record_of(
    photo: Photo,
    source: str | Path | bytes | None,
    mask: Mask,
    *,
    by: FoundBy,
    sensitivity: float | None,
    filled_by: dict[str, int],
    seed: int,
    command: str,
    version: str,
) -> dict[str, Any]:
    """Say what was changed in a photo, as values that JSON holds.

    Args:
        photo: the scan.
        source: its file, or that file's bytes; None for an array.
        mask: ``H×W`` bool, what was mended.
        by: what found it.
        sensitivity: of the search; None if there was none.
        filled_by: how many pixels what filled.
        seed: of the fill.
        command: what the user typed or called.
        version: of retouch.
    """
    height, width = mask.shape
    return {
        "format": FORMAT,
        "command": command,
        "seed": seed,
        "versions": {
            "retouch": version,
            "search": search_in_use(),
            "opencv": cv2.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "original": {
            **file_entry(source),
            "width": width,
            "height": height,
            "channels": int(photo.pixels.shape[2]),
            "bits": photo.bits or 8 * photo.pixels.dtype.itemsize,
        },
        "found": {
            "by": by,
            "sensitivity": sensitivity,
            "pixels": int(np.count_nonzero(mask)),
            "share": float(np.count_nonzero(mask) / mask.size),
            "kinds": count_kinds(mask),
        },
        "filled_by": filled_by,
    }


def file_entry(source: str | Path | bytes | None) -> dict[str, str | None]:
    """The name of a file without its folder, and its SHA-256; None for what is no file."""
    if source is None:
        return {"file": None, "sha256": None}
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    name = None if isinstance(source, bytes) else Path(source).name
    return {"file": name, "sha256": hashlib.sha256(data).hexdigest()}


def as_json(record: dict[str, Any]) -> str:
    """The text of a record's file."""
    return json.dumps(record, ensure_ascii=False, indent=2) + "\n"
