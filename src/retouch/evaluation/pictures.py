"""Where a report keeps its pictures and features, and how it writes them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import quote

import numpy as np

from retouch.evaluation.arrays import Features, Hole, Pixels
from retouch.files import write_file
from retouch.imaging import photo_from_array, write_photo, write_png

# File systems allow 255 characters, including the ending.
_LONGEST = 180


def truth_path(photo: str) -> Path:
    """Path of the photo, relative to the report's folder."""
    return Path("pictures", "truth", _name(photo) + ".jpg")


def mask_path(masks: str, photo: str) -> Path:
    """Path of the mask (white = hole), relative to the report's folder."""
    return Path("pictures", "masks", _name(masks), _name(photo) + ".png")


def fill_path(model: str, masks: str, photo: str) -> Path:
    """Path of a model's fill, relative to the report's folder."""
    return Path("pictures", "fills", _name(model), _name(masks), _name(photo) + ".jpg")


def _name(text: str) -> str:
    """A file name for any text; different texts have different names."""
    content = text.encode("utf-8", "surrogateescape")  # names of files may be any bytes
    quoted = quote(content, safe=" ()+,=@")
    if len(quoted) > _LONGEST:
        quoted = f"{quoted[:_LONGEST]}-{hashlib.sha256(content).hexdigest()[:16]}"
    return quoted if quoted.strip(".") else quoted.replace(".", "%2E")  # "." and ".." are not names


def keep(picture: Pixels | Hole, path: Path) -> None:
    """Write a picture for people to look at: a photo as JPEG at quality 95, a mask as PNG.

    Scores are not computed from these files but from what the model returned.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        write_png(picture.astype(np.uint8) * 255, path, overwrite=True)
    else:
        write_photo(photo_from_array(picture), path, overwrite=True)


def keep_features(features: Features | None, out: Path, picture: Path) -> None:
    """Write the features of a picture, if it has any.

    Args:
        features: ``D`` values, or None.
        out: The report's folder.
        picture: The picture's path within that folder.
    """
    if features is None:
        return
    path = features_path(out, picture)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two workers may have the same photo with different holes. Neither may see the other's unfinished file.
    write_file(lambda file: np.save(file, features), path, overwrite=True)


def features_path(out: Path, picture: Path) -> Path:
    """The file that :func:`keep_features` writes."""
    return (out / "features" / picture.relative_to("pictures")).with_suffix(".npy")
