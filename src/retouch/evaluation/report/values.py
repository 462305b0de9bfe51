"""What the forms of the report share: which metrics to show, how many digits, and which value is best."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

from retouch.evaluation.metrics import COLUMNS
from retouch.evaluation.statistics import badness

Result = dict[str, Any]

RATIO_NOTE = (
    "Where 1 is best (→1), the mean is geometric, and the difference compares absolute logarithms. The best "
    "model is the one whose absolute logarithms are smallest, so smear and speckle do not cancel out."
)


def cleaned(value: Any) -> Any:
    """Convert to what JSON can hold; numbers that are not finite become None."""
    if isinstance(value, Mapping):
        return {str(key): cleaned(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [cleaned(each) for each in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    return str(value)


def weights_files(result: Result) -> list[str]:
    """A line for each model that came from a weights file: its name, the file and the file's digest."""
    files = result.get("weights") or {}
    return [f"{name}: {file['path']} (sha256 {file['sha256']})" for name, file in files.items()]


def entries(result: Result, masks: str) -> list[dict[str, Any]]:
    """The summary for one kind of masks, with one entry per model."""
    return [entry for entry in result["summary"] if entry["masks"] == masks]


def mask_kinds(result: Result) -> list[str]:
    """The kinds of masks in the summary, including "all" if there is such an entry."""
    return list(dict.fromkeys(entry["masks"] for entry in result["summary"]))


def mean(entry: Mapping[str, Any], metric: str) -> float | None:
    """The mean of a metric over the pairs, its value for the whole set, or the published figure."""
    found = entry.get("metrics", {}).get(metric)
    if isinstance(found, Mapping):
        found = found.get("mean")
    if found is None:
        found = entry.get("set", {}).get(metric)
    return None if found is None else float(found)


def published(result: Result, masks: str) -> list[dict[str, Any]]:
    """The published figures for one kind of masks."""
    return [entry for entry in result.get("published") or [] if entry["masks"] == masks]


def shown(result: Result) -> list[str]:
    """The metrics that have at least one value, in the order of the tables."""
    everything = [*result["summary"], *(result.get("published") or []), *result["rows"]]
    found = {
        key
        for entry in everything
        for key in (*entry.get("metrics", {}), *entry.get("set", {}))
        if mean(entry, key) is not None
    }
    return [metric for metric in COLUMNS if metric in found]


def digits(result: Result, metric: str) -> int:
    """How many digits after the point give the largest mean four significant ones."""
    everything = [*result["summary"], *(result.get("published") or [])]
    values = [abs(value) for entry in everything if (value := mean(entry, metric))]
    return min(5, max(0, 3 - math.floor(math.log10(max(values))))) if values else 3


def is_best(result: Result, entry: Mapping[str, Any], metric: str) -> bool:
    """Whether a model has the best value of a metric, judged on the pairs that all models have.

    Metrics of whole sets have no pairs. They are compared only if all models filled equally many.
    """
    rivals = [each for each in entries(result, entry["masks"]) if mean(each, metric) is not None]
    if len(rivals) < 2 or mean(entry, metric) is None:
        return False
    if metric in entry.get("metrics", {}):
        ranks = [each["metrics"][metric].get("rank") for each in rivals]
    else:
        if len({each.get("count") for each in rivals}) > 1:
            return False
        ranks = [badness(metric, mean(each, metric) or 0.0) for each in rivals]
    mine = ranks[[each["model"] for each in rivals].index(entry["model"])]
    return mine is not None and all(each is None or mine <= each for each in ranks)


def failures(result: Result) -> dict[tuple[str, str, str], list[str]]:
    """What could not be scored: the models, by photo, kind of masks and error."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for row in result["rows"]:
        if row.get("error"):
            found.setdefault((row["photo"], row["masks"], row["error"]), []).append(row["model"])
    return found
