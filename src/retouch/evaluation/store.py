"""The rows of an unfinished report on disk, and the settings that all rows share."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retouch.errors import RetouchError
from retouch.files import file_digest, write_text

ROWS, SETTINGS = "rows.jsonl", "settings.json"
_TEXTS = ("photo", "masks", "model")


@dataclass(frozen=True)
class Settings:
    """What all rows of one table must share.

    Attributes:
        data: The folder of photos and masks.
        protocol: The protocol's name, if one was followed.
        size: The shorter side that photos were shrunk to, in pixels; None if they were not shrunk.
        seed: The models' seed.
        threads: How many threads each process used.
        device: Where the models ran: "cpu", "cuda" …
        inception: The path of the Inception network's file, for FID and Inception Score; None for the Fréchet
            distance over VGG features.
        metrics: Names of the metrics, from :data:`~retouch.evaluation.metrics.NAMES`; None for all.
    """

    data: str
    protocol: str | None = None
    size: int | None = None
    seed: int = 0
    threads: int = 1
    device: str = "auto"
    inception: str | None = None
    metrics: list[str] | None = None


def open_report(out: Path, settings: Settings, resume: bool) -> list[dict[str, Any]]:
    """Make the report's folder, or read the rows that it already holds.

    Args:
        out: The report's folder.
        settings: How rows are to be measured.
        resume: Whether to continue a report that is there.

    Returns:
        The rows so far, without those that failed.

    Raises:
        RetouchError: There is a report and ``resume`` is False, it was measured with other settings, or the
            folder cannot be read or written.
    """
    rows_file, settings_file = out / ROWS, out / SETTINGS
    wanted = vars(settings)
    rows: list[dict[str, Any]] = []
    if rows_file.exists():
        if not resume:
            raise RetouchError(f"{out} holds a report already; add --resume to go on, or name another --out.")
        # Failed rows are tried again, so a report with nothing but failures may change its settings.
        rows = _read_rows(rows_file)
        before = _read_settings(settings_file) if rows else wanted
        for key, value in wanted.items():
            if before.get(key) != value:
                raise RetouchError(
                    f"{out} was measured with {key} {before.get(key)!r}, not {value!r}; name another --out."
                )
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_text(json.dumps(wanted, indent=1), settings_file, overwrite=True)
        # Rewritten, so that no incomplete line stays in the middle.
        write_text("".join(json.dumps(row) + "\n" for row in rows), rows_file, overwrite=True)
    except OSError as error:
        raise RetouchError(f"Cannot write to {out} ({error.strerror}); name another --out.") from error
    return rows


def _read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of pairs that were scored."""
    rows = []
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise RetouchError(f"Cannot read {path} ({error.strerror}); name another --out.") from error
    for line in lines:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue  # the last line, cut off when the run stopped, or a damaged one
        if _whole(row):
            rows.append(row)
    return rows


def _whole(row: Any) -> bool:
    """Whether a row is as it was written."""
    if not isinstance(row, dict) or not all(isinstance(row.get(each), str) for each in _TEXTS):
        return False
    metrics = row.get("metrics")
    scored = isinstance(metrics, dict) and all(isinstance(each, float | int) for each in metrics.values())
    return row.get("error", 0) is None and isinstance(row.get("inputs"), str) and scored


def _read_settings(path: Path) -> dict[str, Any]:
    try:
        settings: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return settings
    except (OSError, ValueError) as error:
        raise RetouchError(
            f"{path} is lost or damaged, so the settings of the report are unknown; name another --out."
        ) from error


def fingerprint(*arrays: NDArray[Any], stamp: str = "") -> str:
    """A digest that shows whether a pair is still the one that a row was measured on."""
    digest = hashlib.sha256(stamp.encode("utf-8", "surrogateescape"))  # names of files may be any bytes
    for array in arrays:
        digest.update(f"{array.shape} {array.dtype} ".encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


@cache
def package_digest() -> str:
    """A digest of this package's code and weights, because fills and scores depend on all of it."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    # What is compiled fills, too: exemplar's search and painting.
    kinds = ("py", "safetensors", "so", "pyd", "dylib")
    for path in sorted(path for kind in kinds for path in package.rglob(f"*.{kind}")):
        digest.update(f"{path.relative_to(package).as_posix()} {file_digest(path)}\n".encode())
    return digest.hexdigest()[:16]


def append(out: Path, row: dict[str, Any]) -> None:
    """Write one more row."""
    with (out / ROWS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
