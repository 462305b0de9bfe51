"""The rows of a report as they come, and what must be the same for all of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retouch.errors import RetouchError

ROWS, SETTINGS = "rows.jsonl", "settings.json"


@dataclass(frozen=True)
class Settings:
    """What must be the same for rows to stand in one table.

    Attributes:
        data: the folder that was measured on.
        protocol: name of the protocol, if one was followed.
        seed: of the models.
        threads: of each process.
        device: "cpu", "cuda" …, where the models ran.
        inception: path of the Inception network's file, for FID and Inception Score; None for the Fréchet
            distance over VGG features.
    """

    data: str
    protocol: str | None = None
    seed: int = 0
    threads: int = 1
    device: str = "auto"
    inception: str | None = None


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
        before = json.loads(settings_file.read_text("utf-8")) if settings_file.exists() else {}
        for key, value in wanted.items():
            if before.get(key) != value:
                raise RetouchError(
                    f"{out} was measured with {key} {before.get(key)!r}, not {value!r}; name another --out."
                )
        for line in rows_file.read_text("utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:
                continue  # the last line, cut off by what stopped the run
    try:
        out.mkdir(parents=True, exist_ok=True)
        settings_file.write_text(json.dumps(wanted, indent=1), "utf-8")
        # Written anew, so that no half line stays in the middle; failures get another chance.
        rows = [row for row in rows if row["error"] is None]
        rows_file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    except OSError as error:
        raise RetouchError(f"Cannot write to {out} ({error.strerror}); name another --out.") from error
    return rows


def append(out: Path, row: dict[str, Any]) -> None:
    """Keep one more row."""
    with (out / ROWS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
