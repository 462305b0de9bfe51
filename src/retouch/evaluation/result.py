"""Turn rows into the result that a report shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retouch.evaluation.candidates import WeightsFile
from retouch.evaluation.metrics import NAMES, measure_set, notes
from retouch.evaluation.pictures import features_path, fill_path, truth_path
from retouch.evaluation.statistics import summarise
from retouch.evaluation.store import Settings


def collect(
    rows: Sequence[dict[str, Any]],
    models: Sequence[str],
    masks: Sequence[str],
    out: Path,
    settings: Settings,
    *,
    command: str,
    published: Sequence[dict[str, Any]] | None = None,
    weights: Mapping[str, WeightsFile | None] | None = None,
) -> dict[str, Any]:
    """Summarise a measurement.

    Args:
        rows: As :func:`~retouch.evaluation.run.measure_all` returns them.
        models: In the order of the table. The others are compared with the first.
        masks: The kinds of masks, in the order of the table.
        out: The report's folder, which holds the features.
        settings: How the rows were measured.
        command: The command that produces this result.
        published: Published figures to show beside the measured ones.
        weights: The files of the models that are weights files.

    Returns:
        What ``report.json`` holds: the settings, ``notes`` (sentences on what is missing), ``summary`` (see
        :func:`~retouch.evaluation.statistics.summarise`, with the metrics of whole sets in ``set``),
        ``published``, ``weights`` and ``rows``.
    """
    import torch

    import retouch

    names = settings.metrics or NAMES
    summary = summarise(rows, models, masks)
    for entry in summary:
        chosen = [
            row
            for row in rows
            if row["model"] == entry["model"]
            and entry["masks"] in (row["masks"], "all")
            and row["error"] is None
        ]
        entry["set"] = _whole_set(chosen, out, settings)
    return {
        "retouch": retouch.__version__,
        "command": command,
        "data": settings.data,
        "protocol": settings.protocol,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "size": settings.size,
        "machine": {"threads": settings.threads, "device": settings.device, "torch": torch.__version__},
        "notes": notes(_fewest(rows, models), settings.inception, names),
        "models": list(models),
        "masks": list(masks),
        "weights": {name: file._asdict() for name, file in (weights or {}).items() if file is not None},
        "summary": summary,
        "published": list(published) if published else None,
        "rows": list(rows),
    }


def _fewest(rows: Sequence[dict[str, Any]], models: Sequence[str]) -> int:
    """How many photos were scored of the model that has the fewest."""
    scored = [(row["model"], row["photo"]) for row in rows if row["error"] is None]
    return min((len({photo for name, photo in scored if name == model}) for model in models), default=0)


def _whole_set(rows: Sequence[dict[str, Any]], out: Path, settings: Settings) -> dict[str, float]:
    """Metrics that compare the distribution of the fills with that of their photos."""
    # Sorted, so that the order of the rows never changes a digit. A photo counts once, whatever its holes.
    rows = sorted(rows, key=lambda row: (row["photo"], row["masks"]))
    fills = _features([fill_path(row["model"], row["masks"], row["photo"]) for row in rows], out)
    truths = _features([truth_path(photo) for photo in sorted({row["photo"] for row in rows})], out)
    return measure_set(fills, truths, settings.inception, settings.metrics or NAMES)


def _features(pictures: Sequence[Path], out: Path) -> NDArray[np.float64]:
    """The features of all pictures that are large enough to have any, ``N×D``."""
    paths = [path for picture in pictures if (path := features_path(out, picture)).exists()]
    return np.array([np.load(path) for path in paths], np.float64)
