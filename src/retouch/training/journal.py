"""What a run writes for people: ``metrics.csv``, TensorBoard, validation grids, and durations in words."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from retouch.files import write_text
from retouch.imaging import write_png

_GAP = 4


class Journal:
    """Writes figures by step.

    ``metrics.csv`` has the columns ``step,name,value``, so that new figures can be added at any time.
    TensorBoard's files are written if TensorBoard is installed.

    Args:
        folder: Folder of the run.
        start: The step at which the run begins or resumes. Figures of later steps are removed.
    """

    def __init__(self, folder: Path, start: int) -> None:
        self._path = folder / "metrics.csv"
        kept = [["step", "name", "value"]]
        if self._path.exists():
            with self._path.open(newline="") as file:
                # Also drops a row that a full disk or a crash cut short.
                rows = [row for row in list(csv.reader(file))[1:] if len(row) == 3 and row[0].isdigit()]
                kept += [row for row in rows if int(row[0]) <= start]
        content = StringIO()
        csv.writer(content, lineterminator="\n").writerows(kept)
        write_text(content.getvalue(), self._path, overwrite=True)
        self._board: Any = None
        if find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=start + 1)

    def add(self, step: int, figures: Mapping[str, float]) -> None:
        """Write the figures of a step."""
        with self._path.open("a", newline="") as file:
            rows = [[step, name, f"{value:.6g}"] for name, value in figures.items()]
            csv.writer(file, lineterminator="\n").writerows(rows)
        if self._board is not None:
            for name, value in figures.items():
                self._board.add_scalar(name, value, step)
            self._board.flush()

    def close(self) -> None:
        """Close TensorBoard's file."""
        if self._board is not None:
            self._board.close()


def write_grid(path: Path, columns: Sequence[Tensor]) -> None:
    """Write pictures side by side, one row per item.

    Args:
        path: A PNG file. An existing one is replaced.
        columns: ``B×3×H×W`` in [0, 1] for each column.
    """
    height, width = (side + _GAP for side in columns[0].shape[2:])
    rows = len(columns[0])
    sheet = np.full((rows * height - _GAP, len(columns) * width - _GAP, 3), 255, np.uint8)
    for across, column in enumerate(columns):
        pixels = (column.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        for down, picture in enumerate(pixels):
            top, left = down * height, across * width
            sheet[top : top + height - _GAP, left : left + width - _GAP] = picture
    path.parent.mkdir(parents=True, exist_ok=True)
    write_png(sheet, path, overwrite=True)


def duration(seconds: float) -> str:
    """Format a duration: "3 h 05 min", "12 min", "40 s"."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
