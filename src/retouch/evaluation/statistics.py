"""From rows to a table: means, differences with their uncertainty, and who wins how often."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retouch.evaluation.metrics import METRICS

Row = Mapping[str, Any]
RESAMPLES = 10_000
# A hole without any high frequency has ratio 0; its distance to 1 is counted as if it were this.
_SMALLEST_RATIO = 1e-3


def badness(metric: str, value: float) -> float:
    """A number that is smaller the better the value is, so that all metrics compare alike.

    That is the value, its negative where higher is better, and the absolute logarithm where 1 is best:
    half and double are then equally far from it.
    """
    better = METRICS[metric].better
    if better == "one":
        return abs(math.log(max(value, _SMALLEST_RATIO)))
    return -value if better == "higher" else value


def paired_interval(differences: Sequence[float], photos: Sequence[str]) -> tuple[float, float]:
    """The 95 % interval of a mean difference, by the percentile bootstrap over photos.

    A photo is drawn with all of its rows: several holes in one photo are not independent of each other.

    Args:
        differences: one for each row.
        photos: the photo of each row.

    Returns:
        Low and high end; the same for the same input, and in whatever order the rows come.
    """
    grouped: dict[str, list[float]] = {}
    for photo, difference in sorted(zip(photos, differences, strict=True)):
        grouped.setdefault(photo, []).append(difference)
    sums: NDArray[np.float64] = np.array([sum(each) for each in grouped.values()])
    counts: NDArray[np.int64] = np.array([len(each) for each in grouped.values()])
    draws = np.random.default_rng(0).integers(len(sums), size=(RESAMPLES, len(sums)))
    means = sums[draws].sum(1) / counts[draws].sum(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def summarise(rows: Sequence[Row], models: Sequence[str], masks: Sequence[str]) -> list[dict[str, Any]]:
    """One entry for each kind of masks and model, and for all kinds together where there are several.

    Args:
        rows: as the runner writes them; rows with an error are counted and otherwise left out.
        models: in the order of the table; the first is what the others are compared to.
        masks: the kinds, in the order of the table.

    Returns:
        The ``summary`` of a report. ``difference`` is that of the values for metrics where lower or higher is
        better, and of the absolute logarithms where 1 is best; negative or positive as the values are.
    """
    kinds = [*masks, "all"] if len(masks) > 1 else list(masks)
    return [
        _entry([row for row in rows if kind in (row["masks"], "all")], kind, model, models[0])
        for kind in kinds
        for model in models
    ]


def _entry(rows: Sequence[Row], kind: str, model: str, reference: str) -> dict[str, Any]:
    mine = [row for row in rows if row["model"] == model]
    good = [row for row in mine if row["error"] is None]
    other = {
        (row["photo"], row["masks"]): row["metrics"]
        for row in rows
        if row["model"] == reference and row["error"] is None
    }
    seconds = [row["seconds"] for row in good if row["seconds"] is not None]
    peaks = [row["peak_mb"] for row in good if row["peak_mb"] is not None]
    return {
        "masks": kind,
        "model": model,
        "count": len(good),
        "errors": len(mine) - len(good),
        "changed": sum(row["changed"] > 0 for row in good),
        "seconds": float(np.median(seconds)) if seconds else None,
        "peak_mb": max(peaks) if peaks else None,
        "metrics": {
            metric: _compare(metric, good, other, model == reference)
            for metric in METRICS
            if any(metric in row["metrics"] for row in good)
        },
        "set": {},
    }


def _compare(
    metric: str, rows: Sequence[Row], other: Mapping[tuple[str, str], Mapping[str, float]], itself: bool
) -> dict[str, Any]:
    """Mean of a metric, and how it compares with the reference on the pairs that both have."""
    rows = [row for row in rows if metric in row["metrics"]]
    # math.fsum is exact, so that the order of the rows never changes a digit.
    result: dict[str, Any] = {
        "mean": math.fsum(row["metrics"][metric] for row in rows) / len(rows),
        "difference": None,
        "low": None,
        "high": None,
        "wins": None,
        "of": None,
    }
    both = [row for row in rows if metric in other.get((row["photo"], row["masks"]), {})]
    if itself or not both:
        return result
    pairs = [(row["metrics"][metric], other[row["photo"], row["masks"]][metric]) for row in both]
    worse = [badness(metric, mine) - badness(metric, theirs) for mine, theirs in pairs]
    sign = -1.0 if METRICS[metric].better == "higher" else 1.0
    differences = [sign * each for each in worse]
    low, high = paired_interval(differences, [row["photo"] for row in both])
    return result | {
        "difference": math.fsum(differences) / len(differences),
        "low": low,
        "high": high,
        "wins": sum(each < 0 for each in worse),
        "of": len(worse),
    }
