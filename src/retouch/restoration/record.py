"""What is written beside a restored photo, so that an archive knows what was changed, and with what."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from retouch.finding.kinds import count_kinds
from retouch.imaging import Photo
from retouch.ops.masks import Mask
from retouch.recording.record import photo_entry, versions

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
) -> dict[str, Any]:
    """Say what was changed in a photo, as values that JSON holds.

    Args:
        photo: the scan.
        source: its file, or that file's bytes; None for an array.
        mask: ``H×W`` bool, what was found, before it was grown.
        by: what found it.
        sensitivity: of the search; None if there was none.
        filled_by: how many pixels what filled.
        seed: of the fill.
        command: what the user typed or called.
    """
    return {
        "format": FORMAT,
        "command": command,
        "seed": seed,
        "versions": versions(),
        "original": photo_entry(source, photo),
        "found": {
            "by": by,
            "sensitivity": sensitivity,
            "pixels": int(np.count_nonzero(mask)),
            "share": float(np.count_nonzero(mask) / mask.size),
            "kinds": count_kinds(mask),
        },
        "filled_by": filled_by,
    }
