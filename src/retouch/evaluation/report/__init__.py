"""The report of a measurement, as four files."""

from __future__ import annotations

import json
from pathlib import Path

from retouch.evaluation.report.html import page
from retouch.evaluation.report.markdown import tables
from retouch.evaluation.report.sheet import draw_sheet
from retouch.evaluation.report.values import Result, cleaned
from retouch.files import write_bytes
from retouch.imaging import write_png

__all__ = ["write_report"]


def write_report(result: Result, folder: Path) -> None:
    """Write ``report.json``, ``report.md``, ``index.html`` and ``sheet.png``, replacing older ones.

    Each file is replaced in one step, so a reader sees the old file or the new one. Numbers that are not
    finite become null.

    Args:
        result: As :func:`~retouch.evaluation.result.collect` returns it.
        folder: The report's folder. Its pictures are where :mod:`~retouch.evaluation.pictures` puts them; a
            missing picture is shown as missing.

    Raises:
        RetouchError: The folder does not exist or cannot be written to.
    """
    result = cleaned(result)
    texts = {
        "report.json": json.dumps(result, indent=1) + "\n",
        "report.md": tables(result),
        "index.html": page(result),
    }
    for name, text in texts.items():
        # On Linux a file name can be any bytes. Such a name must not stop the report.
        write_bytes(text.encode("utf-8", "replace"), folder / name, overwrite=True)
    write_png(draw_sheet(result, folder), folder / "sheet.png", overwrite=True)
