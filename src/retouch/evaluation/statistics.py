"""Summarise rows: means, differences with their uncertainty, and how often each model wins."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retouch.evaluation.metrics import COLUMNS

Row = Mapping[str, Any]
RESAMPLES = 10_000
# An interval over fewer photos would look more certain than it is.
_FEWEST_PHOTOS = 5
# How many numbers to draw at once, to bound memory.
_DRAWS = 2**22
# A hole without high frequencies has ratio 0, whose logarithm is infinite; it counts as this ratio.
_SMALLEST_RATIO = 1e-3


def badness(metric: str, value: float) -> float:
    """Turn a value into a number where lower is always better.

    This is the value itself, its negative where higher is better, and the absolute logarithm where 1 is best.
    With the logarithm, half and double are equally far from 1.

    Args:
        metric: A key of :data:`~retouch.evaluation.metrics.COLUMNS`.
        value: The value of that metric.
    """
    better = COLUMNS[metric].better
    if better == "one":
        return abs(math.log(max(value, _SMALLEST_RATIO)))
    return -value if better == "higher" else value


def paired_interval(
    differences: Sequence[float], photos: Sequence[str]
) -> tuple[float, float] | tuple[None, None]:
    """The 95 % interval of a mean difference, by the percentile bootstrap over photos.

    A photo is drawn together with all of its rows, because several holes in one photo are not independent.
    The result depends neither on chance nor on the order of the rows.

    Args:
        differences: One per row.
        photos: The photo of each row.

    Returns:
        The low and the high end, or None for both if there are fewer than five photos.
    """
    grouped: dict[str, list[float]] = {}
    for photo, difference in sorted(zip(photos, differences, strict=True)):
        grouped.setdefault(photo, []).append(difference)
    if len(grouped) < _FEWEST_PHOTOS:
        return None, None
    sums: NDArray[np.float64] = np.array([sum(each) for each in grouped.values()])
    counts: NDArray[np.int64] = np.array([len(each) for each in grouped.values()])
    generator = np.random.default_rng(0)
    means = []
    for start in range(0, RESAMPLES, step := max(1, _DRAWS // len(sums))):
        draws = generator.integers(len(sums), size=(min(step, RESAMPLES - start), len(sums)))
        means.append(sums[draws].sum(1) / counts[draws].sum(1))
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return float(low), float(high)


def summarise(rows: Sequence[Row], models: Sequence[str], masks: Sequence[str]) -> list[dict[str, Any]]:
    """Summarise each model on each kind of mask, and on all kinds together if there are several.

    Args:
        rows: As :func:`~retouch.evaluation.run.measure_all` returns them. Rows with an error are counted and
            otherwise left out.
        models: In the order of the table. The others are compared with the first.
        masks: The kinds of masks, in the order of the table.

    Returns:
        The ``summary`` of a report, one entry for each kind and model. For metrics where 1 is best, ``mean``
        is the geometric mean, and ``difference`` compares absolute logarithms. For all others, ``difference``
        compares the values. ``rank`` is the mean :func:`badness` over the pairs that every model has a value
        for, so a model that failed on hard photos gains nothing by it.
    """
    kinds = [*masks, "all"] if len(masks) > 1 else list(masks)
    summary = []
    for kind in kinds:
        chosen = [row for row in rows if kind in (row["masks"], "all")]
        good = [row for row in chosen if row["error"] is None]
        by_model = {name: {_pair(row): row for row in good if row["model"] == name} for name in models}
        for name in models:
            errors = sum(row["model"] == name and row["error"] is not None for row in chosen)
            summary.append(_entry(kind, name, by_model, errors, models[0]))
    return summary


def _pair(row: Row) -> tuple[str, str]:
    return row["photo"], row["masks"]


def _entry(
    kind: str, model: str, by_model: Mapping[str, Mapping[tuple[str, str], Row]], errors: int, reference: str
) -> dict[str, Any]:
    mine = list(by_model[model].values())
    seconds = [row["seconds"] for row in mine if row["seconds"] is not None]
    peaks = [row["peak_mb"] for row in mine if row["peak_mb"] is not None]
    metrics = {}
    for metric in COLUMNS:
        values = {
            name: {pair: row["metrics"][metric] for pair, row in found.items() if metric in row["metrics"]}
            for name, found in by_model.items()
        }
        if values[model]:
            metrics[metric] = _compare(metric, model, values, reference)
    return {
        "masks": kind,
        "model": model,
        "count": len(mine),
        "errors": errors,
        "changed": sum(row["changed"] > 0 for row in mine),
        "seconds": float(np.median(seconds)) if seconds else None,
        "peak_mb": max(peaks) if peaks else None,
        "metrics": metrics,
        "set": {},
    }


def _compare(
    metric: str, model: str, values: Mapping[str, Mapping[tuple[str, str], float]], reference: str
) -> dict[str, Any]:
    """The mean of a metric, and its difference to the reference on the pairs that both have."""
    mine, theirs = values[model], values[reference]
    # A model without any value, which failed everywhere, takes no part.
    common = set.intersection(*(set(each) for each in values.values() if each))
    result: dict[str, Any] = {
        "mean": _mean(metric, mine.values()),
        # math.fsum is exact, so the order of the rows never changes a digit.
        "rank": math.fsum(badness(metric, mine[pair]) for pair in common) / len(common) if common else None,
        "difference": None,
        "low": None,
        "high": None,
        "wins": None,
        "of": None,
    }
    both = [pair for pair in mine if pair in theirs]
    if model == reference or not both:
        return result
    worse = [badness(metric, mine[pair]) - badness(metric, theirs[pair]) for pair in both]
    sign = -1.0 if COLUMNS[metric].better == "higher" else 1.0
    differences = [sign * each for each in worse]
    low, high = paired_interval(differences, [photo for photo, _ in both])
    return result | {
        "difference": math.fsum(differences) / len(differences),
        "low": low,
        "high": high,
        "wins": sum(each < 0 for each in worse),
        "of": len(worse),
    }


def _mean(metric: str, values: Collection[float]) -> float:
    if COLUMNS[metric].better == "one":
        return math.exp(math.fsum(math.log(max(each, _SMALLEST_RATIO)) for each in values) / len(values))
    return math.fsum(values) / len(values)
