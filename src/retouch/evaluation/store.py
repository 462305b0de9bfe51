"""The rows of a report as they come, and what must be the same for all of them."""

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
from retouch.files import write_bytes

ROWS, SETTINGS = "rows.jsonl", "settings.json"


@dataclass(frozen=True)
class Settings:
    """What must be the same for rows to stand in one table.

    Attributes:
        data: the folder that was measured on.
        protocol: name of the protocol, if one was followed.
        size: shorter side that photos were shrunk to; None if they were not.
        seed: of the models.
        threads: of each process.
        device: "cpu", "cuda" …, where the models ran.
        inception: path of the Inception network's file, for FID and Inception Score; None for the Fréchet
            distance over VGG features.
        metrics: which were measured, of :data:`~retouch.evaluation.metrics.FAMILIES`; None for all.
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
    """Make the report's folder, or find what is there already.

    Raises:
        RetouchError: there is a report and nobody said to go on with it, or it was made otherwise.
    """
    rows_file, settings_file = out / ROWS, out / SETTINGS
    wanted = vars(settings)
    rows: list[dict[str, Any]] = []
    if rows_file.exists():
        if not resume:
            raise RetouchError(f"{out} holds a report; add --resume to go on with it, or name another --out.")
        # Failures get another chance, and what only failed binds nobody.
        rows = [row for row in _read_rows(rows_file) if row["error"] is None]
        before = _read_settings(settings_file) if rows else wanted
        for key, value in wanted.items():
            if before.get(key) != value:
                raise RetouchError(
                    f"{out} was measured with {key} {before.get(key)!r}, not {value!r}; name another --out."
                )
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_bytes(json.dumps(wanted, indent=1).encode(), settings_file, overwrite=True)
        # Written anew, so that no half line stays in the middle.
        write_bytes("".join(json.dumps(row) + "\n" for row in rows).encode(), rows_file, overwrite=True)
    except OSError as error:
        raise RetouchError(f"Cannot write to {out} ({error.strerror}); name another --out.") from error
    return rows


def _read_rows(path: Path) -> list[dict[str, Any]]:
    rows = []
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise RetouchError(f"Cannot read {path} ({error.strerror}); name another --out.") from error
    for line in lines:
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue  # the last line, cut off by what stopped the run
    return rows


def _read_settings(path: Path) -> dict[str, Any]:
    try:
        settings: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return settings
    except (OSError, ValueError) as error:
        raise RetouchError(f"{path} is lost or damaged, so nobody knows how; name another --out.") from error


def fingerprint(*arrays: NDArray[Any], stamp: str = "") -> str:
    """What tells whether a pair is still the one that a row was measured on."""
    digest = hashlib.sha256(stamp.encode())
    for array in arrays:
        digest.update(f"{array.shape} {array.dtype} ".encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


@cache
def package_digest() -> str:
    """What changes when this package does, its weights included: fills and scores rest on all of it."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted([*package.rglob("*.py"), *package.rglob("*.safetensors")]):
        digest.update(f"{path.relative_to(package).as_posix()} {file_digest(path)}\n".encode())
    return digest.hexdigest()[:16]


def file_digest(path: Path) -> str:
    """What changes when the content of a file does: its SHA-256, in hexadecimal digits.

    Raises:
        RetouchError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RetouchError(f"Cannot read {path} ({error.strerror}); check its name.") from error


def append(out: Path, row: dict[str, Any]) -> None:
    """Keep one more row."""
    with (out / ROWS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
