"""The record of a fill: values that JSON holds, with digests in place of folders; docs/record.md has them."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Mapping
from importlib.metadata import version
from importlib.resources import files as resources
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import pyvips
from numpy.typing import NDArray

from retouch.errors import RetouchError
from retouch.files import file_digest
from retouch.imaging import Photo, jpeg_keeping
from retouch.native import search_in_use
from retouch.ops.masks import Mask
from retouch.recording.checking import faults

FORMAT = "retouch fill 1"
"""The kind and version of a record. A field that is added keeps the version; one that changes raises it."""
Record: TypeAlias = dict[str, Any]


def schema() -> dict[str, Any]:
    """The JSON Schema of records (draft 2020-12), which ships with the package."""
    content: dict[str, Any] = json.loads(
        resources("retouch.recording").joinpath("fill-1.schema.json").read_text()
    )
    return content


def read_record(path: Path) -> Record:
    """Read a record.

    Raises:
        RetouchError: the file is no record, or a damaged one, or one of a version that is not known here.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise RetouchError(f"{path} cannot be read ({error.strerror}); check its name.") from error
    except (ValueError, RecursionError) as error:
        raise RetouchError(
            f"{path} is no record; give the .json that retouch fill --record wrote."
        ) from error
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        raise RetouchError(
            f"{path} is no record of the kind {FORMAT!r}; give the .json that this version's "
            "retouch fill --record wrote."
        )
    rules = schema()
    lacking = [name for name in rules["required"] if name not in content]
    if lacking:
        raise RetouchError(f"{path} is damaged: it lacks {', '.join(lacking)}; make the record anew.")
    if (fault := next(faults(content, rules, rules), None)) is not None:
        raise RetouchError(f"{path} is damaged: {fault} is missing or wrong; make the record anew.")
    return dict(content)


def as_json(record: Mapping[str, Any]) -> str:
    """The text of a record's file."""
    return json.dumps(record, ensure_ascii=False, indent=2) + "\n"


def file_entry(source: object) -> dict[str, str | None]:
    """The name of a file without its folder, and its SHA-256; the name is None for bytes, all for no file."""
    if isinstance(source, bytes):
        return {"file": None, "sha256": hashlib.sha256(source).hexdigest()}
    if isinstance(source, (str, Path)):
        return {"file": Path(source).name, "sha256": file_digest(Path(source))}
    return {"file": None, "sha256": None}


def photo_entry(source: object, photo: Photo) -> dict[str, Any]:
    """The entry of the photo that was filled: its file, size and depth."""
    height, width, channels = photo.pixels.shape
    return {
        **file_entry(source),
        "width": int(width),
        "height": int(height),
        "channels": int(channels),
        "bits": photo.bits or 8 * photo.pixels.dtype.itemsize,
    }


def pixels_digest(photo: Photo) -> str:
    """The SHA-256 of a photo's values, whatever file they come from: shape, type and samples, alpha last."""
    digest = hashlib.sha256()
    for array in (photo.pixels, photo.alpha, photo.extra):
        if array is not None:
            digest.update(f"{array.shape} {array.dtype.str.lstrip('<>|=')}\n".encode())
            digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).data)
    return digest.hexdigest()


def mask_entry(source: object, hole: Mask) -> dict[str, Any]:
    """The entry of a mask: its file, and the hole that it became, whatever file that came from."""
    shape = f"{hole.shape[0]}x{hole.shape[1]}\n".encode()
    packed: NDArray[np.uint8] = np.packbits(hole)
    return {
        **file_entry(source),
        "pixels": int(np.count_nonzero(hole)),
        "hole_sha256": hashlib.sha256(shape + packed.tobytes()).hexdigest(),
    }


def versions() -> dict[str, str]:
    """The versions of all that makes a fill and writes it."""
    found = {
        "retouch": version("retouch"),
        "search": search_in_use(),
        "libvips": ".".join(str(pyvips.version(part)) for part in range(3)),
        "opencv": cv2.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    if jpeg_keeping.available():
        found["jpeglib"] = version("jpeglib")
    torch = sys.modules.get("torch")
    return found if torch is None else {**found, "torch": str(torch.__version__)}
