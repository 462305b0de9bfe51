"""What a reader gets to see of a measurement."""

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
    """Write ``report.json``, ``report.md``, ``index.html`` and ``sheet.png``, in place of older ones.

    Each file is at every moment either the old or the new one. Numbers that are not finite become null.

    Args:
        result: what :func:`~retouch.evaluation.result.collect` gives.
        folder: folder of the report; its pictures lie where :mod:`~retouch.evaluation.pictures` puts them,
            and one that is missing is shown as missing.

    Raises:
        RetouchError: the folder is missing or cannot be written to.
    """
    result = cleaned(result)
    texts = {
        "report.json": json.dumps(result, indent=1) + "\n",
        "report.md": tables(result),
        "index.html": page(result),
    }
    for name, text in texts.items():
        # File names need not be text (on Linux they are any bytes); a report must be written all the same.
        write_bytes(text.encode("utf-8", "replace"), folder / name, overwrite=True)
    write_png(draw_sheet(result, folder), folder / "sheet.png", overwrite=True)
