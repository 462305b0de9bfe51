"""Where a report keeps its pictures, and how they get there."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from retouch.evaluation.fillers import Hole, Pixels
from retouch.files import write_bytes
from retouch.imaging import photo_from_array, write_photo, write_png

# File systems take 255 characters, ending included.
_LONGEST = 180


def truth_path(photo: str) -> Path:
    """The photo itself, relative to the report's folder."""
    return Path("pictures", "truth", _name(photo) + ".jpg")


def mask_path(masks: str, photo: str) -> Path:
    """The mask, white where the hole is, relative to the report's folder."""
    return Path("pictures", "masks", _name(masks), _name(photo) + ".png")


def fill_path(model: str, masks: str, photo: str) -> Path:
    """What a model made of it, relative to the report's folder."""
    return Path("pictures", "fills", _name(model), _name(masks), _name(photo) + ".jpg")


def _name(text: str) -> str:
    """A file name for any text, different for different texts."""
    quoted = quote(text, safe=" ()+,=@")
    if len(quoted) > _LONGEST:
        quoted = f"{quoted[:_LONGEST]}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    return quoted if quoted.strip(".") else quoted.replace(".", "%2E")  # "." and ".." are not names


def keep(picture: Pixels | Hole, path: Path) -> None:
    """Write a picture for looking at: a photo as JPEG at quality 95, a mask as PNG.

    All measuring is done before, on what the model gave.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        write_png(picture.astype(np.uint8) * 255, path, overwrite=True)
    else:
        write_photo(photo_from_array(picture), path, overwrite=True)


def keep_features(features: NDArray[np.float32] | None, out: Path, picture: Path) -> None:
    """Keep the features of a picture, if it has any, of which the path within the report ``out`` is given."""
    if features is None:
        return
    path = features_path(out, picture)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = BytesIO()
    np.save(content, features)
    # Two workers may have the same photo with different holes: neither may take the other's unfinished file.
    write_bytes(content.getvalue(), path, overwrite=True)


def features_path(out: Path, picture: Path) -> Path:
    """Where :func:`keep_features` keeps them."""
    return (out / "features" / picture.relative_to("pictures")).with_suffix(".npy")
