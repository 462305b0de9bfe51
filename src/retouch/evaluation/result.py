"""From rows to the whole result that a report shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retouch.evaluation.candidates import WeightsFile
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
    """Sum up what was measured.

    Args:
        rows: of :func:`~retouch.evaluation.run.measure_all`.
        models: in the order of the table; the first is what the others are compared to.
        masks: the kinds of masks, in the order of the table.
        out: folder of the report, where the features lie.
        settings: what was measured how.
        command: that makes this result.
        published: figures to show beside.
        weights: the files of those models that are weights files.

    Returns:
        What ``report.json`` holds: the settings, ``summary`` (see
        :func:`~retouch.evaluation.statistics.summarise`, with the metrics of whole sets in ``set``),
        ``published``, ``weights`` and ``rows``.
    """
    import torch

    import retouch

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
        "models": list(models),
        "masks": list(masks),
        "weights": {name: file._asdict() for name, file in (weights or {}).items() if file is not None},
        "summary": summary,
        "published": list(published) if published else None,
        "rows": list(rows),
    }


def _whole_set(rows: Sequence[dict[str, Any]], out: Path, settings: Settings) -> dict[str, float]:
    """Metrics that compare distributions: of the fills, and of the photos they belong to."""
    from retouch.evaluation.metrics.inception import INCEPTION_FEATURES, frechet_distance, inception_score

    # Sorted, so that the order of the rows never changes a digit; a photo counts once, however many holes.
    rows = sorted(rows, key=lambda row: (row["photo"], row["masks"]))
    fills = _features([fill_path(row["model"], row["masks"], row["photo"]) for row in rows], out)
    truths = _features([truth_path(photo) for photo in sorted({row["photo"] for row in rows})], out)
    if len(fills) < 2 or len(truths) < 2:
        return {}
    if settings.inception is None:
        found = {"frechet_vgg": frechet_distance(fills, truths)}
    else:
        found = {
            "fid": frechet_distance(fills[:, :INCEPTION_FEATURES], truths[:, :INCEPTION_FEATURES]),
            "inception_score": inception_score(fills[:, INCEPTION_FEATURES:]),
        }
    return {key: value for key, value in found.items() if key in (settings.metrics or found)}


def _features(pictures: Sequence[Path], out: Path) -> NDArray[np.float64]:
    """``N×D``, of the pictures that are large enough to have any."""
    paths = [path for picture in pictures if (path := features_path(out, picture)).exists()]
    return np.array([np.load(path) for path in paths], np.float64)
